"""The machine is nearly out of memory: next the kernel kills what uses most, which is bitcoind or the node."""

from collections.abc import Iterable
from dataclasses import dataclass

from lnwatch.domain.limits import require_share
from lnwatch.domain.reach import unseen
from lnwatch.domain.wording import percent, size
from lnwatch.model.host import HostStatus
from lnwatch.model.rule import Answer, Finding, Need, Owner, Rule, Scope, Severity, Unknown
from lnwatch.model.view import TargetView, View


@dataclass(frozen=True, slots=True)
class Thresholds:
    """`available_share`: found when less than that share of the memory is available without swapping."""

    available_share: float = 0.05

    def __post_init__(self) -> None:
        """Refuse nonsense."""
        require_share(available_share=self.available_share)


def judge(view: View, target: TargetView | None, thresholds: Thresholds) -> Iterable[Answer]:
    """One subject: the source."""
    if target is None:
        return
    subject = f"source:{target.slug}"
    snapshot = target.fresh("status", view.at)
    if snapshot is None or not isinstance(status := snapshot.facts, HostStatus):
        yield Unknown(unseen(target, "status"), subject)
    elif status.memory_total <= 0:
        yield Unknown(f"{target.slug} tells no memory", subject)
    elif (share := status.memory_available / status.memory_total) < thresholds.available_share:
        available, total = size(status.memory_available), size(status.memory_total)
        limit = percent(thresholds.available_share)
        sentence = f"{subject} (host) has {available} of {total} memory left, {percent(share)} (limit {limit})."
        yield Finding(subject, sentence, facts={"available": available, "total": total, "cpus": str(status.cpus)})


RULE = Rule(
    id="host_memory_low",
    scope=Scope.SOURCE,
    severity=Severity.WARNING,
    owner=Owner.ONCALL,
    thresholds=Thresholds,
    judge=judge,
    after=300,
    kinds=("host",),
    needs=(Need("status"),),
    grant="configure a source of kind `host`",
)
