"""What goes wrong with the systems on stage: their processes, their state, and what lnwatch may do there."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import partial
from typing import Final

from lnwatch.grpc_stubs import simulated_lnd_pb2 as sim
from lnwatch.simulator.scenario.causes.shape import How, OnStage, Place
from lnwatch.simulator.world.stage import Stage

_LIFETIME: Final = 425  # days, of a certificate that LND makes


# -- bitcoind -------------------------------------------------------------------------------------------------


@asynccontextmanager
async def bitcoind_down(place: Place, _how: How) -> AsyncIterator[None]:
    """A killed process; NBXplorer notices."""
    stage = place.stage
    await stage.bitcoind.stop()
    stage.indexer.bitcoind.running = False
    yield
    stage.indexer.bitcoind.running = True
    await stage.bitcoind.start()
    stage.indexer.notice()


@asynccontextmanager
async def bitcoind_restart(place: Place, how: How) -> AsyncIterator[None]:
    """A third of the time it is away, then it warms up."""
    stage = place.stage
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
async def without_peers(place: Place, _how: How) -> AsyncIterator[None]:
    """No outbound one."""
    node = place.stage.bitcoind.node
    usual, node.peers_out = node.peers_out, 0
    yield
    node.peers_out = usual


@asynccontextmanager
async def behind(place: Place, how: How) -> AsyncIterator[None]:
    """It knows of more headers than blocks."""
    place.stage.bitcoind.node.headers_ahead = int(how.amount)
    yield
    place.stage.bitcoind.node.headers_ahead = 0


# -- NBXplorer and BTCPay -------------------------------------------------------------------------------------


@asynccontextmanager
async def nbxplorer_down(place: Place, _how: How) -> AsyncIterator[None]:
    """A killed process."""
    await place.stage.nbxplorer.stop()
    yield
    await place.stage.nbxplorer.start()


@asynccontextmanager
async def nbxplorer_hangs(place: Place, _how: How) -> AsyncIterator[None]:
    """It accepts, and says nothing."""
    place.stage.indexer.freeze()
    yield
    place.stage.indexer.thaw()


@asynccontextmanager
async def btcpay_down(place: Place, _how: How) -> AsyncIterator[None]:
    """A killed process."""
    await place.stage.btcpay.stop()
    yield
    await place.stage.btcpay.start()


@asynccontextmanager
async def database_hangs(place: Place, _how: How) -> AsyncIterator[None]:
    """PostgreSQL stands; BTCPay's health goes on answering, and well."""
    place.stage.btcpay.postgresql.freeze()
    yield
    place.stage.btcpay.postgresql.thaw()


@asynccontextmanager
async def slow(place: Place, how: How) -> AsyncIterator[None]:
    """Every answer takes longer."""
    double = {"btcpay": place.stage.btcpay, "nbxplorer": place.stage.nbxplorer}[how.who]
    double.faults.latency = how.amount
    yield
    double.faults.latency = 0.0


@asynccontextmanager
async def page_unreachable(place: Place, _how: How) -> AsyncIterator[None]:
    """What stands before BTCPay lets nobody through to the customers' pages; its API is reached on another way."""
    place.stage.btcpay.faults.silent.add("/i/")
    yield
    place.stage.btcpay.faults.silent.remove("/i/")


@asynccontextmanager
async def permission_lost(place: Place, how: How) -> AsyncIterator[None]:
    """Somebody edits lnwatch's API key."""
    key = place.stage.btcpay.core.credentials.keys[place.stage.key]
    usual = key.permissions
    key.permissions = tuple(each for each in usual if each.partition(":")[0] != f"btcpay.store.{how.who}")
    yield
    key.permissions = usual


# -- LND ------------------------------------------------------------------------------------------------------


async def _lnd_leaves(stage: Stage) -> None:
    await stage.lnd.stop()
    stage.node_gate.running = False
    for way in stage.ways:
        way.listener = None


@asynccontextmanager
async def _lnd_away(place: Place, _how: How, *, locked: bool) -> AsyncIterator[None]:
    stage = place.stage
    await _lnd_leaves(stage)
    if locked:
        stage.node.enter(sim.LOCKED)
        await stage.lnd.start()
    yield
    stage.node.enter(sim.SERVER_ACTIVE)
    stage.node_gate.running = True
    if not locked:
        await stage.lnd.start()


lnd_down: Final[OnStage] = partial(_lnd_away, locked=False)
lnd_locked: Final[OnStage] = partial(_lnd_away, locked=True)


@asynccontextmanager
async def lnd_hangs(place: Place, _how: How) -> AsyncIterator[None]:
    """It accepts, and says nothing."""
    place.stage.lnd.faults.hanging.add("*")
    place.stage.node_gate.freeze()
    yield
    place.stage.node_gate.thaw()
    place.stage.lnd.faults.hanging.clear()


@asynccontextmanager
async def lnd_not_synced(place: Place, _how: How) -> AsyncIterator[None]:
    """It hears of no block any more, and says so."""
    stage = place.stage
    stage.node.synced, stage.side.hears_blocks = False, False
    yield
    stage.node.synced, stage.side.hears_blocks = True, True
    stage.side.block(stage.chain.tip.height)


@asynccontextmanager
async def macaroon_revoked(place: Place, _how: How) -> AsyncIterator[None]:
    """Its root key is deleted, and later there again; BTCPay has a macaroon of its own."""
    bakery = place.stage.node.bakery
    keys = dict(bakery.root_keys)
    for each in keys:
        bakery.revoke(each)
    yield
    bakery.root_keys |= keys


async def reissue(place: Place, *, age_days: float = 0.0, host: str = "") -> None:
    """LND starts again with another certificate."""
    await place.stage.lnd.stop()
    place.stage.lnd.renew_certificate(age_days=age_days, host=host)
    await place.stage.lnd.start()


@asynccontextmanager
async def certificate_old(place: Place, how: How) -> AsyncIterator[None]:
    """LND has had it for so long that so many days are left; afterwards it makes a new one."""
    await reissue(place, age_days=_LIFETIME - how.amount)
    yield
    await reissue(place)


@asynccontextmanager
async def listener_out(place: Place, _how: How) -> AsyncIterator[None]:
    """BTCPay's way to its node is cut."""
    for way in place.stage.ways:
        way.cut_off()
    yield
    for way in place.stage.ways:
        way.reconnect()


@asynccontextmanager
async def backup_stuck(place: Place, _how: How) -> AsyncIterator[None]:
    """LND can't write the file; afterwards it does."""
    place.stage.writes_backup = False
    yield
    place.stage.writes_backup = True


# -- around ---------------------------------------------------------------------------------------------------


@asynccontextmanager
async def shop_fails(place: Place, _how: How) -> AsyncIterator[None]:
    """The shop answers every webhook with an error."""
    place.people.shop.broken = True
    yield
    place.people.shop.broken = False


@asynccontextmanager
async def clock_jump(place: Place, how: How) -> AsyncIterator[None]:
    """Somebody sets the clock of the daemon's host."""
    place.host.ahead += how.amount
    yield
