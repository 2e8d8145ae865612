"""Everything that can go wrong in a scenario: what it does to the world's customers, and to the doubles on stage."""

from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from contextlib import AbstractAsyncContextManager, AbstractContextManager, asynccontextmanager, contextmanager
from dataclasses import dataclass
from functools import partial
from typing import Final

from lnwatch.grpc_stubs import simulated_lnd_pb2 as sim
from lnwatch.simulator.world.causes import Causes
from lnwatch.simulator.world.stage import Stage
from lnwatch.simulator.world.world import World


@dataclass(frozen=True, slots=True)
class How:
    """How much, whom, and for how many seconds."""

    amount: float
    who: str
    lasts: float


InWorld = Callable[[World, How], AbstractContextManager[None]]
OnStage = Callable[[Stage, How], AbstractAsyncContextManager[None]]


@contextmanager
def _nothing(_world: World, _how: How) -> Iterator[None]:
    yield


@asynccontextmanager
async def _as_in_the_world(_stage: Stage, _how: How) -> AsyncIterator[None]:
    yield


@dataclass(frozen=True, slots=True)
class Kind:
    """One of them. `amount` and `who` say what they are, empty where it takes none; `at_once`: it has no end."""

    sentence: str
    in_world: InWorld = _nothing
    on_stage: OnStage = _as_in_the_world
    amount: str = ""
    who: str = ""
    at_once: bool = False


def _without(name: str) -> InWorld:
    """Something that the customers need is not there."""

    @contextmanager
    def missing(world: World, _how: How) -> Iterator[None]:
        setattr(world.causes, name, False)
        yield
        setattr(world.causes, name, True)

    return missing


def _share(name: str) -> InWorld:
    """One of the world's figures is another for a while."""

    @contextmanager
    def changed(world: World, how: How) -> Iterator[None]:
        usual = getattr(Causes(), name)
        setattr(world.causes, name, how.amount)
        yield
        setattr(world.causes, name, usual)

    return changed


@contextmanager
def _more_customers(world: World, how: How) -> Iterator[None]:
    for shop in world.shops.values():
        shop.demand.boost = how.amount
    yield
    for shop in world.shops.values():
        shop.demand.boost = 1.0


@contextmanager
def _peer_offline(world: World, how: How) -> Iterator[None]:
    if how.who not in world.scene.network.peers:
        raise LookupError(f"there is no peer {how.who}: choose among {', '.join(world.scene.network.peers)}")
    world.upkeep.go(how.who, online=False)
    yield
    world.upkeep.go(how.who, online=True)


@contextmanager
def _force_close(world: World, _how: How) -> Iterator[None]:
    world.upkeep.close(next(iter(world.scene.network.channels)), forced=True)
    yield


@contextmanager
def _reorganise(world: World, how: How) -> Iterator[None]:
    world.reorganise(int(how.amount))
    yield


@contextmanager
def _drought(world: World, how: How) -> Iterator[None]:
    world.scene.market.quiet_until = world.now + int(how.lasts * 1_000)
    yield


@contextmanager
def _storm(world: World, how: How) -> Iterator[None]:
    world.scene.market.storm(how.amount, how.lasts * 1_000)
    yield


# -- on the stage ---------------------------------------------------------------------------------------------


@asynccontextmanager
async def _bitcoind_down(stage: Stage, _how: How) -> AsyncIterator[None]:
    await stage.bitcoind.stop()
    stage.indexer.bitcoind.running = False
    yield
    stage.indexer.bitcoind.running = True
    await stage.bitcoind.start()
    stage.indexer.notice()


@asynccontextmanager
async def _bitcoind_restart(stage: Stage, how: How) -> AsyncIterator[None]:
    """A third of the time it is away, then it warms up."""
    await stage.bitcoind.stop()
    stage.indexer.bitcoind.running = False
    await stage.clock.sleep(how.lasts / 3)
    stage.bitcoind.node.faults.warm_up = "Loading block index…"
    await stage.bitcoind.start()
    yield
    stage.bitcoind.node.faults.warm_up = None
    stage.indexer.bitcoind.running = True
    stage.indexer.notice()


