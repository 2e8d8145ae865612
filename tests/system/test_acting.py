"""What lnwatch does to other systems, as a process: who allowed it, how often, and what is left after `kill -9`."""

import json
import time
from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import Any, Protocol

import pytest

from lnwatch.executor.lnd import GRANT
from lnwatch.simulator.lnd.node import Scale
from tests.postgres import postgres_server, postgres_url  # noqa: F401 - fixtures are found by their names
from tests.real.testbed.daemon import Daemon, merged, quick, running
from tests.real.testbed.waiting import until
from tests.store.conftest import ledger_url  # noqa: F401 - some tests run over both backends
from tests.system.world import World

pytestmark = pytest.mark.timeout(240)

ROUNDS = 12.0  # seconds in which the automations are asked twice at least
RECONNECT = {"automations": {"peer_reconnect": {"offline_seconds": "1s"}, "channel_rebalance": {"enabled": False}}}
REBALANCE = {"automations": {"peer_reconnect": {"enabled": False}, "channel_rebalance": {"fee_ppm": 1_000}}}


class Shop(World):
    """A node with eight channels to two peers, and a macaroon for hands."""

    def __init__(self, folder: Path) -> None:
        super().__init__(folder, Scale(channels=8))
        self.chain.mine(3)
        self.peer = self.node.channels[0].remote_pubkey
        self.host = self.node.gossip[self.peer].addresses[0].addr
        self.node.doors[self.host] = self.peer
        self.hands = folder / "hands.macaroon"
        self.hands.write_bytes(self.node.bakery.bake([GRANT]))
        self.hands.chmod(0o600)

    def settings(self) -> dict[str, object]:
        """What it has for hands, and peers looked at often."""
        more = {"lnd": {"ln1": {**quick("peers"), "hands_macaroon_file": self.hands}}}
        return merged(super().settings(), more)

    def lose(self) -> None:
        """The first peer goes away."""
        self.do(lambda: self.node.lose(self.peer))

    def asked(self, call: str) -> int:
        """How often the node was asked for something."""
        return self.do(lambda: self.lnd.calls[f"/lnrpc.Lightning/{call}"])

    def back(self) -> bool:
        """Whether every channel is online."""
        return self.do(lambda: all(channel.active for channel in self.node.channels))


class Open(Protocol):
    def __call__(self, executor: Mapping[str, object], **more: object) -> AbstractContextManager[Daemon]: ...


@pytest.fixture
def shop(tmp_path: Path) -> Iterator[Shop]:
    with Shop(tmp_path).running() as made:
        yield made


@pytest.fixture
def opened(shop: Shop, tmp_path: Path) -> Open:
    """A daemon with that block `[executor]`, once it sees the node."""

    @contextmanager
    def started(executor: Mapping[str, object], **more: object) -> Iterator[Daemon]:
        with running(tmp_path / "lnwatch", shop.settings(), {"executor": executor, **more}) as daemon:
            until("the node is up", lambda: daemon.state_of("ln1") == "up")
            yield daemon

    return started


def said(daemon: Daemon, *words: str) -> Any:  # noqa: ANN401 - JSON
    """What a command answers to programs."""
    result = daemon.command(*words, "--json")
    assert result.returncode == 0, result.stderr
    return json.loads(result.stdout)


def proposals(daemon: Daemon) -> list[dict[str, Any]]:
    """All that are listed, the oldest first."""
    return list(said(daemon, "proposals")["proposals"])


def states(daemon: Daemon) -> list[str]:
    return [each["state"] for each in proposals(daemon)]


def reasons(daemon: Daemon, automation: str) -> set[str]:
    """Why an automation proposes nothing."""
    return {each["reason"] for each in said(daemon, "proposals")["nothing"] if each["automation"] == automation}


def in_state(daemon: Daemon, *wanted: str) -> None:
    """Wait until the proposals stand so, the oldest first."""

    def reached() -> bool:
        found = states(daemon)
        assert found == list(wanted), found
        return True

    until(f"proposals {wanted}", reached, timeout=60, pause=0.5)


def actions(daemon: Daemon) -> dict[str, float]:
    """What was done of calls, by outcome, as exported."""
    told = daemon.scrape().by("outcome", "lnwatch_actions_total", site="main", action="connect_peer")
    return {outcome: value for outcome, value in told.items() if value}


