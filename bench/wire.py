"""The calls of the obvious exporter: LND's method names over the messages of obvious.proto."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import grpc

# Messages are made at run time, from a proto file that is read beside this module; so they have no static types.
messages: Any = grpc.protos(str(Path("bench", "obvious.proto")))

Call = Callable[..., Any]


@dataclass(frozen=True, slots=True)
class Node:
    """The fourteen calls of one scrape, less the repeats; each blocks, as calls in a collector do."""

    get_info: Call
    channel_balance: Call
    list_channels: Call
    pending_channels: Call
    get_node_info: Call
    list_unspent: Call
    wallet_balance: Call
    list_accounts: Call
    list_peers: Call
    list_towers: Call
    describe_graph: Call
    get_network_info: Call


def connect(channel: grpc.Channel, macaroon: str) -> Node:
    """Bind the calls to a channel; each carries the macaroon (hex)."""

    def bind(method: str, request: str, answer: str) -> Call:
        encode, decode = getattr(messages, request).SerializeToString, getattr(messages, answer).FromString
        call = channel.unary_unary(f"/{method}", request_serializer=encode, response_deserializer=decode)
        return partial(call, metadata=(("macaroon", macaroon),))

    return Node(
        get_info=bind("lnrpc.Lightning/GetInfo", "Empty", "GetInfoResponse"),
        channel_balance=bind("lnrpc.Lightning/ChannelBalance", "Empty", "ChannelBalanceResponse"),
        list_channels=bind("lnrpc.Lightning/ListChannels", "Empty", "ListChannelsResponse"),
        pending_channels=bind("lnrpc.Lightning/PendingChannels", "Empty", "PendingChannelsResponse"),
        get_node_info=bind("lnrpc.Lightning/GetNodeInfo", "NodeInfoRequest", "NodeInfo"),
        list_unspent=bind("walletrpc.WalletKit/ListUnspent", "ListUnspentRequest", "ListUnspentResponse"),
        wallet_balance=bind("lnrpc.Lightning/WalletBalance", "Empty", "WalletBalanceResponse"),
        list_accounts=bind("walletrpc.WalletKit/ListAccounts", "Empty", "ListAccountsResponse"),
        list_peers=bind("lnrpc.Lightning/ListPeers", "Empty", "ListPeersResponse"),
        list_towers=bind("wtclientrpc.WatchtowerClient/ListTowers", "ListTowersRequest", "ListTowersResponse"),
        describe_graph=bind("lnrpc.Lightning/DescribeGraph", "Empty", "ChannelGraph"),
        get_network_info=bind("lnrpc.Lightning/GetNetworkInfo", "Empty", "NetworkInfo"),
    )
