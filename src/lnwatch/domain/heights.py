"""How far the sources of a site have come along the chain, so that one can be held against another."""

from collections.abc import Iterator
from dataclasses import dataclass

from lnwatch.model.chain import BitcoindStatus, Network
from lnwatch.model.lightning import NodeStatus
from lnwatch.model.view import TargetView, View


@dataclass(frozen=True, slots=True)
class Tip:
    """The newest block that a source has: its height, and its own time in epoch seconds."""

    source: str
    height: int
    time: int


def bitcoind_tips(view: View, network: Network | None = None) -> Iterator[Tip]:
    """Tips of the bitcoinds that were seen just now, on `network` where one is named."""
    for target in view.targets.values():
        snapshot = target.fresh("status", view.at)
        facts = snapshot.facts if snapshot is not None else None
        if isinstance(facts, BitcoindStatus) and network in (None, facts.chain):
            yield Tip(target.slug, facts.blocks, facts.tip_time)


def lightning_tips(view: View, network: Network | None = None) -> Iterator[Tip]:
    """Tips of the Lightning nodes that were seen just now and call themselves synced."""
    for target in view.targets.values():
        snapshot = target.fresh("node", view.at)
        facts = snapshot.facts if snapshot is not None else None
        if isinstance(facts, NodeStatus) and facts.synced_to_chain and network in (None, facts.network):
            yield Tip(target.slug, facts.block_height, facts.best_header_time)


def newest_elsewhere(view: View, target: TargetView, network: Network) -> Tip | None:
    """The highest tip that any other source of the site has on `network`; None where no other tells."""
    tips = (*bitcoind_tips(view, network), *lightning_tips(view, network))
    return max((tip for tip in tips if tip.source != target.slug), key=lambda tip: tip.height, default=None)
