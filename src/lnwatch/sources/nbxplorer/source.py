"""One NBXplorer as a source: its collector, and the look at it for `check`."""

import re
from collections.abc import Iterator, Sequence
from typing import Final
from urllib.parse import urlsplit

from lnwatch.credentials import world_readable
from lnwatch.errors import FailureReason, SourceError
from lnwatch.model.chain import NbxplorerStatus
from lnwatch.model.snapshot import Reading, TargetReport, TargetState
from lnwatch.net import TlsPeek
from lnwatch.sources import Checkup, Collector, Cost, Memory, Place, Scope, Stream, state_after
from lnwatch.sources.nbxplorer.client import Client
from lnwatch.sources.nbxplorer.settings import NbxplorerSettings

SUPPORTED: Final = ((2, 5), (2, 6))  # the releases beside BTCPay Server 2.0 to 2.4
_UNREACHED: Final = frozenset({FailureReason.REFUSED, FailureReason.TLS})
_ALONE: Final = "it can't ask its bitcoind"


class StatusCollector:
    """The collector `status`."""

    name = "status"

    def __init__(self, client: Client, interval: float, deadline: float) -> None:
        """Asks nothing yet."""
        self.interval = interval
        self.deadline = deadline
        self._client = client

    async def collect(self, memory: Memory) -> Reading:
        """Read once. Raises SourceError."""
        del memory  # nothing of the past matters here
        status = await self._client.status()
        return Reading(facts=status, target=report(status))


class Nbxplorer:
    """The source `nbxplorer`."""

    streams: Sequence[Stream] = ()

    def __init__(self, place: Place, settings: NbxplorerSettings) -> None:
        """Connects to nothing yet."""
        self._place = place
        self._settings = settings
        self._cost = Cost()
        self._client = Client(place.door, settings, self._cost)
        self._status = StatusCollector(self._client, settings.interval, settings.deadline)

    @property
    def collectors(self) -> Sequence[Collector]:
        """`status` alone."""
        return (self._status,)

    @property
    def cost(self) -> Cost:
        """One call for each status."""
        return self._cost

    @property
    def tls_expires_at(self) -> float | None:
        """When the certificate in front of it ends; None without TLS."""
        return self._client.tls_expires_at

    async def check(self) -> Checkup:
        """Look at it once."""
        peek = await self._peek()
        ends = peek.not_after if peek else None
        left = peek.lifetime_left(self._place.clock.now()) if peek else None
        try:
            status = await self._client.status()
        except SourceError as error:
            return Checkup(
                reachable=error.reason not in _UNREACHED,
                state=state_after(error.reason),
                tls_expires_at=ends,
                tls_lifetime_left=left,
                problems=(error.message,),
                warnings=tuple(self._warnings()),
            )
        found = report(status)
        return Checkup(
            reachable=True,
            state=found.state,
            version=found.version,
            supported=found.supported,
            network=found.network,
            scope=Scope.ENOUGH,  # NBXplorer knows one login alone
            tls_expires_at=ends,
            tls_lifetime_left=left,
            synced=status.synced,
            problems=(_ALONE,) if status.node is None else (),
            warnings=tuple(self._warnings()),
        )

    async def close(self) -> None:
        """Let go of connections."""
        await self._client.close()

    async def _peek(self) -> TlsPeek | None:
        parts = urlsplit(self._settings.url)
        if parts.scheme != "https" or parts.hostname is None:
            return None
        try:
            return await self._place.door.tls(parts.hostname, parts.port or 443, self._client.roots)
        except SourceError:
            return None  # the call fails for the same reason, and tells it

    def _warnings(self) -> Iterator[str]:
        path = self._client.cookie_file
        if path is not None and world_readable(path):
            yield f"everybody on this machine may read {path}: take that right away (chmod o-r)"


def report(status: NbxplorerStatus) -> TargetReport:
    """What the facts say of NBXplorer as a whole."""
    state = TargetState.UP if status.synced else TargetState.SYNCING
    return TargetReport(state, status.version, is_supported(status.version), status.network, _detail(status))


def _detail(status: NbxplorerStatus) -> str:
    if status.synced:
        return ""
    if status.node is None:
        return _ALONE
    if not status.node.synced:
        return f"its bitcoind catches up: block {status.node.blocks} of {status.node.headers}"
    if status.sync_height is None:
        return "it has indexed nothing yet"
    return f"it has indexed block {status.sync_height} of {status.node.blocks}"


def is_supported(version: str) -> bool:
    """Whether lnwatch knows this release."""
    found = re.match(r"(\d+)\.(\d+)\b", version)
    return found is not None and (int(found[1]), int(found[2])) in SUPPORTED
