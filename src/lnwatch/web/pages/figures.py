"""The figures of a site that a person looks at first: stores, Lightning, chain, indexer, machine, public addresses."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TypeVar

from lnwatch.model.chain import BitcoindStatus, NbxplorerStatus
from lnwatch.model.host import HostStatus
from lnwatch.model.kpi import Kpi
from lnwatch.model.lightning import Channels, NodeStatus, PendingChannels, Wallet
from lnwatch.model.probe import ProbeStatus
from lnwatch.model.snapshot import Facts
from lnwatch.model.view import ShopView, TargetView, View
from lnwatch.redaction import redact
from lnwatch.web.pages import words

F = TypeVar("F", bound=Facts)
Figure = tuple[str, str, str]  # name, figure, what it means

_DAY = 86_400  # seconds


@dataclass(frozen=True, slots=True)
class Figures:
    """A group of figures under one heading."""

    title: str
    subtitle: str
    rows: tuple[Figure, ...]


def figures(view: View, target: TargetView, now: float) -> Iterator[Figures]:
    """What is fresh of one source; nothing where nothing is."""
    for shop in view.shops.values():
        if shop.source == target.slug and shop.read_until is not None:
            stands = f"on node {shop.node}" if shop.node is not None else "its Lightning node is not known"
            yield Figures(f"Store: {shop.store}", stands, tuple(_shop(view, shop, now)))
    node = _fresh(target, NodeStatus, now)
    if target.lightning and (rows := tuple(_lightning(view, target, now))):
        subtitle = f"{redact(node.alias)} {node.public_key[:16]}…" if node is not None else ""
        yield Figures(f"Lightning: {target.slug}", subtitle, rows)
    chain = _fresh(target, BitcoindStatus, now)
    if chain is not None:
        yield Figures(f"Chain: {target.slug}", chain.subversion, tuple(_chain(chain, now)))
    indexer = _fresh(target, NbxplorerStatus, now)
    if indexer is not None:
        yield Figures(
            f"NBXplorer: {target.slug}", "through which BTCPay Server sees the chain", tuple(_indexer(indexer))
        )
    visit = _fresh(target, ProbeStatus, now)
    if visit is not None:
        yield Figures(f"Public address: {target.slug}", visit.where, tuple(_visit(visit)))
    host = _fresh(target, HostStatus, now)
    if host is not None:
        yield Figures(f"Machine: {target.slug}", f"up for {words.span(now - host.boot_time)}", tuple(_host(host)))


def _fresh(target: TargetView, kind: type[F], now: float) -> F | None:
    for collector in target.snapshots:
        snapshot = target.fresh(collector, now)
        if snapshot is not None and isinstance(snapshot.facts, kind):
            return snapshot.facts
    return None


def _lightning(view: View, target: TargetView, now: float) -> Iterator[Figure]:
    node = _fresh(target, NodeStatus, now)
    channels = _fresh(target, Channels, now)
    pending = _fresh(target, PendingChannels, now)
    liquidity = view.liquidity.get(target.slug)
    if node is not None:
        states = [(node.channels_active, "active"), (node.channels_inactive, "inactive")]
        states += [(len(pending.channels), "opening or closing")] if pending is not None else []
        yield "Channels", ", ".join(f"{figure:,} {state}" for figure, state in states), ""
        yield "Synchronised", _synchronised(node), f"at height {node.block_height:,}"
    if channels is not None and liquidity is not None:
        yield "Usable inbound", words.amount(liquidity.inbound_msat), "what customers could pay now"
        yield "Usable outbound", words.amount(liquidity.outbound_msat), "what could be paid out now"
        yield "Largest in one part", words.amount(liquidity.receivable_one_msat), "largest invoice payable in one part"
        yield "Largest in many parts", words.amount(liquidity.receivable_many_msat), "in up to 16 parts"
    if channels is not None:
        yield "HTLCs in flight", _in_flight(channels, node), ""
    wallet = _fresh(target, Wallet, now)
    if wallet is not None:
        waiting = f" and {words.amount(wallet.unconfirmed_msat)} unconfirmed" if wallet.unconfirmed_msat else ""
        yield "On-chain wallet", f"{words.amount(wallet.confirmed_msat)}{waiting}", ""
    if pending is not None and pending.limbo_msat:
        yield "In limbo", words.amount(pending.limbo_msat), "what closing channels still owe us"


def _shop(view: View, shop: ShopView, now: float) -> Iterator[Figure]:
    read = f"BTCPay read {words.ago(shop.read_until, now)}" if shop.read_until is not None else ""
    yield "Open invoices", f"{shop.open_count:,}", read
    for kpi in view.kpis:
        if (kpi.kpi, kpi.store, kpi.rail, kpi.window) != (Kpi.PAYMENT_SUCCESS, shop.store, None, _DAY):
            continue
        if kpi.ratio is None or kpi.low is None or kpi.high is None:
            yield "Orders of a day", "none", "with evidence either way"
        else:
            between = f"{words.percent(kpi.low, 1)} to {words.percent(kpi.high, 1)} with 95 % confidence"
            yield "Orders of a day", f"{kpi.events - kpi.bad:,} of {kpi.events:,} paid", between
    yield "Exceptions", f"{shop.exception_count:,}", "payments with something wrong that is not put right"


def _synchronised(node: NodeStatus) -> str:
    behind = [
        name
        for name, synced in (
            ("chain", node.synced_to_chain),
            ("graph", node.synced_to_graph),
            ("wallet", node.wallet_synced is not False),
        )
        if not synced
    ]
    return f"not to the {' and the '.join(behind)}" if behind else "yes"


def _in_flight(channels: Channels, node: NodeStatus | None) -> str:
    htlcs = [htlc for channel in channels.channels if channel.htlcs for htlc in channel.htlcs]
    if not htlcs:
        return "none"
    incoming = sum(htlc.incoming for htlc in htlcs)
    text = f"{incoming:,} in, {len(htlcs) - incoming:,} out"
    if node is None:
        return text
    left = min(htlc.expiry_height for htlc in htlcs) - node.block_height
    return f"{text}; the next expires in {words.count(left, 'block')}"


def _chain(status: BitcoindStatus, now: float) -> Iterator[Figure]:
    behind = status.headers - status.blocks
    tip = "at the best known header" if behind <= 0 else f"{words.count(behind, 'block')} behind the best known header"
    yield "Height", f"{status.blocks:,}", tip
    yield "Newest block", words.ago(status.tip_time, now), words.instant(status.tip_time)
    if status.initial_block_download:
        yield "First download", words.percent(status.verification_progress, 1), "of the chain verified"
    yield "Peers", f"{status.peers_out} out, {status.peers_in} in", "" if status.network_active else "networking is off"
    fees = ", ".join(
        f"{fee.sat_per_vbyte.normalize():f} within {words.count(fee.target_blocks, 'block')}"
        for fee in status.fees
        if fee.sat_per_vbyte is not None
    )
    yield "Fees, sat/vB", fees or "no estimate yet", ""
    if status.mempool_transactions is not None and status.mempool_usage is not None:
        yield "Mempool", words.count(status.mempool_transactions, "transaction"), words.size(status.mempool_usage)
    for warning in status.warnings:
        yield "Warning", redact(warning), "as Bitcoin Core tells it"


def _indexer(status: NbxplorerStatus) -> Iterator[Figure]:
    height = f"{status.sync_height:,}" if status.sync_height is not None else "none yet"
    yield "Synchronised", "yes" if status.synced else "no", "by its own word"
    yield "Indexed block", height, ""
    node = status.node
    yield "Its bitcoind", f"at {node.blocks:,}" if node is not None else "does not answer it", ""


def _visit(status: ProbeStatus) -> Iterator[Figure]:
    for step in status.steps:
        if step.seconds is None:
            yield words.STAGES[step.stage], "not tried", ""
        else:
            yield words.STAGES[step.stage], "well" if step.success else "fails", f"in {words.duration(step.seconds)}"
    if status.via:
        yield "By way of", status.via, ""


def _host(host: HostStatus) -> Iterator[Figure]:
    for disk in host.disks:
        rate = disk.fill_rate or 0.0
        filling = f"filling at {words.size(rate * 3_600)} an hour" if rate > 0 else ""
        yield f"Disk {disk.path}", f"{words.size(disk.free)} free, {words.percent(disk.free, disk.total)}", filling
    available = f"{words.size(host.memory_available)} of {words.size(host.memory_total)} available"
    yield "Memory", available, ""
    yield "Load", f"{host.load_1m:.2f}", f"over a minute, on {words.count(host.cpus, 'processor')}"
    for process in host.processes:
        state = "runs" if process.started_at is not None else "does not run"
        yield f"Process {process.name}", state, words.count(process.restarts, "restart")
