"""What judges, over a ledger of a test: every rule as it declares itself, unless the test says otherwise."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from lnwatch import rules
from lnwatch.caseload import Bench, Caseload
from lnwatch.clock import Clock
from lnwatch.discover import discover
from lnwatch.domain.judge import OWN_SITE
from lnwatch.domain.lifecycle import usual_policy
from lnwatch.engine import Brain
from lnwatch.measures import Measures
from lnwatch.model.rule import Rule
from lnwatch.model.view import Episode
from lnwatch.notify._routing import Routing, RoutingSettings
from lnwatch.orderbook import Orderbook
from lnwatch.selfwatch import SelfWatch
from lnwatch.store import Ledger


def all_rules() -> tuple[Rule[Any], ...]:
    """Every rule of the catalogue."""
    return tuple(discover(rules, "RULE", Rule).values())


@dataclass
class Office:
    """A brain with what a test wants to look at: how often messages were committed, what delivery says."""

    brain: Brain
    commits: list[None] = field(default_factory=list)
    deliveries: dict[str, Episode] = field(default_factory=dict)


def make_office(
    ledger: Ledger,
    clock: Clock,
    *,
    of: Iterable[Rule[Any]] | None = None,
    sites: Iterable[str] = ("main",),
    channels: Mapping[str, str] | None = None,
    routing: RoutingSettings | None = None,
) -> Office:
    """`of` are the rules, by default all; `channels` kinds by slug, by default none; there is no store."""
    judged = tuple(of) if of is not None else all_rules()
    kinds = dict(channels or {})
    ways = Routing(routing or RoutingSettings(), kinds, tuple(sites))
    commits: list[None] = []
    deliveries: dict[str, Episode] = {}
    caseload = Caseload(ledger, Bench.usual(judged, sites), ways, lambda: commits.append(None))
    orderbook = Orderbook(ledger, clock, {}, {})
    measures = Measures(ledger, clock, {}, orderbook.node)
    brain = Brain(caseload, SelfWatch(ledger, clock), lambda: deliveries, orderbook, measures)
    return Office(brain, commits, deliveries)


__all__ = ["OWN_SITE", "Office", "all_rules", "make_office", "usual_policy"]
