"""A seeded public graph of the present network's size, and the other answers that only the obvious way asks for."""

import random
from collections.abc import Mapping
from functools import partial
from typing import Any

from google.protobuf.message import Message

from bench.wire import messages

NODES = 17_000
EDGES = 50_000


def public_key(rng: random.Random) -> str:
    """A compressed public key, as far as its shape goes."""
    return f"0{rng.choice('23')}{rng.randbytes(32).hex()}"


def graph(seed: int = 1) -> Message:
    """`DescribeGraph` with both directions of every edge, 16 MB on the wire."""
    rng = random.Random(seed)
    keys = [public_key(rng) for _ in range(NODES)]
    built = messages.ChannelGraph()
    for key in keys:
        built.nodes.add(pub_key=key, alias=f"node {key[2:10]}", last_update=1_790_000_000, color="#3399ff")
    policy = partial(_policy, rng)
    for number in range(EDGES):
        one, two = rng.sample(keys, 2)
        built.edges.add(
            channel_id=(800_000 + number // 20 << 40) + (number % 20 << 16),
            chan_point=f"{rng.randbytes(32).hex()}:0",
            last_update=1_790_000_000,
            node1_pub=one,
            node2_pub=two,
            capacity=rng.randrange(100_000, 16_777_215),
            node1_policy=policy(),
            node2_policy=policy(),
        )
    finished: Message = built
    return finished


def _policy(rng: random.Random) -> Any:  # noqa: ANN401 - a message made at run time
    return messages.RoutingPolicy(
        time_lock_delta=rng.choice((40, 80, 144)),
        min_htlc=1_000,
        fee_base_msat=rng.choice((0, 1_000)),
        fee_rate_milli_msat=rng.randrange(2_500),
        max_htlc_msat=rng.randrange(10_000_000, 10_000_000_000),
        last_update=1_790_000_000,
        inbound_fee_rate_milli_msat=rng.choice((0, 0, 0, -50)),
    )


Answer = tuple[type[Message], Message, str]


def answers() -> Mapping[str, Answer]:
    """By LND's method name, what lnwatch never asks for: request, answer, and the permission that it takes."""
    rng = random.Random(2)
    amount = messages.Amount(sat=5_000_000_000, msat=5_000_000_000_000)
    balance = messages.ChannelBalanceResponse(local_balance=amount, remote_balance=amount)
    unspent = messages.ListUnspentResponse(
        utxos=[messages.Utxo(amount_sat=rng.randrange(1_000, 10_000_000), confirmations=100) for _ in range(200)]
    )
    accounts = messages.ListAccountsResponse(
        accounts=[messages.Account(name="default", address_type=kind, external_key_count=40) for kind in range(4)]
    )
    session = messages.TowerSession(num_backups=100)
    tower = messages.Tower(pubkey=rng.randbytes(33), session_info=[messages.TowerSessionInfo(sessions=[session] * 50)])
    network = messages.NetworkInfo(
        graph_diameter=12,
        avg_out_degree=5.9,
        max_out_degree=2_000,
        num_nodes=NODES,
        num_channels=EDGES,
        total_network_capacity=5_000 * 10**8,
        num_zombie_chans=20_000,
    )
    towers = messages.ListTowersResponse(towers=[tower])
    return {
        "lnrpc.Lightning/ChannelBalance": (messages.Empty, balance, "offchain:read"),
        "walletrpc.WalletKit/ListUnspent": (messages.ListUnspentRequest, unspent, "onchain:read"),
        "walletrpc.WalletKit/ListAccounts": (messages.Empty, accounts, "onchain:read"),
        "wtclientrpc.WatchtowerClient/ListTowers": (messages.ListTowersRequest, towers, "offchain:read"),
        "lnrpc.Lightning/GetNetworkInfo": (messages.Empty, network, "info:read"),
        "lnrpc.Lightning/DescribeGraph": (messages.Empty, graph(), "info:read"),
    }
