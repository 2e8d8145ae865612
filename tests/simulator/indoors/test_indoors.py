"""Asked from within their own process the doubles fail as they do over sockets; a coarse clock wakes at full grains."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from lnwatch.clock import SystemClock
from lnwatch.errors import FailureReason, SourceError
from lnwatch.grpc_stubs import simulated_lnd_pb2 as sim
from lnwatch.net import Door
from lnwatch.simulator.indoors import CoarseClock, Indoors
from lnwatch.simulator.world import shops
from lnwatch.simulator.world.stage import Stage
from lnwatch.sources import Place, Source, SourceKind
from lnwatch.sources.bitcoind import SOURCE as BITCOIND
from lnwatch.sources.btcpay import SOURCE as BTCPAY
from lnwatch.sources.lnd import SOURCE as LND
from lnwatch.sources.nbxplorer import SOURCE as NBXPLORER
from tests.manual_clock import ManualClock
from tests.sources.btcpay.bed import Ledger

BEGIN = 1_788_163_200
SHORT = "1s"  # until an answer is given up
Break = Callable[[Stage], Awaitable[object] | object]


@asynccontextmanager
async def staged(folder: Path, *, inside: bool) -> AsyncIterator[tuple[Stage, dict[str, Source]]]:
    """A world that just began, and a source of each kind that reads it."""
    stage = Stage(shops("indoors", BEGIN * 1_000, books=200), folder, listens=not inside)
    door = Door(inside=Indoors(stage) if inside else None)
    async with stage.opened():
        stage.lnd.macaroon.chmod(0o600)
        waits = {"timeout": SHORT, "slow_timeout": SHORT}
        shop: dict[str, object] = {
            "url": stage.btcpay.url,
            "api_key": stage.key,
            "stores": {"books": stage.stores["books"].id},
            **waits,
        }
        login: dict[str, object] = {"user": stage.monitor.name, "password": stage.monitor.password}
        files: dict[str, object] = {"tls_cert_file": stage.lnd.certificate, "macaroon_file": stage.lnd.macaroon}
        place = Place("main", "x", SystemClock(), door)
        blocks: tuple[tuple[SourceKind[Any], dict[str, object]], ...] = (
            (BTCPAY, shop),
            (BITCOIND, {"url": stage.bitcoind.url, **login, "deadline": SHORT}),
            (NBXPLORER, {"url": stage.nbxplorer.url, "deadline": SHORT}),
            (LND, {"address": stage.lnd.address, **files, "timeout": SHORT, "slow_timeout": SHORT}),
        )
        sources: dict[str, Source] = {
            kind.kind: kind.open(place, kind.settings.model_validate(values)) for kind, values in blocks
        }
        try:
            yield stage, sources
        finally:
            for each in sources.values():
                await each.close()


def hang_bitcoind(stage: Stage) -> None:
    """It takes requests and never answers."""
    stage.bitcoind.node.faults.hang = asyncio.Event()


def warm_up(stage: Stage) -> None:
    """It has only just begun."""
    stage.bitcoind.node.faults.warm_up = "Loading block index…"


BROKEN: dict[str, tuple[str, Break, FailureReason]] = {
    "BTCPay is away": ("btcpay", lambda stage: stage.btcpay.stop(), FailureReason.REFUSED),
    "BTCPay hangs": ("btcpay", lambda stage: stage.btcpay.gate.freeze(), FailureReason.TIMEOUT),
    "BTCPay's answers are cut short": (
        "btcpay",
        lambda stage: setattr(stage.btcpay.faults, "truncated", True),
        FailureReason.MALFORMED,
    ),
    "bitcoind is away": ("bitcoind", lambda stage: stage.bitcoind.stop(), FailureReason.REFUSED),
    "bitcoind hangs": ("bitcoind", hang_bitcoind, FailureReason.TIMEOUT),
    "bitcoind warms up": ("bitcoind", warm_up, FailureReason.STARTING),
    "NBXplorer hangs": ("nbxplorer", lambda stage: stage.indexer.freeze(), FailureReason.TIMEOUT),
    "LND is away": ("lnd", lambda stage: stage.lnd.stop(), FailureReason.REFUSED),
    "LND hangs": ("lnd", lambda stage: stage.lnd.faults.hanging.add("*"), FailureReason.TIMEOUT),
    "LND is locked": ("lnd", lambda stage: stage.node.enter(sim.LOCKED), FailureReason.LOCKED),
}


@pytest.mark.parametrize("inside", [False, True], ids=["sockets", "indoors"])
@pytest.mark.parametrize("name", BROKEN)
async def test_what_goes_wrong_is_told_alike(name: str, tmp_path: Path, *, inside: bool) -> None:
    """For each way in which a system fails there is one reason, with sockets and without."""
    kind, broken, expected = BROKEN[name]
    async with staged(tmp_path, inside=inside) as (stage, sources):
        lead = sources[kind].collectors[0]
        await lead.collect(Ledger())
        if isinstance(done := broken(stage), Awaitable):
            await done
        with pytest.raises(SourceError) as failed:
            await lead.collect(Ledger())
    assert failed.value.reason is expected, failed.value.message


async def test_who_is_asked_can_go_away_meanwhile(tmp_path: Path) -> None:
    """Whoever waits for the answer of a process that ends is told that the connection was."""
    async with staged(tmp_path, inside=True) as (stage, sources):
        stage.btcpay.gate.freeze()
        asking = asyncio.ensure_future(sources["btcpay"].collectors[0].collect(Ledger()))
        await asyncio.sleep(0.1)
        await stage.btcpay.stop()
        with pytest.raises(SourceError) as failed:
            await asking
    assert failed.value.reason is FailureReason.REFUSED


async def test_a_coarse_clock_wakes_everybody_at_once() -> None:
    """Woken at the first full grain at which their time has passed, who sleeps longest first, others like them too."""
    clock, woken = ManualClock(1_800_000_010.0), list[tuple[float, float]]()
    coarse = CoarseClock(clock, 60.0)

    async def sleep(seconds: float) -> None:
        await coarse.sleep(seconds)
        woken.append((seconds, clock.now() - 1_800_000_000.0))

    async with asyncio.TaskGroup() as group:
        for seconds in (1.0, 9.0, 47.0, 49.0, 51.0, 199.0):
            group.create_task(sleep(seconds))
        await clock.advance(300)
    late = [(47.0, 60.015), (49.0, 60.015), (9.0, 60.111), (1.0, 60.5), (51.0, 120.015), (199.0, 240.004)]
    assert [(seconds, round(at, 3)) for seconds, at in woken] == late
