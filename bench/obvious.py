"""The obvious exporter: each scrape asks the node for everything, and prometheus-client renders it.

It asks what lndmon asks (14 unary calls, 12 without the graph) and shows the series that lndmon shows, through
prometheus-client's own ASGI application under uvicorn. Nothing is made slower than it has to be: the messages are
read with protobuf's C parser, the families are built once per scrape, the statistics use the standard library.

    python -m bench.obvious --node HOST:PORT --tls CERT --macaroon FILE --listen PORT [--no-graph]
"""

import argparse
import statistics
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import grpc
import uvicorn
from prometheus_client import CollectorRegistry, make_asgi_app
from prometheus_client.core import GaugeMetricFamily, HistogramMetricFamily, Metric
from prometheus_client.registry import Collector

from bench.wire import Node, connect, messages

_Figures = tuple[tuple[str, Callable[[Any], float]], ...]

_CHANNEL_LABELS = ("chan_id", "status", "initiator", "peer")
_CHANNEL_SERIES: _Figures = (
    ("lnd_channels_bandwidth_incoming_sat", lambda one: one.remote_balance),
    ("lnd_channels_bandwidth_outgoing_sat", lambda one: one.local_balance),
    ("lnd_channels_pending_htlc_count", lambda one: len(one.pending_htlcs)),
    ("lnd_channels_sent_sat", lambda one: one.total_satoshis_sent),
    ("lnd_channels_received_sat", lambda one: one.total_satoshis_received),
    ("lnd_channels_updates_count", lambda one: one.num_updates),
    ("lnd_channels_csv_delay", lambda one: one.local_constraints.csv_delay),
    ("lnd_channels_unsettled_balance", lambda one: one.unsettled_balance),
    ("lnd_channels_fee_per_kw", lambda one: one.fee_per_kw),
    ("lnd_channels_commit_weight", lambda one: one.commit_weight),
    ("lnd_channels_commit_fee", lambda one: one.commit_fee),
    ("lnd_channel_uptime_percentage", lambda one: one.uptime / one.lifetime if one.lifetime else 0),
)
_PEER_SERIES: _Figures = (
    ("lnd_peer_ping_time_microsecond", lambda one: one.ping_time),
    ("lnd_peer_sent_sat", lambda one: one.sat_sent),
    ("lnd_peer_recv_sat", lambda one: one.sat_recv),
    ("lnd_peer_sent_byte", lambda one: one.bytes_sent),
    ("lnd_peer_recv_byte", lambda one: one.bytes_recv),
)
_POLICY_FIGURES: _Figures = (
    ("timelock_delta", lambda policy: policy.time_lock_delta),
    ("min_htlc_msat", lambda policy: policy.min_htlc),
    ("max_htlc_msat", lambda policy: policy.max_htlc_msat),
    ("fee_base_msat", lambda policy: policy.fee_base_msat),
    ("fee_rate_msat", lambda policy: policy.fee_rate_milli_msat),
)
_FEE_EDGES = (-1000, -100, -10, -1, 0, 1, 10, 100, 1000)


