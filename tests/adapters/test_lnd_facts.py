"""What lnwatch's own source makes of an LND: the same facts over the simulator and over the real one."""

import re
import time
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeVar

import pytest

from lnwatch.clock import SystemClock
from lnwatch.errors import FailureReason, SourceError
from lnwatch.model.chain import Network
from lnwatch.model.lightning import (
    BackupFile,
    Channels,
    InvoiceState,
    NodeStatus,
    PaymentState,
    Peers,
    PendingChannels,
    Policies,
    Wallet,
    Watchtower,
)
from lnwatch.model.snapshot import TargetState
from lnwatch.net import Door as DoorOut
from lnwatch.simulator.lnd.certificate import self_signed
from lnwatch.sources import Checkup, Place, Scope
from lnwatch.sources.lnd import SOURCE, LndSource
from tests.adapters.calls import GET_INFO, LIGHTNING
from tests.adapters.nodes import Lightning
from tests.adapters.test_lnd_paging import make_five
from tests.sources.lnd.ledger import MemoryLedger

F = TypeVar("F")
POINT = re.compile(r"[0-9a-f]{64}:\d+")
SHORT_ID = re.compile(r"\d+x\d+x\d+")


@dataclass
class Reader:
    """One life of a source, and what it told."""

    source: LndSource
    ledger: MemoryLedger = field(default_factory=lambda: MemoryLedger(born=time.time()))

    async def read(self, name: str, kind: type[F]) -> F:
        """The facts of a collector."""
        (facts,) = [each for each in await self.drain(name) if each is not None]
        assert isinstance(facts, kind)
        return facts

    async def drain(self, name: str) -> list[object]:
        """Run it until it asks for no more, waiting for no slot."""
        found: list[object] = []
        collector = next(each for each in self.source.collectors if each.name == name)
        while True:
            self.source._node.hints.expect([name])
            reading = self.ledger.take(await collector.collect(self.ledger))
            found.append(reading.facts)
            if not reading.more:
                return found


Opener = Callable[..., Reader]


@pytest.fixture
async def opened(lightning: Lightning, tmp_path: Path) -> AsyncIterator[Opener]:
    """Opens sources with the macaroon for reading, or with other settings in its place."""
    readers: list[Reader] = []
    clock = SystemClock()

    def open_one(**settings: object) -> Reader:
        block = {
            "address": lightning.door.address,
            "tls_cert_file": str(lightning.door.certificate),
            "macaroon_file": str(lightning.door.folder / "readonly.macaroon"),
            **settings,
        }
        source = SOURCE.open(Place("main", "ln", clock, DoorOut(clock=clock)), SOURCE.settings.model_validate(block))
        assert isinstance(source, LndSource)
        readers.append(Reader(source))
        return readers[-1]

    yield open_one
    for reader in readers:
        await reader.source.close()


async def test_the_node(lightning: Lightning, opened: Opener) -> None:
    """Who it is, how far it is, and what it is worth on-chain."""
    reader = opened()
    status = await reader.read("node", NodeStatus)
    assert re.fullmatch("0[23][0-9a-f]{64}", status.public_key)
    assert (status.alias, status.network) == ("merchant", Network.REGTEST)
    assert status.version.startswith("0.21.2-beta commit=")
    assert (status.synced_to_chain, status.synced_to_graph, status.wallet_synced) == (True, True, True)
    assert re.fullmatch("[0-9a-f]{64}", status.block_hash)
    assert status.best_header_time == pytest.approx(time.time(), abs=900)
    assert (status.channels_active, status.channels_inactive, status.channels_pending) == (2, 0, 0)
    peers = await reader.read("peers", Peers)
    assert status.peers == len(peers.peers) > 0
    assert lightning.peer in {peer.public_key for peer in peers.peers}
    for peer in peers.peers:
        assert re.fullmatch(r"\d+\.\d+\.\d+\.\d+:\d+", peer.address)
        assert peer.last_error is None
    wallet = await reader.read("wallet", Wallet)
    assert wallet.confirmed_msat > wallet.anchor_reserve_msat > 0
    pending = await reader.read("pending", PendingChannels)
    assert (pending.channels, pending.limbo_msat) == ((), 0)
    assert isinstance(await reader.read("watchtower", Watchtower), Watchtower)


