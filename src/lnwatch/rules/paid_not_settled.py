"""The node has a customer's money and BTCPay does not know: it shows the invoice as unpaid, for good and silently."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from lnwatch.domain.limits import require_positive
from lnwatch.domain.payable import offered_rails
from lnwatch.domain.reach import unseen
from lnwatch.domain.troubles import shops_of, troubles_of, untold
from lnwatch.model.order import PaymentException, Rail, Trouble
from lnwatch.model.rule import Answer, Finding, Owner, Rule, Scope, Severity, Unknown
from lnwatch.model.view import ShopView, TargetView, View


@dataclass(frozen=True, slots=True)
class Thresholds:
    """`grace_seconds`: how long BTCPay may take to learn of a payment that the node has."""

    grace_seconds: float = 180.0

    def __post_init__(self) -> None:
        """Refuse nonsense."""
        require_positive(grace_seconds=self.grace_seconds)


def judge(view: View, target: TargetView | None, thresholds: Thresholds) -> Iterable[Answer]:
    """One subject for each invoice: found once BTCPay was read later than the grace, and still did not know."""
    if target is None:
        return
    whys = dict[str, None]()
    for shop in shops_of(view, target):
        for trouble in troubles_of(shop, Trouble.PAID_NOT_SETTLED):
            if shop.read_until is not None and shop.read_until - trouble.since >= thresholds.grace_seconds:
                yield _finding(trouble)
        whys |= dict.fromkeys(_blind(view, target, shop))
    if whys:
        yield Unknown("; ".join(whys))


def _blind(view: View, server: TargetView, shop: ShopView) -> Iterator[str]:
    """Why a payment that BTCPay does not know of could go unseen, or the end of one."""
    if why := untold(view, shop):
        yield why
    node = view.targets.get(shop.node) if shop.node is not None else None
    if node is None and Rail.LIGHTNING not in offered_rails(server, shop):
        return
    if node is None:
        yield f"no Lightning node is known to stand behind store {shop.store}"
        return
    invoices = node.collectors.get("invoices")  # it brings events, no snapshot
    if invoices is None or invoices.stale(view.at):
        yield unseen(node, "invoices")


def _finding(trouble: PaymentException) -> Finding:
    return Finding(
        subject=trouble.subject,
        sentence=f"{trouble.sentence} Accept the order by hand, or send the money back.",
        facts=trouble.facts,
        evidence=trouble.evidence,
    )


RULE = Rule(
    id="paid_not_settled",
    scope=Scope.SOURCE,
    severity=Severity.CRITICAL,
    owner=Owner.SUPPORT,
    thresholds=Thresholds,
    judge=judge,
    kinds=("btcpay",),
    tells_changes=True,
    grant="configure a source of kind `btcpay` and the Lightning node behind its store; the key needs "
    "btcpay.store.canviewinvoices for each store, the node's credential ListInvoices (`invoices:read`)",
)
