"""Keeps orders up with what the ledger was told of invoices, and shows each store as it stands in the View."""

import asyncio
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from math import inf

from lnwatch.clock import Clock
from lnwatch.domain.orders import RETRY_WINDOW, ReadUntil, Regrouped, regroup
from lnwatch.domain.outages import outages
from lnwatch.domain.payable import payability
from lnwatch.domain.tally import contribution
from lnwatch.model.btcpay import Invoices, Store
from lnwatch.model.conditions import NOTHING_KNOWN, Conditions
from lnwatch.model.kpi import CanPay, PayabilitySpan
from lnwatch.model.lightning import NodeStatus
from lnwatch.model.merchant import BtcpayInvoice, Method
from lnwatch.model.order import Order, Outcome, PaymentException, Rail
from lnwatch.model.probe import ProbeStatus
from lnwatch.model.view import OpenInvoice, ShopView, View
from lnwatch.store import Entry, Ledger
from lnwatch.store.circumstances import Period
from lnwatch.store.orders.values import Gathered, Group, GroupChange, Kept
from lnwatch.target import Target

GROUPS = 250  # that are looked at together
MANY_STORIES = 20  # from here on orders are made in a thread, so that the loop never stalls
SHOWN_EXCEPTIONS = 500  # of a site, in the View
SHOWN_OPEN = 1_000  # invoices of a store, in the View
LOOK_AGAIN = 5.0, 300.0  # seconds, at least and at most, until what waits for another source is looked at again
REFRESH = 1.0  # seconds at most between two looks at what the View shows, while something changes
REST = 5  # times as long as a look took is the next one put off, however much comes in

Place = tuple[str, str]  # site, store


@dataclass(frozen=True, slots=True)
class Books:
    """One site: its stores with their BTCPay Server's slug, how long an order waits for another try, and the
    Lightning nodes that the configuration names for stores."""

    stores: Mapping[str, str]
    retry_window: float = RETRY_WINDOW
    nodes: Mapping[str, str] = field(default_factory=dict)


@dataclass(slots=True)
class _Known:
    """What the ledger said last of one site, for its View; `again_at` is when it may be asked anew."""

    again_at: float
    exceptions: Mapping[str, tuple[PaymentException, ...]]
    exception_counts: Mapping[str, int]
    settlements: Mapping[tuple[str, Rail], tuple[Order, ...]]
    opened: Mapping[str, tuple[tuple[OpenInvoice, ...], int]]
    counters: Mapping[tuple[str, str], Mapping[str, int]]


