"""The leading collector: who the node is, how far it is, and when it does not say, why."""

from collections.abc import Sequence
from contextlib import suppress

from lnwatch.errors import FailureReason, SourceError
from lnwatch.grpc_stubs import lightning_pb2 as ln
from lnwatch.grpc_stubs import state_pb2 as state
from lnwatch.model.chain import Network
from lnwatch.model.lightning import NodeStatus
from lnwatch.model.snapshot import Reading, TargetReport, TargetState
from lnwatch.sources import Memory
from lnwatch.sources.lnd.client import LndClient
from lnwatch.sources.lnd.collector import Node, Pace, Polled, Turn
from lnwatch.sources.lnd.methods import GET_INFO, GET_STATE
from lnwatch.sources.lnd.version import WALLET_SYNCED, parse_version, remark, supported

CERTIFICATE_EVERY = 3_600.0  # seconds between looks at the certificate
CERTIFICATE_TIMEOUT = 2.0

_NETWORKS = {
    "mainnet": Network.MAIN,
    "testnet": Network.TEST,
    "testnet4": Network.TESTNET4,
    "signet": Network.SIGNET,
    "regtest": Network.REGTEST,
}
_WALLET = {
    state.NON_EXISTING: (FailureReason.LOCKED, "LND has no wallet yet: create it with `lncli create`"),
    state.LOCKED: (FailureReason.LOCKED, "the wallet is locked: unlock it with `lncli unlock`"),
    state.WAITING_TO_START: (FailureReason.STARTING, "LND waits for its turn to start"),
    state.UNLOCKED: (FailureReason.STARTING, "LND is starting up: the wallet is open, the calls are not"),
    state.RPC_ACTIVE: (FailureReason.STARTING, "LND is starting up and will answer soon"),
}
_HANGS = "LND is up, but does not answer GetInfo in time: look at its chain backend (bitcoind) and its database"


def network_of(info: ln.GetInfoResponse) -> Network:
    """The chain that the node is on. Raises SourceError for one that lnwatch has no name for."""
    name = info.chains[0].network if info.chains else ""
    if name not in _NETWORKS:
        raise SourceError(FailureReason.UNSUPPORTED, f"LND is on a network that lnwatch does not know: {name!r}")
    return _NETWORKS[name]


def read_status(info: ln.GetInfoResponse, rpc_seconds: float) -> NodeStatus:
    """GetInfo in our terms."""
    knows_wallet = parse_version(info.version) >= WALLET_SYNCED
    return NodeStatus(
        public_key=info.identity_pubkey,
        alias=info.alias,
        version=info.version,
        network=network_of(info),
        block_height=info.block_height,
        block_hash=info.block_hash,
        best_header_time=info.best_header_timestamp,
        synced_to_chain=info.synced_to_chain,
        synced_to_graph=info.synced_to_graph,
        wallet_synced=info.wallet_synced if knows_wallet else None,
        peers=info.num_peers,
        channels_active=info.num_active_channels,
        channels_inactive=info.num_inactive_channels,
        channels_pending=info.num_pending_channels,
        rpc_seconds=rpc_seconds,
    )


def report_on(status: NodeStatus) -> TargetReport:
    """What the node's state is, as seen from outside."""
    version = parse_version(status.version)
    detail = remark(version)
    if not status.synced_to_chain:
        detail = f"LND is not synced to the chain: it stands at height {status.block_height}"
    return TargetReport(
        state=TargetState.UP if status.synced_to_chain else TargetState.SYNCING,
        version=str(version),
        supported=supported(version),
        network=status.network,
        detail=detail,
    )


async def explained(client: LndClient, error: SourceError, *, seconds: float) -> SourceError:
    """Why GetInfo failed, as the State service knows it; `error` itself where that adds nothing."""
    if error.reason not in (FailureReason.TIMEOUT, FailureReason.FAILED):
        return error
    try:
        answer = await client.call(GET_STATE, state.GetStateRequest(), seconds=seconds)
    except SourceError:
        return error
    if answer.state in _WALLET:
        return SourceError(*_WALLET[answer.state])
    return SourceError(error.reason, _HANGS) if error.reason is FailureReason.TIMEOUT else error


class NodeCollector(Polled):
    """GetInfo. Where it fails, the State service tells a locked or starting node from one that hangs."""

    def __init__(self, name: str, node: Node, pace: Pace, followers: Sequence[str]) -> None:
        """`followers` are the other collectors: they may ask at once when the node comes back."""
        super().__init__(name, node, pace)
        self._followers = followers
        self._answered = False
        self._certificate_at = float("-inf")

    async def read(self, memory: Memory, turn: Turn) -> Reading:  # noqa: ARG002 - the contract's
        """Facts and the target's report."""
        try:
            info = await turn.call(GET_INFO, ln.GetInfoRequest())
        except SourceError as error:
            self._answered = False
            raise await explained(self.node.client, error, seconds=self.pace.interval / 5) from error
        status = read_status(info, turn.took)
        self._learn(status)
        await self._look_at_certificate()
        return Reading(facts=status, target=report_on(status))

    def _learn(self, status: NodeStatus) -> None:
        self.node.known.public_key = status.public_key
        self.node.known.version = parse_version(status.version)
        if not self._answered:
            self._answered = True
            self.node.hints.expect(self._followers)

    async def _look_at_certificate(self) -> None:
        now = self.node.clock.monotonic()
        if not self.node.client.encrypted or now - self._certificate_at < CERTIFICATE_EVERY:
            return
        self._certificate_at = now
        with suppress(SourceError):  # the node has just answered: only its end date stays unknown
            peek = await self.node.client.certificate(seconds=CERTIFICATE_TIMEOUT)
            self.node.known.tls_expires_at = peek.not_after