def test_a_peer_is_called_within_its_budget(shop: Shop, opened: Open, ledger_url: str) -> None:  # noqa: F811 - the fixture
    """A peer that went away is called once each time, with a receipt, until its day's budget is spent, kills or not."""
    budget = {"pause": "1s", "subject_day_actions": 2}
    with opened({"dry_run": False, "connect_peer": budget, **RECONNECT}, ledger={"url": ledger_url}) as daemon:
        for number in (1, 2):
            until("the peers were seen", lambda: "all_online" in reasons(daemon, "peer_reconnect"), timeout=60)
            shop.lose()
            in_state(daemon, *["done"] * number)
            until("its channels are back", shop.back)
            assert shop.asked("ConnectPeer") == number
        told = said(daemon, "proposal", proposals(daemon)[-1]["id"])
        assert (told["outcome"], told["hands"]) == (f"connected at {shop.host}", "lnd")
        assert told["mends"]["rule"] == "channel_inactive"
        until("it is counted", lambda: actions(daemon) == {"done": 2})
        until("the peers were seen", lambda: "all_online" in reasons(daemon, "peer_reconnect"), timeout=60)
        shop.lose()
        for _ in range(2):
            until("the budget is spent", lambda: "over_budget" in reasons(daemon, "peer_reconnect"), timeout=60)
            daemon.restart()
        assert shop.asked("ConnectPeer") == 2
        assert said(daemon, "journal") == {"holds": True, "rows": 6, "sites": {"main": 6}}
        until("it is still counted", lambda: actions(daemon) == {"done": 2})


def test_a_dry_run_is_rehearsed(shop: Shop, opened: Open) -> None:
    """Unless it is told otherwise lnwatch does all but the deed itself, though it has what it takes."""
    with opened(RECONNECT) as daemon:
        shop.lose()
        in_state(daemon, "rehearsed")
        (told,) = proposals(daemon)
        assert told["outcome"].startswith("a dry run: nothing was done; it would have been connect_peer")
        assert (shop.asked("ConnectPeer"), shop.back()) == (0, False)
        until("it is counted", lambda: actions(daemon) == {"rehearsed": 1})


def test_the_kill_switch_stops_it(shop: Shop, opened: Open) -> None:
    """While it is on nothing is even proposed, a restart does not move it, and then all goes on."""
    with opened({"dry_run": False, **RECONNECT}) as daemon:
        on = said(daemon, "kill-switch", "on", "--by", "anna", "-m", "moving house")
        assert (on["on"], on["changed"]) == (True, True)
        shop.lose()
        daemon.restart()
        until("it is told", lambda: daemon.scrape().value("lnwatch_kill_switch") == 1)
        until("it is seen", lambda: daemon.scrape().value("lnwatch_lightning_channels", state="inactive") == 4)
        time.sleep(ROUNDS)
        assert (shop.asked("ConnectPeer"), states(daemon)) == (0, [])
        shown = daemon.command("kill-switch", "status").stdout
        assert shown == "the kill switch is on, nothing is done, by anna: moving house\n"
        daemon.process.stop()
        assert said(daemon, "kill-switch", "off", "--by", "ben")["on"] is False
        assert shop.asked("ConnectPeer") == 0
        daemon.start()
        in_state(daemon, "done")
        assert (shop.asked("ConnectPeer"), shop.back()) == (1, True)


def test_a_person_allows_or_forbids(shop: Shop, opened: Open) -> None:
    """What needs a person's yes waits for it through a kill; a no ends it; either way once."""
    with opened({"dry_run": False, "connect_peer": {"approval": "one", "pause": "1s"}, **RECONNECT}) as daemon:
        shop.lose()
        in_state(daemon, "proposed")
        (first,) = proposals(daemon)
        assert first["verdict"]["ground"] == "needs_approval"
        refused = said(daemon, "reject", first["id"], "--reason", "they moved", "--by", "ben")
        assert (refused["state"], refused["outcome"]) == ("rejected", "rejected by ben: they moved")
        in_state(daemon, "rejected", "proposed")
        second = proposals(daemon)[1]["id"]
        daemon.restart()
        assert shop.asked("ConnectPeer") == 0
        until("it is asked for again", lambda: proposals(daemon)[1]["verdict"]["ground"] == "needs_approval")
        assert said(daemon, "approve", second, "--by", "anna")["approvals"][0]["actor"] == "anna"
        in_state(daemon, "rejected", "done")
        assert (shop.asked("ConnectPeer"), shop.back()) == (1, True)
        late = daemon.command("approve", second)
        assert (late.returncode, late.stdout) == (1, "")
        assert late.stderr == f"lnwatch: proposal {second} is done: it can't be approved or rejected any more\n"


