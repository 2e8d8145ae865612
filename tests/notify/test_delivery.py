"""Delivery: what waits is told, once, in order, at the service's pace."""

import asyncio
from dataclasses import replace

import pytest

from lnwatch.errors import LedgerError
from lnwatch.model.case import Transition
from lnwatch.model.message import Marking
from lnwatch.notify import Failure
from tests.manual_clock import settle
from tests.notify.notices import LINKS, NOW, notice, storm
from tests.notify.office import Office, failing, running

OPENED, RESOLVED = Transition.OPENED, Transition.RESOLVED


async def test_what_waits_is_told_and_noted(office: Office) -> None:
    """A message leaves with the base of its links, and the receipt's reference is kept for what follows."""
    office.outbox.put("ops", notice())
    await office.drain()
    office.outbox.put("ops", notice(RESOLVED))
    await office.drain()
    assert office.ops.told == ["node:ln1 opened", "node:ln1 resolved"]
    assert [message.reference for message in office.ops.arrived] == [None, "wire:1"]
    assert {message.link_base for message in office.ops.arrived} == {LINKS}
    assert office.outbox.states("ops") == ["done", "done"]


async def test_a_wake_sends_at_once(office: Office) -> None:
    """After a commit nobody waits for the next look."""
    async with running(office.delivery):
        await settle()
        office.outbox.put("ops", notice())
        office.delivery.wake()
        await settle()
        assert office.ops.told == ["node:ln1 opened"]


async def test_rows_are_found_without_a_wake(office: Office) -> None:
    """What another process wrote is seen within a second."""
    async with running(office.delivery):
        await settle()
        office.outbox.put("ops", notice())
        await office.clock.advance(1)
    assert office.ops.told == ["node:ln1 opened"]


async def test_pace_of_the_service_is_kept(office: Office) -> None:
    """After the burst one message a second leaves, no more."""
    office.outbox.put("ops", *storm(9))
    counts = []
    async with running(office.delivery):
        for _ in range(8):
            await settle()
            counts.append(len(office.ops.arrived))
            await office.clock.advance(1)
    assert counts == [3, 4, 5, 6, 7, 8, 9, 9]


async def test_storm_is_one_message_that_names_them_all(office: Office) -> None:
    """A thousand cases in one cycle: a digest of as many as are looked at together, then of the rest."""
    office.outbox.put("ops", *storm(1_000))
    await office.drain()
    assert office.ops.told == ["digest of 500", "digest of 500"]
    assert office.delivery.tally.outcomes["ops", "sent"] == 1_000


async def test_storm_at_a_pager_is_single_events(office: Office) -> None:
    """Each case is an incident of its own there."""
    office.outbox.put("page", *storm(30))
    await office.drain("page")
    assert len(office.page.arrived) == 30


async def test_what_follows_a_digest_goes_below_it(office: Office) -> None:
    """The digest is the message of each of its cases."""
    office.outbox.put("ops", *storm(11))
    await office.drain()
    office.outbox.put("ops", notice(RESOLVED, subject="node:ln4"))
    await office.drain()
    assert office.ops.arrived[-1].reference == "wire:1"


async def test_digest_brings_the_references_of_its_cases(office: Office) -> None:
    """Messages that cases of a digest had before can be brought up to date."""
    office.outbox.put("ops", notice(subject="node:ln0"))
    await office.drain()
    office.outbox.put("ops", *storm(11, RESOLVED))
    await office.drain()
    assert office.ops.arrived[-1].references == ("wire:1", *[None] * 10)


async def test_never_muted_are_told_singly_in_a_storm(office: Office) -> None:
    """No digest swallows them."""
    loud = notice(rule="force_close", subject="channel:x", never_muted=True)
    office.outbox.put("ops", *storm(30), loud)
    await office.drain()
    assert office.ops.told == ["channel:x opened", "digest of 30"]


async def test_over_before_it_could_be_told_is_one_message(office: Office) -> None:
    """Its end says what was missed, and is the receipt of both."""
    office.outbox.put("ops", notice(), notice(RESOLVED))
    await office.drain()
    assert office.ops.told == ["node:ln1 resolved"]
    assert office.ops.arrived[0].missed is OPENED
    assert {row.words for row in office.outbox.rows.values()} == {"stop"}
    assert office.delivery.tally.outcomes["ops", "sent"] == 1


async def test_over_before_anybody_could_be_called_is_named(office: Office) -> None:
    """Neither beginning nor end is sent to the pager; both rows say why."""
    office.outbox.put("page", notice(), notice(RESOLVED))
    await office.drain("page")
    assert office.page.told == []
    why = "nothing to tell: it was over before anybody could be called"
    assert {row.words for row in office.outbox.rows.values()} == {why}
    assert set(office.delivery.tally.outcomes.values()) == {0}


