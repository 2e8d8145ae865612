"""The leading collector: one batch of cheap calls that tells how the node is."""

from dataclasses import dataclass, field
from typing import Final

from pydantic import TypeAdapter

from lnwatch.clock import Clock
from lnwatch.errors import FailureReason, SourceError
from lnwatch.model.chain import BitcoindStatus, FeeEstimate, Network
from lnwatch.model.snapshot import Reading, TargetReport, TargetState
from lnwatch.sources import Memory
from lnwatch.sources.bitcoind.answers import BlockchainInfo, Count, MempoolInfo, NetworkInfo, SmartFee
from lnwatch.sources.bitcoind.rpc import Call, Outcome, Rpc
from lnwatch.sources.bitcoind.version import is_supported, version_label

CHAIN: Final = TypeAdapter(BlockchainInfo)
NETWORK: Final = TypeAdapter(NetworkInfo)
_MEMPOOL: Final = TypeAdapter(MempoolInfo)
_UPTIME: Final = TypeAdapter(Count)
_FEE: Final = TypeAdapter(SmartFee)

UNNEEDED: Final = "listwallets"  # what a user that may call no more than we need is refused
CALLS: Final = tuple(Call(method) for method in ("getblockchaininfo", "getnetworkinfo", "getmempoolinfo", "uptime"))
FEE_TARGETS: Final = (2, 6, 144)
FEE_CALLS: Final = tuple(Call("estimatesmartfee", (target, "economical")) for target in FEE_TARGETS)
_FEES_FOR: Final = 60.0  # seconds that estimates are kept while the tip stands
# Headers run ahead of blocks for a moment whenever a block arrives.
_BEHIND: Final = 2


@dataclass(slots=True)
class Remarks:
    """What the collectors want said of the node although it is up; by subject, one sentence each."""

    texts: dict[str, str] = field(default_factory=dict)

    def say(self, subject: str, text: str | None) -> None:
        """Set, replace or, with None, take back a remark."""
        if text is None:
            self.texts.pop(subject, None)
        else:
            self.texts[subject] = text

    def __str__(self) -> str:
        return "; ".join(self.texts[subject] for subject in sorted(self.texts))


@dataclass(slots=True)
class ClockOffset:
    """The node's Date header minus our clock, as last seen, in seconds."""

    seconds: float | None = None

    def note(self, seconds: float) -> None:
        """Take a new one."""
        self.seconds = seconds


@dataclass(slots=True)
class StatusCollector:
    """Facts of the node; wakes `blocks` when the tip is another."""

    rpc: Rpc
    clock: Clock
    remarks: Remarks
    offset: ClockOffset
    expected: Network | None
    interval: float
    deadline: float
    name: str = "status"
    _fees: tuple[FeeEstimate, ...] = ()
    _fees_at: float | None = None
    _tip: str | None = None

    async def collect(self, memory: Memory) -> Reading:
        """Read once. Raises SourceError."""
        del memory  # nothing of the past matters here
        due = self._fees_at is None or self.clock.monotonic() - self._fees_at >= _FEES_FOR
        outcomes, seconds = await self.rpc.batch([*CALLS, *(FEE_CALLS if due else ())])
        chain, network = outcomes[0].read(CHAIN), outcomes[1].read(NETWORK)
        self._check_network(outcomes[0].where, chain)
        if due:
            self._take_fees(outcomes[len(CALLS) :])
        elif chain.bestblockhash != self._tip:
            self._take_fees((await self.rpc.batch(FEE_CALLS))[0])
        self._remark_forbidden()
        moved = self._tip not in (None, chain.bestblockhash)
        self._tip = chain.bestblockhash
        status = self._status(chain, network, outcomes, seconds)
        return Reading(
            facts=status, target=report(status, str(self.remarks)), wakes=frozenset({"blocks"} if moved else ())
        )

    def _check_network(self, where: str, chain: BlockchainInfo) -> None:
        found = network_of(chain, where)
        if self.expected is not None and found is not self.expected:
            message = f"{where} is on {found}, the configuration says {self.expected}: its figures are not taken"
            raise SourceError(FailureReason.FAILED, message)

    def _take_fees(self, outcomes: list[Outcome]) -> None:
        rates = [outcome.read_if_given(_FEE) for outcome in outcomes]
        self._fees = tuple(
            FeeEstimate(target, None if rate is None else rate.feerate)
            for target, rate in zip(FEE_TARGETS, rates, strict=True)
        )
        self._fees_at = self.clock.monotonic()

    def _remark_forbidden(self) -> None:
        missing = sorted(self.rpc.forbidden - {UNNEEDED})
        text = f"its rpcwhitelist lacks {', '.join(missing)}: what they tell is missing" if missing else None
        self.remarks.say("whitelist", text)

    def _status(
        self, chain: BlockchainInfo, network: NetworkInfo, outcomes: list[Outcome], seconds: float
    ) -> BitcoindStatus:
        mempool = outcomes[2].read_if_given(_MEMPOOL)
        return BitcoindStatus(
            chain=network_of(chain, outcomes[0].where),
            version=network.version,
            subversion=network.subversion,
            blocks=chain.blocks,
            headers=max(chain.headers, 0),
            tip_hash=chain.bestblockhash,
            tip_time=chain.time,
            verification_progress=float(chain.verificationprogress),
            initial_block_download=chain.initialblockdownload,
            size_on_disk=chain.size_on_disk,
            pruned=chain.pruned,
            prune_height=chain.pruneheight,
            peers_in=network.connections_in,
            peers_out=network.connections_out,
            network_active=network.networkactive,
            mempool_transactions=mempool.size if mempool else None,
            mempool_vbytes=mempool.bytes if mempool else None,
            mempool_usage=mempool.usage if mempool else None,
            mempool_max=mempool.maxmempool if mempool else None,
            mempool_min_fee=mempool.mempoolminfee if mempool else None,
            fees=self._fees,
            warnings=tuple(dict.fromkeys((*chain.warnings, *network.warnings))),
            uptime=outcomes[3].read_if_given(_UPTIME),
            rpc_seconds=seconds,
            clock_offset=self.offset.seconds,
        )


def network_of(chain: BlockchainInfo, where: str) -> Network:
    """The chain by its name. Raises SourceError(UNSUPPORTED) for one that is not Bitcoin's."""
    try:
        return Network(chain.chain)
    except ValueError as error:
        message = f"{where} is on a chain that lnwatch does not know: {chain.chain[:40]}"
        raise SourceError(FailureReason.UNSUPPORTED, message) from error


def is_synced(chain: BlockchainInfo) -> bool:
    """Whether the node is out of its initial download and at the headers that it knows."""
    return not chain.initialblockdownload and chain.headers - chain.blocks <= _BEHIND


def report(status: BitcoindStatus, remarks: str = "") -> TargetReport:
    """What the facts say of the node as a whole."""
    lag = status.headers - status.blocks
    state, detail = TargetState.UP, remarks
    if status.initial_block_download:
        share = f"{status.verification_progress:.1%}"
        state, detail = TargetState.SYNCING, f"initial download: block {status.blocks} of {status.headers}, {share}"
    elif lag > _BEHIND:
        state, detail = TargetState.SYNCING, f"{lag} blocks behind the headers that it knows"
    version = version_label(status.version, status.subversion)
    return TargetReport(state, version, is_supported(status.version), status.chain, detail)