@pytest.mark.parametrize("reached", [True, False])
def test_killed_in_the_middle_of_a_call(shop: Shop, opened: Open, *, reached: bool) -> None:
    """What came of a call that was cut off is found out from the node, and it is not made again."""
    with opened({"dry_run": False, **RECONNECT}) as daemon:
        shop.do(lambda: shop.lnd.faults.hanging.add("ConnectPeer"))
        shop.lose()
        until("it is being called", lambda: shop.asked("ConnectPeer") == 1, timeout=60)
        daemon.process.kill()
        if reached:
            shop.do(lambda: shop.node.connect(shop.peer, shop.host))
        daemon.start()
        in_state(daemon, "done" if reached else "failed")
        (told,) = proposals(daemon)
        assert told["outcome"] == ("it is connected" if reached else "it is not connected")
        time.sleep(ROUNDS)
        assert (shop.asked("ConnectPeer"), shop.back()) == (1, reached)
        if not reached:
            assert "paused" in reasons(daemon, "peer_reconnect")


def spread(shop: Shop, *locals_: int) -> None:
    """Our side of each channel in satoshis; the last goes for all that follow."""

    def apply() -> None:
        for number, channel in enumerate(shop.node.channels):
            whole = channel.local_balance + channel.remote_balance
            channel.local_balance = locals_[min(number, len(locals_) - 1)]
            channel.remote_balance = whole - channel.local_balance

    shop.do(apply)


def test_a_rebalance_is_reckoned_and_never_paid(shop: Shop, opened: Open) -> None:
    """Route and fee of one question stand in the proposal; allowed, it is rehearsed; nothing is ever paid."""
    spread(shop, 4_900_000, 2_500_000)
    with opened({"dry_run": False, **REBALANCE}) as daemon:
        in_state(daemon, "proposed")
        (told,) = proposals(daemon)
        assert told["verdict"]["ground"] == "needs_approval"
        out, back = told["parameters"]["source_channel"], told["parameters"]["target_channel"]
        route = told["parameters"]["route"].split()
        assert (route[0], route[-1], len(route)) == (out, back, 3)
        assert 0 < int(told["parameters"]["fee_msat"]) <= told["fee_limit_msat"]
        time.sleep(ROUNDS)
        said(daemon, "approve", told["id"], "--by", "anna")
        in_state(daemon, "rehearsed")
        assert "dry run: nothing was done" in proposals(daemon)[0]["outcome"]
        until("it waits before the next", lambda: "paused" in reasons(daemon, "channel_rebalance"))
        assert shop.asked("QueryRoutes") == 1
        unexpected = shop.do(lambda: [path for path in shop.lnd.calls if "Send" in path or "Pay" in path])
        assert unexpected == ["/lnrpc.Lightning/ListPayments"]


def test_why_no_rebalance_is_proposed(shop: Shop, opened: Open) -> None:
    """It says so when nothing needs moving, when there is too little in all, and when there is no way."""
    spread(shop, 2_500_000)
    with opened(REBALANCE) as daemon:
        until("all is well", lambda: reasons(daemon, "channel_rebalance") == {"well_spread"}, timeout=60)
        spread(shop, 4_900_000)
        until("it is short", lambda: reasons(daemon, "channel_rebalance") == {"short_in_all"}, timeout=60)
        shop.do(lambda: shop.lnd.faults.failing.update(QueryRoutes="unable to find a path to destination"))
        spread(shop, 4_900_000, 2_500_000)
        until("no way", lambda: reasons(daemon, "channel_rebalance") == {"no_route"}, timeout=60)
        listed = daemon.command("proposals").stdout
        assert listed.startswith("nothing is proposed\nchannel_rebalance at main, channel:")
        assert "LND knows no route for" in listed
        time.sleep(ROUNDS)
        assert shop.asked("QueryRoutes") == 1
