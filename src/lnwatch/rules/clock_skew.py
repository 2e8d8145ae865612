"""A source's clock and ours disagree: times, expiries and one of the two machines' certificates can't be trusted."""

from collections.abc import Iterable
from dataclasses import dataclass

from lnwatch.domain.limits import require_positive
from lnwatch.domain.reach import unseen
from lnwatch.domain.wording import duration
from lnwatch.model.btcpay import BtcpayStatus
from lnwatch.model.chain import BitcoindStatus
from lnwatch.model.rule import Answer, Finding, Need, Owner, Rule, Scope, Severity, Unknown
from lnwatch.model.view import TargetView, View


@dataclass(frozen=True, slots=True)
class Thresholds:
    """`offset_seconds`: how far the source's Date header may be from our clock, either way."""

    offset_seconds: float = 30.0

    def __post_init__(self) -> None:
        """Refuse nonsense."""
        require_positive(offset_seconds=self.offset_seconds)


def judge(view: View, target: TargetView | None, thresholds: Thresholds) -> Iterable[Answer]:
    """One subject: the source."""
    if target is None:
        return
    subject = f"source:{target.slug}"
    snapshot = target.fresh("status", view.at)
    if snapshot is None or not isinstance(status := snapshot.facts, BitcoindStatus | BtcpayStatus):
        yield Unknown(unseen(target, "status"), subject)
    elif status.clock_offset is None:
        yield Unknown(f"{target.slug} sends no Date header", subject)
    elif abs(status.clock_offset) > thresholds.offset_seconds:
        side = "ahead of" if status.clock_offset > 0 else "behind"
        apart, limit = duration(abs(status.clock_offset)), duration(thresholds.offset_seconds)
        sentence = f"The clock of {subject} ({target.kind}) is {apart} {side} lnwatch's (limit {limit}): one is wrong."
        yield Finding(subject, sentence, facts={"offset": f"{status.clock_offset:+.1f} s"}, evidence=side)


RULE = Rule(
    id="clock_skew",
    scope=Scope.SOURCE,
    severity=Severity.WARNING,
    owner=Owner.ONCALL,
    thresholds=Thresholds,
    judge=judge,
    after=300,
    kinds=("bitcoind", "btcpay"),
    needs=(Need("status"),),
    grant="configure a bitcoind or a BTCPay Server: their answers carry the time",
)
