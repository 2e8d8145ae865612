"""The ledger's outbox, held to what delivery asks of it."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from dataclasses import replace
from pathlib import Path

import pytest
from sqlalchemy import select, update

from lnwatch.errors import LedgerError
from lnwatch.model.case import Transition
from lnwatch.model.message import Receipt
from lnwatch.notify._outbox import LEASE, Outbox, Parcel
from lnwatch.store import Addressed, CaseChange, Delivery, Ledger, LedgerSettings, open_ledger, visit_ledger
from lnwatch.store.case_tables import outbox as table
from lnwatch.store.opening import ORPHANED
from tests.manual_clock import ManualClock
from tests.store.case_stories import DOWN, FULL, case, notice, opened, resolved
from tests.store.stories import NOW, rows

SENT = Receipt("ok")


@pytest.fixture
def outbox(ledger: Ledger) -> Outbox:
    """As delivery knows it."""
    return ledger.outbox


@pytest.fixture
async def other(ledger: Ledger, settings: LedgerSettings, clock: ManualClock, tmp_path: Path) -> AsyncIterator[Ledger]:
    """The same ledger in the hands of a second worker."""
    visitor = await visit_ledger(settings, tmp_path, clock)
    yield visitor
    await visitor.close()


def told(parcels: Sequence[Parcel]) -> list[tuple[str, Transition]]:
    return [(each.notice.fingerprint.rule, each.notice.transition) for each in parcels]


def ids(parcels: Sequence[Parcel]) -> list[str]:
    return [each.id for each in parcels]


async def take(outbox: Outbox, now: float = NOW, limit: int = 10) -> Sequence[Parcel]:
    """Claim everything that waits for Slack."""
    parcels = await outbox.waiting("slack", limit, now)
    assert await outbox.claim(ids(parcels), now)
    return parcels


async def statuses(ledger: Ledger) -> list[tuple[Delivery, int, str | None]]:
    found = await ledger.case(DOWN)
    assert found is not None
    return [(each.status, each.tries, each.failure) for each in found.messages]


def numbered(*places: tuple[int, int, float]) -> list[CaseChange]:
    """Messages of one case by number, transition and time, all in one decision."""
    notices = [Addressed("slack", notice(case(number=n, transition=t), at=at)) for n, t, at in places]
    return [replace(opened(), notices=tuple(notices), case=case(number=9, transition=9))]


async def test_what_waits(ledger: Ledger, outbox: Outbox) -> None:
    """Each channel's messages wait oldest first, as they were written; looking at them changes nothing."""
    await ledger.commit([opened(channels=("slack", "mail"), at=NOW + 1), opened(FULL), resolved(at=NOW + 2)])
    for _ in range(2):
        waiting = await outbox.waiting("slack", 10, NOW + 2)
        assert told(waiting) == [
            ("host_disk_low", Transition.OPENED),
            ("lightning_down", Transition.OPENED),
            ("lightning_down", Transition.RESOLVED),
        ]
    assert [(each.tries, each.reference, each.claimed_before) for each in waiting] == [(0, None, False)] * 3
    assert waiting[1].notice == opened(at=NOW + 1).notices[0].notice
    assert told(await outbox.waiting("slack", 2, NOW + 2)) == told(waiting)[:2]
    assert told(await outbox.waiting("mail", 10, NOW + 2)) == [("lightning_down", Transition.OPENED)]
    assert await outbox.waiting("pager", 10, NOW + 2) == []


async def test_a_case_is_told_in_its_order(ledger: Ledger, outbox: Outbox) -> None:
    """The order of a case is that of its changes, also where the clock went back between two of them."""
    await ledger.commit([*numbered((1, 2, NOW + 500.0), (1, 3, NOW), (2, 1, NOW + 100.0)), opened(FULL, at=NOW + 50)])
    waiting = await outbox.waiting("slack", 10, NOW)
    own = [(each.notice.number, each.notice.transition_number) for each in waiting if each.notice.fingerprint == DOWN]
    assert own == [(1, 2), (1, 3), (2, 1)]
    assert waiting[1].notice.fingerprint == FULL


