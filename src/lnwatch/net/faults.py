"""The one table that turns what httpx, asyncio, OpenSSL and grpc throw into a SourceError."""

import errno
import socket
import ssl
from collections.abc import Iterator

import grpc
import httpx

from lnwatch.errors import FailureReason, SourceError

NETWORK_ERRORS = (httpx.HTTPError, OSError)  # TimeoutError and ssl.SSLError are OSErrors

_GRPC = {
    grpc.StatusCode.UNAUTHENTICATED: FailureReason.REJECTED,
    grpc.StatusCode.PERMISSION_DENIED: FailureReason.FORBIDDEN,
    grpc.StatusCode.UNIMPLEMENTED: FailureReason.UNSUPPORTED,
    grpc.StatusCode.RESOURCE_EXHAUSTED: FailureReason.OVERLOADED,
}
# What grpc's core says of a connection that did not come to be; the first that fits counts.
_UNAVAILABLE = (
    ("Hostname Verification Check failed", FailureReason.TLS, "presents a certificate that does not name this host"),
    ("CERTIFICATE_VERIFY_FAILED", FailureReason.TLS, "presents a certificate that is not the expected one, or expired"),
    ("WRONG_VERSION_NUMBER", FailureReason.TLS, "does not speak TLS on this port"),
    ("tcp handshaker shutdown", FailureReason.REFUSED, "can't be connected to: nothing answers there"),
    ("Handshake read failed (Endpoint closing)", FailureReason.TIMEOUT, "accepted the connection, then said nothing"),
    ("Handshake read failed", FailureReason.REFUSED, "closed the connection before TLS was set up"),
    ("andshake", FailureReason.TLS, "could not agree on TLS with us"),
    ("resolving", FailureReason.REFUSED, "has a name that is not known"),
    ("Connection refused", FailureReason.REFUSED, "can't be connected to: connection refused"),
    ("timed out", FailureReason.REFUSED, "can't be connected to: nothing answers there"),
)
_SILENT = "accepted the connection, then nothing came until our deadline"


def causes(error: BaseException) -> Iterator[BaseException]:
    """The error and everything that led to it, members of groups too."""
    stack: list[BaseException] = [error]
    seen: set[int] = set()
    while stack:
        current = stack.pop()
        if id(current) in seen:
            continue
        seen.add(id(current))
        yield current
        if isinstance(current, BaseExceptionGroup):
            stack.extend(reversed(current.exceptions))
        earlier = current.__cause__ or current.__context__
        if earlier is not None:
            stack.append(earlier)


def tls_words(error: ssl.SSLError) -> str:
    """What is wrong with a certificate or a handshake, in OpenSSL's own words where they help."""
    if isinstance(error, ssl.SSLCertVerificationError):
        return str(error.verify_message).rstrip(".")
    if error.reason and "WRONG_VERSION" in error.reason:
        return "it does not speak TLS on this port"
    return (error.reason or "the handshake failed").replace("_", " ").lower()


def network_failure(error: Exception, where: str, *, accepted: bool) -> SourceError:
    """What a failed connection or exchange with `where` means.

    `accepted` tells whether somebody had taken the connection: silence before that is as good as a
    refusal, after it a hang.
    """
    chain = list(causes(error))
    silent = isinstance(error, (TimeoutError, httpx.TimeoutException))
    for cause in () if silent else chain:  # a handshake that timed out has an SSL error in its chain too
        if isinstance(cause, ssl.SSLError) and not isinstance(cause, ssl.SSLEOFError):
            return SourceError(FailureReason.TLS, f"{where}: TLS failed: {tls_words(cause)}")
    if accepted:
        return _broken_off(error, where)
    if silent:
        return SourceError(FailureReason.REFUSED, f"nothing answers at {where}: no connection within the time limit")
    return SourceError(FailureReason.REFUSED, f"can't connect to {where}: {_os_words(chain)}")


def _broken_off(error: Exception, where: str) -> SourceError:
    if isinstance(error, (TimeoutError, httpx.TimeoutException)):
        return SourceError(FailureReason.TIMEOUT, f"{where} {_SILENT}")
    if isinstance(error, httpx.RemoteProtocolError) and "without sending a response" not in str(error):
        return SourceError(FailureReason.MALFORMED, f"{where} sent an answer that is cut short or is not HTTP")
    return SourceError(FailureReason.REFUSED, f"{where} closed the connection without an answer")


def _os_words(chain: list[BaseException]) -> str:
    for cause in chain:
        if isinstance(cause, socket.gaierror):
            return "the name is not known"
        if isinstance(cause, OSError) and cause.errno in errno.errorcode and cause.strerror:
            # asyncio puts its own long text around the system's short one
            return "connection refused" if cause.errno == errno.ECONNREFUSED else cause.strerror.lower()
    return "connection failed"


def grpc_failure(error: grpc.RpcError, where: str) -> SourceError:
    """What a failed call means as far as the transport knows; the service's own texts are not read here."""
    code = error.code() if isinstance(error, grpc.aio.AioRpcError) else grpc.StatusCode.UNKNOWN
    details = (error.details() or "") if isinstance(error, grpc.aio.AioRpcError) else ""
    if code is grpc.StatusCode.UNAVAILABLE:
        return _unavailable(details, where)
    if code is grpc.StatusCode.RESOURCE_EXHAUSTED and "larger than max" in details:
        return SourceError(FailureReason.MALFORMED, f"{where} sent a message over the size limit")
    if code is grpc.StatusCode.DEADLINE_EXCEEDED:
        return SourceError(FailureReason.TIMEOUT, f"{where} did not answer within our deadline")
    reason = _GRPC.get(code, FailureReason.FAILED)
    return SourceError(reason, f"{where} answered {code.name}: {details}")


def _unavailable(details: str, where: str) -> SourceError:
    for needle, reason, words in _UNAVAILABLE:
        if needle in details:
            return SourceError(reason, f"{where} {words}")
    return SourceError(FailureReason.REFUSED, f"{where} can't be reached: {details}")