@asynccontextmanager
async def _without_peers(stage: Stage, _how: How) -> AsyncIterator[None]:
    node = stage.bitcoind.node
    usual, node.peers_out = node.peers_out, 0
    yield
    node.peers_out = usual


@asynccontextmanager
async def _behind(stage: Stage, how: How) -> AsyncIterator[None]:
    stage.bitcoind.node.headers_ahead = int(how.amount)
    yield
    stage.bitcoind.node.headers_ahead = 0


@asynccontextmanager
async def _nbxplorer_down(stage: Stage, _how: How) -> AsyncIterator[None]:
    await stage.nbxplorer.stop()
    yield
    await stage.nbxplorer.start()


@asynccontextmanager
async def _nbxplorer_hangs(stage: Stage, _how: How) -> AsyncIterator[None]:
    stage.indexer.freeze()
    yield
    stage.indexer.thaw()


@asynccontextmanager
async def _btcpay_down(stage: Stage, _how: How) -> AsyncIterator[None]:
    await stage.btcpay.stop()
    yield
    await stage.btcpay.start()


@asynccontextmanager
async def _lnd_away(stage: Stage, _how: How, *, locked: bool) -> AsyncIterator[None]:
    await stage.lnd.stop()
    stage.node_gate.running = False
    for way in stage.ways:
        way.listener = None
    if locked:
        stage.node.enter(sim.LOCKED)
        await stage.lnd.start()
    yield
    stage.node.enter(sim.SERVER_ACTIVE)
    stage.node_gate.running = True
    if not locked:
        await stage.lnd.start()


@asynccontextmanager
async def _lnd_hangs(stage: Stage, _how: How) -> AsyncIterator[None]:
    stage.lnd.faults.hanging.add("*")
    stage.node_gate.freeze()
    yield
    stage.node_gate.thaw()
    stage.lnd.faults.hanging.clear()


@asynccontextmanager
async def _listener_out(stage: Stage, _how: How) -> AsyncIterator[None]:
    for way in stage.ways:
        way.cut_off()
    yield
    for way in stage.ways:
        way.reconnect()


CAUSES: Final[Mapping[str, Kind]] = {
    "bitcoind_down": Kind("bitcoind is stopped", _without("indexer"), _bitcoind_down),
    "bitcoind_restart": Kind("bitcoind restarts and warms up", _without("indexer"), _bitcoind_restart),
    "bitcoind_without_peers": Kind("bitcoind has no outbound peer", on_stage=_without_peers),
    "bitcoind_behind": Kind("bitcoind's blocks stand behind its headers", on_stage=_behind, amount="blocks"),
    "reorganisation": Kind("the newest blocks lose", _reorganise, amount="how many blocks", at_once=True),
    "drought": Kind("no block is found", _drought),
    "fee_storm": Kind("fees rise", _storm, amount="how many times dearer"),
    "nbxplorer_down": Kind("NBXplorer is stopped", _without("indexer"), _nbxplorer_down),
    "nbxplorer_hangs": Kind("NBXplorer hangs", _without("checkout"), _nbxplorer_hangs),
    "btcpay_down": Kind("BTCPay Server is stopped", _without("checkout"), _btcpay_down),
    "lnd_down": Kind("LND is stopped", _without("node"), partial(_lnd_away, locked=False)),
    "lnd_locked": Kind("LND waits for its password", _without("node"), partial(_lnd_away, locked=True)),
    "lnd_hangs": Kind("LND takes connections and never answers", _without("node"), _lnd_hangs),
    "listener_out": Kind("BTCPay can't reach its node, customers can", _without("known"), _listener_out),
    "peer_offline": Kind("a peer is offline", _peer_offline, who="the peer's name"),
    "force_close": Kind("a peer closes a channel by force", _force_close, at_once=True),
    "no_outflows": Kind("nothing is paid out any more", _without("outflows")),
    "upstream": Kind("Lightning payments die on their way", _share("upstream"), amount="share of them"),
    "staying": Kind("fewer customers buy", _share("staying"), amount="share of those who would have"),
    "dearer": Kind("prices change", _share("ticket"), amount="what they are multiplied by"),
    "demand": Kind("more customers come", _more_customers, amount="what their number is multiplied by"),
}
