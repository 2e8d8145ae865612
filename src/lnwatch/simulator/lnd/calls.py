"""What each call answers, with the permission that LND asks for it."""

from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass
from typing import Any

from google.protobuf.message import Message

from lnwatch.grpc_stubs import simulated_lnd_pb2 as sim
from lnwatch.simulator.lnd.estimates import EstimateError, route_fee
from lnwatch.simulator.lnd.hexadecimal import unhexed
from lnwatch.simulator.lnd.node import BACKUP_NONCE, Node
from lnwatch.simulator.lnd.peers import KEY_BYTES, UnreachedError
from lnwatch.simulator.lnd.routes import NoRouteError, circular_route

Answer = Message | Awaitable[Message] | AsyncIterator[Message]


class CallError(Exception):
    """LND's own text; `code` is a gRPC status name, Unknown as nearly always."""

    def __init__(self, text: str, code: str = "UNKNOWN") -> None:
        """What the caller is told."""
        super().__init__(text)
        self.text = text
        self.code = code


@dataclass(frozen=True, slots=True)
class Call:
    """One method: `permission` empty where LND asks for no macaroon."""

    request: type[Message]
    permission: str
    answer: Callable[[Node, Any], Answer]
    streams: bool = False


def _get_info(node: Node, _: sim.Empty) -> sim.GetInfoResponse:
    active = sum(channel.active for channel in node.channels)
    pending = len(node.pending.pending_open_channels)
    answer = sim.GetInfoResponse(
        identity_pubkey=node.public_key,
        alias=node.alias,
        num_pending_channels=pending,
        num_active_channels=active,
        num_inactive_channels=len(node.channels) - active,
        num_peers=len(node.peers),
        block_height=node.height,
        block_hash=f"{node.height:064x}",
        synced_to_chain=node.synced,
        synced_to_graph=node.synced,
        best_header_timestamp=int(node.now()) - 60,
        version=f"{node.release}-beta commit=v{node.release}-beta",
        chains=[sim.Chain(chain="bitcoin", network=node.network)],
        color="#3399ff",
        features={bit: sim.Feature(name=f"feature-{bit}", is_known=True) for bit in range(0, 64, 3)},
    )
    if node.version >= (0, 21, 0):
        answer.wallet_synced = node.synced
    return answer


def _list_channels(node: Node, request: sim.ListChannelsRequest) -> sim.ListChannelsResponse:
    if request.active_only and request.inactive_only:
        raise CallError("either `active_only` or `inactive_only` can be set, but not both")
    if request.public_only and request.private_only:
        raise CallError("either `public_only` or `private_only` can be set, but not both")
    if request.peer and len(request.peer) != KEY_BYTES:
        raise CallError(f"invalid `peer` key: invalid vertex length of {len(request.peer)}, want {KEY_BYTES}")
    lifetime = int(node.now() - node.started) + 3_600
    for position, channel in enumerate(node.channels):
        channel.lifetime = channel.uptime = lifetime
        if position % 10 == lifetime % 10:
            channel.num_updates += 1  # a fee update here and there
    return sim.ListChannelsResponse(channels=[one for one in node.channels if _wanted(one, request)])


def _wanted(channel: sim.Channel, request: sim.ListChannelsRequest) -> bool:
    if (request.active_only and not channel.active) or (request.inactive_only and channel.active):
        return False
    if (request.public_only and channel.private) or (request.private_only and not channel.private):
        return False
    return not request.peer or request.peer.hex() == channel.remote_pubkey


def _get_node_info(node: Node, request: sim.NodeInfoRequest) -> sim.NodeInfo:
    if len(request.pub_key) != 2 * KEY_BYTES:
        raise CallError(f"invalid vertex string length of {len(request.pub_key)}, want {2 * KEY_BYTES}")
    try:
        unhexed(request.pub_key)
    except ValueError as error:
        raise CallError(str(error)) from error
    if request.pub_key in node.gossip:
        return sim.NodeInfo(node=node.gossip[request.pub_key])
    if request.pub_key != node.public_key:
        raise CallError("unable to find node", code="NOT_FOUND")
    return sim.NodeInfo(
        node=sim.LightningNode(pub_key=node.public_key, alias=node.alias),
        num_channels=len(node.channels),
        total_capacity=sum(channel.capacity for channel in node.channels),
        channels=node.edges if request.include_channels else [],
    )


