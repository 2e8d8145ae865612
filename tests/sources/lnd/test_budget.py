"""The promise to the node: at most four unary calls in any 15 seconds while nothing happens."""

import asyncio
import random
from collections import Counter
from dataclasses import replace

from lnwatch.grpc_stubs import lightning_pb2 as ln
from lnwatch.net import Door
from lnwatch.sources import Collector, Cost, Place
from lnwatch.sources.lnd import SOURCE, LndSource
from lnwatch.sources.lnd.client import LndClient
from lnwatch.sources.lnd.methods import A, Method, Q
from tests.manual_clock import ManualClock
from tests.sources.lnd.ledger import MemoryLedger

HOUR = 3_600.0
INFO = ln.GetInfoResponse(
    identity_pubkey="02", version="0.21.2-beta", chains=[ln.Chain(network="regtest")], synced_to_chain=True
).SerializeToString()


class QuietNode(LndClient):
    """Answers at once that there is nothing, and notes when it was asked."""

    def __init__(self, clock: ManualClock) -> None:
        self.cost = Cost()
        self.clock = clock
        self.asked: list[tuple[float, str]] = []
        self.durations: list[tuple[float, float]] = []

    @property
    def encrypted(self) -> bool:
        return False

    async def call(self, method: Method[Q, A], request: Q, *, seconds: float) -> A:
        self.asked.append((self.clock.monotonic(), method.path.rpartition("/")[2]))
        return method.answer.FromString(INFO if method.path.endswith("/GetInfo") else b"")


async def run_for(seconds: float, seed: int, **settings: str) -> tuple[QuietNode, LndSource]:
    """All collectors as the daemon runs them: from start to start, with its jitter."""
    clock, ledger, chance = ManualClock(), MemoryLedger(born=0.0), random.Random(seed)
    block = {"address": "127.0.0.1:10009", "macaroon": "00", **settings}
    source = SOURCE.open(Place("main", "ln", clock, Door(clock=clock)), SOURCE.settings.model_validate(block))
    assert isinstance(source, LndSource)
    quiet = QuietNode(clock)
    for one in source._collectors:
        one.node = replace(one.node, client=quiet)

    async def loop(collector: Collector) -> None:
        while True:
            started = clock.monotonic()
            ledger.take(await collector.collect(ledger))
            quiet.durations.append((started, clock.monotonic() - started))
            assert quiet.durations[-1][1] <= collector.deadline
            pause = collector.interval * chance.uniform(0.95, 1.05)
            await clock.sleep(max(0.0, started + pause - clock.monotonic()))

    tasks = [asyncio.create_task(loop(one)) for one in source.collectors]
    await clock.advance(seconds)
    for task in tasks:
        task.cancel()
    for outcome in await asyncio.gather(*tasks, return_exceptions=True):
        assert isinstance(outcome, asyncio.CancelledError), outcome
    return quiet, source


def busiest(asked: list[tuple[float, str]], after: float, window: float = 15.0) -> int:
    """The most calls in any window that begins after `after`."""
    times = [at for at, _ in asked if at >= after]
    return max(sum(start <= at < start + window for at in times) for start in times)


async def test_four_calls_in_fifteen_seconds() -> None:
    """With every collector on and the daemon's jitter, no 15 s after the start hold more than four calls."""
    for seed in range(3):
        quiet, _ = await run_for(HOUR, seed)
        assert busiest(quiet.asked, after=1.0) <= 4
        assert not any(name in {"DescribeGraph", "LookupInvoice"} for _, name in quiet.asked)


async def test_nobody_starves() -> None:
    """The limit costs freshness next to nothing: each collector still comes close to its interval."""
    quiet, _ = await run_for(HOUR, seed=7)
    runs = Counter(name for _, name in quiet.asked)
    expected = {
        "GetInfo": 240,
        "ListChannels": 240,
        "GetNodeInfo": 60,
        "PendingChannels": 60,
        "ListPeers": 60,
        "WalletBalance": 60,
        "ListInvoices": 60,
        "ListPayments": 30,
        "ForwardingHistory": 30,
        "Stats": 12,
        "ClosedChannels": 1,
    }
    for name, usual in expected.items():
        assert runs[name] >= 0.9 * usual, name


async def test_waiting_does_not_recur() -> None:
    """Collectors that began together queue once, and keep out of each other's way from then on."""
    quiet, _ = await run_for(HOUR, seed=3)
    settled = [duration for started, duration in quiet.durations if started > 600]
    assert sum(settled) / len(settled) < 1.0


async def test_first_round_waits_for_nobody() -> None:
    """At the start everything is read at once: true figures are there within seconds."""
    quiet, _ = await run_for(1.0, seed=1)
    assert {name for _, name in quiet.asked} >= {
        "GetInfo",
        "ListChannels",
        "ListInvoices",
        "WalletBalance",
        "ListPeers",
    }


async def test_shorter_interval_is_the_operators_wish() -> None:
    """A shorter interval of a fast collector is kept; the slow ones keep sharing their slots."""
    quiet, _ = await run_for(600.0, seed=2, node_interval="5s")
    runs = Counter(name for _, name in quiet.asked)
    assert runs["GetInfo"] >= 110
    slow = [(at, name) for at, name in quiet.asked if name not in {"GetInfo", "ListChannels"}]
    assert busiest(slow, after=1.0) <= 2
