"""An invoice was paid in full after it had expired: the money is here, and BTCPay never settles it by itself."""

from collections.abc import Iterable
from dataclasses import dataclass

from lnwatch.domain.troubles import standing
from lnwatch.model.order import PaymentException, Trouble
from lnwatch.model.rule import Answer, Finding, Owner, Rule, Scope, Severity
from lnwatch.model.view import TargetView, View


@dataclass(frozen=True, slots=True)
class Thresholds:
    """Nothing to set: whatever BTCPay does not put right by itself is somebody's to put right."""


def judge(view: View, target: TargetView | None, _thresholds: Thresholds) -> Iterable[Answer]:
    """One subject for each invoice."""
    yield from standing(view, target, Trouble.PAID_LATE, _finding)


def _finding(trouble: PaymentException) -> Finding:
    return Finding(
        subject=trouble.subject,
        sentence=f"{trouble.sentence} Accept the order by hand, or send the money back.",
        facts=trouble.facts,
        evidence=trouble.evidence,
    )


RULE = Rule(
    id="paid_late",
    scope=Scope.SOURCE,
    severity=Severity.WARNING,
    owner=Owner.SUPPORT,
    thresholds=Thresholds,
    judge=judge,
    kinds=("btcpay",),
    tells_changes=True,
    grant="configure a source of kind `btcpay`; its key needs btcpay.store.canviewinvoices for each store",
)