class Orderbook:
    """Makes orders of what is marked as stale or has fallen due, and commits them. One caller at a time.

    What it forgets in a crash is marked in the ledger, so that everything is done again with the same result.
    """

    def __init__(
        self, ledger: Ledger, clock: Clock, targets: Mapping[Place, Target], sites: Mapping[str, Books]
    ) -> None:
        """`targets` are all sources by site and slug. Nothing is known before `restore`."""
        self._ledger = ledger
        self._clock = clock
        self._targets = targets
        self._sites = sites
        self._read_until: dict[Place, float] = {}
        self._looked_until: dict[Place, float] = {}
        self._node_keys: dict[Place, str] = {}
        self._known: dict[str, _Known] = {}
        self._shown: dict[str, Mapping[str, ShopView]] = {}
        self._changed: set[str] = set()
        self._marks, self._looked_at = 1, 0  # how often groups became stale, and how many of those times are done with
        self._can_pay: dict[tuple[str, str, Rail], CanPay] = {}
        self._closed = False  # no store is watched, and what is left of former ones is done

    async def restore(self) -> None:
        """Take up what the ledger knows: watermarks, nodes, and whether customers could pay. Raises LedgerError."""
        for (site, _), target in self._targets.items():
            for snapshot in target.snapshots.values():
                self._note_facts(site, snapshot.facts)
        for site in self._sites:
            for store, key in (await self._ledger.circumstances.node_keys(site)).items():
                self._node_keys.setdefault((site, store), key)
            for span in await self._ledger.orders.payability(site, self._clock.now()):
                self._can_pay[site, span.store, span.rail] = span.answer

    def note(self, entries: Iterable[Entry], *, stale: bool) -> bool:
        """These are stored now: how far stores were read, and which node their invoices name; and whether groups became
        stale.

        Whether `advance` makes orders of them, after which they are to be judged.
        """
        self._marks += stale
        for entry in entries:
            self._note_facts(entry.site, entry.reading.facts)
            for event in entry.reading.events:
                if isinstance(event, BtcpayInvoice):
                    self._changed.add(entry.site)
                    key = next((method.node for method in event.methods or () if method.node), None)
                    if key is not None and not entry.reading.history:
                        self._node_keys[entry.site, event.store] = key
        return stale and not self._closed

    def _note_facts(self, site: str, facts: object) -> None:
        if isinstance(facts, Invoices):
            self._read_until[site, facts.store] = facts.read_until

    async def advance(self) -> bool:
        """Do the next part of what there is to do; False where there is nothing. Raises LedgerError."""
        if self._closed:
            return False
        groups = await self._due() or await self._marked()
        if not groups:
            self._closed = not any(books.stores for books in self._sites.values())
            return False
        gathered = await self._ledger.orders.gather(groups)
        await self._ledger.orders.commit(await self._changes(gathered))
        self._changed.update(each.group.site for each in gathered)
        return True

    async def _due(self) -> tuple[Group, ...]:
        """Orders that time alone makes final, once the store was read on."""
        for place, until in list(self._read_until.items()):  # more may come while the ledger is asked
            site, store = place
            if until <= self._looked_until.get(place, 0.0) or store not in self._stores(site):
                continue
            if groups := await self._ledger.orders.due(site, store, until, GROUPS):
                return groups
            self._looked_until[place] = until
        return ()

    async def _marked(self) -> tuple[Group, ...]:
        """Those of which something was told. The ledger is asked until it has none, and again once it may have some."""
        if self._looked_at == self._marks:
            return ()
        marks = self._marks  # more may come while the ledger is asked
        groups = await self._ledger.orders.stale(GROUPS)
        if not groups:
            self._looked_at = marks
        return groups

    def _stores(self, site: str) -> Mapping[str, str]:
        books = self._sites.get(site)
        return books.stores if books is not None else {}

    async def _changes(self, gathered: Sequence[Gathered]) -> list[GroupChange]:
        """What becomes of these groups. For what ended now without money, the world is asked what it was like then."""

        def make() -> list[tuple[Regrouped, ...]]:
            return [self._regrouped(each, NOTHING_KNOWN) for each in gathered]

        def put_down() -> list[GroupChange]:
            return [self._change(each, made) for each, made in zip(gathered, regrouped, strict=True)]

        many = sum(len(each.stories) for each in gathered) > MANY_STORIES
        regrouped = await asyncio.to_thread(make) if many else make()
        for index, each in enumerate(gathered):
            if (period := _in_question(regrouped[index], each)) is not None:
                conditions = await self._conditions((each.group.site, each.group.store), *period)
                regrouped[index] = self._regrouped(each, conditions)
        return await asyncio.to_thread(put_down) if many else put_down()

    def _regrouped(self, gathered: Gathered, conditions: Conditions) -> tuple[Regrouped, ...]:
        site, store = gathered.group.site, gathered.group.store
        books = self._sites.get(site)
        return regroup(
            gathered.stories,
            [each.order for each in gathered.kept],
            read_until=ReadUntil(self._read_until.get((site, store)), self._node_read_until(site, store)),
            retry_window=books.retry_window if books is not None else RETRY_WINDOW,
            conditions=conditions,
        )

    def _change(self, gathered: Gathered, made: Sequence[Regrouped]) -> GroupChange:
        """What of it the ledger has to know: of a group that was cut, everything."""
        place = gathered.group.site, gathered.group.store
        before = {kept.order.id: kept for kept in gathered.kept}
        kept = [self._kept(place, each) for each in made]
        return GroupChange(
            group=gathered.group,
            token=gathered.token,
            kept=tuple(each for each in kept if gathered.token.cut or before.get(each.order.id) != each),
            dropped=tuple(before.keys() - {each.order.id for each in made}),
        )

    def _kept(self, place: Place, made: Regrouped) -> Kept:
        """An order as it is to be stored. One that waits for another source than BTCPay is looked at now and then."""
        due, until = made.due_at, self._read_until.get(place)
        if due is not None and until is not None and due <= until:
            due = until + min(max(LOOK_AGAIN[0], (until - due) / 10), LOOK_AGAIN[1])
        return Kept(made.order, contribution(made.order), due)

    def _node_read_until(self, site: str, store: str) -> float | None:
        node = self.node(site, store)
        record = self._targets[site, node].records.get("invoices") if node is not None else None
        return None if record is None else record.read_until or 0.0

    def node(self, site: str, store: str) -> str | None:
        """The slug of the Lightning node at which a store's payments arrive; None while that is not known."""
        books = self._sites.get(site)
        if books is not None and store in books.nodes:
            return books.nodes[store]
        key = self._node_keys.get((site, store))
        for (of, slug), target in self._targets.items():
            if of != site or key is None:
                continue
            status = target.snapshots.get("node")
            if status is not None and isinstance(status.facts, NodeStatus) and status.facts.public_key == key:
                return slug
        return None

    async def _conditions(self, place: Place, since: float, until: float) -> Conditions:
        """What the world was like in that period, for a store."""
        site, store = place
        node, server = self.node(site, store), self._stores(site).get(store)
        kinds = {slug: target.kind for (of, slug), target in self._targets.items() if of == site}
        kinds = {slug: kind for slug, kind in kinds.items() if self._bears(site, slug, kind, node)}
        around = await self._ledger.circumstances.within(Period(site, node, tuple(kinds), since, until))
        return Conditions(
            enabled=self._enabled(site, server, store),
            outages=outages(around.states, kinds, node),
            receivable=around.receivable,
            failed_htlcs=around.failed,
        )

    def _bears(self, site: str, slug: str, kind: str, node: str | None) -> bool:
        """Whether a source's state says anything of a store on `node`: of visits only those to the checkout."""
        target = self._targets[site, slug]
        if kind == "probe":
            snapshot = target.snapshots.get("probe")
            return snapshot is not None and isinstance(snapshot.facts, ProbeStatus) and snapshot.facts.checkout
        return not target.lightning or slug == node

    def _enabled(self, site: str, server: str | None, store: str) -> frozenset[Method]:
        target = self._targets.get((site, server)) if server is not None else None
        snapshot = target.snapshots.get(f"store_{store}") if target is not None else None
        if snapshot is None or not isinstance(settings := snapshot.facts, Store):
            return frozenset()
        limited = settings.limited_methods
        return frozenset(each.method for each in settings.methods if each.enabled and each.id not in limited)

    async def fill(self, view: View) -> View:
        """The View with its stores. Raises LedgerError."""
        if view.site not in self._sites:
            return view
        known = self._known.get(view.site)
        if known is None or (view.site in self._changed and self._clock.monotonic() >= known.again_at):
            self._changed.discard(view.site)
            known = self._known[view.site] = await self._look(view.site)
        shops = {store: self._shop(view, store, known) for store in self._stores(view.site)}
        shops = {store: replace(shop, payability=payability(view, shop)) for store, shop in shops.items()}
        await self._note_payability(view, shops)
        if self._shown.get(view.site) != shops:  # rules are asked again where it is another object
            self._shown[view.site] = shops
        return replace(view, shops=self._shown[view.site])

    def due(self) -> float:
        """Seconds until what changed since the last look is to be looked at; infinite where nothing did."""
        waiting = [self._known[site].again_at for site in self._changed & self._known.keys()]
        return max(0.0, min(waiting, default=inf) - self._clock.monotonic())

    async def _look(self, site: str) -> _Known:
        orders, began = self._ledger.orders, self._clock.monotonic()
        counters = await orders.counters()  # first: what is counted is then among the rest, whatever is stored between
        exceptions = await orders.exceptions(site, SHOWN_EXCEPTIONS)
        settlements = await orders.settlements(site)
        opened = await orders.open_invoices(site, SHOWN_OPEN)
        now = self._clock.monotonic()
        return _Known(
            again_at=now + min(REST * (now - began), REFRESH),
            exceptions=exceptions.newest,
            exception_counts=exceptions.counts,
            settlements=settlements,
            opened=opened,
            counters=counters,
        )

    def _shop(self, view: View, store: str, known: _Known) -> ShopView:
        opened, open_count = known.opened.get(store, ((), 0))
        return ShopView(
            store=store,
            source=self._stores(view.site)[store],
            node=self.node(view.site, store),
            read_until=self._read_until.get((view.site, store)),
            open_invoices=opened,
            open_count=open_count,
            settlements={rail: known.settlements.get((store, rail), ()) for rail in (Rail.LIGHTNING, Rail.ONCHAIN)},
            exceptions=known.exceptions.get(store, ()),
            exception_count=known.exception_counts.get(store, 0),
            counters=known.counters.get((view.site, store), {}),
        )

    async def _note_payability(self, view: View, shops: Mapping[str, ShopView]) -> None:
        """Store what changed: uptime is reckoned from it."""
        answers = {
            (view.site, store, each.rail): each.answer
            for store, shop in shops.items()
            for each in shop.payability
            if each.rail is not None
        }
        # A rail that a store no longer offers can't be told of: its uptime must not run on.
        answers |= {key: CanPay.UNKNOWN for key in self._can_pay if key[0] == view.site and key not in answers}
        changed = {key: answer for key, answer in answers.items() if self._can_pay.get(key) is not answer}
        if changed:
            spans = [PayabilitySpan(store, rail, view.at, answer) for (_, store, rail), answer in changed.items()]
            await self._ledger.orders.note_payability(view.site, spans)
            self._can_pay.update(changed)


def _in_question(made: Sequence[Regrouped], gathered: Gathered) -> tuple[float, float] | None:
    """The life of invoices that ended now without having settled: what the world was like then has to be asked."""
    final = {kept.order.id for kept in gathered.kept if kept.order.outcome is not Outcome.OPEN}
    asked = {
        invoice
        for order in (each.order for each in made)
        if order.outcome not in {Outcome.OPEN, Outcome.SETTLED, Outcome.EXCLUDED}
        if not order.history and order.id not in final
        for invoice in order.invoices
    }
    lives = [story.invoice for story in gathered.stories if story.invoice.id in asked]
    if not lives:
        return None
    return float(min(each.created_at for each in lives)), float(max(each.expires_at for each in lives))
