"""A node could not even receive a usual payment any more: over Lightning the shop is closed."""

from collections.abc import Iterable
from dataclasses import dataclass

from lnwatch.domain.cover import NODE_PARENTS, demand_of, liquidity_of
from lnwatch.model.money import format_msat
from lnwatch.model.rule import Answer, Finding, Need, Owner, Rule, Scope, Severity, Unknown
from lnwatch.model.view import TargetView, View


@dataclass(frozen=True, slots=True)
class Thresholds:
    """Nothing to set but how long it may last, which is `for`."""


def judge(view: View, target: TargetView | None, _thresholds: Thresholds) -> Iterable[Answer]:
    """One subject: the node, for all stores on it. Nothing at all is less than any payment."""
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
    inbound = format_msat(liquidity.inbound_msat)
    facts = {"usable inbound": inbound, "payments known": str(demand.tickets)}
    if demand.median_msat is not None and liquidity.inbound_msat < demand.median_msat:
        ticket = format_msat(demand.median_msat)
        sentence = f"{subject} could receive {inbound}, less than half of its payments are worth (median {ticket})."
        yield Finding(subject, sentence, facts=facts | {"median payment": ticket})
    elif not liquidity.inbound_msat:
        yield Finding(subject, f"{subject} could receive nothing over Lightning, and stores stand on it.", facts=facts)
    elif demand.median_msat is None:
        yield Unknown(f"no Lightning payment to {subject} is known yet: what is usual can't be told", subject)


RULE = Rule(
    id="inbound_exhausted",
    scope=Scope.NODE,
    severity=Severity.CRITICAL,
    owner=Owner.TREASURY,
    thresholds=Thresholds,
    judge=judge,
    after=60,
    needs=(Need("channels"),),
    parents=NODE_PARENTS,
    grant="configure a Lightning node (ListChannels, `offchain:read`) and the BTCPay Server whose store is on it",
)
