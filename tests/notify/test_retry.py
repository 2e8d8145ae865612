"""When the world does not take a message: tried again, parked, given up, and told through the others."""

import pytest

from lnwatch.model.case import Transition
from lnwatch.model.message import Message
from lnwatch.notify import Failure
from lnwatch.notify._delivery import GIVE_UP
from lnwatch.notify._lane import FAILING_AFTER
from tests.notify.notices import NOW, notice, storm
from tests.notify.office import Office, failing, running

OPENED, RESOLVED = Transition.OPENED, Transition.RESOLVED


@pytest.mark.parametrize("failure", [Failure.UNREACHABLE, Failure.RATE_LIMITED, Failure.SERVER, Failure.TIMEOUT])
async def test_what_may_work_later_is_tried_again(office: Office, failure: Failure) -> None:
    """A passing failure delays, and loses nothing."""
    office.ops.failures.extend([failing(failure)] * 3)
    office.outbox.put("ops", notice())
    began = office.clock.now()
    await office.drain()
    assert office.ops.told == ["node:ln1 opened"]
    assert office.ops.tried == 4
    assert 14 <= office.clock.now() - began <= 21  # three waits, each with its jitter and the drain's own second
    tally = office.delivery.tally.outcomes
    assert (tally["ops", "retried"], tally["ops", "sent"], tally["ops", "parked"]) == (3, 1, 0)


async def test_retry_after_is_obeyed(office: Office) -> None:
    """Nothing leaves on the channel before the service allows it, not even what is new."""
    office.ops.failures.append(failing(Failure.RATE_LIMITED, retry_after=90))
    office.outbox.put("ops", notice())
    async with running(office.delivery):
        await office.clock.advance(5)
        office.outbox.put("ops", notice(subject="node:new"))
        office.delivery.wake()
        await office.clock.advance(84)
        assert office.ops.tried == 1
        await office.clock.advance(2)
    assert sorted(office.ops.told) == ["node:ln1 opened", "node:new opened"]


@pytest.mark.parametrize("failure", [Failure.REJECTED, Failure.GONE])
async def test_channel_that_refuses_everything_parks_everything(office: Office, failure: Failure) -> None:
    """A wrong credential is tried once, not once per message; all that waits is parked, and it is told."""
    office.ops.failures.append(failing(failure))
    office.outbox.put("ops", *storm(5))
    await office.drain()
    assert office.ops.tried == 1
    assert office.outbox.states("ops") == ["parked"] * 5
    assert office.delivery.tally.outcomes["ops", "parked"] == 5
    episode = office.delivery.episodes()["ops"]
    assert episode.words == "5 messages could not be sent: the wire is cut"


async def test_parked_messages_leave_when_the_channel_works_again(office: Office) -> None:
    """The next message takes along what the wrong credential kept: nothing is lost, nothing out of order."""
    office.ops.failures.append(failing(Failure.REJECTED))
    office.outbox.put("ops", notice(), notice(subject="node:ln2"))
    await office.drain()
    office.outbox.put("ops", notice(RESOLVED))
    await office.drain()
    assert office.ops.told == ["node:ln2 opened", "node:ln1 resolved"]
    assert office.outbox.states("ops") == ["done"] * 3
    assert office.delivery.episodes() == {}


async def test_restart_tries_what_was_parked(office: Office) -> None:
    """Who mends the credential and starts anew gets what was kept, without anything new."""
    office.ops.failures.append(failing(Failure.REJECTED))
    office.outbox.put("ops", notice())
    await office.drain()
    office.restart()
    await office.drain()
    assert office.ops.told == ["node:ln1 opened"]


async def test_parked_messages_are_counted_once(office: Office) -> None:
    """However often they are tried in vain."""
    office.ops.refuses = lambda _: failing(Failure.REJECTED)
    for number in range(4):
        office.outbox.put("ops", notice(subject=f"node:{number}"))
        await office.drain()
    assert office.delivery.tally.outcomes["ops", "parked"] == 4
    assert office.delivery.episodes()["ops"].words.startswith("4 messages")


