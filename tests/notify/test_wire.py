"""How failures of the wire become failures of a message: what surely did not arrive is told apart."""

import httpx
import pytest

from lnwatch.credentials import Credential
from lnwatch.errors import FailureReason, SourceError
from lnwatch.net import Door
from lnwatch.notify import RETRIED, DeliveryError, Failure
from lnwatch.notify._wire import Wire, is_url, network_failure, secret_text
from lnwatch.simulator.webhook_receiver import Fault, Sink
from tests.manual_clock import ManualClock


@pytest.mark.parametrize(
    ("reason", "cause", "expected"),
    [
        (FailureReason.REFUSED, httpx.ConnectError("refused"), Failure.UNREACHABLE),
        (FailureReason.REFUSED, httpx.ConnectTimeout("slow"), Failure.UNREACHABLE),
        (FailureReason.REFUSED, httpx.RemoteProtocolError("closed"), Failure.TIMEOUT),
        (FailureReason.REFUSED, httpx.ReadError("reset"), Failure.TIMEOUT),
        (FailureReason.REFUSED, httpx.WriteError("reset"), Failure.TIMEOUT),
        (FailureReason.TIMEOUT, httpx.ReadTimeout("slow"), Failure.TIMEOUT),
        (FailureReason.MALFORMED, httpx.DecodingError("odd"), Failure.TIMEOUT),
        (FailureReason.TLS, httpx.ConnectError("certificate"), Failure.UNREACHABLE),
        (FailureReason.REJECTED, None, Failure.REJECTED),
        (FailureReason.CREDENTIAL_UNREADABLE, None, Failure.REJECTED),
    ],
)
def test_doubt_is_told_from_certainty(reason: FailureReason, cause: Exception | None, expected: Failure) -> None:
    """Only where nobody took the connection a message surely did not arrive; the rest may have, and says `timeout`."""
    error = SourceError(reason, "words")
    error.__cause__ = cause
    found = network_failure(error)
    assert (found.failure, found.message) == (expected, "words")


@pytest.mark.parametrize("failure", Failure)
def test_passing_failures_are_retried(failure: Failure) -> None:
    """Which failures may pass is a closed list."""
    assert (failure in RETRIED) == (failure.value in {"unreachable", "timeout", "rate_limited", "server"})


async def test_silence_is_a_timeout() -> None:
    """A service that takes the message and says nothing may have it."""
    async with Sink(ManualClock()) as sink:
        sink.faults.append(Fault.SILENCE)
        wire = Wire(Door(), timeout=0.3)
        with pytest.raises(DeliveryError) as caught:
            await wire.post(f"{sink.url}/x", b"{}", {})
        await wire.close()
    assert caught.value.failure is Failure.TIMEOUT


async def test_connection_is_kept_and_moves_with_the_origin() -> None:
    """One connection serves many messages; a new origin gets a new one, path and query are kept as written."""
    clock = ManualClock()
    async with Sink(clock) as one, Sink(clock) as other:
        wire = Wire(Door())
        for sink, path in ((one, "/a?x=%2F&y"), (one, ""), (other, "/b/")):
            assert (await wire.post(f"{sink.url}{path}", b"body", {"X-A": "b"})).status == 200
        await wire.close()
    assert [(request.path, request.body) for request in one.received] == [("/a", b"body"), ("/", b"body")]
    assert one.received[0].query == {"x": "/", "y": ""}
    assert other.received[0].path == "/b/"


def test_secret_that_is_not_there_is_named_by_its_file(tmp_path: object) -> None:
    """A missing file is the credential's fault, and its path is what to look at."""
    path = tmp_path / "absent"  # type: ignore[operator]  # a Path
    with pytest.raises(DeliveryError) as caught:
        secret_text(Credential(path=path), "the token")
    assert caught.value.failure is Failure.REJECTED
    assert str(path) in caught.value.message


@pytest.mark.parametrize(
    ("text", "good"),
    [
        ("https://x.example", True),
        ("http://127.0.0.1:8080/a?b", True),
        ("https://", False),
        ("x.example/a", False),
        ("https://x.example:99999/", False),
        ("https://x.example/\n", False),
        ("file:///etc/passwd", False),
        ("https://[::1", False),
    ],
)
def test_addresses(text: str, good: bool) -> None:
    """What can be posted to, and what can't."""
    assert is_url(text) is good
