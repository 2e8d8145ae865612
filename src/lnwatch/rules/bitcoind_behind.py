"""Bitcoin Core is not at the tip: blocks are missing, others have left its tip, or its warm-up does not end."""

from collections.abc import Iterable
from dataclasses import dataclass

from lnwatch.domain.heights import newest_elsewhere
from lnwatch.domain.limits import require_positive
from lnwatch.domain.reach import present_state, unseen
from lnwatch.domain.wording import clause, count, duration, percent
from lnwatch.model.chain import BitcoindStatus
from lnwatch.model.rule import Answer, Finding, Owner, Rule, Scope, Severity, Unknown
from lnwatch.model.snapshot import TargetState
from lnwatch.model.view import TargetView, View


@dataclass(frozen=True, slots=True)
class Thresholds:
    """`lag_blocks`: found with that many headers whose blocks are missing. `tip_age_seconds`: how old a tip
    may grow while another source knows a newer one. `warm_up_seconds`: how long a start may take."""

    lag_blocks: int = 1
    tip_age_seconds: float = 5_400.0
    warm_up_seconds: float = 1_800.0

    def __post_init__(self) -> None:
        """Refuse nonsense."""
        require_positive(
            lag_blocks=self.lag_blocks, tip_age_seconds=self.tip_age_seconds, warm_up_seconds=self.warm_up_seconds
        )


def judge(view: View, target: TargetView | None, thresholds: Thresholds) -> Iterable[Answer]:
    """One subject: the source."""
    if target is None:
        return
    subject = f"source:{target.slug}"
    if present_state(target, view.at) is TargetState.STARTING:
        yield _starting(view, target, thresholds)
        return
    snapshot = target.fresh("status", view.at)
    if snapshot is None or not isinstance(status := snapshot.facts, BitcoindStatus):
        yield Unknown(unseen(target, "status"), subject)
    elif (words := _words(view, target, status, thresholds)) is not None:
        facts = {"blocks": f"{status.blocks:,}", "headers": f"{status.headers:,}", "tip": status.tip_hash}
        yield Finding(subject, f"{subject} (Bitcoin Core) {words}.", facts=facts, evidence="behind")


def _words(view: View, target: TargetView, status: BitcoindStatus, thresholds: Thresholds) -> str | None:
    lag = status.headers - status.blocks
    if status.initial_block_download:
        done = percent(status.verification_progress)
        return f"is in its initial download at block {status.blocks:,} of {status.headers:,}, {done} of all"
    if lag >= thresholds.lag_blocks:
        limit = count(thresholds.lag_blocks, "block")
        return f"stands at block {status.blocks:,}, {count(lag, 'block')} behind the headers it knows (limit {limit})"
    age = view.at - status.tip_time
    newer = newest_elsewhere(view, target, status.chain)
    if age > thresholds.tip_age_seconds and newer is not None and newer.height > status.blocks:
        limit = duration(thresholds.tip_age_seconds)
        known = f"{newer.source} knows block {newer.height:,}"
        return f"stands at block {status.blocks:,}, which is {duration(age)} old (limit {limit}), while {known}"
    return None


def _starting(view: View, target: TargetView, thresholds: Thresholds) -> Answer:
    subject = f"source:{target.slug}"
    lasted = view.at - target.since if target.since is not None else 0.0
    if lasted <= thresholds.warm_up_seconds:
        return Unknown(f"{target.slug} is starting: {clause(target.detail)}", subject)
    limit, why = duration(thresholds.warm_up_seconds), clause(target.detail)
    sentence = f"{subject} (Bitcoin Core) has been starting for {duration(lasted)} (limit {limit}): {why}."
    return Finding(subject, sentence, facts={"phase": why}, evidence="starting")


RULE = Rule(
    id="bitcoind_behind",
    scope=Scope.SOURCE,
    severity=Severity.CRITICAL,
    owner=Owner.ONCALL,
    thresholds=Thresholds,
    judge=judge,
    after=300,
    kinds=("bitcoind",),
    parents=("restart_overrun",),
    grant="configure a source of kind `bitcoind`; its user needs getblockchaininfo and getnetworkinfo",
)
