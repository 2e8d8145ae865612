"""Hand-built nouns, views and assessments: a merchant with bitcoind, LND and a host, everything well.

Each builder takes what a test wants to be different, and fills in the rest with the same figures always.
"""

from collections.abc import Iterable, Mapping
from dataclasses import replace
from decimal import Decimal
from typing import Any

from lnwatch.domain.liquidity import node_liquidity
from lnwatch.model.assessment import Assessment, LedgerHealth
from lnwatch.model.chain import BitcoindStatus, FeeEstimate, NbxplorerNode, NbxplorerStatus, Network
from lnwatch.model.host import DiskUsage, HostStatus, ProcessStatus
from lnwatch.model.lightning import (
    BackupFile,
    Channel,
    ChannelPolicies,
    ChannelPolicy,
    Channels,
    Constraints,
    Htlc,
    InvoiceState,
    NodeStatus,
    Peer,
    Peers,
    PendingChannel,
    PendingChannels,
    PendingState,
    Policies,
    Wallet,
    Watchtower,
)
from lnwatch.model.money import Msat, msat
from lnwatch.model.probe import ProbeStage, ProbeStatus, ProbeStep
from lnwatch.model.snapshot import Backfill, Facts, Snapshot, TargetState
from lnwatch.model.view import CollectorHealth, Fault, NodeTotals, TargetView, View

NOW = 1_800_000_000.0
HEIGHT = 900_000
PUBLIC_KEY = "02" + "aa" * 32


def constraints(**changes: Any) -> Constraints:  # noqa: ANN401 - a table of fields
    """1 % reserve and no other limit that binds a channel of 10 million sat."""
    usual = Constraints(msat(100_000), msat(354), Msat(9_900_000_000), Msat(1), 483, 144)
    return replace(usual, **changes)


def channel(index: int = 0, **changes: Any) -> Channel:  # noqa: ANN401 - a table of fields
    """A public channel of 10 million sat that the peer opened: 4 million ours, the rest less fees theirs."""
    usual = Channel(
        point=f"{index:064x}:1",
        channel_id=f"{800_000 + index}x12x1",
        peer="03" + f"{index:064x}",
        active=True,
        private=False,
        initiator=False,
        capacity_msat=msat(10_000_000),
        local_msat=msat(4_000_000),
        remote_msat=msat(5_996_530),
        commit_fee_msat=msat(2_810),
        fee_per_kw=2_500,
        anchors=True,
        unsettled_msat=msat(0),
        local=constraints(),
        remote=constraints(),
        htlcs=(),
        sent_msat=msat(0),
        received_msat=msat(4_000_000),
        zero_conf=False,
        status_flags="ChanStatusDefault",
    )
    return replace(usual, **changes)


def htlc(index: int = 0, **changes: Any) -> Htlc:  # noqa: ANN401 - a table of fields
    """50,000 sat on their way in, with 40 blocks left."""
    return replace(Htlc(True, index, msat(50_000), f"{index:064x}", HEIGHT + 40), **changes)


def policy(**changes: Any) -> ChannelPolicy:  # noqa: ANN401 - a table of fields
    """LND's usual policy, without a limit on single HTLCs."""
    return replace(ChannelPolicy(False, Msat(1_000), 1, Msat(1_000), Msat(0), 80, 1_790_000_000), **changes)


def policies(*theirs: tuple[str, ChannelPolicy | None]) -> Policies:
    """The peers' side by short channel id; ours is the usual one."""
    return Policies(tuple(ChannelPolicies(channel_id, policy(), side) for channel_id, side in theirs))


def peers(*public_keys: str) -> Peers:
    """Connected peers that never flapped."""
    return Peers(tuple(Peer(key, "127.0.0.1:9735", False, 0, None, 0.05, None) for key in public_keys))


def bitcoind_status(**changes: Any) -> BitcoindStatus:  # noqa: ANN401 - a table of fields
    """A synchronised node on regtest."""
    usual = BitcoindStatus(
        chain=Network.REGTEST,
        version=310_000,
        subversion="/Satoshi:31.0.0/",
        blocks=HEIGHT,
        headers=HEIGHT + 1,
        tip_hash="00" * 32,
        tip_time=1_799_999_700,
        verification_progress=0.999998,
        initial_block_download=False,
        size_on_disk=750_000_000_000,
        pruned=False,
        prune_height=None,
        peers_in=3,
        peers_out=10,
        network_active=True,
        mempool_transactions=4_321,
        mempool_vbytes=1_234_567,
        mempool_usage=7_654_321,
        mempool_max=300_000_000,
        mempool_min_fee=Decimal("0.1"),
        fees=(FeeEstimate(2, Decimal("12.345")), FeeEstimate(6, Decimal(8)), FeeEstimate(144, None)),
        warnings=(),
        uptime=86_400,
        rpc_seconds=0.0125,
        clock_offset=-0.4,
    )
    return replace(usual, **changes)


