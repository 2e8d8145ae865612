"""The leading collector: server info, and where that fails, health, to tell what it is that is away."""

from dataclasses import dataclass
from typing import Final

from pydantic import TypeAdapter

from lnwatch.errors import FailureReason, SourceError
from lnwatch.model.btcpay import BtcpayStatus, ChainSync, Doubt
from lnwatch.model.snapshot import Reading, TargetReport, TargetState
from lnwatch.sources import Memory
from lnwatch.sources.btcpay.answers import Health, ServerInfo, SyncStatus
from lnwatch.sources.btcpay.client import Told
from lnwatch.sources.btcpay.desk import Server
from lnwatch.sources.btcpay.errors import WordlessError
from lnwatch.sources.btcpay.version import parse_version, remark, supported

HEALTH: Final = TypeAdapter(Health)
INFO: Final = TypeAdapter(ServerInfo)

KEY_EVERY: Final = 3_600.0  # seconds between looks at what the key may do
_INDEXER_AWAY: Final = (
    "BTCPay is up, NBXplorer is not: server info fails with an empty 500. New invoices come without BTC-CHAIN"
)
_STALE: Final = "BTCPay repeats what it heard at its last poll of NBXplorer, which may have stopped long ago"


@dataclass(slots=True)
class StatusCollector:
    """Facts of the server. One question while all is well, two when not."""

    server: Server
    timeout: float
    interval: float
    deadline: float
    name: str = "status"
    _key_at: float = float("-inf")

    async def collect(self, memory: Memory) -> Reading:
        """Read once. Raises SourceError."""
        del memory  # nothing of the past matters here
        status = await self.look()
        await self._look_at_key()
        return Reading(facts=status, target=report(status, self.server))

    async def look(self) -> BtcpayStatus:
        """What the server says now. Raises SourceError."""
        try:
            info = await self.server.client.ask("server/info", INFO, "server info", seconds=self.timeout)
        except SourceError as error:
            return await self._without_info(error)
        self.server.version = parse_version(info.value.version)
        return status_of(info, self.server.client.clock_offset)

    async def _without_info(self, error: SourceError) -> BtcpayStatus:
        """What health says while server info fails. Raises SourceError unless NBXplorer alone is away."""
        if error.reason not in (FailureReason.TIMEOUT, FailureReason.FAILED):
            raise error
        seconds = self.timeout / 4
        try:
            health = await self.server.client.ask("health", HEALTH, "health", seconds=seconds, keyed=False)
        except SourceError:
            raise error from None  # then the whole server is away, as the first failure says
        if error.reason is FailureReason.TIMEOUT:
            message = "BTCPay answers health and nothing that needs its database: look at its PostgreSQL"
            raise SourceError(FailureReason.TIMEOUT, message) from error
        if not isinstance(error, WordlessError):
            raise error
        return away(str(self.server.version), health, self.server.client.clock_offset)

    async def _look_at_key(self) -> None:
        now = self.server.clock.monotonic()
        if now - self._key_at >= KEY_EVERY:
            await self.server.look_at_key()
            self._key_at = now


def report(status: BtcpayStatus, server: Server) -> TargetReport:
    """What the facts say of the server as a whole."""
    version = server.version
    server.remarks.say("version", remark(version) if status.indexer_answers else None)
    state, detail = TargetState.UP, str(server.remarks)
    if not status.indexer_answers:
        state, detail = TargetState.SYNCING, _INDEXER_AWAY
    elif not status.synchronized:
        state, detail = TargetState.SYNCING, _behind(status)
    return TargetReport(state, str(version), supported(version) or not version, detail=detail)


def status_of(info: Told[ServerInfo], offset: float | None) -> BtcpayStatus:
    """Server info in our terms."""
    chains = tuple(_chain(entry) for entry in info.value.sync_status)
    doubts = [Doubt("synchronized", _STALE)]
    if not chains:
        doubts = [Doubt("synchronized", "BTCPay has no chain set up, and calls that synchronized")]
    doubts += [
        Doubt("chains", f"{chain.method}: bitcoind does not answer NBXplorer, which then tells heights of 0")
        for chain in chains
        if chain.chain_height is None
    ]
    return BtcpayStatus(
        version=str(parse_version(info.value.version)),
        synchronized=info.value.fully_synched,
        indexer_answers=True,
        fully_synced=info.value.fully_synched,
        chains=chains,
        supported_methods=info.value.supported_payment_methods,
        doubts=tuple(doubts),
        rpc_seconds=info.seconds,
        clock_offset=offset,
    )


def away(version: str, health: Told[Health], offset: float | None) -> BtcpayStatus:
    """What is known while NBXplorer is away."""
    return BtcpayStatus(
        version=version,
        synchronized=health.value.synchronized,
        indexer_answers=False,
        fully_synced=None,
        chains=(),
        supported_methods=(),
        doubts=(Doubt("synchronized", _STALE),),
        rpc_seconds=health.seconds,
        clock_offset=offset,
    )


def _chain(entry: SyncStatus) -> ChainSync:
    """With bitcoind dead NBXplorer tells heights of 0, of which a lag would come out negative."""
    node = entry.node_information
    known = node is not None or bool(entry.chain_height)
    return ChainSync(
        method=entry.payment_method_id,
        available=entry.available,
        chain_height=entry.chain_height if known else None,
        sync_height=entry.sync_height if known else None,
        node_blocks=node.blocks if node is not None else None,
        node_headers=node.headers if node is not None else None,
        verification_progress=node.verification_progress if node is not None else None,
    )


def _behind(status: BtcpayStatus) -> str:
    for chain in status.chains:
        if chain.chain_height is None:
            return (
                "NBXplorer answers and bitcoind does not: no on-chain payment is seen, and new invoices lack BTC-CHAIN"
            )
        if chain.sync_height is not None and chain.sync_height < chain.chain_height:
            return f"NBXplorer is at block {chain.sync_height} of {chain.chain_height}"
    return "NBXplorer has not caught up with the chain"
