"""Payments on the chain wait for more blocks than they should: their senders pay too little for the fee market."""

from collections.abc import Iterable
from dataclasses import dataclass

from lnwatch.domain.limits import require_positive, require_share
from lnwatch.domain.stores import store_facts, stores_of, unread
from lnwatch.domain.wording import count, duration, percent
from lnwatch.model.btcpay import Invoices
from lnwatch.model.order import Leg, LegTime, Order, Rail
from lnwatch.model.rule import Answer, Finding, Owner, Rule, Scope, Severity, Unknown
from lnwatch.model.view import TargetView, View


@dataclass(frozen=True, slots=True)
class Thresholds:
    """Found when under `share` of a store's last `settlements` on the chain (60 at most) were in a block within
    `blocks` of being seen."""

    share: float = 0.9
    blocks: int = 2
    settlements: int = 20

    def __post_init__(self) -> None:
        """Refuse nonsense."""
        require_share(share=self.share)
        require_positive(blocks=self.blocks, settlements=self.settlements)
        if self.settlements > 60:
            raise ValueError(f"`settlements` is 60 at most, found {self.settlements}")


def judge(view: View, target: TargetView | None, thresholds: Thresholds) -> Iterable[Answer]:
    """One subject for each store. Blocks count and not minutes, which are the luck of the network."""
    if target is None:
        return
    for store in stores_of(target):
        subject, shop = f"store:{store}", view.shops.get(store)
        orders = shop.settlements.get(Rail.ONCHAIN, ()) if shop is not None else ()
        seen = [(order, leg) for order in orders if order.business and (leg := _slowest(order)) is not None]
        seen = sorted(seen, key=lambda each: each[0].settled_at or 0.0)[-thresholds.settlements :]
        slow = [(order, leg) for order, leg in seen if (leg.blocks or 0) > thresholds.blocks]
        if store_facts(target, Invoices, store, view.at) is None:
            yield Unknown(unread(target, Invoices, store), subject)
        elif len(seen) < thresholds.settlements:
            needed = f"it takes {thresholds.settlements} to tell"
            yield Unknown(
                f"{subject} has {count(len(seen), 'on-chain settlement')} seen from first sight on; {needed}", subject
            )
        elif len(seen) - len(slow) < thresholds.share * len(seen):
            yield _finding(subject, slow, seen, thresholds)


def _slowest(order: Order) -> LegTime | None:
    """The wait of the transaction that came into the chain last."""
    legs = [leg for leg in order.legs if leg.leg is Leg.SEEN_CONFIRMED and leg.blocks is not None]
    return max(legs, key=lambda leg: leg.blocks or 0, default=None)


def _finding(
    subject: str, slow: list[tuple[Order, LegTime]], seen: list[tuple[Order, LegTime]], thresholds: Thresholds
) -> Finding:
    quick = len(seen) - len(slow)
    within = f"within {count(thresholds.blocks, 'block')} of being seen"
    share = f"{quick} of the last {len(seen)} on-chain payments of {subject} ({percent(quick / len(seen))})"
    mean = duration(sum(leg.seconds for _, leg in seen) / len(seen))
    worst = max(leg.blocks or 0 for _, leg in slow)
    return Finding(
        subject,
        f"Only {share} were in a block {within} (limit {percent(thresholds.share)}); the mean wait was {mean}.",
        facts={"slowest": count(worst, "block"), "mean wait": mean, "newest slow one": slow[-1][0].invoices[-1]},
        evidence=slow[-1][0].id,
    )


RULE = Rule(
    id="onchain_slow",
    scope=Scope.SOURCE,
    severity=Severity.INFO,
    owner=Owner.OPERATORS,
    thresholds=Thresholds,
    judge=judge,
    kinds=("btcpay",),
    grant="configure a source of kind `btcpay` and the bitcoind behind it",
)
