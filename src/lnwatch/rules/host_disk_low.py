"""A disk is nearly full, or will be within a day at the present rate: databases that can't write get damaged."""

from collections.abc import Iterable
from dataclasses import dataclass

from lnwatch.domain.limits import require_order, require_positive, require_share
from lnwatch.domain.reach import unseen
from lnwatch.domain.wording import clause, duration, percent, size
from lnwatch.model.host import DiskUsage, HostStatus
from lnwatch.model.rule import Answer, Finding, Need, Owner, Rule, Scope, Severity, Unknown
from lnwatch.model.view import TargetView, View


@dataclass(frozen=True, slots=True)
class Thresholds:
    """Found with less than `free_share` of space or inodes free, or when space ends within `full_seconds` at
    the rate of the last hour. From `roomy_share` on a disk is well even while its rate is not known."""

    free_share: float = 0.05
    full_seconds: float = 86_400.0
    roomy_share: float = 0.2

    def __post_init__(self) -> None:
        """Refuse nonsense."""
        require_share(free_share=self.free_share, roomy_share=self.roomy_share)
        require_order(free_share=self.free_share, roomy_share=self.roomy_share)
        require_positive(full_seconds=self.full_seconds)


def judge(view: View, target: TargetView | None, thresholds: Thresholds) -> Iterable[Answer]:
    """One subject for each path that is watched. A path that could not be asked is not in the facts, only in the
    target's detail: then whatever is not found may be that path's, and can't be told."""
    if target is None:
        return
    snapshot = target.fresh("status", view.at)
    if snapshot is None or not isinstance(status := snapshot.facts, HostStatus):
        yield Unknown(unseen(target, "status"))
        return
    for disk in status.disks:
        if (answer := _judge_disk(disk, thresholds)) is not None:
            yield answer
    if target.detail:
        yield Unknown(clause(target.detail))


def _judge_disk(disk: DiskUsage, thresholds: Thresholds) -> Answer | None:
    subject = f"path:{disk.path}"
    if disk.total <= 0:
        return Unknown(f"{disk.path} tells no size", subject)
    share, limit = disk.free / disk.total, percent(thresholds.free_share)
    facts = {"free": size(disk.free), "size": size(disk.total)}
    if share < thresholds.free_share:
        words = f"has {size(disk.free)} of {size(disk.total)} free, {percent(share)} (limit {limit})"
        return Finding(subject, f"{subject} {words}.", facts=facts, evidence="space")
    if disk.inodes_total > 0 and disk.inodes_free / disk.inodes_total < thresholds.free_share:
        words = f"has {percent(disk.inodes_free / disk.inodes_total)} of its inodes free (limit {limit})"
        return Finding(subject, f"{subject} {words}.", facts=facts, evidence="inodes")
    if disk.fill_rate is None:
        roomy = share >= thresholds.roomy_share
        return None if roomy else Unknown(f"{disk.path}: how fast it fills is known after an hour", subject)
    if disk.fill_rate > 0 and disk.free / disk.fill_rate < thresholds.full_seconds:
        left, within = duration(disk.free / disk.fill_rate), duration(thresholds.full_seconds)
        rate = f"{size(disk.fill_rate * 3_600)} an hour"
        words = f"is full in {left} at the present {rate} (limit {within}), with {size(disk.free)} free"
        return Finding(subject, f"{subject} {words}.", facts={**facts, "rate": rate}, evidence="rate")
    return None


RULE = Rule(
    id="host_disk_low",
    scope=Scope.SOURCE,
    severity=Severity.CRITICAL,
    owner=Owner.ONCALL,
    thresholds=Thresholds,
    judge=judge,
    after=300,
    kinds=("host",),
    needs=(Need("status"),),
    grant="configure a source of kind `host` with the paths to watch",
)
