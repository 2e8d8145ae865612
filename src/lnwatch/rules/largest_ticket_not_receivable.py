"""A node could not receive the larger ones of the payments that are usual there."""

from collections.abc import Iterable
from dataclasses import dataclass

from lnwatch.domain.cover import NODE_PARENTS, demand_of, liquidity_of
from lnwatch.domain.limits import require_share
from lnwatch.domain.wording import percent
from lnwatch.model.money import format_msat
from lnwatch.model.rule import Answer, Finding, Need, Owner, Rule, Scope, Severity, Unknown
from lnwatch.model.view import TargetView, View


@dataclass(frozen=True, slots=True)
class Thresholds:
    """`parts_share`: what counts is the most that could be received in one part, or, where more than that share of
    the payments of 30 days came in several, in many."""

    parts_share: float = 0.5

    def __post_init__(self) -> None:
        """Refuse nonsense."""
        require_share(parts_share=self.parts_share)


def judge(view: View, target: TargetView | None, thresholds: Thresholds) -> Iterable[Answer]:
    """One subject: the node, for all stores on it."""
    if target is None:
        return
    subject = f"node:{target.slug}"
    liquidity, demand = liquidity_of(view, target), demand_of(view, target)
    if isinstance(liquidity, Unknown):
        yield liquidity
        return
    if isinstance(demand, Unknown):
        yield demand
        return
    if demand.p95_msat is None:
        yield Unknown(f"no Lightning payment to {subject} is known yet: how large they are can't be told", subject)
        return
    many = demand.parts_share > thresholds.parts_share
    most = liquidity.receivable_many_msat if many else liquidity.receivable_one_msat
    if most < demand.p95_msat:
        ticket, how = format_msat(demand.p95_msat), "in many parts" if many else "in one part"
        could = f"{subject} could receive {format_msat(most)} at most {how}"
        yield Finding(
            subject,
            f"{could}, and one in twenty of its payments is above {ticket}.",
            facts={
                "in one part": format_msat(liquidity.receivable_one_msat),
                "in many parts": format_msat(liquidity.receivable_many_msat),
                "95 % of payments up to": ticket,
                "payments known": str(demand.tickets),
                "paid in several parts": percent(demand.parts_share),
            },
            evidence=how,
        )


RULE = Rule(
    id="largest_ticket_not_receivable",
    scope=Scope.NODE,
    severity=Severity.WARNING,
    owner=Owner.TREASURY,
    thresholds=Thresholds,
    judge=judge,
    after=900,
    needs=(Need("channels"),),
    parents=NODE_PARENTS,
    grant="configure a Lightning node (ListChannels, `offchain:read`) and the BTCPay Server whose store is on it",
)
