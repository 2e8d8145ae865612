"""A site on an injected clock: what a source says goes into a real ledger, becomes orders, and is judged by rules."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from lnwatch.caseload import Bench, Caseload
from lnwatch.domain.lifecycle import Policy, usual_policy
from lnwatch.errors import SourceError
from lnwatch.model.assessment import StandingCase
from lnwatch.model.case import LIVING, Case, Fingerprint
from lnwatch.model.order import Order
from lnwatch.model.rule import Rule
from lnwatch.model.snapshot import Reading, TargetReport, TargetState
from lnwatch.model.view import View
from lnwatch.notify._routing import Route, Routing, RoutingSettings
from lnwatch.orderbook import Books, Orderbook
from lnwatch.sources import Checkup, Cost, Memory, Source, Stream
from lnwatch.store import Entry, Ledger, StateChange
from lnwatch.target import Target
from tests.brains import all_rules

DESK = "desk"  # the channel that everything is told to


class StoryClock:
    """It shows whatever the story says."""

    def __init__(self) -> None:
        self.at = 0.0

    def now(self) -> float:
        return self.at

    def monotonic(self) -> float:
        return self.at

    async def sleep(self, seconds: float) -> None:
        self.at += seconds

    def reach(self, at: float) -> None:
        """Time does not go back: what comes late comes late."""
        self.at = max(self.at, at)


@dataclass(frozen=True)
class Role:
    """A collector that says what the story lets it."""

    name: str
    interval: float = 60.0
    deadline: float = 30.0

    async def collect(self, memory: Memory) -> Reading:
        raise NotImplementedError


@dataclass
class Actor:
    """A source without a system behind it."""

    collectors: Sequence[Role]
    streams: Sequence[Stream] = ()
    cost: Cost = field(default_factory=Cost)
    tls_expires_at: float | None = None

    async def check(self) -> Checkup:
        return Checkup(reachable=True, state=TargetState.UP)

    async def close(self) -> None:
        """There is nothing to let go of."""


@dataclass
class Stage:
    """One site. `patience` is how long every finding has to last, None for each rule's own."""

    ledger: Ledger
    clock: StoryClock
    site: str
    sources: Mapping[str, tuple[str, Source]]  # by slug, with their kind
    stores: Mapping[str, str] = field(default_factory=lambda: {"shop": "btcpay"})
    patience: float | None = None
    seen: dict[Fingerprint, Case] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.targets = {
            (self.site, slug): Target(site=self.site, slug=slug, kind=kind, lightning=kind == "lnd", source=source)
            for slug, (kind, source) in self.sources.items()
        }
        self.orderbook = self._orderbook()
        routing = Routing(RoutingSettings(routes=(Route(channels=(DESK,)),)), {DESK: "webhook"}, (self.site,))
        self.caseload = Caseload(self.ledger, self._bench(), routing, lambda: None)

    def _orderbook(self) -> Orderbook:
        return Orderbook(self.ledger, self.clock, self.targets, {self.site: Books(self.stores)})

    async def restart(self) -> None:
        """Whoever makes orders forgets everything but the ledger."""
        self.orderbook = self._orderbook()
        await self.orderbook.restore()

    def _bench(self) -> Bench:
        rules = all_rules()
        usual = Bench.usual(rules, (self.site,))
        policies = {site: {rule.id: self._policy(rule) for rule in rules} for site in usual.policies}
        return Bench(rules, policies, usual.thresholds)

    def _policy(self, rule: Rule[Any]) -> Policy:
        policy = usual_policy(rule)
        return policy if self.patience is None else replace(policy, after=min(policy.after, self.patience))

    def target(self, slug: str) -> Target:
        return self.targets[self.site, slug]

    async def poll(self, slug: str, name: str) -> bool:
        """Run a collector as the daemon does; whether it has more to read."""
        target = self.target(slug)
        collector = next(each for each in target.source.collectors if each.name == name)
        try:
            reading = await collector.collect(self.ledger.memory(self.site, slug))
        except SourceError as error:
            await self.failed(slug, name, error)
            return False
        await self.told(slug, name, reading)
        return reading.more

    async def failed(self, slug: str, name: str, error: SourceError) -> None:
        """A collector came to nothing."""
        target = self.target(slug)
        target.records[name].failed(self.clock.now(), 0.0, error)
        if name == target.lead and target.failed_lead(self.clock.now(), error):
            await self.ledger.append([self._change(target)])

    async def told(self, slug: str, name: str, reading: Reading, at: float | None = None) -> None:
        """A collector brought something, which it had at `at`."""
        target, at = self.target(slug), self.clock.now() if at is None else at
        record = target.records[name]
        record.succeeded(at, 0.0)
        target.take(name, at, reading)
        await self.heard(slug, name, reading, at)
        record.read_until = record.read_until if reading.more else at
        report = reading.target or TargetReport(TargetState.UP, "", supported=True)
        if name == target.lead and target.enter(at, report):
            await self.ledger.append([self._change(target)])

    async def heard(self, slug: str, name: str, reading: Reading, at: float) -> None:
        """Something reached the ledger, by a collector or otherwise."""
        target = self.target(slug)
        entry = Entry(self.site, slug, target.lightning, name, at, reading, name == target.lead)
        stale = await self.ledger.append([entry])
        self.orderbook.note([entry], stale=stale)

    def _change(self, target: Target) -> StateChange:
        report = target.report
        return StateChange(self.site, target.slug, self.clock.now(), report.state, target.detail, report.version)

    async def judge(self) -> View:
        """Make orders of all that was told, and have the rules look at it."""
        while await self.orderbook.advance():
            pass
        past = await self.ledger.past(self.site, self.clock.now())
        view = View(
            site=self.site,
            at=self.clock.now(),
            born_at=(await self.ledger.births()).get((self.site, "")),
            targets={slug: self.target(slug).view() for slug in self.sources},
            liquidity={},
            totals={},
            events=past.events,
            states=past.states,
            held=past.held,
            baselines=past.baselines,
        )
        view = await self.orderbook.fill(view)
        await self.caseload.judge(view)
        self._note(self.caseload.standing.values())
        return view

    def _note(self, standing: Iterable[StandingCase]) -> None:
        for each in standing:
            if each.case.state in LIVING:
                self.seen[each.case.fingerprint] = each.case

    async def told_cases(self) -> tuple[Case, ...]:
        """The cases of which somebody was told that they opened."""
        told = await self.ledger.told_channels(self.seen.values())
        return tuple(case for fingerprint, case in self.seen.items() if told.get(fingerprint))

    async def orders(self, invoices: Iterable[str]) -> tuple[Order, ...]:
        """The orders that these invoices are in, oldest first."""
        found: dict[str, Order] = {}
        for invoice in invoices:
            for gathered in await self.ledger.orders.find(invoice):
                if gathered.group.site == self.site:
                    found |= {kept.order.id: kept.order for kept in gathered.kept}
        return tuple(sorted(found.values(), key=lambda order: (order.created_at, order.id)))
