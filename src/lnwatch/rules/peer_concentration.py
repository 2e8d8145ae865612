"""Most of what a node could receive comes over one peer: when that one goes, so do the payments."""

from collections.abc import Iterable
from dataclasses import dataclass

from lnwatch.domain.cover import NODE_PARENTS
from lnwatch.domain.limits import require_positive, require_share
from lnwatch.domain.peers import inbound_by_peer, short
from lnwatch.domain.reach import unseen
from lnwatch.domain.wording import percent
from lnwatch.model.lightning import Channels
from lnwatch.model.money import format_msat
from lnwatch.model.rule import Answer, Finding, Need, Owner, Rule, Scope, Severity, Unknown
from lnwatch.model.view import TargetView, View


@dataclass(frozen=True, slots=True)
class Thresholds:
    """`share`: found when one peer holds more than that of what could be received with all peers online.
    `channels`: nothing is said of a node with that many or fewer."""

    share: float = 0.6
    channels: int = 3

    def __post_init__(self) -> None:
        """Refuse nonsense."""
        require_share(share=self.share)
        require_positive(channels=self.channels)


def judge(view: View, target: TargetView | None, thresholds: Thresholds) -> Iterable[Answer]:
    """One subject: the node."""
    if target is None:
        return
    subject = f"node:{target.slug}"
    snapshot = target.fresh("channels", view.at)
    if snapshot is None or not isinstance(facts := snapshot.facts, Channels):
        yield Unknown(unseen(target, "channels"), subject)
        return
    if len(facts.channels) <= thresholds.channels:
        return
    inbound = inbound_by_peer(facts, view.liquidity.get(target.slug))
    total = sum(inbound.values())
    peer = max(inbound, key=lambda key: inbound[key])
    if inbound[peer] > thresholds.share * total:
        held, limit = percent(inbound[peer] / total), percent(thresholds.share)
        yield Finding(
            subject,
            f"Peer {short(peer)} holds {held} of all that {subject} could receive (limit {limit}).",
            facts={"peer": peer, "over it": format_msat(inbound[peer]), "over all": format_msat(total)},
            evidence=peer,
        )


RULE = Rule(
    id="peer_concentration",
    scope=Scope.NODE,
    severity=Severity.INFO,
    owner=Owner.TREASURY,
    thresholds=Thresholds,
    judge=judge,
    after=86_400,
    needs=(Need("channels"),),
    parents=NODE_PARENTS,
    grant="configure a Lightning node; its credential needs ListChannels (`offchain:read`)",
)
