"""Slack and PagerDuty are away: once they are back, people learn what was, nothing of it twice."""

from collections.abc import AsyncIterator
from dataclasses import replace

import pytest

from lnwatch.model.case import Transition
from lnwatch.model.message import Notice
from lnwatch.notify._outbox import LEASE
from lnwatch.simulator.pagerduty import PagerDutyDouble
from lnwatch.simulator.slack import SlackDouble
from tests.manual_clock import ManualClock
from tests.notify.notices import NOW, notice
from tests.notify.outbox import KilledError
from tests.notify.world import KEY, TOKEN, World

OPENED, RESOLVED = Transition.OPENED, Transition.RESOLVED
OPENING = notice(opened_at=NOW, found_at=NOW - 60)
END = notice(RESOLVED, at=NOW + 900, opened_at=NOW, found_at=NOW - 60, ended_at=NOW + 900)
SPAN = "From 2027-01-15 08:00:00 UTC to 2027-01-15 08:15:00 UTC (15 min)"


@pytest.fixture
async def world() -> AsyncIterator[World]:
    """Both services, and delivery to them."""
    clock = ManualClock()
    async with SlackDouble(clock, TOKEN) as chat, PagerDutyDouble(clock, frozenset({KEY})) as pager:
        made = World(clock, chat, pager)
        yield made
        await made.delivery.close()


async def away(world: World) -> None:
    """Neither can be reached, and lnwatch has found out."""
    await world.chat.stop()
    await world.pager.stop()


async def missed(world: World, *notices: Notice) -> None:
    """What is tried in vain."""
    await world.tell(*notices, steps=2)


async def back(world: World) -> None:
    """A quarter of an hour later both can be, and everything is tried again."""
    await world.clock.advance(900)
    await world.chat.start()
    await world.pager.start()
    await world.run()
    await world.clock.advance(LEASE + 1)
    await world.run()


def texts(world: World) -> list[str]:
    """What stands in the channel, threads included."""
    return [str(each["text"]) for each in world.channel.messages.values()]


async def test_what_opened_and_ended_meanwhile_is_one_message_and_no_call(world: World) -> None:
    """Slack learns that it opened and ended, and when; PagerDuty wakes nobody for what is over."""
    await away(world)
    await missed(world, OPENING)
    await missed(world, END)
    await back(world)
    assert len(texts(world)) == 1
    assert "Resolved by itself after 15 min, before you could be told that it had opened." in texts(world)[0]
    assert SPAN in str(world.channel.roots[0]["blocks"])
    assert (world.pager.events, world.pager.incidents) == ([], 0)
    assert set(world.outbox.states("ops") + world.outbox.states("page")) == {"done"}


async def test_what_goes_on_is_told_and_called(world: World) -> None:
    """What is still so when they are back is a message and an incident, and its end follows."""
    await away(world)
    await missed(world, OPENING)
    await back(world)
    assert world.pager.incidents == 1
    await world.tell(END)
    assert [each["event_action"] for each in world.pager.events] == ["trigger", "resolve"]
    assert [text.split(":")[0] for text in texts(world)] == ["✅ Resolved", "Resolved by itself after 15 min."]


async def test_the_end_of_what_was_told_before_is_told(world: World) -> None:
    """What fired before the outage resolves after it, in its own thread and incident."""
    await world.tell(OPENING)
    await away(world)
    await missed(world, END)
    await back(world)
    assert [each["event_action"] for each in world.pager.events] == ["trigger", "resolve"]
    assert len(world.channel.roots) == 1
    assert texts(world)[1] == "Resolved by itself after 15 min."


async def test_what_came_back_and_went_again_goes_below_what_was_told(world: World) -> None:
    """A case that reopened and ended in the outage is told in its thread, with what was missed."""
    await world.tell(OPENING)
    await world.tell(END)
    await away(world)
    again = replace(OPENING, transition=Transition.REOPENED, transition_number=3, at=NOW + 1_000)
    await missed(world, again)
    await missed(world, replace(END, transition_number=4, at=NOW + 1_200, ended_at=NOW + 1_200))
    await back(world)
    assert len(world.channel.roots) == 1
    assert texts(world)[-1] == "Resolved by itself after 20 min, before you could be told that it had reopened."
    assert world.pager.incidents == 1


async def test_an_escalation_that_is_over_calls_nobody(world: World) -> None:
    """Slack is told of it in the thread; PagerDuty, which was never told of the warning, starts no incident."""
    world.outbox.put("ops", OPENING)
    await world.run()
    await away(world)
    await missed(world, replace(OPENING, transition=Transition.ESCALATED, transition_number=3))
    await missed(world, replace(END, transition_number=4))
    await back(world)
    assert texts(world)[-1] == "Resolved by itself after 15 min, before you could be told that it had escalated."
    assert world.pager.incidents == 0


@pytest.mark.parametrize("number", [10, 11])
async def test_much_that_came_and_went_is_a_digest(world: World, number: int) -> None:
    """Ten are ten messages, more are one, which says from when to when."""
    await away(world)
    for each in range(number):
        await missed(world, replace(OPENING, fingerprint=replace(OPENING.fingerprint, subject=f"node:{each}")))
    for each in range(number):
        await missed(world, replace(END, fingerprint=replace(END.fingerprint, subject=f"node:{each}")))
    await back(world)
    posts = world.channel.roots
    assert len(posts) == (number if number == 10 else 1)
    assert "08:15:00 UTC" in str(posts[-1]["blocks"])
    assert world.pager.incidents == 0


@pytest.mark.parametrize("dies", [("claim", "before"), ("claim", "after"), ("done", "before"), ("done", "after")])
@pytest.mark.parametrize("history", [True, False])
async def test_killed_while_it_is_told(dies: tuple[str, str], history: bool) -> None:
    """Killed at any step it is one message still, where Slack can be asked; else at most one more, marked as such."""
    clock = ManualClock()
    scopes = frozenset({"chat:write", "channels:history"} if history else {"chat:write"})
    async with SlackDouble(clock, TOKEN, scopes=scopes) as chat, PagerDutyDouble(clock, frozenset({KEY})) as pager:
        world = World(clock, chat, pager)
        await clock.advance(900)
        for channel in ("ops", "page"):
            world.outbox.put(channel, OPENING, END)
        world.outbox.dies = dies
        with pytest.raises(KilledError):
            await world.run()
        await world.delivery.close()
        world.delivery = world.start()
        await clock.advance(LEASE + 1)
        again = replace(OPENING, transition=Transition.REOPENED, transition_number=3, at=NOW + 1_000)
        await world.tell(again)
        await world.delivery.close()
    sent = dies == ("done", "before")
    said = [str(body["text"]) for method, body in chat.calls if method == "chat.postMessage"]
    late = [text for text in said if "before you could be told that it had opened" in text]
    marked = [text for text in late if "You may have had this already" in text]
    doubted = dies == ("claim", "after") or (sent and not history)
    assert len(late) == (2 if sent and not history else 1)
    assert len(marked) == (1 if doubted else 0)
    assert pager.incidents == 1  # of the reopening alone
    assert set(world.outbox.states("ops") + world.outbox.states("page")) == {"done"}