async def test_one_channel_s_trouble_never_holds_another_s(office: Office) -> None:
    """A service that hangs keeps its own messages alone."""
    office.ops.gate = asyncio.Event()
    office.outbox.put("ops", notice())
    office.outbox.put("page", notice())
    async with running(office.delivery):
        await office.clock.advance(1)
        assert (office.ops.told, office.page.told) == ([], ["node:ln1 opened"])
        office.outbox.put("page", notice(RESOLVED))
        office.delivery.wake()
        await settle()
    assert office.page.told == ["node:ln1 opened", "node:ln1 resolved"]


async def test_order_of_a_case_is_kept_through_failures(office: Office) -> None:
    """What was put off holds back what follows it, and nothing else."""
    office.outbox.put("ops", notice())
    await office.drain()
    office.ops.failures.append(failing(Failure.SERVER))
    office.outbox.put("ops", notice(Transition.ACKNOWLEDGED, transition_number=2))
    await office.delivery.step("ops")
    office.outbox.put("ops", notice(RESOLVED, transition_number=3))
    office.outbox.put("ops", notice(subject="node:other"))
    await office.drain()
    await office.clock.advance(60)
    await office.drain()
    told = [each for each in office.ops.told if each.startswith("node:ln1")]
    assert told == ["node:ln1 opened", "node:ln1 acknowledged", "node:ln1 resolved"]


async def test_latency_is_from_the_change_to_the_receipt(office: Office) -> None:
    """Counted in seconds of the wall clock, per channel."""
    office.outbox.put("ops", notice(at=NOW - 5))
    await office.drain()
    latency = office.delivery.tally.latencies["ops"]
    assert (sum(latency.counts), latency.total) == (1, 5.0)


async def test_ledger_that_can_t_be_read_is_asked_again(office: Office) -> None:
    """Delivery outlives an outage of the ledger."""
    async with running(office.delivery):
        office.outbox.broken = True
        office.outbox.put("ops", notice())
        await office.clock.advance(30)
        office.outbox.broken = False
        await office.clock.advance(1)
    assert office.ops.told == ["node:ln1 opened"]


async def test_receipt_that_can_t_be_written_is_kept_and_nothing_is_sent_twice(office: Office) -> None:
    """While the ledger is full, what was sent is remembered; it is noted as soon as it can be."""
    office.ops.gate = asyncio.Event()
    office.outbox.put("ops", notice())
    async with running(office.delivery):
        await settle()
        office.outbox.broken = True
        office.ops.gate.set()
        await office.clock.advance(45)
        assert office.outbox.states("ops") == ["waiting"]
        office.outbox.broken = False
        await office.clock.advance(2)
    assert (office.ops.told, office.outbox.states("ops")) == (["node:ln1 opened"], ["done"])


async def test_step_without_a_ledger_says_so(office: Office) -> None:
    """A single step raises, with nothing sent."""
    office.outbox.broken = True
    with pytest.raises(LedgerError):
        await office.delivery.step("ops")
    assert office.ops.tried == 0


async def test_claimed_by_another_is_left_alone(office: Office) -> None:
    """Two processes over one ledger: what one has claimed the other does not send."""
    (row,) = office.outbox.put("ops", notice())
    await office.delivery.step("page")
    waiting = await office.outbox.waiting("ops", 10, office.clock.now())
    assert await office.outbox.claim([row], office.clock.now())
    assert await office.delivery.step("ops") is False
    assert (len(waiting), office.ops.tried) == (1, 0)


async def test_quiet_hours_hold_a_row_until_their_end(office: Office) -> None:
    """A row that is not to be sent before a time isn't; then comes what goes on, and what ended meanwhile."""
    later = office.clock.now() + 3_600
    office.outbox.put("ops", notice(subject="node:a"), notice(subject="node:b"), not_before=later)
    office.outbox.put("ops", notice(RESOLVED, subject="node:a"))
    await office.drain()
    assert office.ops.tried == 0
    await office.clock.advance(3_600)
    await office.drain()
    assert office.ops.told == ["node:b opened", "node:a resolved"]


async def test_close_lets_go_of_everything(office: Office) -> None:
    """Every notifier is closed."""
    await office.delivery.close()
    assert (office.ops.closed, office.page.closed) == (True, True)


async def test_ordinary_messages_bear_no_mark(office: Office) -> None:
    """Nothing is marked as a possible repeat that surely is none, a failure that surely sent nothing included."""
    office.ops.failures.append(failing(Failure.UNREACHABLE))
    office.outbox.put("ops", *storm(3))
    await office.drain()
    assert {message.marking for message in office.ops.arrived} == {Marking.NONE}
    assert replace(office.ops.arrived[0], channel="x").digest is False
