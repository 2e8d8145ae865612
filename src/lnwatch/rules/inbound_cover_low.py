"""What a node could receive does not cover what a day is expected to bring by the margin that is asked for."""

from collections.abc import Iterable
from dataclasses import dataclass

from lnwatch.domain.cover import NODE_PARENTS, basis, demand_of, liquidity_of
from lnwatch.domain.limits import require_positive
from lnwatch.model.money import format_msat
from lnwatch.model.rule import Answer, Finding, Need, Owner, Rule, Scope, Severity, Unknown
from lnwatch.model.view import TargetView, View


@dataclass(frozen=True, slots=True)
class Thresholds:
    """`cover`: found when less than that many expected days could be received."""

    cover: float = 1.5

    def __post_init__(self) -> None:
        """Refuse nonsense."""
        require_positive(cover=self.cover)


def judge(view: View, target: TargetView | None, thresholds: Thresholds) -> Iterable[Answer]:
    """One subject: the node, for all stores on it."""
    if target is None:
        return
    subject = f"node:{target.slug}"
    liquidity, demand = liquidity_of(view, target), demand_of(view, target)
    if isinstance(liquidity, Unknown):
        yield liquidity
    elif isinstance(demand, Unknown):
        yield demand
    elif not demand.days and not demand.daily_msat:
        yield Unknown(f"no Lightning payment to {subject} is known yet: what a day brings can't be expected", subject)
    elif liquidity.inbound_msat < thresholds.cover * demand.daily_msat:
        cover = liquidity.inbound_msat / demand.daily_msat
        inbound, daily = format_msat(liquidity.inbound_msat), format_msat(demand.daily_msat)
        words = f"{cover:.2g} times the {daily} that a day is expected to bring (limit {thresholds.cover:g} times)"
        yield Finding(
            subject,
            f"{subject} could receive {inbound}, {words}.",
            facts={"usable inbound": inbound, "expected day": daily, "expected from": basis(demand)},
        )


RULE = Rule(
    id="inbound_cover_low",
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
