"""What Bitcoin Core and NBXplorer tell of the chain, its peers, mempool, fees and blocks, and what we watch in it."""

from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum


class Network(StrEnum):
    """The chain that a source is on, by Bitcoin Core's own names."""

    MAIN = "main"
    TEST = "test"
    TESTNET4 = "testnet4"
    SIGNET = "signet"
    REGTEST = "regtest"


@dataclass(frozen=True, slots=True)
class FeeEstimate:
    """`estimatesmartfee`: `sat_per_vbyte` is None while the node has too little data."""

    target_blocks: int
    sat_per_vbyte: Decimal | None


@dataclass(frozen=True, slots=True)
class BitcoindStatus:
    """Facts of the collector `status` of bitcoind: one batch of cheap calls.

    Times in seconds since the epoch, sizes in bytes (`mempool_vbytes` in virtual bytes), fee rates in
    sat/vB, `rpc_seconds` is the round trip of the batch. `clock_offset` is the source's Date header
    minus our clock, in seconds, None where it sends none. Mempool figures and `uptime` are None where
    the credential may not ask for them, or the node runs without a mempool.
    """

    chain: Network
    version: int  # as Core counts it: 310000 is 31.0
    subversion: str
    blocks: int
    headers: int
    tip_hash: str
    tip_time: int
    verification_progress: float
    initial_block_download: bool
    size_on_disk: int
    pruned: bool
    prune_height: int | None
    peers_in: int
    peers_out: int
    network_active: bool
    mempool_transactions: int | None
    mempool_vbytes: int | None
    mempool_usage: int | None
    mempool_max: int | None
    mempool_min_fee: Decimal | None
    fees: tuple[FeeEstimate, ...]
    warnings: tuple[str, ...]
    uptime: int | None
    rpc_seconds: float
    clock_offset: float | None


@dataclass(frozen=True, slots=True)
class NbxplorerNode:
    """The bitcoind behind an NBXplorer, as NBXplorer sees it."""

    blocks: int
    headers: int
    synced: bool


@dataclass(frozen=True, slots=True)
class NbxplorerStatus:
    """Facts of the collector `status` of NBXplorer, the indexer through which BTCPay Server sees the chain.

    `synced` is its own word. `chain_height` is the best header that it knows, `sync_height` the last block
    that it indexed; each None while it has none. `node` None: it can't ask its bitcoind. `rpc_seconds` is
    the round trip.
    """

    network: Network
    version: str
    synced: bool
    chain_height: int | None
    sync_height: int | None
    node: NbxplorerNode | None
    rpc_seconds: float


@dataclass(frozen=True, slots=True)
class Block:
    """A block of the active chain, as one bitcoind knew it. `txids` are those of our watch list in it."""

    height: int
    hash: str
    previous_hash: str
    time: int
    seen_at: float
    txids: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Reorganisation:
    """The active chain changed below its tip: `depth` blocks that we had were disconnected."""

    at: float
    depth: int
    fork_height: int
    old_tip: str
    new_tip: str


@dataclass(frozen=True, slots=True)
class MempoolSighting:
    """A watched transaction was first seen in the mempool, at `at` of our clock."""

    txid: str
    at: float


@dataclass(frozen=True, slots=True)
class WatchedTransaction:
    """One entry of the watch list and what is known of it so far."""

    txid: str
    since: float
    first_seen_at: float | None = None
    block_height: int | None = None
    block_hash: str | None = None
