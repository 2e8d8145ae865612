"""The channel-backup file does not cover every open channel: after a loss of data those would be lost."""

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass

from lnwatch.domain.limits import require_positive
from lnwatch.domain.reach import unseen
from lnwatch.domain.wording import count, listing, moment
from lnwatch.model.lightning import BackupFile
from lnwatch.model.rule import Answer, Finding, Need, Owner, Rule, Scope, Severity, Unknown
from lnwatch.model.view import TargetView, View


@dataclass(frozen=True, slots=True)
class Thresholds:
    """`missing_channels`: found with at least that many open channels that the file lacks."""

    missing_channels: int = 1

    def __post_init__(self) -> None:
        """Refuse nonsense."""
        require_positive(missing_channels=self.missing_channels)


def judge(view: View, target: TargetView | None, thresholds: Thresholds) -> Iterable[Answer]:
    """One subject: the node."""
    if target is None:
        return
    subject = f"node:{target.slug}"
    snapshot = target.fresh("backup", view.at)
    if snapshot is None or not isinstance(facts := snapshot.facts, BackupFile):
        yield Unknown(unseen(target, "backup"), subject)
    elif facts.missing is None:
        yield Unknown(f"{target.slug} could not say which channels {facts.path} covers", subject)
    elif len(facts.missing) >= thresholds.missing_channels:
        yield _finding(subject, facts, facts.missing, thresholds)


def _finding(subject: str, facts: BackupFile, missing: tuple[str, ...], thresholds: Thresholds) -> Finding:
    written = f"last written {moment(facts.modified_at)}" if facts.size else "which is missing or empty"
    return Finding(
        subject=subject,
        sentence=f"The channel backup of {subject}, {facts.path} ({written}), lacks "
        f"{count(len(missing), 'open channel')} (limit {thresholds.missing_channels}).",
        facts={
            "file": facts.path,
            "written": moment(facts.modified_at) if facts.size else "never",
            "covers": count(facts.channels, "channel") if facts.channels is not None else "not known",
            "lacks": listing(missing, 5),
        },
        evidence=hashlib.sha256(" ".join(sorted(missing)).encode()).hexdigest(),
    )


RULE = Rule(
    id="backup_stale",
    scope=Scope.NODE,
    severity=Severity.CRITICAL,
    owner=Owner.ONCALL,
    thresholds=Thresholds,
    judge=judge,
    after=600,
    needs=(Need("backup"),),
    grant="set `backup_file` of the LND node to its channel.backup, readable by lnwatch; its credential needs "
    "VerifyChanBackup (`offchain:read`)",
)