async def test_sent(ledger: Ledger, outbox: Outbox) -> None:
    """What was told waits no more, and its page says when, and what the service answered."""
    await ledger.commit([opened(), opened(FULL)])
    (first, second) = await take(outbox)
    await outbox.done([second.id], Receipt("ok", "C1/17.5"), NOW + 3)
    assert await outbox.waiting("slack", 10, NOW + 30) == []
    assert await outbox.pending("slack", 0) == 1
    await outbox.done([first.id, second.id], SENT, NOW + 4)
    assert await outbox.pending("slack", 0) == 0
    found = await ledger.case(second.notice.fingerprint)
    assert found is not None
    (message,) = found.messages
    assert (message.status, message.sent_at, message.words, message.reference) == (
        Delivery.SENT,
        NOW + 3,
        "ok",
        "C1/17.5",
    )


async def test_a_claim_holds(ledger: Ledger, outbox: Outbox, other: Ledger) -> None:
    """A claimed message is nobody else's for a minute, and nothing of its case overtakes it."""
    await ledger.commit([opened(), opened(FULL), resolved(at=NOW + 1)])
    rest, mine, end = await outbox.waiting("slack", 10, NOW + 1)
    assert await outbox.claim([mine.id], NOW + 1)
    assert told(await other.outbox.waiting("slack", 10, NOW + 1 + LEASE - 0.5)) == [
        ("host_disk_low", Transition.OPENED)
    ]
    for wanted in ([mine.id], [rest.id, mine.id], [end.id], [rest.id, end.id]):
        assert not await other.outbox.claim(wanted, NOW + 5)
    assert await other.outbox.claim([rest.id], NOW + 5)
    await outbox.done([mine.id], SENT, NOW + 6)
    assert await other.outbox.claim([end.id], NOW + 7)
    assert not await other.outbox.claim(['["a", "b", "c", 1, 1, "slack"]'], NOW + 7)


async def test_killed_before_the_receipt(
    ledger: Ledger, outbox: Outbox, settings: LedgerSettings, tmp_path: Path
) -> None:
    """A message whose worker died is somebody's again when the claim is over, and in doubt until it is sent."""
    await ledger.commit([opened()])
    await take(outbox)
    await ledger.close()
    again = await open_ledger(settings, tmp_path, ManualClock(NOW + LEASE))
    assert await again.outbox.waiting("slack", 10, NOW + LEASE - 1) == []
    (doubtful,) = await take(again.outbox, NOW + LEASE)
    assert doubtful.claimed_before
    await again.outbox.retry([doubtful.id], NOW + 70, "unreachable", "no route")
    (later,) = await again.outbox.waiting("slack", 10, NOW + 70)
    assert (later.tries, later.claimed_before) == (1, True)
    assert await again.outbox.claim([later.id], NOW + 70)
    await again.outbox.done([later.id], SENT, NOW + 71)
    assert await again.outbox.pending("slack", 0) == 0
    await again.close()


@pytest.mark.parametrize("ahead", [0.0, 86_400.0], ids=["the same clock", "a clock that went a day ahead"])
async def test_claims_of_an_earlier_life(
    ledger: Ledger, outbox: Outbox, settings: LedgerSettings, tmp_path: Path, ahead: float
) -> None:
    """A new life takes over what the one before was sending within seconds, in doubt, and its end does not wait."""
    await ledger.commit([opened(), resolved(at=NOW + 1)])
    await take(outbox, NOW + ahead)
    await ledger.close()
    for start in (NOW + 2, NOW + 4):  # killed again, it does not wait anew
        again = await open_ledger(settings, tmp_path, ManualClock(start))
        assert await again.outbox.waiting("slack", 10, NOW + 2 + ORPHANED - 0.5) == []
        waiting = await again.outbox.waiting("slack", 10, NOW + 2 + ORPHANED)
        assert told(waiting) == [("lightning_down", Transition.OPENED), ("lightning_down", Transition.RESOLVED)]
        assert all(each.claimed_before for each in waiting)
        await again.close()


