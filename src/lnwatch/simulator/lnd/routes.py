"""Routes from the node back to itself: out to one peer, over a channel that all peers share, in from another."""

from lnwatch.grpc_stubs import simulated_lnd_pb2 as sim
from lnwatch.simulator.lnd.estimates import BASE_MSAT, PPM
from lnwatch.simulator.lnd.hexadecimal import unhexed
from lnwatch.simulator.lnd.node import Node
from lnwatch.simulator.lnd.peers import KEY_BYTES

BETWEEN = 790_000 << 40


class NoRouteError(Exception):
    """LND's words for a route that there is not."""


def circular_route(node: Node, request: sim.QueryRoutesRequest) -> sim.Route:
    """The cheapest one as LND finds it. Raises NoRouteError.

    The sender pins the first channel and the last peer, never the last channel: with one peer for both ends
    LND goes out and comes back by the very same one, as seen on 0.21.2.
    """
    amount = _asked(request)
    out = _outgoing(node, request, amount)
    last = request.last_hop_pubkey.hex() or out.remote_pubkey
    back = out if last == out.remote_pubkey else _incoming(node, last, amount)
    if request.pub_key != node.public_key or back is None or amount == 0:
        raise NoRouteError("unable to find a path to destination")
    hops = [sim.Hop(chan_id=out.chan_id, pub_key=out.remote_pubkey)]
    if back is not out:
        hops.append(sim.Hop(chan_id=BETWEEN, pub_key=last))
    hops.append(sim.Hop(chan_id=back.chan_id, pub_key=node.public_key))
    fee = (len(hops) - 1) * (BASE_MSAT + amount * PPM // 1_000_000)
    if fee > _fee_limit(request, amount):
        raise NoRouteError("unable to find a path to destination")
    return sim.Route(total_time_lock=node.height + 240, hops=hops, total_fees_msat=fee, total_amt_msat=amount + fee)


def _asked(request: sim.QueryRoutesRequest) -> int:
    """The amount in millisatoshis, of a request that LND would look at."""
    if request.amt and request.amt_msat:
        raise NoRouteError("sat and msat arguments are mutually exclusive")
    if request.amt < 0 or request.amt_msat < 0:
        raise NoRouteError("amount cannot be negative")
    try:
        length = len(unhexed(request.pub_key))
    except ValueError as error:
        raise NoRouteError(str(error)) from error
    if length != KEY_BYTES:
        raise NoRouteError(f"invalid vertex length of {length}, want {KEY_BYTES}")
    return request.amt_msat or request.amt * 1_000


def _outgoing(node: Node, request: sim.QueryRoutesRequest, amount: int) -> sim.Channel:
    # What a release does not know it skips, as every parser of protobuf does.
    asked = set(request.outgoing_chan_ids) if node.version >= (0, 20, 0) else set()
    if node.version < (0, 21, 0) and request.outgoing_chan_id:
        asked.add(request.outgoing_chan_id)
    allowed = [one for one in node.channels if one.active and (not asked or one.chan_id in asked)]
    if sum(one.local_balance for one in allowed) * 1_000 < amount:
        raise NoRouteError("insufficient local balance")
    usable = next((one for one in allowed if one.local_balance * 1_000 >= amount), None)
    if usable is None:
        raise NoRouteError("unable to find a path to destination")
    return usable


def _incoming(node: Node, peer: str, amount: int) -> sim.Channel | None:
    able = (one for one in node.channels if one.remote_pubkey == peer and one.active)
    return next((one for one in able if one.remote_balance * 1_000 >= amount), None)


def _fee_limit(request: sim.QueryRoutesRequest, amount: int) -> int:
    if request.HasField("fee_limit"):
        limit = request.fee_limit
        kind = limit.WhichOneof("limit")
        if kind == "percent":
            return amount * limit.percent // 100
        return limit.fixed_msat if kind == "fixed_msat" else limit.fixed * 1_000
    return amount if amount <= 1_000_000 else amount * 5 // 100  # LND's own default
