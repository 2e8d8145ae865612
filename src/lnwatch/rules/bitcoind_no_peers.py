"""Bitcoin Core has no outbound peers: it learns of no block and of no payment."""

from collections.abc import Iterable
from dataclasses import dataclass

from lnwatch.domain.reach import unseen
from lnwatch.domain.wording import count
from lnwatch.model.chain import BitcoindStatus
from lnwatch.model.rule import Answer, Finding, Need, Owner, Rule, Scope, Severity, Unknown
from lnwatch.model.view import TargetView, View


@dataclass(frozen=True, slots=True)
class Thresholds:
    """`outbound_peers`: found with fewer than that many; 0 is for a node that is meant to be alone: never found."""

    outbound_peers: int = 1

    def __post_init__(self) -> None:
        """Refuse nonsense."""
        if self.outbound_peers < 0:
            raise ValueError(f"`outbound_peers` can't be below 0, found {self.outbound_peers}")


def judge(view: View, target: TargetView | None, thresholds: Thresholds) -> Iterable[Answer]:
    """One subject: the source."""
    if target is None:
        return
    subject = f"source:{target.slug}"
    snapshot = target.fresh("status", view.at)
    if snapshot is None or not isinstance(status := snapshot.facts, BitcoindStatus):
        yield Unknown(unseen(target, "status"), subject)
    elif status.peers_out < thresholds.outbound_peers:
        needed = f"at least {thresholds.outbound_peers:,} is needed"
        off = "" if status.network_active else "; its network is switched off by `setnetworkactive false`"
        sentence = f"{subject} (Bitcoin Core) has {count(status.peers_out, 'outbound peer')}, {needed}{off}."
        facts = {"outbound": str(status.peers_out), "inbound": str(status.peers_in)}
        yield Finding(subject, sentence, facts=facts, evidence="on" if status.network_active else "off")


RULE = Rule(
    id="bitcoind_no_peers",
    scope=Scope.SOURCE,
    severity=Severity.CRITICAL,
    owner=Owner.ONCALL,
    thresholds=Thresholds,
    judge=judge,
    after=300,
    kinds=("bitcoind",),
    needs=(Need("status"),),
    grant="configure a source of kind `bitcoind`; its user needs getnetworkinfo",
)
