"""Killed at every step between decision and receipt: nothing lost, nothing told twice unmarked."""

import pytest

from lnwatch.model.case import Transition
from lnwatch.model.message import Marking
from lnwatch.notify._outbox import LEASE
from lnwatch.simulator.pagerduty import PagerDutyDouble
from lnwatch.simulator.slack import SlackDouble
from tests.manual_clock import ManualClock
from tests.notify.notices import notice, storm
from tests.notify.office import Office, make_office
from tests.notify.outbox import KilledError
from tests.notify.world import KEY, TOKEN, World

STEPS = [
    pytest.param(("waiting", "after"), "", id="before the claim"),
    pytest.param(("claim", "before"), "", id="before the claim is written"),
    pytest.param(("claim", "after"), "", id="after the claim"),
    pytest.param(None, "killed", id="before it was sent"),
    pytest.param(None, "killed after", id="after it was sent"),
    pytest.param(("done", "before"), "", id="before the receipt is written"),
    pytest.param(("done", "after"), "", id="after the receipt is written"),
]


async def crash(office: Office, channel: str, dies: tuple[str, str] | None, failure: str) -> None:
    """Run until the kill, start anew, and give every lease time to run out."""
    office.outbox.dies = dies
    if failure:
        (office.ops if channel == "ops" else office.page).failures.append(failure)
    with pytest.raises(KilledError):
        await office.drain(channel)
    office.restart()
    await office.drain(channel)
    await office.clock.advance(LEASE + 1)
    await office.drain(channel)


@pytest.mark.parametrize(("dies", "failure"), STEPS)
async def test_service_that_can_be_asked_is_told_once(dies: tuple[str, str] | None, failure: str) -> None:
    """Where the message can be looked up, each case is told exactly once, at whatever step we die."""
    office = make_office(knows=True)
    office.outbox.put("ops", *storm(3))
    await crash(office, "ops", dies, failure)
    assert sorted(office.ops.told) == ["node:ln0 opened", "node:ln1 opened", "node:ln2 opened"]
    assert office.outbox.states("ops") == ["done"] * 3
    assert len(office.outbox.references) == 3


@pytest.mark.parametrize(("dies", "failure"), STEPS)
async def test_service_that_can_t_be_asked_gets_one_marked_message(dies: tuple[str, str] | None, failure: str) -> None:
    """Nothing is lost; at most one message comes twice, and then the second is marked; no other is."""
    office = make_office(knows=False)
    office.outbox.put("ops", *storm(3))
    await crash(office, "ops", dies, failure)
    assert set(office.ops.told) == {"node:ln0 opened", "node:ln1 opened", "node:ln2 opened"}
    marked = [message for message in office.ops.arrived if message.marking is Marking.POSSIBLE_REPEAT]
    assert len(marked) <= 1
    assert len(office.ops.arrived) <= 3 + len(marked)
    assert office.outbox.states("ops") == ["done"] * 3


@pytest.mark.parametrize(("dies", "failure"), STEPS)
async def test_idempotent_service_just_gets_it_again(dies: tuple[str, str] | None, failure: str) -> None:
    """Where repeating is harmless it is repeated, unmarked."""
    office = make_office(knows=False)
    office.outbox.put("page", *storm(3))
    await crash(office, "page", dies, failure)
    assert set(office.page.told) == {"node:ln0 opened", "node:ln1 opened", "node:ln2 opened"}
    assert {message.marking for message in office.page.arrived} == {Marking.NONE}
    assert office.outbox.states("page") == ["done"] * 3


