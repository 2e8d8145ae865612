"""BTCPay Server gives no answer, or its invoices can't be read: no customer gets an invoice, on whatever rail."""

from collections.abc import Iterable
from dataclasses import dataclass

from lnwatch.domain.reach import silent
from lnwatch.domain.stores import collector_of, stores_of
from lnwatch.domain.wording import clause, moment
from lnwatch.model.btcpay import Invoices
from lnwatch.model.rule import Answer, Finding, Owner, Rule, Scope, Severity, Unknown
from lnwatch.model.snapshot import TargetState
from lnwatch.model.view import CollectorHealth, TargetView, View

# Reasons by the values of `errors.FailureReason`; a refused credential is an answer, and another rule's.
_NO_ANSWER = frozenset({"refused", "timeout", "overloaded", "failed", "malformed"})
_MISSED = 1.4  # intervals without success: one try that failed at once is not enough, one that hung or a second is


@dataclass(frozen=True, slots=True)
class Thresholds:
    """Nothing to set but how long it may last, which is `for`."""


def judge(view: View, target: TargetView | None, _thresholds: Thresholds) -> Iterable[Answer]:
    """One subject: the source. Its health answers well while its database is away: what lnwatch reads itself counts.

    An NBXplorer that is away leaves BTCPay serving, and so does not count.
    """
    if target is None:
        return
    subject = f"source:{target.slug}"
    down = silent(target, view.at)
    since = moment(target.since if target.since is not None else view.at)
    if down is None:
        yield Unknown(f"{target.slug} could not be asked: {clause(target.detail)}", subject)
    elif down and target.state is not None:
        how = "has hung" if target.state is TargetState.HANGING else "has given no answer"
        facts = {"state": target.state.value, "since": since, "version": target.version}
        sentence = f"{subject} (BTCPay Server) {how} since {since}: {clause(target.detail)}."
        yield Finding(subject, sentence, facts=facts, evidence=target.state.value)
    elif failing := [store for store in stores_of(target) if _fails(target.collectors[collector_of(Invoices, store)])]:
        fault = target.collectors[collector_of(Invoices, failing[0])].fault
        why = clause(fault.message) if fault is not None else "no reason is known"
        words = f"answers, but the invoices of store {failing[0]} can't be read: {why}"
        facts = {"stores": " ".join(failing), "version": target.version}
        yield Finding(subject, f"{subject} (BTCPay Server) {words}.", facts=facts, evidence="invoices")


def _fails(health: CollectorHealth) -> bool:
    """Whether the newest try was given no answer, and it was not that one alone."""
    if health.success or health.fault is None or health.fault.reason not in _NO_ANSWER:
        return False
    if health.last_success_at is None:
        return health.runs > 1
    return health.fault.at - health.last_success_at > _MISSED * health.interval


RULE = Rule(
    id="btcpay_down",
    scope=Scope.SOURCE,
    severity=Severity.CRITICAL,
    owner=Owner.ONCALL,
    thresholds=Thresholds,
    judge=judge,
    after=120,
    kinds=("btcpay",),
    parents=("restart_overrun",),
    grant="configure a source of kind `btcpay`",
)
