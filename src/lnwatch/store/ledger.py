"""The ledger as the engine sees it: an async facade over the threads that do the work."""

from collections.abc import Iterable, Mapping, Sequence
from functools import partial

import structlog
from sqlalchemy import Connection, func, select, tuple_

from lnwatch.clock import Clock
from lnwatch.model.case import Case, Fingerprint
from lnwatch.model.lightning import Channels, Policies
from lnwatch.model.money import Msat
from lnwatch.model.silence import Silence
from lnwatch.model.snapshot import Facts, Snapshot, TargetState
from lnwatch.model.view import Episode, NodeTotals
from lnwatch.store import tables
from lnwatch.store.apply import Batch, apply
from lnwatch.store.apply.details import ChannelDetails
from lnwatch.store.apply.snapshots import Packed
from lnwatch.store.apply.watch import watch_transactions
from lnwatch.store.cases import episodes, reading, silences
from lnwatch.store.cases.commit import commit, slices
from lnwatch.store.cases.episodes import Episodes
from lnwatch.store.cases.outbox import LedgerOutbox
from lnwatch.store.cases.values import CaseChange, CaseRecord
from lnwatch.store.circumstances import CircumstanceReader
from lnwatch.store.database import Database
from lnwatch.store.facts import pack, unpack
from lnwatch.store.hooks import HookLedger
from lnwatch.store.inbox import Inbox, Request
from lnwatch.store.items import Entry, Item, LiquidityChange, StateChange, parts
from lnwatch.store.journal import Journal
from lnwatch.store.memory import LedgerMemory
from lnwatch.store.orders.ledger import OrderLedger
from lnwatch.store.past.keeper import PastKeeper
from lnwatch.store.past.values import Past
from lnwatch.store.prune import prune
from lnwatch.store.rollups import OUTCOMES, RECEIVED
from lnwatch.store.settings import LedgerSettings
from lnwatch.store.starts import deployment, note_alive
from lnwatch.store.workers import Workers

log = structlog.get_logger()

LARGE = 1_000  # channels of a list that is stored now and then only
LARGE_EVERY = 300.0  # seconds