async def test_put_off(ledger: Ledger, outbox: Outbox) -> None:
    """What was not taken waits until its time, and what follows in its case waits with it."""
    await ledger.commit([opened()])
    (parcel,) = await take(outbox)
    await ledger.commit([resolved(at=NOW + 1), opened(FULL, at=NOW + 2)])
    await outbox.retry([parcel.id], NOW + 90, "server", "it answered 503")
    assert told(await outbox.waiting("slack", 10, NOW + 89)) == [("host_disk_low", Transition.OPENED)]
    assert await outbox.pending("slack", 0) == 3
    first, *_ = waiting = await outbox.waiting("slack", 10, NOW + 90)
    assert told(waiting)[:2] == [("lightning_down", Transition.OPENED), ("lightning_down", Transition.RESOLVED)]
    assert (first.tries, first.claimed_before) == (1, False)
    found = await ledger.case(DOWN)
    assert found is not None
    assert (found.messages[0].failure, found.messages[0].words) == ("server", "it answered 503")


async def test_a_timeout_leaves_doubt(ledger: Ledger, outbox: Outbox) -> None:
    """A sending that timed out may have arrived: the message stays in doubt, whatever later tries bring."""
    await ledger.commit([opened()])
    for number, failure in enumerate(("timeout", "rate_limited"), 1):
        (parcel,) = await take(outbox, NOW + number)
        await outbox.retry([parcel.id], NOW + number, failure, "x")
        (after,) = await outbox.waiting("slack", 10, NOW + number)
        assert (after.tries, after.claimed_before) == (number, True)


async def test_parked_and_revived(ledger: Ledger, outbox: Outbox) -> None:
    """What can't be told is kept aside, holds nothing up, and waits again when its reason is gone."""
    await ledger.commit([opened(), opened(FULL, at=NOW + 1)])
    first, second = await outbox.waiting("slack", 10, NOW + 1)
    assert await outbox.claim([first.id], NOW + 1)
    await outbox.park([first.id, second.id], "rejected", "the token is revoked")  # the second was nobody's
    await ledger.commit([resolved(at=NOW + 2)])
    assert told(await outbox.waiting("slack", 10, NOW + 2)) == [("lightning_down", Transition.RESOLVED)]
    assert await outbox.pending("slack", 0) == 1
    assert (await statuses(ledger))[0] == (Delivery.PARKED, 0, "rejected")
    assert await outbox.revive("mail", ["rejected"], 0) == 0
    assert await outbox.revive("slack", ["gone"], 0) == 0
    assert await outbox.revive("slack", ["gone", "rejected"], NOW) == 1
    assert await outbox.revive("slack", ["gone", "rejected"], NOW - 1) == 1
    waiting = await outbox.waiting("slack", 10, NOW + 2)
    assert told(waiting) == [
        ("lightning_down", Transition.OPENED),
        ("host_disk_low", Transition.OPENED),
        ("lightning_down", Transition.RESOLVED),
    ]
    assert not any(each.claimed_before for each in waiting)


async def test_an_earlier_one_comes_back(ledger: Ledger, outbox: Outbox) -> None:
    """What was revived may be sent though a later message of its case is on its way."""
    await ledger.commit([opened(), resolved(at=NOW + 1)])
    first, second = await outbox.waiting("slack", 10, NOW + 1)
    await outbox.park([first.id], "gone", "the channel is archived")
    assert await outbox.claim([second.id], NOW + 1)
    await outbox.revive("slack", ["gone"], 0)
    assert ids(await outbox.waiting("slack", 10, NOW + 1)) == [first.id]
    assert await outbox.claim([first.id], NOW + 1)


