"""The outbox in memory, as strict as the contract, and able to die at any step."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass, field, replace

from lnwatch.errors import LedgerError, LedgerTrouble
from lnwatch.model.case import Fingerprint
from lnwatch.model.message import Notice, Receipt
from lnwatch.notify._outbox import LEASE


@dataclass(frozen=True, slots=True)
class Row:
    """One row; also the Parcel that delivery sees."""

    id: str
    channel: str
    notice: Notice
    tries: int = 0
    reference: str | None = None
    claimed_before: bool = False
    not_before: float = 0.0
    claimed_until: float | None = None
    state: str = "waiting"
    words: str = ""
    failure: str = ""

    @property
    def place(self) -> tuple[int, int]:
        return self.notice.number, self.notice.transition_number

    def free(self, now: float) -> bool:
        held = self.claimed_until is not None and self.claimed_until > now
        return self.state == "waiting" and not held and self.not_before <= now


class KilledError(BaseException):
    """The process is gone, at this very step."""


@dataclass
class MemoryOutbox:
    """`dies` names the call that kills the process, before or after it did its work; `broken` fails every call."""

    rows: dict[str, Row] = field(default_factory=dict)
    references: dict[tuple[Fingerprint, int, str], str] = field(default_factory=dict)
    dies: tuple[str, str] | None = None
    broken: bool = False
    calls: list[str] = field(default_factory=list)

    def put(self, channel: str, *notices: Notice, not_before: float = 0.0) -> list[str]:
        """What the engine writes."""
        ids = []
        for notice in notices:
            name = notice.fingerprint
            key = f"{name.site}/{name.rule}/{name.subject}/{notice.number}.{notice.transition_number}@{channel}"
            assert key not in self.rows, "unique per case, transition number and channel"
            self.rows[key] = Row(key, channel, notice, not_before=not_before)
            ids.append(key)
        return ids

    def states(self, channel: str) -> list[str]:
        return [row.state for row in self.rows.values() if row.channel == channel]

    async def waiting(self, channel: str, limit: int, now: float) -> Sequence[Row]:
        self._step("waiting", "before")
        mine = sorted(
            (row for row in self.rows.values() if row.channel == channel and row.state == "waiting"),
            key=lambda row: (row.notice.at, *row.place),
        )
        found = [
            replace(
                row,
                reference=self.references.get(self._opening(row)),
                claimed_before=row.claimed_before or row.claimed_until is not None,  # it ran out, or it were not free
            )
            for row in mine
            if row.free(now) and not any(self._before(other, row) and not other.free(now) for other in mine)
        ]
        self._step("waiting", "after")
        return found[:limit]

    async def claim(self, ids: Collection[str], now: float) -> bool:
        self._step("claim", "before")
        if not all(self.rows[each].free(now) for each in ids):
            return False
        for each in ids:
            row = self.rows[each]
            ran_out = row.claimed_until is not None
            self.rows[each] = replace(row, claimed_until=now + LEASE, claimed_before=row.claimed_before or ran_out)
        self._step("claim", "after")
        return True

    async def done(self, ids: Collection[str], receipt: Receipt, now: float) -> None:
        self._step("done", "before")
        for each in ids:
            row = self.rows[each] = replace(self.rows[each], state="done", words=receipt.answer, claimed_until=None)
            if receipt.reference is not None:
                self.references[self._opening(row)] = receipt.reference
        self._step("done", "after")

    async def retry(self, ids: Collection[str], not_before: float, failure: str, words: str) -> None:
        self._step("retry", "before")
        for each in ids:
            row = self.rows[each]
            self.rows[each] = replace(
                row,
                tries=row.tries + 1,
                not_before=not_before,
                failure=failure,
                words=words,
                claimed_until=None,
                claimed_before=row.claimed_before or failure == "timeout",
            )
        self._step("retry", "after")

    async def park(self, ids: Collection[str], failure: str, words: str) -> None:
        self._step("park", "before")
        for each in ids:
            self.rows[each] = replace(self.rows[each], state="parked", failure=failure, words=words, claimed_until=None)
        self._step("park", "after")

    async def revive(self, channel: str, failures: Collection[str], since: float) -> int:
        self._step("revive", "before")
        these = [
            row
            for row in self.rows.values()
            if row.channel == channel and row.state == "parked" and row.failure in failures and row.notice.at > since
        ]
        for row in these:
            self.rows[row.id] = replace(row, state="waiting", not_before=0.0)
        return len(these)

    async def pending(self, channel: str, since: float) -> int:
        these = (row for row in self.rows.values() if row.channel == channel and row.notice.at >= since)
        return sum(row.state == "waiting" for row in these)

    def _step(self, call: str, when: str) -> None:
        if when == "before":
            self.calls.append(call)
        if self.broken:
            raise LedgerError(LedgerTrouble.FULL, "the disk is full")
        if self.dies == (call, when):
            self.dies = None
            raise KilledError

    @staticmethod
    def _opening(row: Row) -> tuple[Fingerprint, int, str]:
        return row.notice.fingerprint, row.notice.number, row.channel

    @staticmethod
    def _before(other: Row, row: Row) -> bool:
        return other.notice.fingerprint == row.notice.fingerprint and other.place < row.place
