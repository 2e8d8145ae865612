"""Greenfield over HTTP: the key, what each question may take, and answers in their shapes."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, Generic, TypeVar

from pydantic import TypeAdapter, ValidationError

from lnwatch.credentials import Credential
from lnwatch.errors import FailureReason, SourceError
from lnwatch.net import Answer, HttpClient, TlsPeek
from lnwatch.sources import Cost, Place
from lnwatch.sources.btcpay import errors
from lnwatch.sources.btcpay.parsing import each, first_fault, read
from lnwatch.sources.btcpay.settings import BtcpaySettings

T = TypeVar("T")
V = TypeVar("V")

MAX_ANSWER: Final = 48 * 1024 * 1024  # bytes: a page of invoices with all that merchants write into them
APART: Final = 30.0  # seconds: clocks that differ by less are taken for one, for the server tells whole seconds
Query = Mapping[str, str | int | float | bool | list[str] | None]


@dataclass(frozen=True, slots=True)
class Told(Generic[T]):
    """An answer: when it was complete by the server's clock, what it took, and how large it was."""

    value: T
    at: float
    seconds: float
    size: int


class Greenfield:
    """The line to one BTCPay Server. Whatever it raises is a SourceError; no message holds a secret.

    `clock_offset` is the server's Date header minus our clock, in seconds, None where it sent none yet. `apart` is what
    of it counts: what happened to invoices is put down by the server's clock, which must not tremble.
    """

    def __init__(self, place: Place, settings: BtcpaySettings) -> None:
        """Connect to nothing yet; the key is read at each question."""
        self.cost = Cost()
        self.clock_offset: float | None = None
        self.apart = 0.0
        self.key = Credential(settings.api_key, settings.api_key_file)
        self._place = place
        self._settings = settings
        self._roots = Credential(path=settings.ca_file)
        self._connected: tuple[bytes, HttpClient] | None = None

    @property
    def tls_expires_at(self) -> float | None:
        """When the certificate that was last presented ends; None without TLS."""
        return self._connected[1].tls_expires_at if self._connected is not None else None

    @property
    def skew(self) -> float:
        """What to add to our time to get the server's, 0 while that is unknown."""
        return self.clock_offset or 0.0

    def there(self, at: float) -> float:
        """A moment of our clock by the server's."""
        return at + self.apart

    async def ask(  # noqa: PLR0913 - each says one thing about a question, by keyword
        self,
        path: str,
        shape: TypeAdapter[T],
        what: str,
        *,
        query: Query | None = None,
        seconds: float | None = None,
        single: bool = False,
        keyed: bool = True,
    ) -> Told[T]:
        """One answer in its shape. `what` names it for people; `single` asks for one thing by its id."""
        answer = await self._get(path, what, query=query, seconds=seconds, single=single, keyed=keyed)
        try:
            value = read(shape, answer.body)
        except ValidationError as error:
            message = f"{answer.where} answered the question for {what} in an unknown shape: {first_fault(error)}"
            raise SourceError(FailureReason.MALFORMED, message) from error
        except ValueError as error:
            raise errors.not_json(answer, what) from error
        return Told(value, self.there(answer.at), answer.seconds, len(answer.body))

    async def list(
        self, path: str, convert: Callable[[Any, float], V], what: str, *, query: Query | None = None
    ) -> Told[Sequence[V]]:
        """The items of a list, each through `convert` with the time of the answer, holding up nobody else."""
        answer = await self._get(path, what, query=query)
        try:
            value = await each(answer.body, lambda item: convert(item, self.there(answer.at)))
        except ValueError as error:
            raise errors.not_json(answer, what) from error
        return Told(value, self.there(answer.at), answer.seconds, len(answer.body))

    async def certificate(self, host: str, port: int) -> TlsPeek:
        """The certificate that the server presents."""
        return await self._place.door.tls(host, port, self._roots.read() or None)

    async def close(self) -> None:
        """Let go of connections."""
        connected, self._connected = self._connected, None
        if connected is not None:
            await connected[1].close()

    async def _get(  # noqa: PLR0913 - see above
        self,
        path: str,
        what: str,
        *,
        query: Query | None,
        seconds: float | None = None,
        single: bool = False,
        keyed: bool = True,
    ) -> Answer:
        headers = {"Accept": "application/json"}
        if keyed:
            headers["Authorization"] = f"token {self._present_key()}"
        client = await self._connect()
        self.cost.calls += 1
        answer = await client.request("GET", f"/api/v1/{path}", params=query, headers=headers, timeout=seconds)
        if (failed := errors.failure(answer, what, single=single)) is not None:
            raise failed
        return answer

    def _present_key(self) -> str:
        key = self.key.text().strip()
        if not key:
            message = f"{self.key.path} is empty: write the API key into it"
            raise SourceError(FailureReason.CREDENTIAL_UNREADABLE, message)
        if not key.isascii() or not key.isprintable() or " " in key:
            message = f"{self.key.path} holds something else than an API key: write the key, and nothing else, into it"
            raise SourceError(FailureReason.CREDENTIAL_UNREADABLE, message)
        return key

    async def _connect(self) -> HttpClient:
        """The client, made anew when the certificate to trust has changed."""
        roots = self._roots.read()
        if self._connected is None or self._connected[0] != roots:
            await self.close()
            client = self._place.door.http(
                base_url=self._settings.url,
                timeout=self._settings.slow_timeout,
                roots=roots or None,
                max_bytes=MAX_ANSWER,
                on_bytes=self._count,
                on_date=self._note_date,
            )
            self._connected = (roots, client)
        return self._connected[1]

    def _count(self, received: int) -> None:
        self.cost.bytes_received += received

    def _note_date(self, offset: float) -> None:
        self.clock_offset = offset
        if abs(offset - self.apart) > APART:
            self.apart = offset if abs(offset) > APART else 0.0
