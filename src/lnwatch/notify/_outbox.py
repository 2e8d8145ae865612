"""What delivery asks of the ledger: the messages that wait for a channel, and to be told what became of them."""

from collections.abc import Collection, Sequence
from typing import Protocol

from lnwatch.model.message import Notice, Receipt

LEASE = 60.0  # seconds for which a claim holds


class Parcel(Protocol):
    """One row of the outbox.

    `tries` counts the calls of `retry` for it. `reference` is what the service called this opening's first
    message, as the newest receipt of this opening on this channel has it. `claimed_before` says that it may
    have been sent already: a claim of it ran out without a word, or a `retry` was for `timeout`.
    """

    @property
    def id(self) -> str:
        """Names the row."""
        ...

    @property
    def notice(self) -> Notice:
        """What to tell."""
        ...

    @property
    def tries(self) -> int:
        """How often it was tried in vain."""
        ...

    @property
    def reference(self) -> str | None:
        """The opening's message at the service, where one is known."""
        ...

    @property
    def claimed_before(self) -> bool:
        """Whether it may have been sent already."""
        ...


class Outbox(Protocol):
    """The outbox of one installation. Everything raises LedgerError. Times in epoch seconds."""

    async def waiting(self, channel: str, limit: int, now: float) -> Sequence[Parcel]:
        """What may be sent to `channel` now, oldest first (`at`, then number and transition), nothing changed.

        A row is left out while it is claimed, sent, parked or put off; so is every later row of its case
        (site, rule and subject) on this channel while it is claimed or put off.
        """
        ...

    async def claim(self, ids: Collection[str], now: float) -> bool:
        """Take all of these for a minute, by one conditional update: none of them if one is not to be had.

        The next start of the daemon ends a claim within seconds.
        """
        ...

    async def done(self, ids: Collection[str], receipt: Receipt, now: float) -> None:
        """They were told, or need not be. A receipt without a reference leaves the one that is known."""
        ...

    async def retry(self, ids: Collection[str], not_before: float, failure: str, words: str) -> None:
        """They were not taken: given back, put off, one try more. `failure` is a `Failure`, `words` the reason."""
        ...

    async def park(self, ids: Collection[str], failure: str, words: str) -> None:
        """They can't be told; kept, with the reason."""
        ...

    async def revive(self, channel: str, failures: Collection[str], since: float) -> int:
        """Let what was parked for one of `failures` wait again, where it happened (`at`) after `since`; how many."""
        ...

    async def pending(self, channel: str, since: float) -> int:
        """How many rows of `channel` are neither sent nor parked, put off and claimed ones included."""
        ...
