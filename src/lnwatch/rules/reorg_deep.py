"""The chain was rewritten by two blocks or more: payments that looked confirmed may not be."""

from collections.abc import Iterable
from dataclasses import dataclass

from lnwatch.domain.limits import require_positive
from lnwatch.domain.wording import count, moment
from lnwatch.model.chain import Reorganisation
from lnwatch.model.rule import Answer, Finding, Owner, Rule, Scope, Severity, Unknown
from lnwatch.model.view import TargetView, View


@dataclass(frozen=True, slots=True)
class Thresholds:
    """`depth_blocks`: found when at least that many blocks were disconnected. `window_seconds`: how long it
    stays found; a View holds a day of events."""

    depth_blocks: int = 2
    window_seconds: float = 21_600.0

    def __post_init__(self) -> None:
        """Refuse nonsense."""
        require_positive(depth_blocks=self.depth_blocks, window_seconds=self.window_seconds)
        if self.window_seconds > 86_400:
            raise ValueError(f"`window_seconds` is a day (86400) at most, found {self.window_seconds:g}")


def judge(view: View, target: TargetView | None, thresholds: Thresholds) -> Iterable[Answer]:
    """One subject: the source that saw it."""
    if target is None:
        return
    subject = f"source:{target.slug}"
    begin = view.at - thresholds.window_seconds
    if view.born_at is not None:
        begin = max(begin, view.born_at)  # what happened before is history
    deep = [
        happening.event
        for happening in view.events
        if happening.source == target.slug
        and happening.at > begin
        and isinstance(happening.event, Reorganisation)
        and happening.event.depth >= thresholds.depth_blocks
    ]
    if deep:
        yield _finding(subject, deep, thresholds)
        return
    blocks = target.collectors.get("blocks")
    if blocks is None or blocks.stale(view.at):
        yield Unknown(f"{target.slug}: its blocks are not followed at the moment", subject)


def _finding(subject: str, deep: list[Reorganisation], thresholds: Thresholds) -> Finding:
    worst, newest = max(deep, key=lambda reorg: reorg.depth), deep[-1]
    again = f", one of {len(deep)}" if len(deep) > 1 else ""
    return Finding(
        subject,
        f"{subject} (Bitcoin Core) saw {count(worst.depth, 'block')} replaced above height {worst.fork_height:,} at "
        f"{moment(worst.at)}{again} (limit {thresholds.depth_blocks}).",
        facts={
            "depth": str(worst.depth),
            "fork height": f"{worst.fork_height:,}",
            "old tip": worst.old_tip,
            "new tip": worst.new_tip,
        },
        evidence=newest.new_tip,
    )


RULE = Rule(
    id="reorg_deep",
    scope=Scope.SOURCE,
    severity=Severity.WARNING,
    owner=Owner.OPERATORS,
    thresholds=Thresholds,
    judge=judge,
    kinds=("bitcoind",),
    grant="let bitcoind's user call getblockhash and getblockheader",
)
