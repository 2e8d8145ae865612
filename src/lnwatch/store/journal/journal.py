"""Reading the journal whole, and adding to it exactly where whoever adds believes that it ends."""

from collections.abc import Mapping, Sequence
from functools import partial

from sqlalchemy import Connection, and_, or_, select
from sqlalchemy.exc import IntegrityError

from lnwatch.model.action import Step
from lnwatch.store.journal.chain import read, sealed
from lnwatch.store.journal_tables import journal
from lnwatch.store.workers import Workers

_row = journal.c


class JournalMovedError(Exception):
    """Somebody else added to the journal: what was decided must be decided anew, on all of it."""


class Journal:
    """The table `journal`. Everything raises LedgerError.

    What is added was decided on the steps that were known then. So it names where each chain ended for the
    one who decided, and is stored only if that is still so: however many add at once, none overlooks another.
    """

    def __init__(self, workers: Workers) -> None:
        self._workers = workers

    async def read(self) -> list[Step]:
        """Every step, the chains of all sites one after the other. Raises BrokenChainError where one does not hold."""
        return await self._workers.read_long(_read)

    async def add(self, steps: Sequence[Step], heads: Mapping[str, int]) -> None:
        """Store these steps in one transaction, all or none.

        `heads` has the number of the last known step of each chain that the decision rests on. Raises
        JournalMovedError where one of them has another, and then nothing is stored.
        """
        await self._workers.write(partial(_add, steps=steps, heads=heads))


def _read(connection: Connection) -> list[Step]:
    query = select(journal).order_by(_row.site, _row.number)
    return read(connection.execute(query).mappings())


def _add(connection: Connection, steps: Sequence[Step], heads: Mapping[str, int]) -> None:
    wanted = [and_(_row.site == site, _row.number >= number) for site, number in heads.items()]
    found = connection.execute(select(_row.site, _row.number, _row.hash).where(or_(*wanted)).order_by(_row.number))
    stands = {site: (number, seal) for site, number, seal in found}
    for site, number in heads.items():
        if stands.get(site, (0, ""))[0] != number:
            raise JournalMovedError
    last = {site: seal for site, (_, seal) in stands.items()}
    rows = []
    for step in steps:
        rows.append(sealed(step, last.get(step.site, "")))
        last[step.site] = rows[-1]["hash"]
    try:
        connection.execute(journal.insert(), rows)
    except IntegrityError as error:  # somebody else's transaction was there first
        raise JournalMovedError from error
