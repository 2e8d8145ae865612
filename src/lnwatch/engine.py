"""The single writer: append what came, judge what follows from it, publish one frozen Assessment."""

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, replace

import structlog

from lnwatch.caseload import Caseload
from lnwatch.clock import Clock
from lnwatch.collect import first_of
from lnwatch.domain.judge import OWN_SITE
from lnwatch.domain.liquidity import LiquidityReckoner
from lnwatch.errors import LedgerError
from lnwatch.measures import Measures
from lnwatch.model.action import Standing
from lnwatch.model.assessment import Assessment, LedgerHealth
from lnwatch.model.lightning import Channels, LightningInvoice, Policies
from lnwatch.model.liquidity import NodeLiquidity
from lnwatch.model.view import Episode, NodeTotals, View
from lnwatch.orderbook import Orderbook
from lnwatch.selfwatch import SelfWatch
from lnwatch.store import Entry, Ledger, LiquidityChange, StateChange
from lnwatch.target import Target

log = structlog.get_logger()

BATCH_EVENTS = 1_000  # per transaction: one takes 40 ms then on SQLite; with fewer the rest of its way outweighs it
CYCLE = 5.0  # seconds: the sites are judged and an Assessment is published at least this often
SPACING = 0.5  # seconds between two at least, however much comes in or falls due
MANY_CHANNELS = 500  # from here on liquidity is reckoned in a thread, so that the loop never stalls

Publish = Callable[[Assessment], Awaitable[None]]
Deliveries = Callable[[], Mapping[str, Episode]]


@dataclass(frozen=True, slots=True)
class Brain:
    """What judges: the cases, the watch over lnwatch itself, what keeps messages from leaving, by channel, and the
    orders with what they are measured by; with what the executor has to show."""

    caseload: Caseload
    selfwatch: SelfWatch
    deliveries: Deliveries
    orderbook: Orderbook
    measures: Measures
    acting: Callable[[], Standing] = Standing


@dataclass(frozen=True, slots=True)
class _Waiting:
    """A delivery on its way into the ledger."""

    items: tuple[Entry | StateChange, ...]
    events: int
    stored: asyncio.Future[None]


