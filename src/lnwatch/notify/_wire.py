"""How notifiers reach the world: one POST or GET at a time, every failure turned into a DeliveryError."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from urllib.parse import urlsplit

import httpx
from pydantic import SecretStr

from lnwatch.credentials import Credential
from lnwatch.errors import FailureReason, SourceError
from lnwatch.net import Answer, Door, HttpClient
from lnwatch.notify import DeliveryError, Failure

TIMEOUT = 10.0  # seconds for one request, connecting included
MAX_BYTES = 4 * 1024 * 1024  # of an answer

_FAILURES = {
    FailureReason.TIMEOUT: Failure.TIMEOUT,
    FailureReason.MALFORMED: Failure.TIMEOUT,  # an answer came, though not one to read: it may have arrived
    FailureReason.REJECTED: Failure.REJECTED,
    FailureReason.CREDENTIAL_UNREADABLE: Failure.REJECTED,
}
_NOT_SENT = (httpx.ConnectError, httpx.ConnectTimeout)
_STATUSES = {
    401: (Failure.REJECTED, "does not accept the credential"),
    403: (Failure.REJECTED, "refuses us"),
    404: (Failure.GONE, "does not know this address"),
    408: (Failure.TIMEOUT, "did not get the whole message in time"),
    410: (Failure.GONE, "says that this address is no more"),
    413: (Failure.INVALID, "finds the message too large"),
    429: (Failure.RATE_LIMITED, "asks us to slow down"),
}


@dataclass(slots=True)
class Wire:
    """Requests to wherever a URL says at the moment; the connection is kept while its origin stays the same."""

    door: Door
    timeout: float = TIMEOUT
    _origin: str = field(default="", repr=False)
    _client: HttpClient | None = field(default=None, repr=False)

    async def post(self, url: str, body: bytes, headers: Mapping[str, str]) -> Answer:
        """Send `body` and read the answer, whatever its status. Raises DeliveryError."""
        return await self._request("POST", url, body, headers)

    async def get(self, url: str, headers: Mapping[str, str], params: Mapping[str, str | int] | None = None) -> Answer:
        """Ask. Raises DeliveryError."""
        return await self._request("GET", url, None, headers, params)

    async def close(self) -> None:
        """Let go of the connection."""
        client, self._client = self._client, None
        if client is not None:
            await client.close()

    async def _request(
        self,
        method: str,
        url: str,
        body: bytes | None,
        headers: Mapping[str, str],
        params: Mapping[str, str | int] | None = None,
    ) -> Answer:
        client, path = await self._towards(url)
        try:
            return await client.request(method, path, content=body, headers=headers, params=params)
        except SourceError as error:
            raise network_failure(error) from error

    async def _towards(self, url: str) -> tuple[HttpClient, str]:
        parts = urlsplit(url)
        origin = f"{parts.scheme}://{parts.netloc}"
        if self._client is None or origin != self._origin:
            await self.close()
            self._client = self.door.http(base_url=origin, timeout=self.timeout, max_bytes=MAX_BYTES)
            self._origin = origin
        return self._client, f"{parts.path or '/'}{'?' if parts.query else ''}{parts.query}"


def network_failure(error: SourceError) -> DeliveryError:
    """What a failed exchange means for a message: only where nobody took the connection it surely did not arrive."""
    failure = _FAILURES.get(error.reason, Failure.UNREACHABLE)
    if failure is Failure.UNREACHABLE and error.reason is not FailureReason.TLS:
        failure = Failure.UNREACHABLE if isinstance(error.__cause__, _NOT_SENT) else Failure.TIMEOUT
    return DeliveryError(failure, error.message)


def status_failure(answer: Answer, detail: str = "") -> DeliveryError:
    """What a status other than the expected means; `detail` is what the service says, without secrets."""
    if 300 <= answer.status < 400:
        failure, words = Failure.INVALID, "wants to redirect, which is not followed: set its final address"
    elif answer.status >= 500:
        failure, words = Failure.SERVER, "has a trouble of its own"
    else:
        failure, words = _STATUSES.get(answer.status, (Failure.INVALID, "does not take the message"))
    tail = f": {detail}" if detail else ""
    message = f"{answer.where} {words} (HTTP {answer.status}){tail}"
    return DeliveryError(failure, message, retry_after=answer.retry_after)


def secret_text(credential: Credential, what: str) -> str:
    """The credential as it stands now. Raises DeliveryError(REJECTED) where its file can't be read or is empty."""
    try:
        text = credential.text().strip()
    except SourceError as error:
        raise DeliveryError(Failure.REJECTED, error.message) from error
    if not text:
        raise DeliveryError(Failure.REJECTED, f"the file with {what} is empty: {credential.path}")
    return text


def secret_url(credential: Credential, what: str) -> str:
    """The same for a URL. Raises DeliveryError(REJECTED) for what is none."""
    text = secret_text(credential, what)
    if not is_url(text):
        raise DeliveryError(Failure.REJECTED, f"{what} is no http(s) address; look at {credential.path}")
    return text


def is_url(text: str) -> bool:
    """Whether it is an absolute http or https URL with a host."""
    try:
        parts = urlsplit(text)
        return parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0 and text.isprintable()
    except ValueError:
        return False


def checked_url(value: SecretStr | None) -> SecretStr | None:
    """For settings: a secret URL. Raises ValueError, without showing it."""
    if value is not None and not is_url(value.get_secret_value()):
        raise ValueError("write an absolute address: `https://HOST/PATH`")
    return value