async def test_in_the_middle_of_a_claim(ledger: Ledger, outbox: Outbox, other: Ledger) -> None:
    """While another worker is about to claim the beginning of a case, nobody has its end, nor waits for long."""
    await ledger.commit([opened(), resolved(at=NOW + 1)])
    _, end = await outbox.waiting("slack", 10, NOW + 1)
    with other._workers.database.writer.begin() as connection:
        connection.execute(select(table).where(table.c.transition == 1).with_for_update()).all()
        if ledger.backend == "sqlite":  # which has one lock for all
            with pytest.raises(LedgerError, match="locked"):
                await outbox.claim([end.id], NOW + 1)
        else:
            assert not await outbox.claim([end.id], NOW + 1)
    assert await outbox.claim([end.id], NOW + 1)


async def test_pending_since(ledger: Ledger, outbox: Outbox) -> None:
    """Only what happened at a moment or later counts."""
    await ledger.commit([opened(), opened(FULL, at=NOW + 10)])
    assert [await outbox.pending("slack", since) for since in (NOW, NOW + 1, NOW + 11)] == [2, 1, 0]


async def test_too_late_a_word(ledger: Ledger, outbox: Outbox, other: Ledger) -> None:
    """Who let a claim run out no longer decides: a failure is ignored, that it was sent is not."""
    await ledger.commit([opened()])
    (slow,) = await take(outbox)
    (quick,) = await take(other.outbox, NOW + LEASE)
    await outbox.retry([slow.id], NOW + 999, "server", "late")
    await outbox.park([slow.id], "invalid", "late")
    assert await statuses(ledger) == [(Delivery.CLAIMED, 0, None)]
    await other.outbox.retry([quick.id], NOW + LEASE + 1, "server", "in time")
    await outbox.retry([slow.id], NOW + 999, "server", "late")
    assert await statuses(ledger) == [(Delivery.PENDING, 1, "server")]
    assert await other.outbox.claim([quick.id], NOW + LEASE + 1)
    await outbox.done([slow.id], SENT, NOW + LEASE + 2)
    await other.outbox.park([quick.id], "invalid", "no")
    assert await statuses(ledger) == [(Delivery.SENT, 1, None)]
    assert await outbox.waiting("slack", 10, NOW + 9_999) == []


async def test_a_claim_of_the_dead_is_parked(ledger: Ledger, outbox: Outbox, other: Ledger, clock: ManualClock) -> None:
    """Where a channel is given up, what a dead worker had claimed is parked too, and stays in doubt."""
    await ledger.commit([opened()])
    (parcel,) = await take(other.outbox)
    await outbox.park([parcel.id], "gone", "the channel is archived")
    assert (await statuses(ledger))[0][0] is Delivery.CLAIMED
    await clock.advance(LEASE)
    await outbox.park([parcel.id], "gone", "the channel is archived")
    assert await outbox.revive("slack", ["gone"], 0) == 1
    (again,) = await outbox.waiting("slack", 10, NOW + LEASE)
    assert again.claimed_before


async def test_reference(ledger: Ledger, outbox: Outbox, settings: LedgerSettings) -> None:
    """What the service called an opening's message comes with the later ones of that opening and channel alone."""
    again = opened(channels=("slack", "mail"), at=NOW + 9)
    assert again.case is not None
    second = replace(again.case, number=2)
    await ledger.commit([opened(), resolved(channels=("slack", "mail"), at=NOW + 1)])
    (root, _) = await outbox.waiting("slack", 10, NOW + 1)
    assert await outbox.claim([root.id], NOW + 1)
    await outbox.done([root.id], Receipt("ok", "C1/1"), NOW + 1)
    (end,) = await outbox.waiting("slack", 10, NOW + 1)
    (mail,) = await outbox.waiting("mail", 10, NOW + 1)
    assert (end.reference, mail.reference) == ("C1/1", None)
    assert await outbox.claim([end.id], NOW + 2)
    await outbox.done([end.id], SENT, NOW + 2)
    assert [row["reference"] for row in rows(settings, "case_reference")] == ["C1/1"]
    notices = tuple(Addressed(channel, notice(second, at=NOW + 9)) for channel in ("slack", "mail"))
    await ledger.commit([replace(again, case=second, notices=notices)])
    (fresh,) = await outbox.waiting("slack", 10, NOW + 9)
    assert (fresh.notice.number, fresh.reference) == (2, None)
    await outbox.done([root.id], Receipt("ok", "C1/2"), NOW + 10)
    assert [row["reference"] for row in rows(settings, "case_reference")] == ["C1/2"]


