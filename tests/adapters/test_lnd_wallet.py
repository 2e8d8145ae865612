"""An LND that has no wallet, or a locked one: what it says then, simulated and real."""

import time
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Protocol

import pytest

from lnwatch.clock import SystemClock
from lnwatch.errors import FailureReason, SourceError
from lnwatch.grpc_stubs import simulated_lnd_pb2 as sim
from lnwatch.model.snapshot import TargetState
from lnwatch.net import Door as Network
from lnwatch.simulator.lnd import LndDouble, Node
from lnwatch.sources import Place
from lnwatch.sources.lnd import SOURCE, LndSource
from tests.adapters.calls import EMPTY, GET_INFO, LIGHTNING, Caller, Refusal, calling, unknown
from tests.adapters.conftest import REAL
from tests.adapters.nodes import Door
from tests.real.testbed.bed import Bed
from tests.real.testbed.lnd import Lnd
from tests.sources.lnd.ledger import MemoryLedger

NO_WALLET = "wallet not created, create one to enable full RPC access"
LOCKED = "wallet locked, unlock it to enable full RPC access"
NO_KEY = bytes.fromhex("0201036c6e6402020a00000006" + "20" + "00" * 32)


class Vault(Protocol):
    """A node whose wallet somebody must open."""

    def door(self) -> Door:
        """Where it is called."""

    async def without_wallet(self) -> None:
        """It was never used."""

    async def locked(self) -> None:
        """It was started again."""


class DoubledVault:
    """The simulator's."""

    def __init__(self, double: LndDouble) -> None:
        self.double = double

    def door(self) -> Door:
        return Door(self.double.address, self.double.certificate, self.double.directory)

    async def without_wallet(self) -> None:
        self.double.node.enter(sim.NON_EXISTING)

    async def locked(self) -> None:
        self.double.node.enter(sim.LOCKED)


class RealVault:
    """An LND of its own; no macaroon is read before its wallet is open, so anything will do for one."""

    def __init__(self, node: Lnd, folder: Path) -> None:
        self._node, self._folder = node, folder

    def door(self) -> Door:
        return Door(self._node.address, self._node.certificate, self._folder)

    async def without_wallet(self) -> None:
        self._node.start()
        self._node.in_state("NON_EXISTING")

    async def locked(self) -> None:
        self._node.create_wallet()
        self._node.in_state("SERVER_ACTIVE")
        self._node.process.kill()
        self._node.start()
        self._node.in_state("LOCKED")


@pytest.fixture
async def vault(side: str, request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Vault]:
    """The one that answers."""
    if side == REAL:
        bed: Bed = request.getfixturevalue("whole_bed")
        node = Lnd(tmp_path / "vault", bed.bitcoind, wallet=True)
        (tmp_path / "readonly.macaroon").write_bytes(NO_KEY)
        try:
            yield RealVault(node, tmp_path)
        finally:
            node.close()
    else:
        double = LndDouble(Node(now=time.time), tmp_path)
        await double.start()
        yield DoubledVault(double)
        await double.stop()


async def closed(caller: Caller, text: str) -> None:
    """Every service but the state's says this, whatever macaroon it is shown."""
    for metadata in (None, (), (("macaroon", "zz"),)):
        assert await caller.data(GET_INFO, EMPTY, metadata=metadata) == unknown(text)
        assert await caller.stream_refused(f"{LIGHTNING}SubscribeInvoices", metadata=metadata) == unknown(text)
    garbage = await caller.data(GET_INFO, b"\xff\xff\xff", metadata=())
    assert isinstance(garbage, Refusal)
    assert garbage.code == "INTERNAL"
    nothing = await caller.data(f"{LIGHTNING}Nothing", EMPTY)
    assert nothing == Refusal("UNIMPLEMENTED", "unknown method Nothing for service lnrpc.Lightning")


async def told(door: Door) -> tuple[FailureReason, TargetState]:
    """What lnwatch's own source makes of it."""
    clock = SystemClock()
    block = {
        "address": door.address,
        "tls_cert_file": str(door.certificate),
        "macaroon_file": str(door.folder / "readonly.macaroon"),
    }
    source = SOURCE.open(Place("main", "ln", clock, Network(clock=clock)), SOURCE.settings.model_validate(block))
    assert isinstance(source, LndSource)
    try:
        with pytest.raises(SourceError) as failed:
            await source.collectors[0].collect(MemoryLedger())
        return failed.value.reason, (await source.check()).state
    finally:
        await source.close()


@pytest.mark.timeout(300)
async def test_wallets_that_are_not_open(vault: Vault) -> None:
    """State by state a node says why it does not serve, before it looks at any macaroon."""
    await vault.without_wallet()
    async with calling(vault.door()) as caller:
        states = f"{LIGHTNING.replace('Lightning', 'State')}GetState"
        assert await caller.ask(states, EMPTY, sim.StateResponse) == sim.StateResponse(state=sim.NON_EXISTING)
        await closed(caller, NO_WALLET)
    assert await told(vault.door()) == (FailureReason.LOCKED, TargetState.LOCKED)
    await vault.locked()
    async with calling(vault.door()) as caller:
        assert await caller.ask(states, EMPTY, sim.StateResponse) == sim.StateResponse(state=sim.LOCKED)
        await closed(caller, LOCKED)
    assert await told(vault.door()) == (FailureReason.LOCKED, TargetState.LOCKED)
