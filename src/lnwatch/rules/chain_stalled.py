"""No source of the site has seen a new block for long: most often luck, which is worth telling and no page."""

from collections.abc import Iterable
from dataclasses import dataclass

from lnwatch.domain.heights import Tip, bitcoind_tips, lightning_tips
from lnwatch.domain.limits import require_positive
from lnwatch.domain.wording import duration, moment
from lnwatch.model.chain import BitcoindStatus
from lnwatch.model.rule import Answer, Finding, Owner, Rule, Scope, Severity, Unknown
from lnwatch.model.view import TargetView, View


@dataclass(frozen=True, slots=True)
class Thresholds:
    """`tip_age_seconds`: how old, by its own time, the newest block anywhere may grow."""

    tip_age_seconds: float = 5_400.0

    def __post_init__(self) -> None:
        """Refuse nonsense."""
        require_positive(tip_age_seconds=self.tip_age_seconds)


def judge(view: View, _target: TargetView | None, thresholds: Thresholds) -> Iterable[Answer]:
    """One subject: the site."""
    subject = f"site:{view.site}"
    witnesses = [tip for tip in bitcoind_tips(view) if _knows_the_tip(view, tip)]
    tips = [*witnesses, *lightning_tips(view)]
    if not tips:
        yield Unknown("no source is fresh, synced and connected enough to tell of new blocks", subject)
        return
    newest = max(tips, key=lambda tip: tip.time)
    age = view.at - newest.time
    if age <= thresholds.tip_age_seconds:
        return
    if not witnesses and any(target.kind == "bitcoind" for target in view.targets.values()):
        # A Lightning node calls itself synced with whatever its bitcoind knows.
        yield Unknown("no bitcoind is at its tip with peers, so that it would know of a newer block", subject)
        return
    limit = duration(thresholds.tip_age_seconds)
    block = f"the newest, {newest.height:,}, is from {moment(newest.time)}"
    sentence = f"{subject} has seen no new block for {duration(age)} (limit {limit}): {block}."
    facts = {tip.source: f"block {tip.height:,}" for tip in tips}
    yield Finding(subject, sentence, facts=facts, evidence=str(newest.height))


def _knows_the_tip(view: View, tip: Tip) -> bool:
    snapshot = view.targets[tip.source].fresh("status", view.at)
    status = snapshot.facts if snapshot is not None else None
    if not isinstance(status, BitcoindStatus):
        return False
    connected = status.network_active and status.peers_in + status.peers_out > 0
    return connected and not status.initial_block_download and status.headers <= status.blocks


RULE = Rule(
    id="chain_stalled",
    scope=Scope.SITE,
    severity=Severity.INFO,
    owner=Owner.OPERATORS,
    thresholds=Thresholds,
    judge=judge,
    parents=("bitcoind_behind", "bitcoind_no_peers"),
    grant="configure a source of kind `bitcoind`, or a Lightning node",
)
