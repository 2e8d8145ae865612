"""Systems that go away and come back, with what they knew or without it, and those that a full disk stops."""

import secrets
from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from contextlib import AbstractContextManager, ExitStack, asynccontextmanager, contextmanager
from typing import Final

from lnwatch.simulator.scenario.causes.components import (
    bitcoind_down,
    btcpay_down,
    database_hangs,
    lnd_down,
    nbxplorer_down,
)
from lnwatch.simulator.scenario.causes.shape import How, OnStage, Place
from lnwatch.simulator.scenario.causes.world import without
from lnwatch.simulator.world.stage import Stage
from lnwatch.simulator.world.world import World

_MISSED: Final = {"bitcoind": "indexer", "nbxplorer": "indexer", "btcpay": "checkout", "lnd": "node"}
_PROCESSES: Final[Mapping[str, OnStage]] = {
    "bitcoind": bitcoind_down,
    "nbxplorer": nbxplorer_down,
    "btcpay": btcpay_down,
    "lnd": lnd_down,
}
_FILLED: Final[Mapping[str, OnStage]] = {"bitcoind": bitcoind_down, "btcpay": database_hangs, "lnd": lnd_down}
RESTARTS: Final = dict.fromkeys(_PROCESSES, ("kept", "lost"))
DISKS: Final[Mapping[str, tuple[str, ...]]] = dict.fromkeys(_FILLED, ())


@contextmanager
def missed(world: World, how: How) -> Iterator[None]:
    """What customers lack while a system is away."""
    with without(_MISSED[how.who])(world, how):
        yield


@asynccontextmanager
async def restart(place: Place, how: How) -> AsyncIterator[None]:
    """A third of the time it is away. What it lost it has again at the end."""
    with ExitStack() as memory:
        async with _PROCESSES[how.who](place, how):
            await place.stage.clock.sleep(how.lasts / 3)
            if how.kind == "lost":
                memory.enter_context(_LOST[how.who](place.stage))
        yield


@contextmanager
def _blocks(stage: Stage) -> Iterator[None]:
    """It indexes all of them anew."""
    node = stage.bitcoind.node
    usual = (node.initial_block_download, node.headers_ahead, node.verification_progress)
    node.initial_block_download, node.headers_ahead, node.verification_progress = True, 500, usual[2] / 2
    yield
    node.initial_block_download, node.headers_ahead, node.verification_progress = usual


@contextmanager
def _index(stage: Stage) -> Iterator[None]:
    """It begins at the first block."""
    stage.indexer.held_at = 0
    yield
    stage.indexer.held_at = None
    stage.indexer.notice()


@contextmanager
def _api_keys(stage: Stage) -> Iterator[None]:
    """Its database is an older one."""
    credentials = stage.btcpay.core.credentials
    usual, credentials.keys = credentials.keys, {}
    yield
    credentials.keys = usual


@contextmanager
def _root_keys(stage: Stage) -> Iterator[None]:
    """It was made anew from its seed."""
    bakery = stage.node.bakery
    usual, bakery.root_keys = bakery.root_keys, {"0": secrets.token_bytes(32)}
    yield
    bakery.root_keys = usual


_LOST: Final[Mapping[str, Callable[[Stage], AbstractContextManager[None]]]] = {
    "bitcoind": _blocks,
    "nbxplorer": _index,
    "btcpay": _api_keys,
    "lnd": _root_keys,
}


@asynccontextmanager
async def disk_full(place: Place, how: How) -> AsyncIterator[None]:
    """Processes stop by themselves; BTCPay's database does, and BTCPay's health goes on answering."""
    async with _FILLED[how.who](place, how):
        yield
