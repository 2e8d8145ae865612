"""The newest facts of each collector, whole; of the past only what changes or adds up."""

from collections.abc import Mapping, Sequence

from sqlalchemy import Connection, bindparam, select

from lnwatch.model.btcpay import BtcpayStatus
from lnwatch.model.chain import BitcoindStatus, NbxplorerStatus
from lnwatch.model.host import HostStatus
from lnwatch.model.lightning import NodeStatus, Wallet, Watchtower
from lnwatch.model.snapshot import Facts
from lnwatch.store import tables
from lnwatch.store.apply.states import store_balances
from lnwatch.store.apply.turns import Turn
from lnwatch.store.rollups import Rollups
from lnwatch.store.upsert import Row, put

ROUND_TRIP = "rpc_microseconds"
NEXT_BLOCK_FEE = "next_block_fee_sat_per_kvb"
FREE_DISK = "disk_free_bytes"
PENDING_BACKUPS = "watchtower_pending_backups"

_row = tables.snapshot.c
_TIMES = select(_row.collector, _row.at).where(_row.site == bindparam("site"), _row.source == bindparam("source"))

Packed = Mapping[int, bytes | None]  # by id() of the facts

_Key = tuple[str, str, str]


def apply_snapshots(connection: Connection, turns: Sequence[Turn], packed: Packed, rollups: Rollups) -> None:
    """Keep the newest facts of each collector; what is not newer than those counts in nothing."""
    times = _times(connection, turns)
    newest: dict[_Key, Row] = {}
    for turn in turns:
        entry = turn.entry
        facts = entry.reading.facts
        key = (*turn.key, entry.collector)
        if facts is None or entry.at <= times.get(key, float("-inf")):
            continue
        times[key] = entry.at
        _note(connection, turn, facts, rollups)
        if (text := packed[id(facts)]) is not None:
            newest[key] = {
                "site": entry.site,
                "source": entry.source,
                "collector": entry.collector,
                "at": entry.at,
                "kind": type(facts).__name__,
                "facts": text,
            }
    put(connection, tables.snapshot, list(newest.values()))


def _times(connection: Connection, turns: Sequence[Turn]) -> dict[_Key, float]:
    return {
        (site, source, collector): at
        for site, source in {turn.key for turn in turns if turn.entry.reading.facts is not None}
        for collector, at in connection.execute(_TIMES, {"site": site, "source": source})
    }


def _note(connection: Connection, turn: Turn, facts: Facts, rollups: Rollups) -> None:
    """Whole units keep the sums exact: microseconds, satoshis per 1,000 vB (as Bitcoin Core counts), bytes."""
    at = turn.entry.at
    if isinstance(facts, BtcpayStatus | BitcoindStatus | NbxplorerStatus | NodeStatus):
        rollups.figure(turn.key, ROUND_TRIP, "", at, round(facts.rpc_seconds * 1_000_000))
    if isinstance(facts, BitcoindStatus):
        known = [fee for fee in facts.fees if fee.sat_per_vbyte is not None]
        if known:
            next_block = min(known, key=lambda fee: fee.target_blocks)
            rollups.figure(turn.key, NEXT_BLOCK_FEE, "", at, int((next_block.sat_per_vbyte or 0) * 1000))
    if isinstance(facts, HostStatus):
        for disk in facts.disks:
            rollups.figure(turn.key, FREE_DISK, f"path:{disk.path}", at, disk.free)
    if isinstance(facts, Watchtower) and facts.enabled:
        rollups.figure(turn.key, PENDING_BACKUPS, "", at, facts.pending_backups)
    if isinstance(facts, Wallet):
        balances = {
            "wallet_confirmed": facts.confirmed_msat,
            "wallet_unconfirmed": facts.unconfirmed_msat,
            "wallet_locked": facts.locked_msat,
        }
        store_balances(connection, {"site": turn.entry.site, "source": turn.entry.source}, at, balances)
