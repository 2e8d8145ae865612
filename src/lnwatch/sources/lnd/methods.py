"""Every call that lnwatch makes to LND: its path, its messages, and the permission that it needs.

Permissions are LND's own defaults (`MainRPCServerPermissions` and those of the sub-servers, the same from
0.19 to 0.21). A macaroon may also grant a single call, as `uri:` with its path.
"""

from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from google.protobuf.message import Message

from lnwatch.grpc_stubs import lightning_pb2 as ln
from lnwatch.grpc_stubs import router_pb2 as router
from lnwatch.grpc_stubs import state_pb2 as state
from lnwatch.grpc_stubs import wtclient_pb2 as wtclient

Q = TypeVar("Q", bound=Message)
A = TypeVar("A", bound=Message)


@dataclass(frozen=True, slots=True)
class Method(Generic[Q, A]):
    """One call. `permission` is `entity:action`, empty where LND asks for no macaroon; `cost` is what
    lnwatch can't tell without it."""

    path: str
    request: type[Q]
    answer: type[A]
    permission: str
    cost: str = ""


GET_STATE = Method("/lnrpc.State/GetState", state.GetStateRequest, state.GetStateResponse, "")
SUBSCRIBE_STATE = Method("/lnrpc.State/SubscribeState", state.SubscribeStateRequest, state.SubscribeStateResponse, "")
GET_INFO = Method(
    "/lnrpc.Lightning/GetInfo", ln.GetInfoRequest, ln.GetInfoResponse, "info:read", "the node's state and height"
)
GET_NODE_INFO = Method(
    "/lnrpc.Lightning/GetNodeInfo",
    ln.NodeInfoRequest,
    ln.NodeInfo,
    "info:read",
    "whether peers disabled their side of a channel, so usable inbound is overstated",
)
LIST_CHANNELS = Method(
    "/lnrpc.Lightning/ListChannels",
    ln.ListChannelsRequest,
    ln.ListChannelsResponse,
    "offchain:read",
    "channels, balances, usable inbound and HTLCs near their expiry",
)
PENDING_CHANNELS = Method(
    "/lnrpc.Lightning/PendingChannels",
    ln.PendingChannelsRequest,
    ln.PendingChannelsResponse,
    "offchain:read",
    "force closes and what is still to come back from them",
)
CLOSED_CHANNELS = Method(
    "/lnrpc.Lightning/ClosedChannels",
    ln.ClosedChannelsRequest,
    ln.ClosedChannelsResponse,
    "offchain:read",
    "how channels ended, breaches included",
)
LIST_PEERS = Method(
    "/lnrpc.Lightning/ListPeers", ln.ListPeersRequest, ln.ListPeersResponse, "peers:read", "peers that come and go"
)
WALLET_BALANCE = Method(
    "/lnrpc.Lightning/WalletBalance",
    ln.WalletBalanceRequest,
    ln.WalletBalanceResponse,
    "onchain:read",
    "the on-chain balance and whether the anchor reserve is there",
)
LIST_INVOICES = Method(
    "/lnrpc.Lightning/ListInvoices",
    ln.ListInvoiceRequest,
    ln.ListInvoiceResponse,
    "invoices:read",
    "invoices: settlements, expiries, money received",
)
SUBSCRIBE_INVOICES = Method(
    "/lnrpc.Lightning/SubscribeInvoices",
    ln.InvoiceSubscription,
    ln.Invoice,
    "invoices:read",
    "settlements at once instead of within a minute",
)
LIST_PAYMENTS = Method(
    "/lnrpc.Lightning/ListPayments",
    ln.ListPaymentsRequest,
    ln.ListPaymentsResponse,
    "offchain:read",
    "outgoing payments and their fees",
)
FORWARDING_HISTORY = Method(
    "/lnrpc.Lightning/ForwardingHistory",
    ln.ForwardingHistoryRequest,
    ln.ForwardingHistoryResponse,
    "offchain:read",
    "forwarded payments",
)
SUBSCRIBE_CHANNEL_EVENTS = Method(
    "/lnrpc.Lightning/SubscribeChannelEvents",
    ln.ChannelEventSubscription,
    ln.ChannelEventUpdate,
    "offchain:read",
    "channels that open, close or go offline, at once instead of within a minute",
)
VERIFY_CHAN_BACKUP = Method(
    "/lnrpc.Lightning/VerifyChanBackup",
    ln.ChanBackupSnapshot,
    ln.VerifyChanBackupResponse,
    "offchain:read",
    "whether the backup file covers every open channel",
)
SUBSCRIBE_HTLC_EVENTS = Method(
    "/routerrpc.Router/SubscribeHtlcEvents",
    router.SubscribeHtlcEventsRequest,
    router.HtlcEvent,
    "offchain:read",
    "payments that reached the node and failed",
)
WATCHTOWER_STATS = Method(
    "/wtclientrpc.WatchtowerClient/Stats",
    wtclient.StatsRequest,
    wtclient.StatsResponse,
    "offchain:read",
    "whether the watchtowers keep up",
)

NEEDED: tuple[Method[Any, Any], ...] = (
    GET_INFO,
    LIST_CHANNELS,
    LIST_INVOICES,
    SUBSCRIBE_INVOICES,
    SUBSCRIBE_HTLC_EVENTS,
    SUBSCRIBE_CHANNEL_EVENTS,
    PENDING_CHANNELS,
    GET_NODE_INFO,
    WALLET_BALANCE,
    LIST_PEERS,
    CLOSED_CHANNELS,
    LIST_PAYMENTS,
    FORWARDING_HISTORY,
    WATCHTOWER_STATS,
    VERIFY_CHAN_BACKUP,
)
