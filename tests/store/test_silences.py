"""What mutes messages, and what was wrong with lnwatch itself."""

from dataclasses import replace

from lnwatch.model.silence import Silence, SilenceKind
from lnwatch.model.view import Episode
from lnwatch.store import Ledger, LedgerSettings
from tests.store.stories import NOW, rows

QUIET = Silence("s1", SilenceKind.SILENCE, "anna", "known: the disk is ordered", NOW, NOW + 3_600, rule="host_*")
WINDOW = replace(QUIET, id="m1", kind=SilenceKind.MAINTENANCE, site="main", starts_at=NOW + 60, severity="warning")


async def test_silences_come_back(ledger: Ledger) -> None:
    """What is in force or will be is read exactly as it was put, by its beginning; what is over is not."""
    for silence in (WINDOW, QUIET):
        await ledger.put_silence(silence)
    assert await ledger.silences(NOW - 1) == (QUIET, WINDOW)
    assert await ledger.silences(NOW + 3_599) == (QUIET, WINDOW)
    assert await ledger.silences(NOW + 3_600) == ()


async def test_silence_ended_early(ledger: Ledger, settings: LedgerSettings) -> None:
    """A silence that a person ends is over then, for good, though the request that put it is carried out again."""
    await ledger.put_silence(QUIET)
    assert not await ledger.end_silence("s2", "bert", NOW + 5)
    assert await ledger.end_silence("s1", "bert", NOW + 5)
    assert not await ledger.end_silence("s1", "carl", NOW + 6)
    await ledger.put_silence(QUIET)
    assert await ledger.silences(NOW + 5) == ()
    (row,) = rows(settings, "silence")
    assert (row["ends_at"], row["ended_by"], row["author"]) == (NOW + 5, "bert", "anna")


async def test_episode(ledger: Ledger) -> None:
    """Trouble begins once, lasts until it is ended, and is told for as long as is asked."""
    await ledger.begin_episode("delivery", "slack", NOW, "the token is revoked")
    await ledger.begin_episode("delivery", "slack", NOW + 5, "still so")
    await ledger.begin_episode("delivery", "mail", NOW + 6, "no route")
    assert await ledger.end_episode("delivery", "slack", NOW + 60)
    assert not await ledger.end_episode("delivery", "slack", NOW + 61)
    over = Episode(NOW, NOW + 60, "the token is revoked")
    lasts = Episode(NOW + 6, None, "no route")
    assert await ledger.episodes(NOW + 60) == {("delivery", "mail"): (lasts,), ("delivery", "slack"): (over,)}
    assert await ledger.episodes(NOW + 61) == {("delivery", "mail"): (lasts,)}


async def test_episode_told_afterwards(ledger: Ledger) -> None:
    """Trouble that could only be told when it was over is stored whole, told again it is one."""
    locked = Episode(NOW, NOW + 9.5, "it is locked")
    for _ in range(2):
        await ledger.put_episode("ledger", "", locked)
    await ledger.put_episode("ledger", "", Episode(NOW + 20, NOW + 21, "it is locked"))
    assert (await ledger.episodes(NOW))["ledger", ""] == (locked, Episode(NOW + 20, NOW + 21, "it is locked"))
