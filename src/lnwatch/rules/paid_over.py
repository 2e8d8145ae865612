"""An invoice was settled with more than was asked: what is too much is the customer's."""

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
    yield from standing(view, target, Trouble.PAID_OVER, _finding)


def _finding(trouble: PaymentException) -> Finding:
    return Finding(
        subject=trouble.subject,
        sentence=f"{trouble.sentence} Send back what is too much.",
        facts=trouble.facts,
        evidence=trouble.evidence,
    )


RULE = Rule(
    id="paid_over",
    scope=Scope.SOURCE,
    severity=Severity.WARNING,
    owner=Owner.SUPPORT,
    thresholds=Thresholds,
    judge=judge,
    kinds=("btcpay",),
    tells_changes=True,
    grant="configure a source of kind `btcpay`; its key needs btcpay.store.canviewinvoices for each store",
)