class Engine:
    """Owns the ledger's writer and the current Assessment; runs on one event loop."""

    def __init__(self, ledger: Ledger, clock: Clock, targets: Sequence[Target], brain: Brain, publish: Publish) -> None:
        """`publish` is awaited with each new Assessment, after it became the current one."""
        self.current: Assessment | None = None
        self._ledger = ledger
        self._clock = clock
        self._targets = {(target.site, target.slug): target for target in targets}
        self._sites = tuple(dict.fromkeys(target.site for target in targets))
        self._brain = brain
        self._publish = publish
        self._live: deque[_Waiting] = deque()
        self._history: deque[_Waiting] = deque()
        self._work = asyncio.Event()
        self._dirty = asyncio.Event()
        self._stored = asyncio.Event()
        self._births: Mapping[tuple[str, str], float] = {}
        self._totals: Mapping[tuple[str, str], NodeTotals] = {}
        self._liquidity: dict[tuple[str, str], NodeLiquidity] = {}
        self._reckoners: dict[tuple[str, str], LiquidityReckoner] = {}
        self._trouble = ""
        self._brain.selfwatch.ledger_works()
        self._wrote_at = float("-inf")
        self._cycle = 0
        self._seconds = 0.0

    async def restore(self) -> None:
        """Take up what the ledger knows from before this start."""
        self._births = await self._ledger.births()
        self._totals = await self._ledger.totals()
        for snapshot in await self._ledger.snapshots():
            if (target := self._targets.get((snapshot.site, snapshot.source))) is not None:
                target.snapshots[snapshot.collector] = snapshot
        for change in await self._ledger.states():
            if (target := self._targets.get((change.site, change.source))) is not None:
                target.remember(change.state, change.at, change.detail, change.version)
        await self._brain.orderbook.restore()
        await self._brain.selfwatch.restore(self._clock.now())
        await self._brain.caseload.restore(self._clock.now())

    async def run(self) -> None:
        """Write and publish until cancelled."""
        async with asyncio.TaskGroup() as group:
            group.create_task(self._write())
            group.create_task(self._keep_orders())
            group.create_task(self._keep_publishing())
            group.create_task(self._prove_ledger())
            group.create_task(self._brain.selfwatch.run())
            group.create_task(self._brain.measures.run(lambda: self.current.views.values() if self.current else ()))

    def wake(self) -> None:
        """Something changed that should be judged and shown at once."""
        self._dirty.set()

    async def deliver(self, items: Sequence[Entry | StateChange]) -> None:
        """Store `items` in one transaction; returns when they are stored.

        Raises LedgerError, and then none of them is. An empty delivery only asks for a new Assessment.
        """
        if not items:
            self._dirty.set()
            return
        events = sum(len(item.reading.events) for item in items if isinstance(item, Entry))
        waiting = _Waiting(tuple(items), events, asyncio.get_running_loop().create_future())
        history = any(isinstance(item, Entry) and item.reading.history for item in items)
        (self._history if history else self._live).append(waiting)
        self._work.set()
        await waiting.stored

    async def _write(self) -> None:
        while True:
            await self._work.wait()
            self._work.clear()
            while batch := self._next_batch():
                await self._store(batch)

    def _next_batch(self) -> list[_Waiting]:
        """Live data first; history alone, so that a live reading never waits for more than one page of it."""
        if not self._live:
            return [self._history.popleft()] if self._history else []
        batch, events = [self._live.popleft()], 0
        events += batch[0].events
        while self._live and events + self._live[0].events <= BATCH_EVENTS:
            batch.append(self._live.popleft())
            events += batch[-1].events
        return batch

    async def _store(self, batch: Sequence[_Waiting]) -> None:
        items = [item for waiting in batch for item in waiting.items]
        entries = [item for item in items if isinstance(item, Entry)]
        changes = await self._reckon(entries)
        orders_follow = False
        try:
            stale = await self._ledger.append([*items, *changes])
            orders_follow = self._brain.orderbook.note(entries, stale=stale)
            await self._refresh(entries)
        except LedgerError as error:
            self._brain.orderbook.note((), stale=True)  # a part of it may be stored
            self._failed(error)
            for waiting in batch:
                if not waiting.stored.done():
                    waiting.stored.set_exception(LedgerError(error.trouble, error.message))
        else:
            self._wrote()
            for waiting in batch:
                if not waiting.stored.done():  # its collector may have been cancelled meanwhile
                    waiting.stored.set_result(None)
        self._stored.set()
        if not orders_follow:  # else it is judged with them, and not twice
            self._dirty.set()

    async def _keep_orders(self) -> None:
        """Make orders of what was stored; a part at a time, so that live readings are stored in between."""
        while True:
            self._stored.clear()
            try:
                while await self._brain.orderbook.advance():
                    self._dirty.set()
            except LedgerError as error:
                self._failed(error)  # what is not committed is still marked
                await self._clock.sleep(CYCLE)
            else:
                await self._stored.wait()

    async def _reckon(self, entries: Sequence[Entry]) -> list[LiquidityChange]:
        """What follows from new channel lists: liquidity, once per node in a batch."""
        changes: dict[tuple[str, str], LiquidityChange] = {}
        for entry in entries:
            if not isinstance(entry.reading.facts, Channels):
                continue
            channels, key = entry.reading.facts, (entry.site, entry.source)
            policies = self._targets[key].snapshots.get("policies")
            known = policies.facts if policies is not None and isinstance(policies.facts, Policies) else None
            reckon = self._reckoners.setdefault(key, LiquidityReckoner()).reckon
            if len(channels.channels) > MANY_CHANNELS:
                liquidity = await asyncio.to_thread(reckon, entry.at, channels, known)
            else:
                liquidity = reckon(entry.at, channels, known)
            self._liquidity[key] = liquidity
            changes[key] = LiquidityChange(entry.site, entry.source, entry.at, liquidity, channels)
        return list(changes.values())

    async def _refresh(self, entries: Sequence[Entry]) -> None:
        if any(entry.leads and (entry.site, entry.source) not in self._births for entry in entries):
            self._births = await self._ledger.births()
            self._totals = await self._ledger.totals()
        elif any(isinstance(event, LightningInvoice) for entry in entries for event in entry.reading.events):
            self._totals = await self._ledger.totals()

    def _failed(self, error: LedgerError) -> None:
        if self._trouble != error.message:
            log.error("ledger can't be written", trouble=error.trouble.value, error=error.message)
            self._dirty.set()
        self._trouble = error.message
        self._brain.selfwatch.ledger_failed(error.message)

    def _wrote(self) -> None:
        if self._trouble:
            log.info("ledger can be written again")
            self._dirty.set()
        self._trouble = ""
        self._brain.selfwatch.ledger_works()
        self._wrote_at = self._clock.monotonic()

    async def _prove_ledger(self) -> None:
        """Find out within a cycle that the ledger broke, or that it was mended, also when nothing comes in."""
        while True:
            await self._clock.sleep(CYCLE)
            if not self._trouble and self._clock.monotonic() - self._wrote_at < CYCLE:
                continue
            try:
                await self._ledger.probe()
            except LedgerError as error:
                self._failed(error)
            else:
                self._wrote()

    async def _keep_publishing(self) -> None:
        while True:
            self._dirty.clear()
            self.current = await self._assess()
            await self._publish(self.current)
            await self._clock.sleep(SPACING)
            due = min(self._brain.caseload.due(self._clock.now()), CYCLE - SPACING)
            await first_of(self._clock, self._dirty, min(due, self._brain.orderbook.due()))

    async def _assess(self) -> Assessment:
        at, started = self._clock.now(), self._clock.monotonic()
        self._cycle += 1
        views = {site: self._view(site, at) for site in self._sites}
        try:
            views = {site: await self._completed(view) for site, view in views.items()}
            for view in [*views.values(), self._own_view(at)]:
                await self._brain.caseload.judge(view)
        except LedgerError as error:
            self._failed(error)  # what was not committed is decided again in the next cycle
        self._seconds += self._clock.monotonic() - started
        return Assessment(
            at=at,
            cycle=self._cycle,
            seconds=self._seconds,
            views=views,
            ledger=LedgerHealth(writable=not self._trouble, trouble=self._trouble, backend=self._ledger.backend),
            starts=self._ledger.starts,
            cases=self._brain.caseload.standing,
            coverage=self._brain.caseload.coverage,
            silences=self._brain.caseload.silences(at),
            acting=self._brain.acting(),
        )

    async def _completed(self, view: View) -> View:
        """The View with what the ledger knows of the past, of stores and of what they are measured by."""
        past = await self._ledger.past(view.site, view.at)
        view = replace(view, events=past.events, states=past.states, held=past.held, baselines=past.baselines)
        return await self._brain.orderbook.fill(self._brain.measures.fill(view))

    def _own_view(self, at: float) -> View:
        """The daemon's own site, whose rules are the daemon's."""
        brain = self._brain
        own = brain.selfwatch.health(brain.deliveries(), brain.caseload.broken_rules, brain.acting().trouble)
        return View(site=OWN_SITE, at=at, born_at=None, targets={}, liquidity={}, totals={}, own=own)

    def _view(self, site: str, at: float) -> View:
        return View(
            site=site,
            at=at,
            born_at=self._births.get((site, "")),
            targets={slug: target.view() for (of, slug), target in self._targets.items() if of == site},
            liquidity={node: liquidity for (of, node), liquidity in self._liquidity.items() if of == site},
            totals={node: totals for (of, node), totals in self._totals.items() if of == site},
        )