class ObviousCollector(Collector):
    """Everything, at each scrape."""

    def __init__(self, node: Node, *, graph: bool) -> None:
        """Ask that node, and for the graph if told."""
        self._node = node
        self._graph = graph

    def collect(self) -> Iterator[Metric]:
        """Ask, convert, yield: collector by collector, as lndmon has them."""
        yield from self._chain()
        yield from self._info()
        yield from self._channels()
        yield from self._wallet()
        yield from self._peers()
        yield from self._watchtower()
        if self._graph:
            yield from self._network()

    def _chain(self) -> Iterator[Metric]:
        info = self._node.get_info(messages.Empty())
        yield _gauge("lnd_chain_block_height", info.block_height)
        yield _gauge("lnd_chain_block_timestamp", info.best_header_timestamp)
        yield _gauge("lnd_chain_synced", info.synced_to_chain)
        yield _gauge("lnd_graph_synced", info.synced_to_graph)

    def _info(self) -> Iterator[Metric]:
        info = self._node.get_info(messages.Empty())
        family = GaugeMetricFamily("lnd_info", "lnd node info", labels=("version", "alias", "pubkey"))
        family.add_metric((info.version, info.alias, info.identity_pubkey), 0)
        yield family

    def _channels(self) -> Iterator[Metric]:
        balance = self._node.channel_balance(messages.Empty())
        listed = self._node.list_channels(messages.Empty())
        pending = self._node.pending_channels(messages.Empty())
        info = self._node.get_info(messages.Empty())
        request = messages.NodeInfoRequest(pub_key=info.identity_pubkey, include_channels=True)
        ours = self._node.get_node_info(request)
        yield _gauge("lnd_channels_open_balance_sat", balance.local_balance.sat)
        yield _gauge("lnd_channels_pending_balance_sat", balance.pending_open_local_balance.sat)
        yield _gauge("lnd_channels_waiting_close_balance_sat", pending.total_limbo_balance)
        yield _gauge("lnd_channels_active_total", info.num_active_channels)
        yield _gauge("lnd_channels_inactive_total", info.num_inactive_channels)
        yield _gauge("lnd_channels_pending_total", info.num_pending_channels)
        yield from _per_channel(listed.channels)
        yield _inbound_fee(listed.channels, ours)

    def _wallet(self) -> Iterator[Metric]:
        unspent = self._node.list_unspent(messages.ListUnspentRequest(max_confs=2**31 - 1))
        balance = self._node.wallet_balance(messages.Empty())
        accounts = self._node.list_accounts(messages.Empty())
        amounts = [utxo.amount_sat for utxo in unspent.utxos] or [0]
        yield _gauge("lnd_utxos_count_confirmed_total", len(unspent.utxos))
        yield _gauge("lnd_utxos_sizes_min_sat", min(amounts))
        yield _gauge("lnd_utxos_sizes_max_sat", max(amounts))
        yield _gauge("lnd_utxos_sizes_avg_sat", statistics.fmean(amounts))
        yield _gauge("lnd_wallet_balance_confirmed_sat", balance.confirmed_balance)
        yield _gauge("lnd_wallet_balance_unconfirmed_sat", balance.unconfirmed_balance)
        family = GaugeMetricFamily("lnd_wallet_key_count", "wallet keys", labels=("account_name", "address_type"))
        for account in accounts.accounts:
            family.add_metric((account.name, str(account.address_type)), account.external_key_count)
        yield family

    def _peers(self) -> Iterator[Metric]:
        peers = self._node.list_peers(messages.Empty()).peers
        yield _gauge("lnd_peer_count", len(peers))
        for name, value in _PEER_SERIES:
            family = GaugeMetricFamily(name, name, labels=("pubkey",))
            for peer in peers:
                family.add_metric((peer.pub_key,), value(peer))
            yield family

    def _watchtower(self) -> Iterator[Metric]:
        towers = self._node.list_towers(messages.ListTowersRequest(include_sessions=True)).towers
        family = GaugeMetricFamily("lnd_wt_client_num_backups", "backups", labels=("tower_pubkey",))
        for tower in towers:
            sessions = [session for info in tower.session_info for session in info.sessions]
            family.add_metric((tower.pubkey.hex(),), sum(session.num_backups for session in sessions))
        yield family

    def _network(self) -> Iterator[Metric]:
        graph = self._node.describe_graph(messages.Empty())
        network = self._node.get_network_info(messages.Empty())
        yield _gauge("lnd_graph_edges_count", len(graph.edges))
        yield _gauge("lnd_graph_nodes_count", len(graph.nodes))
        yield _gauge("lnd_graph_zombies_count", network.num_zombie_chans)
        yield _gauge("lnd_graph_outdegree_avg", network.avg_out_degree)
        yield _gauge("lnd_graph_outdegree_max", network.max_out_degree)
        yield _gauge("lnd_graph_diameter", network.graph_diameter)
        yield _gauge("lnd_graph_chan_capacity_sat", network.total_network_capacity)
        yield from _spread("lnd_graph_chan_size", [edge.capacity for edge in graph.edges])
        policies = [policy for edge in graph.edges for policy in (edge.node1_policy, edge.node2_policy)]
        for name, value in _POLICY_FIGURES:
            yield from _spread(f"lnd_graph_{name}", [value(policy) for policy in policies])
        yield _histogram("lnd_graph_inbound_fee_rate_msat", [one.inbound_fee_rate_milli_msat for one in policies])
        yield _histogram("lnd_graph_inbound_fee_base_msat", [one.inbound_fee_base_msat for one in policies])


