"""What goes wrong in the world itself: with customers, prices, peers, channels and blocks."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

from lnwatch.simulator.scenario.causes.shape import How, InWorld
from lnwatch.simulator.world.causes import Causes
from lnwatch.simulator.world.timetable import HOUR
from lnwatch.simulator.world.world import World

_STUCK_MSAT: Final = 120_000_000


def without(name: str) -> InWorld:
    """Something that the customers need is not there."""

    @contextmanager
    def missing(world: World, _how: How) -> Iterator[None]:
        setattr(world.causes, name, False)
        yield
        setattr(world.causes, name, True)

    return missing


def share(name: str) -> InWorld:
    """One of the world's figures is another for a while."""

    @contextmanager
    def changed(world: World, how: How) -> Iterator[None]:
        usual = getattr(Causes(), name)
        setattr(world.causes, name, how.amount)
        yield
        setattr(world.causes, name, usual)

    return changed


@contextmanager
def more_customers(world: World, how: How) -> Iterator[None]:
    """The rate of all stores is multiplied."""
    for shop in world.shops.values():
        shop.demand.boost = how.amount
    yield
    for shop in world.shops.values():
        shop.demand.boost = 1.0


# -- peers and channels ---------------------------------------------------------------------------------------


def _known(world: World, name: str) -> str:
    if name not in world.scene.network.peers:
        raise LookupError(f"there is no peer {name}: choose among {', '.join(world.scene.network.peers)}")
    return name


@contextmanager
def peer_offline(world: World, how: How) -> Iterator[None]:
    """It does not come back by itself either."""
    name = _known(world, how.who)
    world.upkeep.send_away(name)
    yield
    world.upkeep.let_back(name)


@contextmanager
def peer_frozen(world: World, how: How) -> Iterator[None]:
    """It keeps its connection, and nothing gets through; the node finds out when its pings are not answered."""
    name = _known(world, how.who)
    world.upkeep.freeze(name)
    yield
    world.upkeep.let_back(name)


@contextmanager
def peer_flaps(world: World, how: How) -> Iterator[None]:
    """It goes and comes at even distances."""
    name, timetable, half = _known(world, how.who), world.scene.timetable, HOUR / how.amount / 2
    going = True

    def go() -> None:
        if going:
            world.upkeep.send_away(name)
            timetable.after(half, come)

    def come() -> None:
        world.upkeep.let_back(name)
        if going:
            timetable.after(half, go)

    go()
    yield
    going = False
    world.upkeep.let_back(name)


@contextmanager
def force_close(world: World, _how: How) -> Iterator[None]:
    """The oldest channel."""
    world.upkeep.close(next(iter(world.scene.network.channels)), forced=True)
    yield


@contextmanager
def new_channel(world: World, how: How) -> Iterator[None]:
    """As large as the peer's others."""
    name = _known(world, how.who)
    world.upkeep.open_another(name)
    yield


@contextmanager
def used_up(world: World, how: How) -> Iterator[None]:
    """Somebody pays the node so much over this peer that nothing more comes in there."""
    world.upkeep.use_up(_known(world, how.who))
    yield


@contextmanager
def htlc_stuck(world: World, how: How) -> Iterator[None]:
    """A payment of ours stays on its way out, until it fails in the end."""
    free = world.upkeep.get_stuck(_STUCK_MSAT, int(how.amount))
    yield
    free()


# -- the chain ------------------------------------------------------------------------------------------------


@contextmanager
def reorganise(world: World, how: How) -> Iterator[None]:
    """At once."""
    world.reorganise(int(how.amount))
    yield


@contextmanager
def drought(world: World, how: How) -> Iterator[None]:
    """The next block comes at the end of it."""
    world.scene.market.quiet_until = world.now + int(how.lasts * 1_000)
    yield


@contextmanager
def storm(world: World, how: How) -> Iterator[None]:
    """Fees come down over some blocks afterwards."""
    world.scene.market.storm(how.amount, how.lasts * 1_000)
    yield
