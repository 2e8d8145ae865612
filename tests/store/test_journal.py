"""The journal: added to where it ends, verified whole."""

import asyncio
from collections.abc import Mapping

import pytest
from sqlalchemy import text

from lnwatch.errors import LedgerError
from lnwatch.model.action import (
    Approval,
    Deed,
    Intent,
    KillSwitch,
    Outcome,
    Receipt,
    Rejection,
    Step,
    Withdrawal,
    Withdrawn,
)
from lnwatch.model.money import Msat
from lnwatch.store import Ledger, LedgerSettings
from lnwatch.store.journal import BrokenChainError, JournalMovedError
from tests.domain.proposals import NOW, call, move
from tests.store.stories import rows

DEEDS: list[Deed] = [
    move(),
    call(),
    Approval("ann", "00" * 32, "see ticket 7"),
    Rejection("Bén\N{SNOWMAN}\0", "no\nno"),
    Withdrawal(Withdrawn.EXPIRED),
    Intent("00" * 32, "lnd", "ff" * 32),
    Receipt(Outcome.DONE, "done", Msat(2**53 + 1), Msat(7), looked_up=True),
    KillSwitch(on=True, actor="ann", note="x"),
]


def chain(count: int = len(DEEDS), site: str = "main", start: int = 1) -> list[Step]:
    return [Step(site, start + n, NOW + n / 3, f"p{n}", DEEDS[n % len(DEEDS)]) for n in range(count)]


async def test_read_as_written(ledger: Ledger) -> None:
    """Every kind of step, the chains of each site apart, comes back to the last digit."""
    await ledger.journal.add(chain(), {"main": 0, "lnwatch": 0})
    await ledger.journal.add(chain(3, "shop"), {"shop": 0, "main": len(DEEDS)})
    assert await ledger.journal.read() == [*chain(), *chain(3, "shop")]


@pytest.mark.parametrize("heads", [{"main": 2}, {"main": 4}, {"main": 3, "lnwatch": 1}, {"main": 3, "shop": 1}])
async def test_decided_on_something_else(ledger: Ledger, heads: Mapping[str, int]) -> None:
    """Who believes that a chain ends elsewhere than it does adds nothing."""
    await ledger.journal.add(chain(3), {"main": 0})
    with pytest.raises(JournalMovedError):
        await ledger.journal.add(chain(1, start=4), heads)
    assert len(await ledger.journal.read()) == 3


async def test_many_at_once(ledger: Ledger) -> None:
    """Of those who decide on the same steps one is first; the others are told, and the chain holds."""

    async def add(number: int) -> bool:
        try:
            await ledger.journal.add([Step("main", 1, NOW, f"p{number}", DEEDS[0])], {"main": 0})
        except JournalMovedError:
            return False
        return True

    assert sum(await asyncio.gather(*map(add, range(8)))) == 1
    assert len(await ledger.journal.read()) == 1


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ("UPDATE journal SET deed = replace(deed, 'ticket 7', 'ticket 8') WHERE number = 3", "row 3 of site main"),
        ("UPDATE journal SET at = at + 1 WHERE number = 2", "row 2 of site main in the journal is not what was"),
        ("UPDATE journal SET proposal = 'p9' WHERE number = 8", "row 8 of site main in the journal is not what"),
        ("UPDATE journal SET hash = 'ff' WHERE number = 5", "row 5 of site main in the journal is not what was"),
        ("DELETE FROM journal WHERE number = 4", "row 4 of site main is missing"),
        ("DELETE FROM journal WHERE number = 1", "row 1 of site main is missing"),
        ("UPDATE journal SET site = 'shop' WHERE number = 8", "row 1 of site shop is missing"),
    ],
)
async def test_tampering_is_found(ledger: Ledger, change: str, words: str) -> None:
    """A row that was changed or taken out is named."""
    await ledger.journal.add(chain(), {"main": 0})
    await ledger._workers.write(lambda connection: connection.execute(text(change)).rowcount)
    with pytest.raises(BrokenChainError, match=words):
        await ledger.journal.read()


async def test_all_or_none(ledger: Ledger) -> None:
    """Of steps that belong together none is stored alone."""
    twice = [*chain(2), *chain(1)]
    with pytest.raises((JournalMovedError, LedgerError)):
        await ledger.journal.add(twice, {"main": 0})
    assert await ledger.journal.read() == []


async def test_exported_like_any_table(ledger: Ledger, settings: LedgerSettings) -> None:
    """`lnwatch db export --table journal` has each step, with its hash."""
    await ledger.journal.add(chain(2), {"main": 0})
    first, second = rows(settings, "journal")
    assert (first["kind"], first["previous"], second["previous"]) == ("proposed", "", first["hash"])
