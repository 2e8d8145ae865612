"""Bitcoin Core: the chain, peers, mempool and fees."""

from lnwatch.exporter.shapes import FactRows
from lnwatch.model.chain import BitcoindStatus

_STATUS = FactRows(BitcoindStatus)

METRICS = (
    _STATUS.one("lnwatch_bitcoind_blocks", "Height of the active chain's tip.", lambda facts: facts.blocks),
    _STATUS.one("lnwatch_bitcoind_headers", "Height of the best known header.", lambda facts: facts.headers),
    _STATUS.one(
        "lnwatch_bitcoind_tip_timestamp_seconds", "Time in the header of the tip.", lambda facts: facts.tip_time
    ),
    _STATUS.one(
        "lnwatch_bitcoind_verification_progress_ratio",
        "Estimated share of the chain that is verified.",
        lambda facts: facts.verification_progress,
    ),
    _STATUS.one(
        "lnwatch_bitcoind_initial_block_download",
        "1 while the node is still fetching the chain for the first time.",
        lambda facts: int(facts.initial_block_download),
    ),
    _STATUS.one(
        "lnwatch_bitcoind_chain_size_bytes", "Size of blocks and undo data on disk.", lambda facts: facts.size_on_disk
    ),
    _STATUS.one("lnwatch_bitcoind_pruned", "1 where old blocks are deleted.", lambda facts: int(facts.pruned)),
    _STATUS.one(
        "lnwatch_bitcoind_prune_height", "Lowest block that a pruned node still has.", lambda facts: facts.prune_height
    ),
    _STATUS.each(
        "lnwatch_bitcoind_peers",
        "Connected peers, by who opened the connection.",
        ("direction",),
        lambda facts: [(("inbound",), facts.peers_in), (("outbound",), facts.peers_out)],
    ),
    _STATUS.one(
        "lnwatch_bitcoind_network_active",
        "1 unless networking was switched off.",
        lambda facts: int(facts.network_active),
    ),
    _STATUS.one(
        "lnwatch_bitcoind_mempool_transactions",
        "Transactions in the mempool.",
        lambda facts: facts.mempool_transactions,
    ),
    _STATUS.one(
        "lnwatch_bitcoind_mempool_bytes",
        "Sum of the virtual sizes of the transactions in the mempool (`bytes` of getmempoolinfo).",
        lambda facts: facts.mempool_vbytes,
    ),
    _STATUS.one(
        "lnwatch_bitcoind_mempool_usage_bytes", "Memory that the mempool takes.", lambda facts: facts.mempool_usage
    ),
    _STATUS.one(
        "lnwatch_bitcoind_mempool_limit_bytes", "Memory that the mempool may take.", lambda facts: facts.mempool_max
    ),
    _STATUS.one(
        "lnwatch_bitcoind_mempool_minimum_fee_rate_satoshis_per_vbyte",
        "Lowest fee rate that the mempool takes in.",
        lambda facts: facts.mempool_min_fee,
    ),
    _STATUS.each(
        "lnwatch_bitcoind_fee_rate_satoshis_per_vbyte",
        "Estimated fee rate to confirm within so many blocks; absent while the node has too little data.",
        ("target_blocks",),
        lambda facts: [((str(fee.target_blocks),), fee.sat_per_vbyte) for fee in facts.fees],
    ),
    _STATUS.one(
        "lnwatch_bitcoind_warnings",
        "Warnings that the node gives; the status page has their words.",
        lambda facts: len(facts.warnings),
    ),
    _STATUS.dated(
        "lnwatch_bitcoind_start_timestamp_seconds",
        "When the node was started.",
        lambda snapshot, facts: None if facts.uptime is None else round(snapshot.at) - facts.uptime,
    ),
)