def _gauge(name: str, value: float) -> Metric:
    return GaugeMetricFamily(name, name, value=value)


def _per_channel(channels: Sequence[Any]) -> Iterator[Metric]:
    labels = [
        (
            str(one.chan_id),
            "active" if one.active else "inactive",
            "true" if one.initiator else "false",
            one.remote_pubkey,
        )
        for one in channels
    ]
    for name, value in _CHANNEL_SERIES:
        family = GaugeMetricFamily(name, name, labels=_CHANNEL_LABELS)
        for label, one in zip(labels, channels, strict=True):
            family.add_metric(label, value(one))
        yield family


def _inbound_fee(channels: Sequence[Any], ours: Any) -> Metric:  # noqa: ANN401 - a message made at run time
    """What it costs to receive, doubling the amount from 100,000 sat until inbound is exhausted."""
    policies = {edge.channel_id: edge.node1_policy for edge in ours.channels}
    priced = sorted(
        (policies[one.chan_id].fee_rate_milli_msat, one.remote_balance) for one in channels if one.chan_id in policies
    )
    family = GaugeMetricFamily("inbound_fee", "fee of receiving", labels=("amount",))
    amount, total = 100_000, sum(balance for _, balance in priced)
    while amount <= total:
        left, fee = amount, 0
        for rate, balance in priced:
            used = min(left, balance)
            fee, left = fee + used * rate // 1_000_000, left - used
            if not left:
                break
        family.add_metric((f"{amount / 1e8} BTC",), fee)
        amount *= 2
    return family


def _spread(name: str, values: list[float]) -> Iterator[Metric]:
    yield _gauge(f"{name}_min", min(values))
    yield _gauge(f"{name}_max", max(values))
    yield _gauge(f"{name}_avg", statistics.fmean(values))
    yield _gauge(f"{name}_median", statistics.median(values))


def _histogram(name: str, values: list[float]) -> Metric:
    values.sort()
    buckets, done = [], 0
    for edge in _FEE_EDGES:
        while done < len(values) and values[done] <= edge:
            done += 1
        buckets.append((str(edge), done))
    family = HistogramMetricFamily(name, name)
    family.add_metric((), buckets=[*buckets, ("+Inf", len(values))], sum_value=sum(values))
    return family


def main() -> None:
    """Serve /metrics until killed."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--node", required=True)
    parser.add_argument("--tls", type=Path, required=True)
    parser.add_argument("--macaroon", type=Path, required=True)
    parser.add_argument("--listen", type=int, required=True)
    parser.add_argument("--no-graph", action="store_true")
    given = parser.parse_args()
    credentials = grpc.ssl_channel_credentials(given.tls.read_bytes())
    channel = grpc.secure_channel(given.node, credentials, options=(("grpc.max_receive_message_length", 2**29),))
    node = connect(channel, given.macaroon.read_bytes().hex())
    registry = CollectorRegistry()
    registry.register(ObviousCollector(node, graph=not given.no_graph))
    uvicorn.run(make_asgi_app(registry), host="127.0.0.1", port=given.listen, log_level="warning")


if __name__ == "__main__":
    main()