def _pending_channels(node: Node, _: sim.PendingChannelsRequest) -> sim.PendingChannelsResponse:
    answer = sim.PendingChannelsResponse()
    answer.CopyFrom(node.pending)
    if node.version < (0, 20, 0):
        for opening in answer.pending_open_channels:
            opening.ClearField("confirmations_until_active")
    return answer


def _closed_channels(node: Node, request: sim.ClosedChannelsRequest) -> sim.ClosedChannelsResponse:
    asked = (
        request.cooperative,
        request.local_force,
        request.remote_force,
        request.breach,
        request.funding_canceled,
        request.abandoned,
    )
    everything = not any(asked)
    return sim.ClosedChannelsResponse(channels=[one for one in node.closed if everything or asked[one.close_type]])


def _list_peers(node: Node, request: sim.ListPeersRequest) -> sim.ListPeersResponse:
    answer = sim.ListPeersResponse(peers=node.peers)
    for peer in answer.peers:
        if request.latest_error and peer.errors:
            del peer.errors[:-1]
    return answer


def _wallet_balance(node: Node, _: sim.WalletBalanceRequest) -> sim.WalletBalanceResponse:
    return node.wallet


def _forwarding_history(node: Node, request: sim.ForwardingHistoryRequest) -> sim.ForwardingHistoryResponse:
    return node.forwards.page(request, node.version)


def _check_dates(request: sim.ListPaymentsRequest | sim.ListInvoiceRequest) -> None:
    begin, end = request.creation_date_start, request.creation_date_end
    if begin and begin >= end > 0:
        raise CallError(f"start date({begin}) must be before end date({end})")


def _list_invoices(node: Node, request: sim.ListInvoiceRequest) -> sim.ListInvoiceResponse:
    _check_dates(request)
    return node.invoices.page(request)


def _list_payments(node: Node, request: sim.ListPaymentsRequest) -> sim.ListPaymentsResponse:
    _check_dates(request)
    return node.payments.page(request, node.version)


def _verify_backup(node: Node, request: sim.ChanBackupSnapshot) -> sim.VerifyChanBackupResponse:
    single, multi = request.HasField("single_chan_backups"), request.HasField("multi_chan_backup")
    if single == multi:
        raise CallError(
            "either a Single or Multi channel backup must be specified" + (", but not both" if single else "")
        )
    singles = request.single_chan_backups.chan_backups
    if single and len(singles) != 1:
        raise CallError("only one Single is accepted at a time")
    kind, content = (
        ("single", singles[0].chan_backup) if single else ("multi", request.multi_chan_backup.multi_chan_backup)
    )
    if len(content) < BACKUP_NONCE:
        raise CallError(f"invalid {kind} channel backup: payload size too small, must be at least {BACKUP_NONCE} bytes")
    points = node.covered(content) if multi else None  # nobody makes a Single of this node
    if points is None:
        raise CallError(f"invalid {kind} channel backup: chacha20poly1305: message authentication failed")
    return sim.VerifyChanBackupResponse(chan_points=points if node.version >= (0, 19, 0) else [])


def _watchtower_stats(node: Node, _: sim.Empty) -> sim.WatchtowerStats:
    if node.watchtower is None:
        raise CallError("watchtower client not active")
    return node.watchtower


async def _htlc_events(node: Node, _: sim.Empty) -> AsyncIterator[Message]:
    events = node.htlcs.listen()
    yield sim.HtlcEvent(subscribed_event=sim.Empty())
    async for event in events:
        yield event


async def _states(node: Node, _: sim.Empty) -> AsyncIterator[Message]:
    yield sim.StateResponse(state=node.state)
    async for state in node.states.listen():
        yield sim.StateResponse(state=state)


