"""Where the merchant's money came from and went, so that none of it gets lost in a world. Millisatoshis."""

from dataclasses import dataclass

from lnwatch.simulator.world.channels import Network


@dataclass(slots=True)
class Books:
    """`wallet` is confirmed and ours, `limbo` ours and on its way there; the others only grow, but for
    reorganisations."""

    wallet: int
    limbo: int = 0
    lightning: int = 0  # received
    onchain: int = 0  # received, confirmed
    fees: int = 0
    refunds: int = 0
    aside: int = 0
    began: int = 0  # what there was at first, channels included

    def missing(self, network: Network) -> int:
        """What was received and is nowhere: 0 while all is well."""
        there = network.local + self.wallet + self.limbo
        return self.began + self.lightning + self.onchain - self.fees - self.refunds - self.aside - there
