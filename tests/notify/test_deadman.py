"""The dead man's switch: pings after good cycles alone, no more often than it should, and never fails a cycle."""

import asyncio

import pytest
from pydantic import ValidationError

from lnwatch.net import Door
from lnwatch.notify._deadman import DeadMan, DeadManSettings
from lnwatch.simulator.webhook_receiver import Fault, Reply, Sink
from tests.manual_clock import ManualClock
from tests.secrets import plant

plant("planted-ping-uuid")


def switch(sink: Sink, clock: ManualClock, **settings: object) -> DeadMan:
    found = {"ping_url": f"{sink.url}/ping/planted-ping-uuid?create=1", **settings}
    return DeadMan(DeadManSettings.model_validate(found), clock, Door(clock=clock))


async def test_pings_after_good_cycles_at_its_interval() -> None:
    """Cycles every 15 s, a ping every minute."""
    clock = ManualClock()
    async with Sink(clock) as sink:
        deadman = switch(sink, clock)
        sent = []
        for _ in range(9):
            sent.append(await deadman.ping(True))
            await clock.advance(15)
        await deadman.close()
    assert sent == [True, False, False, False, True, False, False, False, True]
    assert {(request.method, request.path) for request in sink.received} == {("POST", "/ping/planted-ping-uuid")}
    assert sink.received[0].query == {"create": "1"}


async def test_stays_away_while_cycles_are_not_good() -> None:
    """A bad cycle says nothing at all; the first good one after it pings when it is due."""
    clock = ManualClock()
    async with Sink(clock) as sink:
        deadman = switch(sink, clock)
        await deadman.ping(True)
        for _ in range(20):
            await clock.advance(15)
            assert await deadman.ping(False) is False
        assert await deadman.ping(True) is True
        await deadman.close()
    assert len(sink.received) == 2


async def test_tells_failure_where_it_is_configured() -> None:
    """With `tell_failure` the change is told at once, both ways, and repeated at the interval."""
    clock = ManualClock()
    async with Sink(clock) as sink:
        deadman = switch(sink, clock, tell_failure=True)
        for good in (True, False, False, True):
            await deadman.ping(good)
            await clock.advance(15)
        await deadman.close()
    assert [request.path.removeprefix("/ping/planted-ping-uuid") for request in sink.received] == ["", "/fail", ""]


@pytest.mark.parametrize("fault", [Reply(404), Reply(500), Reply(302), Fault.HANG_UP])
async def test_trouble_is_told_and_tried_again(fault: Reply | Fault) -> None:
    """A ping that was not taken is tried with the next cycle; why is shown, without the address."""
    clock = ManualClock()
    async with Sink(clock) as sink:
        sink.faults.append(fault)
        deadman = switch(sink, clock)
        assert await deadman.ping(True) is False
        assert deadman.trouble
        assert "planted" not in deadman.trouble
        assert await deadman.ping(True) is True
        assert deadman.trouble == ""
        await deadman.close()


async def test_never_twice_at_a_time() -> None:
    """A slow receiver is not asked again while it has not answered."""
    clock = ManualClock()
    async with Sink(clock) as sink:
        deadman = switch(sink, clock)
        assert sorted(await asyncio.gather(deadman.ping(True), deadman.ping(True))) == [False, True]
        await deadman.close()
    assert len(sink.received) == 1


async def test_nobody_to_ping() -> None:
    """Without an address it does nothing."""
    clock = ManualClock()
    deadman = DeadMan(DeadManSettings(), clock, Door(clock=clock))
    assert await deadman.ping(True) is False
    assert DeadManSettings().configured is False


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"ping_url": "https://x.example/", "ping_url_file": "/f"}, "not both"),
        ({"ping_url": "planted"}, "absolute address"),
        ({"interval": "5s"}, "at least `10s`"),
        ({"tell_failure": True}, "needs `ping_url_file`"),
    ],
)
def test_bad_settings_say_what_to_write(settings: dict[str, object], words: str) -> None:
    """Each mistake is one sentence with the remedy."""
    with pytest.raises(ValidationError) as caught:
        DeadManSettings.model_validate(settings)
    assert words in caught.value.errors()[0]["msg"]
