"""One bitcoind as a source: its line, its collectors, and the one look at everything for `check`."""

from collections.abc import Sequence
from pathlib import Path
from urllib.parse import urlsplit

from lnwatch.credentials import Credential
from lnwatch.net import HttpClient
from lnwatch.sources import Checkup, Collector, Cost, Place, Stream
from lnwatch.sources.bitcoind.blocks import BlocksCollector
from lnwatch.sources.bitcoind.check import Inspector
from lnwatch.sources.bitcoind.login import Login
from lnwatch.sources.bitcoind.rpc import Rpc
from lnwatch.sources.bitcoind.settings import BitcoindSettings
from lnwatch.sources.bitcoind.status import ClockOffset, Remarks, StatusCollector

# A request ends before its collector is given up: then it is known where the time went.
_REQUEST_SHARE = 0.9


class Bitcoind:
    """The source `bitcoind`."""

    streams: Sequence[Stream] = ()

    def __init__(self, place: Place, settings: BitcoindSettings) -> None:
        """Connects to nothing yet."""
        self._place = place
        self._settings = settings
        self._cost = Cost()
        self._offset = ClockOffset()
        self._roots = Credential(path=settings.ca_file)
        self._connected: tuple[bytes, HttpClient] | None = None
        self._login = Login.of(settings)
        self._rpc = Rpc(self._connect, self._login, self._cost, place.clock)
        remarks = Remarks()
        interval, deadline = settings.interval, settings.deadline
        self._status = StatusCollector(
            self._rpc, place.clock, remarks, self._offset, settings.network, interval, deadline
        )
        self._blocks = BlocksCollector(self._rpc, place.clock, remarks, interval, deadline)

    @property
    def collectors(self) -> Sequence[Collector]:
        """`status` leads; `blocks` follows the chain."""
        return (self._status, self._blocks)

    @property
    def cost(self) -> Cost:
        """Each method of a batch counts as a call."""
        return self._cost

    @property
    def tls_expires_at(self) -> float | None:
        """When the certificate in front of bitcoind ends; None without TLS."""
        return self._connected[1].tls_expires_at if self._connected is not None else None

    async def check(self) -> Checkup:
        """Look at everything once."""
        inspector = Inspector(self._place, self._settings, self._rpc, self._login, self._offset, self._roots)
        return await inspector.look()

    async def close(self) -> None:
        """Let go of connections."""
        if self._connected is not None:
            await self._connected[1].close()

    async def _connect(self) -> HttpClient:
        """The client, made anew when the certificate to trust has changed."""
        roots = self._roots.read()
        if self._connected is None or self._connected[0] != roots:
            await self.close()
            self._connected = (roots, self._client(roots or None))
        return self._connected[1]

    def _client(self, roots: bytes | None) -> HttpClient:
        parts = urlsplit(self._settings.url)
        unix = parts.scheme == "unix"
        return self._place.door.http(
            base_url="http://localhost" if unix else self._settings.url,
            timeout=self._settings.deadline * _REQUEST_SHARE,
            roots=roots,
            unix_socket=Path(parts.path) if unix else None,
            on_bytes=self._count,
            on_date=self._offset.note,
        )

    def _count(self, received: int) -> None:
        self._cost.bytes_received += received
