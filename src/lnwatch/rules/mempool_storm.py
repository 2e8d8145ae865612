"""The next block costs a multiple of what it usually does: on-chain payments and closes get dear and slow."""

from collections.abc import Iterable
from dataclasses import dataclass

from lnwatch.domain.limits import require_positive
from lnwatch.domain.reach import unseen
from lnwatch.domain.wording import count
from lnwatch.model.chain import BitcoindStatus
from lnwatch.model.rule import Answer, Finding, Need, Owner, Rule, Scope, Severity, Unknown
from lnwatch.model.view import TargetView, View

NEXT_BLOCK = 2  # blocks: the nearest target that bitcoind estimates for


@dataclass(frozen=True, slots=True)
class Thresholds:
    """`factor`: found above that many times the 30-day median. `samples_hours`: hours of estimates without
    which there is no median worth the name."""

    factor: float = 5.0
    samples_hours: int = 72

    def __post_init__(self) -> None:
        """Refuse nonsense."""
        require_positive(factor=self.factor, samples_hours=self.samples_hours)


def judge(view: View, target: TargetView | None, thresholds: Thresholds) -> Iterable[Answer]:
    """One subject: the source that tells the fee."""
    if target is None:
        return
    subject = f"source:{target.slug}"
    snapshot = target.fresh("status", view.at)
    if snapshot is None or not isinstance(status := snapshot.facts, BitcoindStatus):
        yield Unknown(unseen(target, "status"), subject)
        return
    rates = (fee.sat_per_vbyte for fee in status.fees if fee.target_blocks == NEXT_BLOCK)
    rate = next(rates, None)
    usual = view.baselines.get((target.slug, "next_block_fee"))
    if rate is None:
        yield Unknown(f"{target.slug} has no estimate for the next block", subject)
    elif usual is None or usual.samples < thresholds.samples_hours or usual.median <= 0:
        needed = count(thresholds.samples_hours, "hour")
        yield Unknown(f"{target.slug}: what is usual is not known before {needed} of estimates", subject)
    elif float(rate) > thresholds.factor * usual.median:
        times = float(rate) / usual.median
        median = f"{times:.3g} times the 30-day median of {usual.median:.3g} sat/vB (limit {thresholds.factor:g} times)"
        facts = {"next block": f"{rate} sat/vB", "30-day median": f"{usual.median:.3g} sat/vB"}
        if status.mempool_min_fee is not None:
            facts["lowest fee kept"] = f"{status.mempool_min_fee} sat/vB"
        sentence = f"{subject} (Bitcoin Core) estimates {rate:.3g} sat/vB for the next block, {median}."
        yield Finding(subject, sentence, facts=facts)


RULE = Rule(
    id="mempool_storm",
    scope=Scope.SOURCE,
    severity=Severity.INFO,
    owner=Owner.TREASURY,
    thresholds=Thresholds,
    judge=judge,
    after=900,
    kinds=("bitcoind",),
    needs=(Need("status"),),
    grant="let bitcoind's user call estimatesmartfee",
)
