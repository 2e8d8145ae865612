"""Keeps the past of each site in memory: a part is read again when something was appended that may change it."""

import asyncio
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from enum import Enum, auto
from functools import partial
from itertools import pairwise
from math import inf

from sqlalchemy import Connection

from lnwatch.model.chain import Reorganisation
from lnwatch.model.lightning import ChannelEvent, ClosedChannel, InvoiceState, LightningInvoice
from lnwatch.model.snapshot import StreamGap
from lnwatch.model.view import Baseline, Happening, StateSpan
from lnwatch.store.items import Entry, Item, StateChange
from lnwatch.store.past import queries
from lnwatch.store.past.values import CLOSED_KEPT, EVENTS_KEPT, Past
from lnwatch.store.rollups import HOUR, start_of
from lnwatch.store.workers import Workers


class _Part(Enum):
    """What is read by itself."""

    LINES = auto()  # of channel streams
    RARE = auto()  # every other event
    SPANS = auto()
    HELD = auto()
    BASELINES = auto()


@dataclass(frozen=True, slots=True)
class _Read:
    """What was read; None: it was not stale."""

    lines: Sequence[Happening] | None
    rare: Sequence[Happening] | None
    spans: Sequence[StateSpan] | None
    held: Mapping[str, tuple[LightningInvoice, ...]] | None
    baselines: Mapping[tuple[str, str], Baseline] | None


class PastKeeper:
    """The pasts of all sites, for the one process that appends: `note` is told of each batch once it is stored."""

    def __init__(self, workers: Workers) -> None:
        """A site is read when it is first asked for."""
        self._workers = workers
        self._sites: dict[str, _Site] = {}
        self._one_at_a_time = asyncio.Lock()

    async def past(self, site: str, now: float) -> Past:
        """What the View of the site at `now` lacks. Raises LedgerError."""
        async with self._one_at_a_time:
            generation = self._workers.database.generation
            known = self._sites.get(site)
            if known is None or known.generation != generation or now - EVENTS_KEPT < known.since:
                known = self._sites[site] = _Site(site, generation)
            await known.refresh(self._workers, now)
            return known.at(now)

    def note(self, items: Iterable[Item]) -> None:
        """These are stored now."""
        for item in items:
            if (known := self._sites.get(item.site)) is not None:
                known.note(item)


class _Site:
    """What is in memory of one site."""

    def __init__(self, site: str, generation: int) -> None:
        self.generation = generation
        self.since = -inf  # what is older was dropped
        self._site = site
        self._stale = set(_Part)
        self._hour = 0
        self._lines: dict[tuple[str, ChannelEvent], Happening] = {}
        self._noted: list[Happening] = []  # lines that came while the ledger was read
        self._reading = False
        self._rare: Sequence[Happening] = ()
        self._spans: Sequence[StateSpan] = ()
        self._past = Past()
        self._changed = True
        self._next_drop = inf  # what falls out of the window next, by its time

    def note(self, item: Item) -> None:
        """Keep up with what is stored now."""
        if isinstance(item, StateChange):
            self._stale.add(_Part.SPANS)
        elif isinstance(item, Entry):
            if item.reading.facts is not None and item.at < self._hour:
                self._stale.add(_Part.BASELINES)  # a late figure of an hour that is over
            for event in item.reading.events:
                if isinstance(event, ChannelEvent):
                    self._note_line(Happening(item.source, event.at, event))
                elif isinstance(event, Reorganisation | StreamGap | ClosedChannel):
                    self._stale.add(_Part.RARE)
                elif isinstance(event, LightningInvoice):
                    self._note_invoice(event)

    def _note_line(self, line: Happening) -> None:
        """Lines are the many: they are taken as they come, the first of each key, as the ledger does."""
        if self._reading:
            self._noted.append(line)
        elif isinstance(line.event, ChannelEvent) and line.at >= self.since:
            self._changed |= self._lines.setdefault((line.source, line.event), line) is line

    def _note_invoice(self, invoice: LightningInvoice) -> None:
        if invoice.state is InvoiceState.ACCEPTED or self._past.held or self._reading:
            self._stale.add(_Part.HELD)

    async def refresh(self, workers: Workers, now: float) -> None:
        """Read what may have changed."""
        hour = start_of(now, HOUR)
        if hour != self._hour:
            self._hour = hour
            self._stale.add(_Part.BASELINES)
        if not self._stale:
            return
        parts, self._stale, self._reading = self._stale, set(), True
        try:
            self._take(await workers.read(partial(_read, site=self._site, parts=parts, now=now)))
        except BaseException:
            self._stale |= parts
            raise
        finally:
            self._reading = False
            noted, self._noted = self._noted, []
            for line in noted:
                self._note_line(line)

    def _take(self, read: _Read) -> None:
        self._changed |= any(part is not None for part in (read.lines, read.rare, read.spans))
        if read.lines is not None:
            self._lines = {
                (each.source, each.event): each for each in read.lines if isinstance(each.event, ChannelEvent)
            }
        if read.rare is not None:
            self._rare = read.rare
        if read.spans is not None:
            self._spans = read.spans
        if read.held is not None and read.held != self._past.held:
            self._past = replace(self._past, held=read.held)
        if read.baselines is not None and read.baselines != self._past.baselines:
            self._past = replace(self._past, baselines=read.baselines)

    def at(self, now: float) -> Past:
        """The past as it is at `now`."""
        self.since = now - EVENTS_KEPT
        if self._changed or self._next_drop < self.since:
            self._drop(now)
            events = sorted([*self._lines.values(), *self._rare], key=lambda each: (each.at, each.source))
            self._past = replace(self._past, events=tuple(events), states=tuple(self._spans))
            self._changed = False
        return self._past

    def _drop(self, now: float) -> None:
        """Leave out what is too old, and find out when this is due again."""
        self._lines = {key: line for key, line in self._lines.items() if line.at >= self.since}
        self._rare = [each for each in self._rare if each.at >= now - _kept(each)]
        over = {former: later.at for former, later in _successions(self._spans)}
        self._spans = [span for span in self._spans if over.get(span, inf) >= self.since]
        ends = [over[span] for span in self._spans if span in over]
        ends += [each.at + _kept(each) - EVENTS_KEPT for each in self._rare]
        self._next_drop = min([*ends, *(line.at for line in self._lines.values())], default=inf)


def _kept(happening: Happening) -> float:
    return CLOSED_KEPT if isinstance(happening.event, ClosedChannel) else EVENTS_KEPT


def _successions(spans: Iterable[StateSpan]) -> Iterable[tuple[StateSpan, StateSpan]]:
    """Each span that is over, with the one that ended it."""
    of_source = sorted(spans, key=lambda span: (span.source, span.at))
    return ((former, later) for former, later in pairwise(of_source) if former.source == later.source)


def _read(connection: Connection, site: str, parts: set[_Part], now: float) -> _Read:
    since = now - EVENTS_KEPT
    return _Read(
        lines=queries.channel_events(connection, site, since) if _Part.LINES in parts else None,
        rare=queries.rare_events(connection, site, since, now - CLOSED_KEPT) if _Part.RARE in parts else None,
        spans=queries.states(connection, site, since) if _Part.SPANS in parts else None,
        held=queries.held(connection, site) if _Part.HELD in parts else None,
        baselines=queries.baselines(connection, site, start_of(now, HOUR)) if _Part.BASELINES in parts else None,
    )