def _connect_peer(node: Node, request: sim.ConnectPeerRequest) -> sim.ConnectPeerResponse:
    if not request.HasField("addr"):
        raise CallError("need: lnc pubkeyhash@hostname")
    try:
        return sim.ConnectPeerResponse(status=node.connect(request.addr.pubkey, request.addr.host))
    except UnreachedError as error:
        raise CallError(str(error)) from error


def _query_routes(node: Node, request: sim.QueryRoutesRequest) -> sim.QueryRoutesResponse:
    try:
        return sim.QueryRoutesResponse(routes=[circular_route(node, request)], success_prob=0.57)
    except NoRouteError as error:
        raise CallError(str(error)) from error


async def _route_fee(node: Node, request: sim.RouteFeeRequest) -> sim.RouteFeeResponse:
    try:
        return await route_fee(node, request)
    except EstimateError as error:
        raise CallError(str(error)) from error


def _reset_mission_control(node: Node, _: sim.Empty) -> sim.Empty:
    if node.ways is not None:
        node.ways.forget()
    return sim.Empty()


CALLS: dict[str, Call] = {
    "/lnrpc.State/GetState": Call(sim.Empty, "", lambda node, _: sim.StateResponse(state=node.state)),
    "/lnrpc.State/SubscribeState": Call(sim.Empty, "", _states, streams=True),
    "/lnrpc.Lightning/GetInfo": Call(sim.Empty, "info:read", _get_info),
    "/lnrpc.Lightning/ListChannels": Call(sim.ListChannelsRequest, "offchain:read", _list_channels),
    "/lnrpc.Lightning/GetNodeInfo": Call(sim.NodeInfoRequest, "info:read", _get_node_info),
    "/lnrpc.Lightning/PendingChannels": Call(sim.PendingChannelsRequest, "offchain:read", _pending_channels),
    "/lnrpc.Lightning/ClosedChannels": Call(sim.ClosedChannelsRequest, "offchain:read", _closed_channels),
    "/lnrpc.Lightning/ListPeers": Call(sim.ListPeersRequest, "peers:read", _list_peers),
    "/lnrpc.Lightning/ConnectPeer": Call(sim.ConnectPeerRequest, "peers:write", _connect_peer),
    "/lnrpc.Lightning/QueryRoutes": Call(sim.QueryRoutesRequest, "info:read", _query_routes),
    "/lnrpc.Lightning/WalletBalance": Call(sim.WalletBalanceRequest, "onchain:read", _wallet_balance),
    "/lnrpc.Lightning/ListInvoices": Call(sim.ListInvoiceRequest, "invoices:read", _list_invoices),
    "/lnrpc.Lightning/SubscribeInvoices": Call(
        sim.InvoiceSubscription, "invoices:read", lambda node, request: node.invoices.subscribe(request), streams=True
    ),
    "/lnrpc.Lightning/ListPayments": Call(sim.ListPaymentsRequest, "offchain:read", _list_payments),
    "/lnrpc.Lightning/ForwardingHistory": Call(sim.ForwardingHistoryRequest, "offchain:read", _forwarding_history),
    "/lnrpc.Lightning/SubscribeChannelEvents": Call(
        sim.Empty, "offchain:read", lambda node, _: node.changes.listen(), streams=True
    ),
    "/lnrpc.Lightning/VerifyChanBackup": Call(sim.ChanBackupSnapshot, "offchain:read", _verify_backup),
    "/routerrpc.Router/SubscribeHtlcEvents": Call(sim.Empty, "offchain:read", _htlc_events, streams=True),
    "/routerrpc.Router/EstimateRouteFee": Call(sim.RouteFeeRequest, "offchain:read", _route_fee),
    "/routerrpc.Router/ResetMissionControl": Call(sim.Empty, "offchain:write", _reset_mission_control),
    "/wtclientrpc.WatchtowerClient/Stats": Call(sim.Empty, "offchain:read", _watchtower_stats),
}