async def test_channels(lightning: Lightning, opened: Opener) -> None:
    """Every millisatoshi of a channel is somewhere, its limits are LND's, and gossip has both sides of it."""
    reader = opened()
    await reader.read("node", NodeStatus)
    found = (await reader.read("channels", Channels)).channels
    assert len(found) == 2
    for channel in found:
        assert POINT.fullmatch(channel.point)
        assert SHORT_ID.fullmatch(channel.channel_id)
        assert channel.peer == lightning.peer
        assert (channel.active, channel.private, channel.anchors, channel.zero_conf) == (True, False, True, False)
        assert channel.status_flags == "ChanStatusDefault"
        parts = channel.local_msat + channel.remote_msat + channel.unsettled_msat + channel.commit_fee_msat
        assert 0 <= channel.capacity_msat - parts <= 662_000  # what the anchors bind, and two remainders of satoshis
        for side in (channel.local, channel.remote):
            assert side.reserve_msat == channel.capacity_msat // 100
            assert side.max_pending_msat == channel.capacity_msat - side.reserve_msat
            assert (side.dust_limit_msat, side.min_htlc_msat, side.max_accepted_htlcs) == (354_000, 1, 483)
            assert side.csv_delay > 0
        assert channel.fee_per_kw >= 253
    policies = (await reader.read("policies", Policies)).channels
    assert {each.channel_id for each in policies} == {each.channel_id for each in found}
    for each in policies:
        for policy in (each.ours, each.theirs):
            assert policy is not None
            assert (policy.disabled, policy.min_htlc_msat, policy.time_lock_delta) == (False, 1_000, 80)
            assert policy.max_htlc_msat > 0
        assert each.ours is not None
        assert (each.ours.base_fee_msat, each.ours.fee_rate_ppm) == (1_000, 1)


async def test_invoices(lightning: Lightning, opened: Opener) -> None:
    """Each invoice is told in its state, with what was paid and over which channel."""
    reader = opened()
    await reader.drain("node")
    await reader.drain("invoices")
    made = await make_five(lightning)
    held = await lightning.held(1_700)
    await reader.drain("channels")
    await reader.drain("invoices")
    known = reader.ledger.invoices
    states = [known[each.payment_hash].state for each in (*made, held)]
    open_, canceled, settled, accepted = (
        InvoiceState.OPEN,
        InvoiceState.CANCELED,
        InvoiceState.SETTLED,
        InvoiceState.ACCEPTED,
    )
    assert states == [open_, canceled, settled, open_, open_, accepted]
    paid = known[made[2].payment_hash]
    assert (paid.add_index, paid.value_msat, paid.paid_msat) == (made[2].index, 1_002_000, 1_002_000)
    assert (paid.keysend, paid.amp, paid.private) == (False, False, False)
    assert paid.settle_index > 0
    assert paid.final_at == pytest.approx(time.time(), abs=60)
    (htlc,) = paid.htlcs
    assert (htlc.amount_msat, htlc.settled, htlc.canceled) == (1_002_000, True, False)
    channels = (await reader.read("channels", Channels)).channels
    ids = {channel.channel_id for channel in channels}
    assert htlc.channel_id in ids
    (kept,) = known[held.payment_hash].htlcs
    assert (kept.amount_msat, kept.settled, kept.canceled) == (1_700_000, False, False)
    (pending,) = [one for channel in channels for one in channel.htlcs]
    assert (pending.incoming, pending.payment_hash, pending.amount_msat) == (True, held.payment_hash, 1_700_000)
    assert (pending.index, pending.expiry_height) == (kept.index, kept.expiry_height)
    await lightning.settle(held)
    await reader.drain("channels")
    await reader.drain("invoices")
    assert known[held.payment_hash].state is InvoiceState.SETTLED


async def test_payments(lightning: Lightning, opened: Opener) -> None:
    """What the node paid, and what it could not pay, is told once each."""
    reader = opened()
    await reader.drain("node")
    await reader.drain("payments")
    sent, failed = await lightning.send(1_800), await lightning.fail_to_send()
    await reader.drain("payments")
    good, bad = reader.ledger.payments[sent], reader.ledger.payments[failed]
    assert (good.state, good.value_msat, good.failure) == (PaymentState.SUCCEEDED, 1_800_000, None)
    assert (good.attempts, good.destination is not None) == (1, True)
    assert good.final_at is not None
    assert good.created_at <= good.final_at
    assert (bad.state, bad.fee_msat, bad.failure is not None) == (PaymentState.FAILED, 0, True)
    assert bad.index > good.index


