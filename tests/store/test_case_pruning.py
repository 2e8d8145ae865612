"""What of cases is kept, and for how long."""

from dataclasses import replace

from lnwatch.model.case import CaseState, Fingerprint, Reason
from lnwatch.model.message import Receipt
from lnwatch.model.silence import Silence, SilenceKind
from lnwatch.model.view import Episode
from lnwatch.store import Ledger, LedgerSettings
from tests.store.case_stories import DOWN, case, change, opened, resolved
from tests.store.stories import NOW, rows

DAY = 86_400.0
TABLES = ("case_state", "case_history", "outbox", "case_reference")


def counts(settings: LedgerSettings) -> list[int]:
    return [len(rows(settings, table)) for table in TABLES]


async def test_an_old_case_goes_whole(ledger: Ledger, settings: LedgerSettings) -> None:
    """Its messages go first; 400 days after its end the case goes too, with its history and references."""
    await ledger.commit([opened(), resolved(at=NOW + 5)])
    parcels = await ledger.outbox.waiting("slack", 9, NOW + 5)
    await ledger.outbox.done([each.id for each in parcels], Receipt("ok", "C1/1"), NOW + 6)
    for days, left in ((89, [1, 2, 2, 1]), (91, [1, 2, 0, 1]), (399, [1, 2, 0, 1]), (401, [0, 0, 0, 0])):
        await ledger.prune(NOW + days * DAY)
        assert counts(settings) == left, days


async def test_what_lasts_is_kept(ledger: Ledger, settings: LedgerSettings) -> None:
    """A case that is open, or closed by hand and found still, keeps its history however old."""
    of = [Fingerprint(DOWN.site, DOWN.rule, subject) for subject in ("a", "b")]
    closed = case(CaseState.CLOSED, of[1], ended_at=NOW, seen_at=NOW + 700 * DAY)
    await ledger.commit([opened(of[0], ()), change(closed, Reason.CLOSED_BY_HAND)])
    await ledger.prune(NOW + 800 * DAY)
    assert counts(settings)[:2] == [2, 2]


async def test_a_number_is_not_forgotten_before_its_messages(ledger: Ledger, settings: LedgerSettings) -> None:
    """As long as there are messages of a case its openings stay, or the next one would pass for told."""
    await ledger.commit([opened(), resolved(at=NOW + 5)])
    keep_messages = settings.retention.model_copy(update={"messages": 900 * DAY})
    ledger._settings = settings.model_copy(update={"retention": keep_messages})
    await ledger.prune(NOW + 500 * DAY)
    assert counts(settings)[:3] == [1, 2, 2]


async def test_what_never_opened(ledger: Ledger, settings: LedgerSettings) -> None:
    """The history of what came to nothing is kept for a month."""
    await ledger.commit([change(case(CaseState.PENDING), Reason.PENDING)])
    await ledger.commit([change(None, Reason.VANISHED, NOW + 5)])
    await ledger.prune(NOW + 29 * DAY)
    assert counts(settings)[1] == 2
    await ledger.prune(NOW + 31 * DAY)
    assert counts(settings)[1] == 0


async def test_silences_and_episodes(ledger: Ledger, settings: LedgerSettings) -> None:
    """What is long over is removed; what lasts is not."""
    silence = Silence("s1", SilenceKind.SILENCE, "anna", "why", NOW, NOW + 5)
    await ledger.put_silence(silence)
    await ledger.put_silence(replace(silence, id="s2", ends_at=NOW + 900 * DAY))
    await ledger.put_episode("ledger", "", Episode(NOW, NOW + 5, "full"))
    await ledger.begin_episode("delivery", "slack", NOW, "gone")
    await ledger.prune(NOW + 401 * DAY)
    assert [row["id"] for row in rows(settings, "silence")] == ["s2"]
    assert [row["kind"] for row in rows(settings, "episode")] == ["delivery"]