class Ledger:
    """An open ledger. The engine alone appends; every method raises LedgerError where it can't be done.

    `backend` is `sqlite` or `postgresql`, `starts` the number of the daemon's starts so far, this one included,
    `outbox` what waits to be told, `journal` what was proposed, allowed and done, `orders` what customers bought,
    `hooks` the webhooks that came in, `circumstances` what the world was like while invoices were open.
    """

    def __init__(self, database: Database, settings: LedgerSettings, clock: Clock, starts: int) -> None:
        """As `open_ledger` and `visit_ledger` do it."""
        self.backend = database.backend.name
        self.starts = starts
        self._workers = Workers(database, settings.answer_timeout)
        self._settings = settings
        self._clock = clock
        self._inbox = Inbox(self._workers, clock)
        self._large_at: dict[tuple[str, str, str], float] = {}
        self.outbox = LedgerOutbox(self._workers, clock)
        self.journal = Journal(self._workers)
        self.circumstances = CircumstanceReader(self._workers)
        self.orders = OrderLedger(self._workers, clock, settings.retention.five_minute_buckets)
        self.hooks = HookLedger(self._workers, clock)
        self._past = PastKeeper(self._workers)
        self._details = ChannelDetails()
        self._details_of = 0  # the database's generation that they speak of

    async def append(self, items: Sequence[Item]) -> bool:
        """Store a batch (at most some 500 events) in one transaction, cursors with what they cover; whether groups of
        invoices became stale.

        Raises LedgerError, and then nothing of it is stored. Told again it changes nothing, if a batch
        holds at most one page of history of a collector. Rows per channel follow in transactions of
        their own, and those of a long page of invoices come before it; where some fail, telling the same again
        brings what is missing.
        """
        packed = await self._packed([item for item in items if isinstance(item, Entry)])
        keep = self._settings.retention.five_minute_buckets
        stale = False
        for part in parts(items):
            stale |= await self._workers.write(partial(apply, batch=Batch(part, packed), keep_buckets=keep))
        self._past.note(items)
        for item in items:
            if isinstance(item, LiquidityChange):
                while await self._workers.run_writer(partial(self._write_details, item)):
                    pass
        return stale

    async def _packed(self, entries: Sequence[Entry]) -> Packed:
        """The facts as they are stored; None where a large list was stored a short while ago.

        Such a list serves only a restart within its three intervals, and is read anew right after it: packing
        10,000 channels each time would be a third of all the work.
        """
        packed: dict[int, bytes | None] = {}
        due: list[Facts] = []
        for entry in entries:
            facts, key = entry.reading.facts, (entry.site, entry.source, entry.collector)
            if facts is None:
                continue
            if isinstance(facts, Channels | Policies) and len(facts.channels) > LARGE:
                if 0 <= entry.at - self._large_at.get(key, float("-inf")) < LARGE_EVERY:
                    packed[id(facts)] = None
                    continue
                self._large_at[key] = entry.at
            due.append(facts)
        if due:
            packed |= await self._workers.run_reader(lambda: {id(facts): pack(facts) for facts in due})
        return packed

    def _write_details(self, change: LiquidityChange) -> bool:
        database = self._workers.database
        if self._details_of != database.generation:
            self._details.forget()
            self._details_of = database.generation
        written = database.write(lambda connection: self._details.write(connection, change))
        self._details.remember(written)
        return written.more

    async def births(self) -> Mapping[tuple[str, str], float]:
        """When each site (source "") and source was born."""
        return await self._workers.read(_births)

    async def totals(self) -> Mapping[tuple[str, str], NodeTotals]:
        """Lifetime counters by site and node; from the node's birth on, at 0."""
        return await self._workers.read(_totals)

    async def snapshots(self) -> tuple[Snapshot, ...]:
        """The newest snapshot of each collector; those that another version wrote are left out."""
        return await self._workers.read(_snapshots)

    async def states(self) -> tuple[StateChange, ...]:
        """The newest state change of each target."""
        return await self._workers.read(_states)

    async def past(self, site: str, now: float) -> Past:
        """What the View of a site lacks; asks the ledger only for what was appended since. For the one that appends."""
        return await self._past.past(site, now)

    async def commit(self, changes: Sequence[CaseChange]) -> None:
        """Store decisions with their history and messages; each case's in one transaction, in their order.

        Told again they change nothing. Raises LedgerError, and then those of whole cases may be stored, of
        none a part; FAILED where a decision speaks of an opening that is over (`recall` gives the newest).
        """
        for part in slices(changes):
            await self._workers.write(partial(commit, changes=part))

    async def cases(self, ended_since: float) -> tuple[Case, ...]:
        """The newest opening of each case that is not over, or not since before `ended_since`; closed ones count
        as over when their evidence has gone."""
        return await self._workers.read(partial(reading.standing_cases, ended_since=ended_since))

    async def recall(self, fingerprints: Iterable[Fingerprint]) -> tuple[Case, ...]:
        """The newest opening of each of these, however long it is over: its number goes on from there."""
        return await self._workers.read(partial(reading.recalled, fingerprints=tuple(fingerprints)))

    async def told_channels(self, cases: Iterable[Case]) -> Mapping[Fingerprint, frozenset[str]]:
        """The channels that have, or are about to get, a message of the opening that each of these is in."""
        return await self._workers.read(partial(reading.told_channels, cases=tuple(cases)))

    async def cases_between(self, since: float, until: float, limit: int = 1_000) -> tuple[Case, ...]:
        """Openings that were open at some time from `since` up to `until`, the newest first."""
        return await self._workers.read(partial(reading.openings_between, since=since, until=until, limit=limit))

    async def case(self, fingerprint: Fingerprint, limit: int = 500) -> CaseRecord | None:
        """A case with its newest steps and messages, `limit` of each; None where nothing is known of it."""
        return await self._workers.read(partial(reading.record, fingerprint=fingerprint, limit=limit))

    async def silences(self, now: float) -> tuple[Silence, ...]:
        """Silences and maintenance windows that are in force at `now` or will be."""
        return await self._workers.read(partial(silences.silences, now=now))

    async def put_silence(self, silence: Silence) -> None:
        """Store a silence; of two with the same site and id the first stands."""
        await self._workers.write(partial(silences.put_silence, silence=silence))

    async def end_silence(self, identity: str, by: str, at: float) -> bool:
        """End a silence before its time; False where none of that id lasts."""
        return await self._workers.write(partial(silences.end_silence, identity=identity, by=by, at=at))

    async def episodes(self, since: float) -> Episodes:
        """What was wrong with lnwatch itself, by kind and subject: what lasts, or ended at `since` or later."""
        return await self._workers.read(partial(episodes.episodes, since=since))

    async def begin_episode(self, kind: str, subject: str, at: float, words: str) -> None:
        """Something is wrong with lnwatch from `at` on; where it is already, this is the same episode."""
        await self._workers.write(
            partial(episodes.begin_episode, kind=kind, subject=subject, at=at, words=words),
        )

    async def end_episode(self, kind: str, subject: str, at: float) -> bool:
        """End what of that kind and subject lasts; False where nothing did."""
        return await self._workers.write(partial(episodes.end_episode, kind=kind, subject=subject, at=at))

    async def put_episode(self, kind: str, subject: str, episode: Episode) -> None:
        """Store an episode that was told when it was over; again it is the same one."""
        await self._workers.write(partial(episodes.put_episode, kind=kind, subject=subject, episode=episode))

    def memory(self, site: str, source: str) -> LedgerMemory:
        """What that source may ask of its past."""
        return LedgerMemory(self._workers, site, source)

    async def watch(self, site: str, txids: Iterable[str], at: float) -> None:
        """Put transactions on the watch list of a site."""
        wanted = tuple(txids)
        await self._workers.write(lambda connection: watch_transactions(connection, site, wanted, at))

    async def inbox_put(self, kind: str, body: Mapping[str, object], at: float) -> str:
        """Ask something of the engine; returns the id of the request."""
        return await self._inbox.put(kind, body, at)

    async def inbox_pending(self, limit: int) -> tuple[Request, ...]:
        """What has no answer yet, oldest first."""
        return await self._inbox.pending(limit)

    async def inbox_answer(self, request: str, answer: Mapping[str, object], at: float) -> None:
        """Answer a request; the first answer stands."""
        await self._inbox.answer(request, answer, at)

    async def inbox_begin(self, request: str) -> bool:
        """Note that a request is being carried out; False where it was withdrawn, so that it must not be."""
        return await self._inbox.begin(request)

    async def inbox_withdraw(self, request: str, at: float) -> bool:
        """Take a request back for good; False where it was begun or answered before."""
        return await self._inbox.withdraw(request, at)

    async def inbox_wait(self, request: str, timeout: float) -> Request | None:  # noqa: ASYNC109 - on our own clock
        """The request with its answer; None where there is none after `timeout` seconds."""
        return await self._inbox.wait(request, timeout)

    async def deployment(self) -> str:
        """The name of this installation: the same as long as its ledger lives."""
        now = self._clock.now()
        return await self._workers.write(lambda connection: deployment(connection, now))

    async def probe(self) -> None:
        """Prove that the ledger can be written now; opens it anew where it could not be before."""
        now = self._clock.now()
        await self._workers.write(lambda connection: note_alive(connection, self.starts, now))

    async def prune(self, now: float) -> Mapping[str, int]:
        """Remove what is older than its retention; returns rows removed by table. Roll-ups by hour stay."""
        removed = await prune(self._workers, self._settings.retention, now)
        log.info("ledger pruned", **{table: rows for table, rows in removed.items() if rows})
        return removed

    async def close(self) -> None:
        """Finish what was asked for and let go of the ledger."""
        await self._workers.close()
        self._workers.database.backend.release()


