"""One thread through the whole house: a fault becomes one message with a runbook, and goes away again."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from lnwatch.simulator.lnd.node import Scale
from tests.audience import CHAT
from tests.postgres import postgres_server, postgres_url  # noqa: F401 - fixtures are found by their names
from tests.real.testbed.daemon import Daemon, running
from tests.real.testbed.waiting import until
from tests.store.conftest import ledger_url  # noqa: F401 - each test runs over both backends
from tests.system.world import World

# A busy machine misses bitcoind's short deadline for some seconds: that must not be told beside the fault that is made.
RULES = {"lightning_down": {"after": "2s"}, "bitcoind_down": {"after": "10s"}}


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    made = World(tmp_path, Scale(channels=3, invoices=10))
    made.chain.mine(30)
    with made.running():
        yield made


@pytest.fixture
def daemon(world: World, tmp_path: Path, ledger_url: str) -> Iterator[Daemon]:  # noqa: F811 - the fixture
    settings = {"ledger": {"url": ledger_url}, "notify": world.telling(), "rules": RULES}
    with running(tmp_path / "lnwatch", world.settings(), settings) as started:
        yield started


def all_up(daemon: Daemon) -> bool:
    return daemon.state_of("ln1") == "up" and daemon.state_of("core") == "up"


def roots(world: World, rule: str) -> list[str]:
    """What stands in the channel itself about a rule's cases, as one text each. A slow restart has one of its own."""
    every = world.do(lambda: [str(each) for each in world.slack.channels[CHAT].roots])
    return [each for each in every if f"/runbooks/{rule}" in each]


def test_fault_is_told_once_and_resolves(world: World, daemon: Daemon) -> None:
    """A node that goes away is one message and one incident with a runbook; its return ends both."""
    until("all is up", lambda: all_up(daemon))
    world.do(lambda: world.lnd.faults.hanging.add("GetInfo"))
    until("an incident", lambda: world.incidents() == ["triggered"], timeout=40)
    until("a message", lambda: len(roots(world, "lightning_down")) == 1)
    (message,) = roots(world, "lightning_down")
    assert "node:ln1" in message
    assert daemon.scrape().value("lnwatch_findings", rule="lightning_down", severity="critical") == 1
    world.do(world.lnd.faults.hanging.clear)
    until("its end", lambda: world.incidents() == ["resolved"], timeout=40)
    assert len(roots(world, "lightning_down")) == 1
    assert world.do(lambda: world.pagerduty.incidents) == 1


def test_nothing_is_told_twice_through_kills(world: World, daemon: Daemon) -> None:
    """However often the daemon is killed while a fault lasts: one incident, one message."""
    until("all is up", lambda: all_up(daemon))
    world.do(world.freeze_bitcoind)
    for _ in range(3):
        until("an incident", lambda: world.incidents() == ["triggered"], timeout=40)
        daemon.restart()
    until("bitcoind is seen again", lambda: daemon.state_of("core") == "hanging", timeout=40)
    world.do(world.thaw_bitcoind)
    until("its end", lambda: world.incidents() == ["resolved"], timeout=40)
    assert len(roots(world, "bitcoind_down")) == 1
    assert world.do(lambda: world.pagerduty.incidents) == 1
