from dataclasses import replace
from decimal import Decimal

import pytest
from sqlalchemy import update

from lnwatch.model.chain import BitcoindStatus, FeeEstimate, NbxplorerNode, NbxplorerStatus, Network
from lnwatch.model.host import DiskUsage, HostStatus, ProcessStatus
from lnwatch.model.lightning import BackupFile, Channels, Htlc, NodeStatus, Peer, Peers, Wallet
from lnwatch.model.money import Msat
from lnwatch.model.probe import ProbeStage, ProbeStatus, ProbeStep
from lnwatch.model.snapshot import Facts, Snapshot
from lnwatch.store import Ledger, LedgerSettings, tables
from lnwatch.store.facts import SLICE, pack, readable, unpack
from tests.store.stories import NODE, NOW, SITE, channel, entry, rows, run

CORE = BitcoindStatus(
    chain=Network.REGTEST,
    version=310_000,
    subversion="/Satoshi:31.0.0/",
    blocks=105,
    headers=105,
    tip_hash="a105",
    tip_time=NOW,
    verification_progress=0.9999,
    initial_block_download=False,
    size_on_disk=2**40,
    pruned=False,
    prune_height=None,
    peers_in=3,
    peers_out=10,
    network_active=True,
    mempool_transactions=7,
    mempool_vbytes=1_234,
    mempool_usage=5_000,
    mempool_max=300_000_000,
    mempool_min_fee=Decimal("1.00"),
    fees=(FeeEstimate(6, Decimal("3.5")), FeeEstimate(2, Decimal("5.012")), FeeEstimate(144, None)),
    warnings=("unknown rules activated (versionbit 28) \N{BITCOIN SIGN}",),
    uptime=60,
    rpc_seconds=0.0125,
    clock_offset=-0.25,
)
NBX = NbxplorerStatus(Network.MAIN, "2.6.7", False, None, 103, NbxplorerNode(105, 106, synced=True), 0.25)
STEPS = (ProbeStep(ProbeStage.DNS, True, 0.015), ProbeStep(ProbeStage.CONNECT, False, None))
CHECKOUT = ProbeStatus("https://pay.example", "", True, STEPS, "nobody is there", "refused", None, None, NOW + 0.5)
WALLET = Wallet(Msat(9_000), Msat(0), Msat(1_000), Msat(10_000))
NODE_STATUS = NodeStatus("02ab", "shop", "0.21.2-beta", Network.MAIN, 9, "a9", NOW, True, False, None, 2, 3, 1, 0, 0.5)
HOST = HostStatus(
    (DiskUsage("/data", 100, 40, 0, 0, None), DiskUsage("/", 9, 5, 8, 7, -1.5)),
    *(2**33, 2**32, 0.25, 0.5, 1.0, 2, NOW - 1e6),
    (ProcessStatus("lnd", None, 2),),
)
HTLC = Htlc(True, 3, Msat(5), "aa", 900, None)
MANY = Channels(tuple(channel(f"f{number}:0", htlcs=(HTLC,) * (number % 3)) for number in range(SLICE * 2 + 1)))
PEERS = Peers((Peer("02ab", "[::1]:9735", True, 3, None, 0.01, 'said "\\no\0"'),))
BACKUP = BackupFile("/data/channel.backup", NOW - 5.5, 4_096, "ab" * 32, 3, ("f0:1",))


def told(facts: Facts, at: float = NOW, collector: str = "status") -> list[object]:
    return [entry(facts=facts, at=at, collector=collector)]


@pytest.mark.parametrize("facts", [CORE, NBX, CHECKOUT, WALLET, NODE_STATUS, HOST, MANY, Channels(()), PEERS, BACKUP])
async def test_facts_come_back(ledger: Ledger, facts: Facts) -> None:
    """The newest facts come back exactly as they were told."""
    await ledger.append([entry(facts=facts, at=NOW + 0.5, collector="status")])
    assert await ledger.snapshots() == (Snapshot(SITE, NODE, "status", NOW + 0.5, facts),)


async def test_only_newer_replaces(ledger: Ledger) -> None:
    """Of each collector the newest snapshot stands, in whatever order they come."""
    later = replace(WALLET, confirmed_msat=Msat(1))
    await ledger.append([entry(facts=later, at=NOW + 9, collector="wallet"), entry(facts=WALLET, collector="wallet")])
    await ledger.append([entry(facts=WALLET, at=NOW + 9, collector="wallet"), entry(facts=HOST, collector="host")])
    stored = {snapshot.collector: snapshot.facts for snapshot in await ledger.snapshots()}
    assert stored == {"wallet": later, "host": HOST}


