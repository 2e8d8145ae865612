"""The whole path over real sockets: collectors, View, automations, executor, hands; the other system is the double."""

import asyncio
import time
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from lnwatch.domain.liquidity import node_liquidity
from lnwatch.domain.offering import offers
from lnwatch.executor.executor import Executor
from lnwatch.executor.lnd import GRANT
from lnwatch.executor.opening import Hired, Workplace
from lnwatch.executor.requests import Requests
from lnwatch.executor.settings import AUTOMATIONS, BLOCK, ExecutorSettings
from lnwatch.model.action import Nothing, Offer
from lnwatch.model.lightning import Channels
from lnwatch.model.snapshot import TargetState
from lnwatch.model.view import View
from lnwatch.net import Door
from lnwatch.simulator.lnd import LndDouble, Node
from lnwatch.simulator.lnd.node import Scale
from lnwatch.sources import Place
from lnwatch.sources.lnd import LndSource
from lnwatch.sources.lnd.settings import LndSettings
from lnwatch.store import Ledger, LedgerSettings, open_ledger
from lnwatch.target import Target
from tests.sources.lnd.bench import ShiftedClock
from tests.sources.lnd.ledger import MemoryLedger

HOST = "198.51.100.0:9735"


@dataclass
class Shop:
    """A merchant's node and everything of lnwatch that acts on it."""

    double: LndDouble
    clock: ShiftedClock
    target: Target
    executor: Executor
    settings: ExecutorSettings

    @property
    def node(self) -> Node:
        return self.double.node

    async def cycle(self) -> tuple[Offer, ...]:
        """Look, ask the automations, and let the executor consider what they say."""
        told = offers(AUTOMATIONS.values(), await self.look(), self.settings.thresholds())
        await self.executor.consider(told)
        return told

    async def look(self) -> View:
        """What the collectors see now."""
        now, target = self.clock.now(), self.target
        for collector in target.source.collectors:
            if collector.name in {"node", "channels", "peers"}:
                assert isinstance(target.source, LndSource)
                target.source._node.hints.expect([collector.name])  # it waits for no slot then
                reading = await collector.collect(MemoryLedger(born=now))
                target.take(collector.name, now, reading)
                target.records[collector.name].succeeded(now, 0.01)
                if reading.target is not None:
                    target.enter(now, reading.target)
        channels = target.snapshots["channels"].facts
        assert isinstance(channels, Channels)
        return View("main", now, None, {"ln1": target.view()}, {"ln1": node_liquidity(now, channels)}, {})

    @property
    def states(self) -> dict[str, str]:
        return {record.proposal.automation: record.state.value for record in self.executor.book.records.values()}


@pytest.fixture
async def ledger(tmp_path: Path) -> AsyncIterator[Ledger]:
    """Over SQLite: what differs between backends is shown elsewhere."""
    opened = await open_ledger(LedgerSettings(path=tmp_path / "ledger.sqlite3"), tmp_path, ShiftedClock())
    yield opened
    await opened.close()


@pytest.fixture
async def shop(ledger: Ledger, tmp_path: Path) -> AsyncIterator[Shop]:
    """A node with two peers; inbound suffices in all, but the last channel has none."""
    clock = ShiftedClock()
    node = Node(now=time.time, scale=Scale(channels=5))
    for number, channel in enumerate(node.channels):
        channel.local_balance, channel.remote_balance = (4_800_000, 0) if number == 4 else (500_000, 4_300_000)
    double = LndDouble(node, tmp_path)
    await double.start()
    hands = tmp_path / "hands.macaroon"
    hands.write_bytes(node.bakery.bake([GRANT]))
    hands.chmod(0o600)
    lnd = LndSettings(address=double.address, tls_cert_file=str(double.certificate), macaroon_file=str(double.macaroon))
    place = Place("main", "ln1", clock, Door(clock=clock))
    dear = {"channel_rebalance": {"fee_ppm": 1_000}}  # what the double's peers ask
    settings = BLOCK.model_validate({"dry_run": False, "automations": dear})
    hired = Hired([Workplace(place, lnd, hands)], dry_run=False)
    executor = Executor(ledger.journal, hired.crew, settings, clock)
    await executor.restore()
    source = LndSource(place, lnd)
    yield Shop(
        double, clock, Target(site="main", slug="ln1", kind="lnd", lightning=True, source=source), executor, settings
    )
    await source.close()
    await hired.close()
    await double.stop()


async def test_from_a_lost_peer_to_its_return(shop: Shop) -> None:
    """A peer is lost, called at the address that it announces, and is back; then there is nothing to propose."""
    await shop.cycle()
    assert shop.target.state is TargetState.UP
    peer = shop.node.channels[0].remote_pubkey
    shop.node.doors[HOST] = peer
    shop.node.lose(peer)
    await shop.cycle()
    assert shop.states["peer_reconnect"] == "done"
    assert all(channel.active for channel in shop.node.channels)
    told = await shop.cycle()
    reasons = {offer.automation: offer.reason for offer in told if isinstance(offer, Nothing)}
    assert reasons == {"peer_reconnect": "all_online"}
    assert shop.double.calls["/lnrpc.Lightning/ConnectPeer"] == 1


async def test_from_a_dry_channel_to_a_rehearsal(shop: Shop) -> None:
    """A move is proposed with its route, waits for a person, is rehearsed, and the node was asked once for a route."""
    for _ in range(3):
        await shop.cycle()
    (view,) = shop.executor.standing().proposals
    record = view.record
    assert (record.proposal.automation, view.verdict.words) == (
        "channel_rebalance",
        "it needs the approval of one person",
    )
    assert record.proposal.added["route"].split()[0] == record.proposal.parameters["source_channel"]
    await Requests(shop.executor).approve({"proposal": record.id, "digest": record.proposal.digest, "actor": "ann"})
    await shop.cycle()
    assert shop.states == {"channel_rebalance": "rehearsed"}
    assert shop.double.calls["/lnrpc.Lightning/QueryRoutes"] == 1
    assert not [path for path in shop.double.calls if "Send" in path or "Invoice" in path]


async def test_by_itself(shop: Shop) -> None:
    """Shown nothing but Views, it does the same in a task of its own."""
    running = asyncio.create_task(shop.executor.run())
    peer = shop.node.channels[0].remote_pubkey
    shop.node.doors[HOST] = peer
    shop.node.lose(peer)
    shop.executor.show({"main": await shop.look()})
    for _ in range(1_000):
        if shop.states.get("peer_reconnect") == "done":
            break
        await asyncio.sleep(0.02)
    running.cancel()
    assert shop.states["peer_reconnect"] == "done"
    assert all(channel.active for channel in shop.node.channels)
