"""A public address does not answer as it should, seen as a customer sees it: where they pay, nobody pays."""

from collections.abc import Iterable
from dataclasses import dataclass

from lnwatch.domain.reach import unseen
from lnwatch.domain.wording import clause, duration
from lnwatch.model.probe import ProbeStage, ProbeStatus
from lnwatch.model.rule import Answer, Finding, Owner, Rule, Scope, Severity, Unknown
from lnwatch.model.view import TargetView, View

_WORDS = {
    ProbeStage.DNS: "its name is not found",
    ProbeStage.CONNECT: "nobody can connect",
    ProbeStage.TLS: "no secure connection comes about",
    ProbeStage.REQUEST: "its answer is not the one that is due",
}


@dataclass(frozen=True, slots=True)
class Thresholds:
    """Nothing to set but how long it may last, which is `for`; what is expected belongs to the probe."""


def judge(view: View, target: TargetView | None, _thresholds: Thresholds) -> Iterable[Answer]:
    """One subject: the probe. One that is no checkout is the operators' business, and wakes nobody."""
    if target is None:
        return
    subject = f"probe:{target.slug}"
    snapshot = target.fresh("probe", view.at)
    if snapshot is None or not isinstance(status := snapshot.facts, ProbeStatus):
        yield Unknown(unseen(target, "probe"), subject)
    elif (stage := status.failed) is not None:
        what = "the checkout" if status.checkout else "a public address"
        through = f" through {status.via}" if status.via else ""
        where = f"{status.where}, {what}{through}"
        yield Finding(
            subject,
            f"{subject} ({where}) can't be used: {_WORDS[stage]}: {clause(status.trouble)}.",
            severity=None if status.checkout else Severity.WARNING,
            owner=None if status.checkout else Owner.OPERATORS,
            facts=_facts(status, stage),
            evidence=stage.value,
        )


def _facts(status: ProbeStatus, failed: ProbeStage) -> dict[str, str]:
    facts = {"address": status.where, "fails at": failed.value}
    facts |= {step.stage.value: duration(step.seconds) for step in status.steps if step.seconds is not None}
    return facts if status.http_status is None else facts | {"HTTP": str(status.http_status)}


RULE = Rule(
    id="checkout_unreachable",
    scope=Scope.SOURCE,
    severity=Severity.CRITICAL,
    owner=Owner.ONCALL,
    thresholds=Thresholds,
    judge=judge,
    after=60,
    kinds=("probe",),
    parents=("btcpay_down", "restart_overrun"),
    grant="configure a source of kind `probe` with the address at which customers pay",
)
