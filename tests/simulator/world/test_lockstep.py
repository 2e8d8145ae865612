import asyncio
import threading
import time
from collections.abc import Awaitable, Callable
from contextlib import suppress
from pathlib import Path

import pytest

from lnwatch.errors import FailureReason, SourceError
from lnwatch.net import Door
from lnwatch.simulator.lnd import LndDouble, Node
from lnwatch.simulator.lnd.node import Scale
from lnwatch.simulator.world import lockstep
from lnwatch.simulator.world.lockstep import LockstepLoop, RestlessError
from lnwatch.simulator.world.pace import StageClock
from lnwatch.sources import Place
from lnwatch.sources.lnd.client import LndClient
from lnwatch.sources.lnd.methods import GET_INFO, SUBSCRIBE_CHANNEL_EVENTS
from lnwatch.sources.lnd.settings import LndSettings

HOUR = 3_600.0


def live(play: Callable[[LockstepLoop], Awaitable[None]]) -> None:
    """Play in lockstep."""
    loop = LockstepLoop()

    async def whole() -> None:
        await play(loop)

    with asyncio.Runner(loop_factory=lambda: loop) as runner:
        runner.run(whole())


def test_hours_of_waiting_take_no_time() -> None:
    """Everybody wakes at their moment and in its order, and a deadline that nobody keeps is over at its own."""
    woken: list[tuple[str, float]] = []

    async def play(loop: LockstepLoop) -> None:
        async def rest(name: str, seconds: float) -> None:
            await asyncio.sleep(seconds)
            woken.append((name, loop.time()))

        with suppress(TimeoutError):
            async with asyncio.timeout(3 * HOUR):
                await asyncio.gather(rest("late", 2 * HOUR), rest("soon", 0.5), rest("never", 4 * HOUR))
        woken.append(("given up", loop.time()))

    live(play)
    assert woken == [("soon", 0.5), ("late", 2 * HOUR), ("given up", 3 * HOUR)]


def test_what_is_under_way_holds_time() -> None:
    """What a socket or a thread answers, errors too, comes when it was asked for, however long the machine takes."""

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        time.sleep(0.2)  # noqa: ASYNC251 - a slow machine
        writer.write(await reader.readline())
        writer.close()

    async def play(loop: LockstepLoop) -> None:
        ticks = asyncio.create_task(_tick())
        server = await asyncio.start_server(answer, "127.0.0.1", 0)
        await asyncio.sleep(1)
        reader, writer = await asyncio.open_connection(*server.sockets[0].getsockname())
        writer.write(b"well\n")
        assert await reader.readline() == b"well\n"
        assert await asyncio.to_thread(_slow) == "done"
        with pytest.raises(ZeroDivisionError):
            await asyncio.to_thread(lambda: 1 // 0)
        assert loop.time() == 1
        ticks.cancel()
        writer.close()
        server.close()
        await asyncio.sleep(1)

    live(play)


def _slow() -> str:
    time.sleep(0.2)
    return "done"


async def _tick() -> None:
    """Somebody always waits for the next moment."""
    for _ in range(1_000_000):
        await asyncio.sleep(0.01)


def test_a_thread_that_never_rests_ends_it(monkeypatch: pytest.MonkeyPatch) -> None:
    """Time that passed beside it would be anybody's guess, and so would be what happened in it."""
    monkeypatch.setattr(lockstep, "PATIENCE", 20)
    done = threading.Event()

    def toss() -> None:
        while not done.is_set():
            time.sleep(0.001)

    restless = threading.Thread(target=toss)

    async def play(loop: LockstepLoop) -> None:
        restless.start()
        try:
            await asyncio.sleep(1)
        finally:
            done.set()
            restless.join()

    with pytest.raises(RestlessError, match=r"^a thread of this process did not rest while we looked 20 times$"):
        live(play)


def test_a_call_of_grpc_holds_time_unless_it_hangs(tmp_path: Path) -> None:
    """A node answers at once; one that is late when it is, one that hangs never; one that was away is met at once."""

    async def play(loop: LockstepLoop) -> None:
        clock = StageClock(time.time())
        clock.go_live()
        double = LndDouble(Node(now=clock.now, scale=Scale(channels=1)), tmp_path)
        await double.start()
        ticks = asyncio.create_task(_tick())
        files = {"tls_cert_file": double.certificate, "macaroon_file": double.macaroon}
        settings = LndSettings.model_validate({"address": double.address, **{k: str(v) for k, v in files.items()}})
        client = LndClient(Place("site", "node", clock, Door(clock=clock)), settings)

        async def ask() -> float:
            began = loop.time()
            await client.call(GET_INFO, GET_INFO.request(), seconds=5)
            return loop.time() - began

        assert [await ask() for _ in range(20)] == [0] * 20
        double.faults.latency = 3
        assert await ask() == pytest.approx(3)
        double.faults.latency = 0
        double.faults.hanging.add("GetInfo")
        began = loop.time()
        with pytest.raises(SourceError) as raised:
            await ask()
        assert raised.value.reason is FailureReason.TIMEOUT
        assert loop.time() - began == pytest.approx(5)
        double.faults.hanging.clear()
        await double.stop()
        for _ in range(3):
            with pytest.raises(SourceError) as raised:
                await ask()
            assert raised.value.reason is FailureReason.REFUSED
            await asyncio.sleep(15)
        await double.start()
        assert await ask() == 0
        await _hear_of_a_peer(double, client, loop)
        ticks.cancel()
        await client.close()
        await double.stop()

    live(play)


async def _hear_of_a_peer(double: LndDouble, client: LndClient, loop: LockstepLoop) -> None:
    stream = client.stream(SUBSCRIBE_CHANNEL_EVENTS, SUBSCRIBE_CHANNEL_EVENTS.request())
    assert await anext(stream) == []
    await asyncio.sleep(1)
    began = loop.time()
    double.node.set_active(0, active=False)
    assert len(await anext(stream)) == 1
    assert loop.time() == began
    await stream.aclose()