@pytest.mark.parametrize("knows", [True, False])
@pytest.mark.parametrize(("dies", "failure"), STEPS)
async def test_digest_is_told_once_or_marked(dies: tuple[str, str] | None, failure: str, knows: bool) -> None:
    """A digest that was cut off is the same digest again, also when more has come since: one message, not thirty."""
    office = make_office(knows=knows)
    office.outbox.put("ops", *storm(30))
    office.outbox.dies = dies
    if failure:
        office.ops.failures.append(failure)
    with pytest.raises(KilledError):
        await office.drain()
    office.restart()
    office.outbox.put("ops", *[notice(subject=f"node:late{number}") for number in range(3)])
    await office.clock.advance(LEASE + 1)
    await office.drain()
    digests = [message for message in office.ops.arrived if message.digest]
    marked = [message for message in digests if message.marking is Marking.POSSIBLE_REPEAT]
    assert {each.fingerprint.subject for message in office.ops.arrived for each in message.notices} == {
        *(f"node:ln{number}" for number in range(30)),
        *(f"node:late{number}" for number in range(3)),
    }
    arrived_before = failure == "killed after" or dies == ("done", "before")
    settled = knows or dies == ("done", "after")
    assert len(digests) == (1 if settled or not arrived_before else 2)
    assert len(marked) == (0 if _fresh(dies) or (arrived_before and knows) else 1)
    assert office.outbox.states("ops") == ["done"] * 33


def _fresh(dies: tuple[str, str] | None) -> bool:
    """Whether nobody can doubt what became of it: nothing was claimed, or all was noted."""
    return dies in (("waiting", "after"), ("claim", "before"), ("done", "after"))


@pytest.mark.parametrize("knows", [True, False])
async def test_lost_answer_counts_as_doubt(knows: bool) -> None:
    """A timeout may have arrived: the next try looks it up, or is marked."""
    office = make_office(knows=knows)
    office.ops.failures.append("answer lost")
    office.outbox.put("ops", notice())
    await office.drain()
    marks = [message.marking for message in office.ops.arrived]
    assert marks == ([Marking.NONE] if knows else [Marking.NONE, Marking.POSSIBLE_REPEAT])


@pytest.mark.parametrize("knows", [True, False])
@pytest.mark.parametrize("failure", ["killed", "killed after"])
async def test_ended_while_we_were_away(failure: str, knows: bool) -> None:
    """A case that ended meanwhile is not opened anew; whoever may have been told of it is told of its end."""
    office = make_office(knows=knows)
    office.ops.failures.append(failure)
    office.outbox.put("ops", notice())
    with pytest.raises(KilledError):
        await office.drain()
    office.outbox.put("ops", notice(Transition.RESOLVED))
    await office.clock.advance(LEASE + 1)
    office.restart()
    await office.drain()
    arrived = ["node:ln1 opened"] if failure == "killed after" else []
    assert office.ops.told == [*arrived, "node:ln1 resolved"]
    assert office.ops.arrived[-1].reference == ("wire:1" if knows and arrived else None)


@pytest.mark.parametrize("dies", [("claim", "after"), ("done", "before"), ("done", "after")])
@pytest.mark.parametrize("transition", [Transition.OPENED, Transition.ESCALATED, Transition.RESOLVED])
@pytest.mark.parametrize("history", [True, False])
async def test_over_real_sockets(dies: tuple[str, str], transition: Transition, history: bool) -> None:
    """One incident, one message per change of the case, at most one of them marked, whenever we are killed."""
    clock = ManualClock()
    scopes = frozenset({"chat:write", "channels:history"} if history else {"chat:write"})
    async with SlackDouble(clock, TOKEN, scopes=scopes) as chat, PagerDutyDouble(clock, frozenset({KEY})) as pager:
        world = World(clock, chat, pager)
        if transition is not Transition.OPENED:
            await world.tell(notice())
        change = notice(transition, transition_number=5)
        world.outbox.put("ops", change)
        world.outbox.put("page", change)
        for _ in ("ops", "page"):
            world.outbox.dies = dies
            with pytest.raises(KilledError):
                await world.run()
            await world.delivery.close()
            world.delivery = world.start()
        await clock.advance(LEASE + 1)
        await world.run()
        await world.delivery.close()
    expected = 1 if transition is Transition.OPENED else 2
    texts = [each["text"] for each in world.channel.messages.values()]
    marked = [text for text in texts if "You may have had this already" in text]
    assert pager.incidents == 1
    assert len(marked) <= (0 if history and dies[0] == "done" else 1)
    assert expected <= len(texts) <= expected + len(marked)
    assert set(world.outbox.states("ops") + world.outbox.states("page")) == {"done"}