async def test_of_another_version(ledger: Ledger, outbox: Outbox) -> None:
    """A message that this version can't read is parked with that reason, and holds no other up."""
    await ledger.commit([opened(), opened(FULL)])
    spoilt = update(table).where(table.c.rule == DOWN.rule).values(notice='{"number": "seven"}')
    await ledger._workers.write(lambda connection: connection.execute(spoilt).rowcount)
    assert told(await outbox.waiting("slack", 10, NOW)) == [("host_disk_low", Transition.OPENED)]
    assert await outbox.pending("slack", 0) == 1


async def test_nothing_at_all(outbox: Outbox) -> None:
    """Asked about no message, nothing is changed."""
    assert await outbox.claim([], NOW)
    await outbox.done([], SENT, NOW)
    await outbox.retry([], NOW, "server", "x")
    await outbox.park([], "invalid", "x")
    assert await outbox.pending("slack", 0) == 0


async def test_two_workers(ledger: Ledger, other: Ledger) -> None:
    """Two workers that reach for the same messages at once send each exactly once, each case in its order."""
    fingerprints = [replace(DOWN, subject=f"node:{number}") for number in range(12)]
    await ledger.commit([each for of in fingerprints for each in (opened(of), resolved(of, at=NOW + 1))])
    sent: list[tuple[str, Transition]] = []

    async def work(outbox: Outbox, size: int) -> None:
        while await outbox.pending("slack", 0):
            parcels = (await outbox.waiting("slack", 30, NOW + 2))[:size]
            if parcels and await outbox.claim(ids(parcels), NOW + 2):
                sent.extend((each.notice.fingerprint.subject, each.notice.transition) for each in parcels)
                await outbox.done(ids(parcels), SENT, NOW + 3)

    await asyncio.gather(work(ledger.outbox, 1), work(other.outbox, 1), work(other.outbox, 3), work(ledger.outbox, 2))
    assert len(sent) == len(set(sent)) == 24
    for of in fingerprints:
        own = [transition for subject, transition in sent if subject == of.subject]
        assert own == [Transition.OPENED, Transition.RESOLVED]


async def test_what_is_put_off_waits(ledger: Ledger, outbox: Outbox) -> None:
    """What is not to be told before its hour, as in quiet hours, keeps what follows it in its case, and no other."""
    told_later = replace(opened(), notices=(Addressed("slack", opened().notices[0].notice, NOW + 60),))
    await ledger.commit([told_later, opened(FULL), resolved(at=NOW + 2)])
    assert told(await outbox.waiting("slack", 10, NOW + 59)) == [("host_disk_low", Transition.OPENED)]
    assert len(await outbox.waiting("slack", 10, NOW + 60)) == 3


async def test_who_was_told(ledger: Ledger) -> None:
    """The channels of the present opening, parked and waiting messages included; none of an earlier one."""
    await ledger.commit([opened(channels=("slack", "mail")), opened(FULL, ())])
    standing = await ledger.cases(ended_since=NOW)
    assert await ledger.told_channels(standing) == {DOWN: frozenset({"slack", "mail"})}
    assert await ledger.told_channels([replace(each, number=2) for each in standing]) == {}