async def test_snapshot_of_another_version(ledger: Ledger) -> None:
    """A snapshot that this version can't read is left out; it is read anew soon."""
    await ledger.append([entry(facts=WALLET, collector="wallet"), entry(facts=HOST, collector="host")])
    whole = {"kind": "Wallet", "facts": pack(WALLET)}
    for values in (whole | {"kind": "Oracle"}, whole | {"facts": pack(CORE)}, whole | {"facts": b"no deflated text"}):
        change = update(tables.snapshot).where(tables.snapshot.c.collector == "wallet").values(**values)
        await run(ledger, change)
        assert [snapshot.collector for snapshot in await ledger.snapshots()] == ["host"]
    await run(ledger, update(tables.snapshot).where(tables.snapshot.c.collector == "wallet").values(**whole))
    assert len(await ledger.snapshots()) == 2


async def test_figures_by_hour(ledger: Ledger, settings: LedgerSettings) -> None:
    """Round trips, the next block's fee and free disk are kept by hour, in whole units, each look once."""
    first = entry(facts=CORE, source="core", collector="status", at=NOW + 1)
    quick = replace(CORE, rpc_seconds=0.002, fees=(FeeEstimate(2, None),))
    second = entry(facts=quick, source="core", collector="status", at=NOW + 16)
    await ledger.append([first, second, entry(facts=HOST, source="box"), entry(facts=NODE_STATUS, at=NOW + 2)])
    await ledger.append([entry(facts=NBX, source="nbx", collector="status")])
    await ledger.append([second, first, entry(facts=CORE, source="core", collector="status", at=NOW + 3_600)])
    stored = {
        (row["source"], row["series"], row["subject"], row["hour"]): (row["n"], row["sum"], row["min"], row["max"])
        for row in rows(settings, "hourly")
    }
    assert stored == {
        ("core", "rpc_microseconds", "", NOW): (2, 14_500, 2_000, 12_500),
        ("core", "rpc_microseconds", "", NOW + 3_600): (1, 12_500, 12_500, 12_500),
        ("core", "next_block_fee_sat_per_kvb", "", NOW): (1, 5_012, 5_012, 5_012),
        ("core", "next_block_fee_sat_per_kvb", "", NOW + 3_600): (1, 5_012, 5_012, 5_012),
        ("box", "disk_free_bytes", "path:/data", NOW): (1, 40, 40, 40),
        ("box", "disk_free_bytes", "path:/", NOW): (1, 5, 5, 5),
        (NODE, "rpc_microseconds", "", NOW): (1, 500_000, 500_000, 500_000),
        ("nbx", "rpc_microseconds", "", NOW): (1, 250_000, 250_000, 250_000),
    }


async def test_wallet_balances(ledger: Ledger, settings: LedgerSettings) -> None:
    """A wallet's balances are a row per change and name."""
    spent = replace(WALLET, confirmed_msat=Msat(2_000))
    for at, facts in ((NOW, WALLET), (NOW + 60, WALLET), (NOW + 120, spent)):
        await ledger.append([entry(facts=facts, at=at, collector="wallet")])
    stored = [(row["name"], row["at"], row["amount_msat"]) for row in rows(settings, "balance_change")]
    assert stored == [
        ("wallet_confirmed", NOW, 9_000),
        ("wallet_confirmed", NOW + 120, 2_000),
        ("wallet_locked", NOW, 1_000),
        ("wallet_unconfirmed", NOW, 0),
    ]


def test_packing_in_slices() -> None:
    """However many rows a snapshot has, its text is one JSON document."""
    packed = pack(MANY)
    assert packed is not None
    assert unpack("Channels", packed) == MANY
    assert readable(packed).startswith('{"channels":[{"point":"f0:0",')


def test_facts_that_json_cannot_say() -> None:
    """A text that is no Unicode is no reason to lose a batch: those facts alone are not kept."""
    assert pack(replace(BACKUP, path="/data/\udcff")) is None


async def test_a_large_list_is_stored_now_and_then(ledger: Ledger) -> None:
    """Thousands of channels are stored when first seen and then every five minutes; each list is read in full."""
    for after in (0, 15, 285, 300):
        facts = Channels(tuple(channel(point=f"{number:064x}:{after}") for number in range(1_001)))
        await ledger.append([entry(facts=facts, collector="channels", at=NOW + after)])
        (stored,) = await ledger.snapshots()
        assert stored.at == NOW + (300 if after == 300 else 0)
        assert isinstance(stored.facts, Channels)
        assert len(stored.facts.channels) == 1_001