async def test_backup(lightning: Lightning, opened: Opener, tmp_path: Path) -> None:
    """The backup file covers every open channel, and a damaged one none."""
    file = tmp_path / "channel.backup"
    file.write_bytes(lightning.backup())
    reader = opened(backup_file=str(file))
    for name in ("node", "channels"):
        await reader.drain(name)
    covered = await reader.read("backup", BackupFile)
    assert (covered.channels, covered.missing) == (2, ())
    file.write_bytes(lightning.backup()[:-1])
    damaged = await reader.read("backup", BackupFile)
    assert damaged.channels == 0
    assert damaged.missing is not None
    assert len(damaged.missing) == 2


async def failed(reader: Reader) -> tuple[FailureReason, Checkup]:
    """Why the leading collector fails, and what a look at everything says."""
    with pytest.raises(SourceError) as told:
        await reader.drain("node")
    return told.value.reason, await reader.source.check()


async def test_checked(opened: Opener) -> None:
    """The stock macaroon for reading is just enough, and the one for everything too much."""
    checkup = await opened().source.check()
    assert (checkup.reachable, checkup.state, checkup.version) == (True, TargetState.UP, "0.21.2")
    assert (checkup.scope, checkup.missing, checkup.excess, checkup.problems) == (Scope.ENOUGH, (), (), ())
    assert (checkup.network, checkup.synced, checkup.supported) == (Network.REGTEST, True, True)
    assert checkup.tls_expires_at is not None
    assert 400 < (checkup.tls_expires_at - time.time()) / 86_400 < 430


async def test_too_strong(lightning: Lightning, opened: Opener) -> None:
    """A macaroon that may change something is called too strong."""
    checkup = await opened(macaroon_file=str(lightning.door.folder / "admin.macaroon")).source.check()
    assert checkup.scope is Scope.TOO_MUCH
    assert "peers:write" in checkup.excess


async def test_too_weak(lightning: Lightning, opened: Opener) -> None:
    """A macaroon for two calls lets these pass, and what it lacks is named."""
    baked = await lightning.bake(GET_INFO, f"{LIGHTNING}ListChannels", root_key=42)
    reader = opened(macaroon=baked.hex(), macaroon_file=None)
    await reader.read("node", NodeStatus)
    await reader.read("channels", Channels)
    with pytest.raises(SourceError) as forbidden:
        await reader.drain("wallet")
    assert (forbidden.value.reason, forbidden.value.permission) == (FailureReason.FORBIDDEN, "onchain:read")
    checkup = await reader.source.check()
    assert checkup.scope is Scope.TOO_LITTLE
    assert "onchain:read" in dict(checkup.missing)
    await lightning.revoke(42)
    reason, checkup = await failed(reader)
    assert (reason, checkup.state) == (FailureReason.REJECTED, TargetState.REJECTED)


@pytest.mark.parametrize("change", [lambda data: data[:-1], lambda data: data[:40], lambda data: data[:-2] + b"\0\0"])
async def test_a_macaroon_that_is_none(
    lightning: Lightning, opened: Opener, tmp_path: Path, change: Callable[[bytes], bytes]
) -> None:
    """One that was cut or tampered with is rejected, and not taken for a fault of the node."""
    file = tmp_path / "cut.macaroon"
    file.write_bytes(change(lightning.door.macaroon()))
    reason, checkup = await failed(opened(macaroon_file=str(file)))
    assert (reason, checkup.reachable, bool(checkup.problems)) == (FailureReason.REJECTED, True, True)


async def test_another_certificate(opened: Opener, tmp_path: Path) -> None:
    """A node that shows another certificate than the one to trust is not spoken to."""
    other = tmp_path / "other.cert"
    other.write_bytes(self_signed(time.time())[0])
    reason, checkup = await failed(opened(tls_cert_file=str(other)))
    assert (reason, checkup.reachable) == (FailureReason.TLS, False)
