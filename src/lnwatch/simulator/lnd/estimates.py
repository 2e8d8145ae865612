"""What a payment would cost: by the graph, or by a probe that goes all the way and is given back there."""

from typing import Final, Protocol

from lnwatch.grpc_stubs import simulated_lnd_pb2 as sim
from lnwatch.simulator.lnd.bolt11 import read
from lnwatch.simulator.lnd.peers import KEY_BYTES

NO_ROUTE, INCORRECT_DETAILS, INSUFFICIENT_BALANCE = 2, 4, 5  # PaymentFailureReasons
BASE_MSAT, PPM = 1_000, 250  # what each node between two others asks
_LEAST_MSAT: Final = 1_000  # of an HTLC that others forward
_FINAL_BLOCKS: Final = 80  # where no payment request says what the payee wants
_PADDING: Final = 3  # blocks that may come while a payment is on its way
_BLOCKS: Final = 80  # that each node between wants for itself
_NO_PATH: Final = "unable to find a path to destination"


class EstimateError(Exception):
    """LND's words for what can't be estimated."""


class Ways(Protocol):
    """What lies between a node and others. `between` is how many nodes stand there."""

    between: int

    def lead_to(self, key: str) -> bool:
        """Whether gossip knows of a way to a node."""

    def payee(self, payment_hash: str) -> str | None:
        """Who asks for a payment."""

    async def probe(self, key: str, msat: int) -> int:
        """Send what nobody can take: how it ends, INCORRECT_DETAILS where it arrived. May take for ever."""

    def forget(self) -> None:
        """Let be forgotten where probes failed."""


class Asked(Protocol):
    """The node that estimates."""

    public_key: str
    network: str
    height: int
    channels: list[sim.Channel]
    ways: Ways | None


async def route_fee(node: Asked, request: sim.RouteFeeRequest) -> sim.RouteFeeResponse:
    """EstimateRouteFee. Raises EstimateError."""
    if bool(request.dest) == bool(request.payment_request):
        raise EstimateError("specify either a destination or an invoice")
    return await _by_probe(node, request) if request.payment_request else _by_graph(node, request)


def _by_graph(node: Asked, request: sim.RouteFeeRequest) -> sim.RouteFeeResponse:
    if len(request.dest) != KEY_BYTES:
        raise EstimateError("invalid length destination key")
    if request.amt_sat <= 0:
        raise EstimateError("amount must be greater than 0")
    msat = request.amt_sat * 1_000
    failure = _unsendable(node, msat)
    if failure == INSUFFICIENT_BALANCE:
        raise EstimateError("insufficient local balance")
    if failure or node.ways is None or not node.ways.lead_to(request.dest.hex()):
        raise EstimateError(_NO_PATH)
    return _estimate(node, node.ways, msat, _FINAL_BLOCKS)


async def _by_probe(node: Asked, request: sim.RouteFeeRequest) -> sim.RouteFeeResponse:
    try:
        asked = read(request.payment_request, node.network)
    except ValueError as error:
        raise EstimateError(str(error)) from error
    if not asked.msat:
        raise EstimateError("payment request amount must be greater than 0")
    ways = node.ways
    key = ways.payee(asked.payment_hash) if ways is not None else None
    if key == node.public_key:
        raise EstimateError("self-payments not allowed")
    if failure := _unsendable(node, asked.msat):
        return sim.RouteFeeResponse(failure_reason=failure)
    if ways is None or key is None or not ways.lead_to(key) or (ways.between and asked.msat < _LEAST_MSAT):
        return sim.RouteFeeResponse(failure_reason=NO_ROUTE)
    ended = await ways.probe(key, asked.msat)
    if ended != INCORRECT_DETAILS:
        return sim.RouteFeeResponse(failure_reason=ended)
    return _estimate(node, ways, asked.msat, asked.final_blocks)


def _unsendable(node: Asked, msat: int) -> int:
    """Why our own channels can't send so much in one part; 0 where they can."""
    able = [one.local_balance - one.local_chan_reserve_sat for one in node.channels if one.active]
    if sum(able) * 1_000 < msat:
        return INSUFFICIENT_BALANCE
    return NO_ROUTE if max(able, default=0) * 1_000 < msat else 0


def _estimate(node: Asked, ways: Ways, msat: int, final_blocks: int) -> sim.RouteFeeResponse:
    sent = msat
    for _ in range(ways.between):
        sent += BASE_MSAT + sent * PPM // 1_000_000
    blocks = final_blocks + _PADDING + _BLOCKS * ways.between
    return sim.RouteFeeResponse(routing_fee_msat=sent - msat, time_lock_delay=node.height + blocks)
