"""The daemon as a process, over real sockets, against a simulated merchant and over both ledgers."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from lnwatch.simulator.lnd.node import Node, Scale
from tests.postgres import postgres_server, postgres_url  # noqa: F401 - fixtures are found by their names
from tests.real.testbed.daemon import Daemon, running
from tests.real.testbed.waiting import until
from tests.store.conftest import ledger_url  # noqa: F401 - each test runs over both backends
from tests.system.world import World

HISTORY = 3_000


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    made = World(tmp_path, Scale(channels=3, invoices=HISTORY))
    made.chain.mine(30)
    with made.running():
        yield made


@pytest.fixture
def daemon(world: World, tmp_path: Path, ledger_url: str) -> Iterator[Daemon]:  # noqa: F811 - the fixture
    with running(tmp_path / "lnwatch", world.settings(), {"ledger": {"url": ledger_url}}) as started:
        yield started


def customer_pays(node: Node) -> None:
    """An invoice over 1,000 satoshis is made and paid."""
    node.receive(node.invoices.add(1_000_000).add_index)


def settled(daemon: Daemon) -> tuple[float, float]:
    """How many invoices settled since birth, and for how many satoshis."""
    exposed = daemon.scrape()
    count = exposed.value("lnwatch_lightning_invoices_total", outcome="settled")
    return count, exposed.value("lnwatch_lightning_received_satoshis_total")


def test_figures_are_those_of_the_merchant(world: World, daemon: Daemon) -> None:
    """Heights, channels and counters are what the systems hold; history counts in no counter."""

    def true() -> bool:
        exposed = daemon.scrape()
        assert exposed.value("lnwatch_bitcoind_blocks") == world.chain.tip.height
        assert exposed.value("lnwatch_lightning_channels", state="active") == 3
        assert exposed.value("lnwatch_backfill_finished", collector="invoice_history") == 1
        return True

    until("the first figures", true, timeout=40)
    assert settled(daemon) == (0, 0)
    channels = daemon.scrape("/metrics/channels")
    local = {labels["channel_id"]: value for labels, value in channels.all("lnwatch_channel_local_balance_satoshis")}
    assert sorted(local.values()) == sorted(channel.local_balance for channel in world.node.channels)


def test_payments_count_once_through_kills(world: World, daemon: Daemon) -> None:
    """Whatever is killed in between, each payment is counted once, and for its amount."""
    until("birth", lambda: daemon.scrape().has("lnwatch_site_birth_timestamp_seconds"))
    total = 0
    for round_ in range(1, 4):
        for _ in range(5):
            world.do(lambda: customer_pays(world.node))
            total += 1_000
        daemon.restart()
        until(f"round {round_}", lambda: settled(daemon) == (5 * round_, total))  # noqa: B023 - looked at in this round


def test_what_hangs_and_what_is_gone(world: World, daemon: Daemon) -> None:
    """A node that never answers is told apart from one that is away, and both come back by themselves."""
    until("all is up", lambda: daemon.state_of("ln1") == "up" and daemon.state_of("core") == "up")
    world.do(lambda: world.lnd.faults.hanging.add("GetInfo"))
    until("LND hangs", lambda: daemon.state_of("ln1") == "hanging", timeout=40)
    world.do(world.freeze_bitcoind)
    until("bitcoind hangs", lambda: daemon.state_of("core") == "hanging")
    assert daemon.get("/readyz").is_success
    world.do(world.lnd.faults.hanging.clear)
    world.do(world.thaw_bitcoind)
    until("both are back", lambda: daemon.state_of("ln1") == "up" and daemon.state_of("core") == "up", timeout=40)


def test_reorganisation_reaches_the_exposition(world: World, daemon: Daemon) -> None:
    """After a reorganisation the height is that of the new chain."""
    until("all is up", lambda: daemon.state_of("core") == "up")
    world.do(lambda: world.chain.reorganise(2, 4))
    until("the new tip", lambda: daemon.scrape().value("lnwatch_bitcoind_blocks") == world.chain.tip.height)