def nbxplorer_status(**changes: Any) -> NbxplorerStatus:  # noqa: ANN401 - a table of fields
    """An indexer in step with its bitcoind."""
    node = NbxplorerNode(HEIGHT, HEIGHT, synced=True)
    usual = NbxplorerStatus(Network.REGTEST, "2.6.7", True, HEIGHT, HEIGHT, node, 0.006)
    return replace(usual, **changes)


def probe_status(failed: ProbeStage | None = None, **changes: Any) -> ProbeStatus:  # noqa: ANN401 - a table of fields
    """A checkout that was reached, or that failed at a stage."""
    stages = list(ProbeStage)
    reached = len(stages) if failed is None else stages.index(failed)
    steps = tuple(
        ProbeStep(stage, index < reached, (index + 1) / 64 if index <= reached else None)
        for index, stage in enumerate(stages)
    )
    seen = failed not in (ProbeStage.DNS, ProbeStage.CONNECT)
    usual = ProbeStatus(
        where="https://pay.example",
        via="",
        checkout=True,
        steps=steps,
        trouble="" if failed is None else f"no luck with {failed.value}",
        reason="" if failed is None else "refused",
        http_status=200 if failed is None else None,
        tls_not_before=NOW - 86_400 * 30 if seen else None,
        tls_not_after=NOW + 86_400 * 60 if seen else None,
    )
    return replace(usual, **changes)


def node_status(**changes: Any) -> NodeStatus:  # noqa: ANN401 - a table of fields
    """A synchronised LND with one active channel."""
    usual = NodeStatus(
        public_key=PUBLIC_KEY,
        alias="shop",
        version="0.21.2-beta",
        network=Network.REGTEST,
        block_height=HEIGHT,
        block_hash="00" * 32,
        best_header_time=1_799_999_700,
        synced_to_chain=True,
        synced_to_graph=True,
        wallet_synced=True,
        peers=2,
        channels_active=1,
        channels_inactive=0,
        channels_pending=1,
        rpc_seconds=0.004,
    )
    return replace(usual, **changes)


def pending_channel(**changes: Any) -> PendingChannel:  # noqa: ANN401 - a table of fields
    """A channel that is force-closing, with 900,000 sat still to come."""
    usual = PendingChannel(
        point="ee" * 32 + ":0",
        peer="03" + "ee" * 32,
        state=PendingState.FORCE_CLOSING,
        initiator=True,
        capacity_msat=msat(1_000_000),
        local_msat=msat(900_000),
        limbo_msat=msat(900_000),
        recovered_msat=msat(0),
        closing_txid="dd" * 32,
        maturity_height=HEIGHT + 100,
        blocks_to_maturity=100,
        confirmations_until_active=None,
    )
    return replace(usual, **changes)


def host_status(**changes: Any) -> HostStatus:  # noqa: ANN401 - a table of fields
    """A machine with room."""
    usual = HostStatus(
        disks=(DiskUsage("/data", 2_000_000_000_000, 900_000_000_000, 1_000_000, 990_000, 1_250.5),),
        memory_total=16_000_000_000,
        memory_available=9_000_000_000,
        load_1m=0.5,
        load_5m=0.25,
        load_15m=0.125,
        cpus=4,
        boot_time=1_799_000_000.0,
        processes=(ProcessStatus("lnd", 1_799_900_000.5, 2), ProcessStatus("bitcoind", None, 0)),
    )
    return replace(usual, **changes)


def lightning_facts(channels: Channels) -> dict[str, Facts]:
    """What the collectors of a Lightning node saw, by collector."""
    return {
        "node": node_status(),
        "channels": channels,
        "policies": policies(*((one.channel_id, policy()) for one in channels.channels)),
        "pending": PendingChannels((pending_channel(),), msat(900_000)),
        "peers": peers(*(one.peer for one in channels.channels)),
        "wallet": Wallet(msat(2_000_000), msat(50_000), msat(0), msat(10_000)),
        "watchtower": Watchtower(True, 12, 0, 0, 1, 0),
        "backup": BackupFile("/lnd/channel.backup", 1_799_990_000.25, 512, "cc" * 32, 1, ()),
    }