async def test_refusing_channel_is_not_hammered(office: Office) -> None:
    """More waits than is looked at together, and the credential is wrong: a try a minute in the end, no more."""
    office.ops.refuses = lambda _: failing(Failure.REJECTED)
    office.outbox.put("ops", *storm(1_200))
    async with running(office.delivery):
        await office.clock.advance(600)
    assert office.ops.tried <= 16


async def test_one_bad_message_is_parked_alone(office: Office) -> None:
    """What the service will never take keeps nothing else."""
    office.ops.refuses = lambda message: failing(Failure.INVALID) if "node:ln1 " in _subjects(message) else None
    office.outbox.put("ops", *storm(4))
    await office.drain()
    assert office.ops.told == ["node:ln0 opened", "node:ln2 opened", "node:ln3 opened"]
    assert office.outbox.states("ops").count("parked") == 1
    assert "1 message could not be sent" in office.delivery.episodes()["ops"].words


async def test_one_bad_message_does_not_spoil_a_digest(office: Office) -> None:
    """A refused digest is taken apart: all but the bad one are told."""
    office.ops.refuses = lambda message: failing(Failure.INVALID) if "node:ln7 " in _subjects(message) else None
    office.outbox.put("ops", *storm(15))
    await office.drain()
    assert len(office.ops.told) == 14
    assert office.outbox.states("ops").count("parked") == 1


async def test_broken_notifier_is_a_fact(office: Office) -> None:
    """An exception of ours parks that message, by its name, and holds up no other."""
    office.ops.failures.append(ZeroDivisionError("planted in a traceback"))
    office.outbox.put("ops", *storm(2))
    await office.drain()
    assert office.ops.told == ["node:ln1 opened"]
    (parked,) = (row for row in office.outbox.rows.values() if row.state == "parked")
    assert parked.words == "ZeroDivisionError inside lnwatch; see the log"


async def test_bad_message_does_not_hold_up_the_rest_for_long(office: Office) -> None:
    """A message on which the service stumbles each time is tried less and less; the others pass it."""
    office.ops.refuses = lambda message: failing(Failure.SERVER) if "node:bad " in _subjects(message) else None
    office.outbox.put("ops", notice(subject="node:bad"), *storm(5))
    async with running(office.delivery):
        await office.clock.advance(60)
    assert len(office.ops.told) == 5


async def test_long_trouble_is_told(office: Office) -> None:
    """A service that is away for minutes is an episode, from its first failure until something leaves."""
    office.ops.refuses = lambda _: failing(Failure.UNREACHABLE)
    office.outbox.put("ops", notice())
    async with running(office.delivery):
        await office.clock.advance(FAILING_AFTER - 1)
        assert office.delivery.episodes() == {}
        await office.clock.advance(2)
        assert office.delivery.episodes()["ops"].start == NOW
        office.ops.refuses = lambda _: None
        await office.clock.advance(61)
        assert office.delivery.episodes() == {}
    assert office.ops.told == ["node:ln1 opened"]


async def test_after_a_day_it_is_given_up(office: Office) -> None:
    """What could not be sent for a day is parked, with the last reason; what is younger goes on."""
    office.ops.refuses = lambda _: failing(Failure.UNREACHABLE)
    office.outbox.put("ops", notice(at=NOW + 600 - GIVE_UP), notice(subject="node:young"))
    async with running(office.delivery):
        await office.clock.advance(500)
        assert office.outbox.states("ops") == ["waiting", "waiting"]
        await office.clock.advance(200)
    assert office.outbox.states("ops") == ["parked", "waiting"]
    assert office.outbox.rows[next(iter(office.outbox.rows))].failure == "unreachable"


def _subjects(message: Message) -> str:
    return " ".join(f"{each.fingerprint.subject} " for each in message.notices)
