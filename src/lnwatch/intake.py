"""What webhooks told, from the bodies as they were stored to the ledger: also those that a kill left unread."""

import asyncio
from collections.abc import Iterable, Mapping, Sequence
from typing import Protocol

import structlog

from lnwatch.clock import Clock
from lnwatch.collect import Deliver
from lnwatch.errors import LedgerError, SourceError
from lnwatch.model.merchant import WebhookEvent
from lnwatch.model.snapshot import Reading
from lnwatch.sources.btcpay import Btcpay
from lnwatch.store import Entry
from lnwatch.store.hooks import RawHook

log = structlog.get_logger()

COLLECTOR = "hook"  # what stands in the place of a collector's name
PROOF_SPACING = 0.1  # seconds: one invoice is soon read, and webhooks that come together are proved together
SPACING = 0.5  # seconds between two looks at what waits: polls prove it meanwhile, and the ledger's writer is spared
PAGE = 200  # bodies at once
SLICE = 100  # in one transaction: what each costs besides its events is more than they do
TURN = 25  # that are understood before others get their turn
PATIENCE = 5.0  # seconds until the next try where the ledger can't be used


class Hooks(Protocol):
    """The bodies in the ledger. Everything raises LedgerError."""

    async def waiting(self, limit: int) -> Sequence[RawHook]:
        """Those that nobody has read yet, oldest first."""
        ...

    async def read(self, rows: Sequence[RawHook]) -> None:
        """They were read: let go of the bodies."""
        ...


class Wakes(Protocol):
    """The loops of one source."""

    def wake(self, names: Iterable[str], spacing: float) -> None:
        """Have these collectors run soon, at most once in `spacing` seconds."""
        ...


class Intake:
    """Reads what waits, oldest first; polls prove it. Read twice it changes nothing."""

    def __init__(self, hooks: Hooks, sources: Mapping[tuple[str, str], tuple[Btcpay, Wakes]], clock: Clock) -> None:
        """`sources` are those that may be told something, by site and name."""
        self._hooks = hooks
        self.sources = sources
        self._clock = clock
        self._arrived = asyncio.Event()
        self._begun = False

    def heard(self, site: str, name: str, event: WebhookEvent) -> None:
        """Something was stored just now: have it proved, and read."""
        self._prove(site, name, event)
        self._arrived.set()

    async def run(self, deliver: Deliver) -> None:
        """Begin with what an earlier life left, then read what comes, until cancelled."""
        while True:
            self._arrived.clear()
            try:
                while len(rows := await self._hooks.waiting(PAGE)) == PAGE:
                    await self._take(rows, deliver)
                await self._take(rows, deliver)
                self._begun = True
            except LedgerError:  # told by the engine; what waits is in the ledger
                await self._clock.sleep(PATIENCE)
                continue
            await self._arrived.wait()
            await self._clock.sleep(SPACING)

    async def _take(self, rows: Sequence[RawHook], deliver: Deliver) -> None:
        for start in range(0, len(rows), SLICE):
            told: dict[tuple[str, str], list[WebhookEvent]] = {}
            for number, row in enumerate(rows[start : start + SLICE], 1):
                if number % TURN == 0:
                    await asyncio.sleep(0)
                if (event := self._event(row)) is not None:
                    told.setdefault((row.site, row.source), []).append(event)
                    if not self._begun:  # whoever heard it did not live to have it proved
                        self._prove(row.site, row.source, event)
            for place, events in told.items():
                await deliver([self._entry(*place, events)])
        await self._hooks.read(rows)

    def _event(self, row: RawHook) -> WebhookEvent | None:
        """None where the source or the store is no longer configured, or this release can't read it."""
        source, _ = self.sources.get((row.site, row.source), (None, None))
        event, why = None, "it is of a store or a source that is no longer configured"
        if source is not None:
            try:
                event = source.hear(row.body, row.at)
            except SourceError as error:
                why = error.message
        if event is None:
            log.warning("webhook let go of", site=row.site, source=row.source, why=why)
        return event

    def _prove(self, site: str, name: str, event: WebhookEvent) -> None:
        source, loops = self.sources[site, name]
        loops.wake(source.proof_of(event), PROOF_SPACING)

    def _entry(self, site: str, name: str, events: Sequence[WebhookEvent]) -> Entry:
        return Entry(
            site=site,
            source=name,
            lightning=False,
            collector=COLLECTOR,
            at=self._clock.now(),
            reading=Reading(events=tuple(events)),
            leads=False,
        )