def health(name: str, *, at: float = NOW, **changes: Any) -> CollectorHealth:  # noqa: ANN401 - a table of fields
    """A collector that runs every 15 seconds and just succeeded."""
    return replace(CollectorHealth(name, 15.0, True, at, at, 0.02, 4, {}, None, None), **changes)


def failed(name: str, fault: Fault, **changes: Any) -> CollectorHealth:  # noqa: ANN401 - a table of fields
    """A collector whose newest run failed."""
    return health(name, at=fault.at, success=False, errors={fault.reason: 1}, fault=fault, **changes)


def target(
    slug: str,
    kind: str,
    facts: Mapping[str, Facts],
    *,
    at: float = NOW,
    site: str = "main",
    **changes: Any,  # noqa: ANN401 - a table of fields
) -> TargetView:
    """A source that is up, with one collector for each of its facts."""
    usual = TargetView(
        slug=slug,
        kind=kind,
        lightning=kind == "lnd",
        state=TargetState.UP,
        since=at - 3_600,
        detail="",
        version="0.21.2-beta" if kind == "lnd" else "31.0.0",
        supported=True,
        network="regtest",
        calls=1_000,
        bytes_received=2_000_000,
        tls_expires_at=at + 86_400 * 200 if kind == "lnd" else None,
        collectors={name: health(name, at=at) for name in facts},
        snapshots={name: Snapshot(site, slug, name, at, value) for name, value in facts.items()},
    )
    return replace(usual, **changes)


def lightning_target(
    channels: Channels | None = None,
    *,
    at: float = NOW,
    slug: str = "ln1",
    **changes: Any,  # noqa: ANN401 - fields
) -> TargetView:
    """An LND with all its facts, a history that is being read, and a stream that stands."""
    built = target(slug, "lnd", lightning_facts(channels or Channels((channel(),))), at=at)
    more = {
        "invoices": health("invoices", at=at, backfill=Backfill(12_500, 50_000, False)),
        "invoices_stream": health("invoices_stream", at=at, interval=0.0),
    }
    return replace(built, collectors={**built.collectors, **more}, **changes)


def view(*targets: TargetView, at: float = NOW, site: str = "main") -> View:
    """One site, with liquidity and totals for each of its Lightning nodes."""
    nodes = [target for target in targets if target.lightning]
    return View(
        site=site,
        at=at,
        born_at=at - 86_400,
        targets={target.slug: target for target in targets},
        liquidity={
            node.slug: node_liquidity(snapshot.at, snapshot.facts)
            for node in nodes
            if (snapshot := node.snapshots.get("channels")) is not None and isinstance(snapshot.facts, Channels)
        },
        totals={
            node.slug: NodeTotals(
                {InvoiceState.SETTLED: 3, InvoiceState.EXPIRED: 2, InvoiceState.CANCELED: 1}, Msat(150_000_500)
            )
            for node in nodes
        },
    )


def assessment(*views: View, at: float = NOW, **changes: Any) -> Assessment:  # noqa: ANN401 - a table of fields
    """The answer of one cycle."""
    usual = Assessment(at, 42, {view.site: view for view in views}, LedgerHealth(True, "", "sqlite"), 3)
    return replace(usual, **changes)


def shopfront(
    indexer: NbxplorerStatus | None = None, visit: ProbeStatus | None = None, *, at: float = NOW
) -> tuple[TargetView, TargetView]:
    """What stands between the nodes and the customers: NBXplorer and the public page."""
    page = visit or probe_status()
    return (
        target("nbx", "nbxplorer", {"status": indexer or nbxplorer_status()}, at=at, version="2.6.7"),
        target(
            "checkout", "probe", {"probe": page}, at=at, version="", network=None, tls_expires_at=page.tls_not_after
        ),
    )


def merchant(
    channels: Iterable[Channel] | None = None, *, more: Iterable[TargetView] = (), at: float = NOW
) -> Assessment:
    """One site with bitcoind, LND and the machine, everything well; `more` stands beside them."""
    listed = Channels(tuple(channels) if channels is not None else (channel(),))
    return assessment(
        view(
            target("core", "bitcoind", {"status": bitcoind_status()}, at=at),
            lightning_target(listed, at=at),
            target("machine", "host", {"status": host_status()}, at=at, version="", network=None),
            *more,
            at=at,
        ),
        at=at,
    )
