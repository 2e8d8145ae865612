"""Payments over Lightning arrive, but it takes too long until the shop can know it: customers wait at the counter."""

from collections.abc import Iterable
from dataclasses import dataclass

from lnwatch.domain.limits import require_positive, require_share
from lnwatch.domain.stores import store_facts, stores_of, unread
from lnwatch.domain.wording import duration, percent
from lnwatch.model.btcpay import Invoices
from lnwatch.model.order import Leg, Order, Rail
from lnwatch.model.rule import Answer, Finding, Owner, Rule, Scope, Severity, Unknown
from lnwatch.model.view import TargetView, View

_WORDS = {
    Leg.ACCEPT_SETTLE: "at the node",
    Leg.SETTLE_BTCPAY: "from the node to BTCPay",
    Leg.BTCPAY_WEBHOOK: "from BTCPay to the shop",
    Leg.SEEN_CONFIRMED: "in the chain",
}


@dataclass(frozen=True, slots=True)
class Thresholds:
    """`target_seconds`: a settlement that takes longer is slow. Found when more than `share` of the last 60 of a
    store are, and at least `least` of them."""

    target_seconds: float = 5.0
    share: float = 0.05
    least: int = 3

    def __post_init__(self) -> None:
        """Refuse nonsense."""
        require_positive(target_seconds=self.target_seconds, least=self.least)
        require_share(share=self.share)


def judge(view: View, target: TargetView | None, thresholds: Thresholds) -> Iterable[Answer]:
    """One subject for each store: what its node, BTCPay and the webhook took together, as far as that is seen."""
    if target is None:
        return
    for store in stores_of(target):
        subject, shop = f"store:{store}", view.shops.get(store)
        orders = shop.settlements.get(Rail.LIGHTNING, ()) if shop is not None else ()
        took = [(order, legs) for order in orders if order.business and (legs := _slowest(order))]
        slow = [(order, legs) for order, legs in took if sum(legs.values()) > thresholds.target_seconds]
        if store_facts(target, Invoices, store, view.at) is None:
            yield Unknown(unread(target, Invoices, store), subject)
        elif not took:
            why = "was timed yet, for which it takes its node, and webhooks to lnwatch"
            yield Unknown(f"no Lightning settlement of {subject} {why}", subject)
        elif len(slow) >= thresholds.least and len(slow) > thresholds.share * len(took):
            yield _finding(subject, slow, len(took), thresholds)


def _slowest(order: Order) -> dict[Leg, float]:
    """How long each leg took, in seconds; of several payments the slowest counts."""
    found: dict[Leg, float] = {}
    for each in order.legs:
        if each.rail is Rail.LIGHTNING:
            found[each.leg] = max(each.seconds, found.get(each.leg, 0.0))
    return found


def _finding(subject: str, slow: list[tuple[Order, dict[Leg, float]]], timed: int, thresholds: Thresholds) -> Finding:
    lost = {leg: sum(legs.get(leg, 0.0) for _, legs in slow) for leg in _WORDS}
    where = _WORDS[max(lost, key=lambda leg: lost[leg])]
    limits = f"limit {percent(thresholds.share)} over {duration(thresholds.target_seconds)}"
    share = f"{len(slow)} of the last {timed} Lightning settlements of {subject} ({percent(len(slow) / timed)})"
    worst = max(sum(legs.values()) for _, legs in slow)
    newest = max(slow, key=lambda each: each[0].settled_at or 0.0)[0]
    return Finding(
        subject,
        f"{share} took too long, the slowest {duration(worst)}; most of it was lost {where} ({limits}).",
        facts={"slowest": duration(worst), "newest slow one": newest.invoices[-1]}
        | {_WORDS[leg]: duration(seconds / len(slow)) for leg, seconds in lost.items() if seconds},
        evidence=newest.id,
    )


RULE = Rule(
    id="settlement_slow",
    scope=Scope.SOURCE,
    severity=Severity.WARNING,
    owner=Owner.OPERATORS,
    thresholds=Thresholds,
    judge=judge,
    after=600,
    kinds=("btcpay",),
    grant="configure a source of kind `btcpay` and the Lightning node behind it; `lnwatch webhook register`",
)