def _births(connection: Connection) -> dict[tuple[str, str], float]:
    site, source = tables.site.c, tables.source_birth.c
    births = {(name, ""): at for name, at in connection.execute(select(site.site, site.born_at))}
    rows = connection.execute(select(source.site, source.source, source.born_at))
    return births | {(of, name): at for of, name, at in rows}


def _totals(connection: Connection) -> dict[tuple[str, str], NodeTotals]:
    row = tables.counter.c
    counted: dict[tuple[str, str], dict[str, int]] = {}
    query = select(row.site, row.source, row.name, row.value).where(~row.source.contains(":"))  # a slug has none
    for site, node, name, value in connection.execute(query):
        counted.setdefault((site, node), {})[name] = value
    return {
        key: NodeTotals(
            outcomes={state: values.get(name, 0) for state, name in OUTCOMES.items()},
            received_msat=Msat(values.get(RECEIVED, 0)),
        )
        for key, values in counted.items()
    }


def _snapshots(connection: Connection) -> tuple[Snapshot, ...]:
    rows = connection.execute(select(tables.snapshot).order_by(*tables.snapshot.primary_key))
    read = ((row, unpack(row.kind, row.facts)) for row in rows)
    return tuple(Snapshot(row.site, row.source, row.collector, row.at, facts) for row, facts in read if facts)


def _states(connection: Connection) -> tuple[StateChange, ...]:
    row = tables.target_state.c
    newest = select(row.site, row.source, func.max(row.at)).group_by(row.site, row.source)
    query = select(row.site, row.source, row.at, row.state, row.detail, row.version).where(
        tuple_(row.site, row.source, row.at).in_(newest)
    )
    return tuple(
        StateChange(site, source, at, TargetState(state), detail, version)
        for site, source, at, state, detail, version in connection.execute(query.order_by(row.site, row.source))
    )
