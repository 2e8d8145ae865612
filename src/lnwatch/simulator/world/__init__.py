"""A merchant's world: customers, a Lightning node with its peers, a block chain. The same for the same seed."""

from lnwatch.simulator.world.spec import PeerSpec, Promotion, StoreSpec, WorldSpec, shops
from lnwatch.simulator.world.world import World

__all__ = ["PeerSpec", "Promotion", "StoreSpec", "World", "WorldSpec", "shops"]
