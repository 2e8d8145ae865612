"""Certificates: what we trust, and how long what a server presents is still valid."""

import ssl
from dataclasses import dataclass
from datetime import UTC, datetime

import httpx

from lnwatch.errors import FailureReason, SourceError


@dataclass(frozen=True, slots=True)
class TlsPeek:
    """The certificate that a server presents: its life in epoch seconds, and whether we trust it.

    `reason` says why not, empty where `verified`.
    """

    not_before: float
    not_after: float
    verified: bool
    reason: str = ""

    def lifetime_left(self, now: float) -> float:
        """The share (0-1) of its life that is still to come."""
        life = self.not_after - self.not_before
        return min(max((self.not_after - now) / life, 0.0), 1.0) if life > 0 else 0.0


def trust(roots: bytes | None) -> ssl.SSLContext:
    """A context that trusts only `roots` (PEM: an authority or the server's own), or the usual authorities.

    Raises SourceError(TLS) where `roots` holds no certificate.
    """
    if roots is None:
        context = httpx.create_ssl_context(trust_env=False)
        context.load_default_certs(ssl.Purpose.SERVER_AUTH)  # authorities that the operator installed
        return context
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    # A certificate that is pinned by itself need not be an authority.
    context.verify_flags |= ssl.VERIFY_X509_PARTIAL_CHAIN
    try:
        context.load_verify_locations(cadata=roots.decode("ascii"))
    except (ssl.SSLError, ValueError) as error:
        message = "the certificate to trust is not in PEM form, or cut short"
        raise SourceError(FailureReason.TLS, message) from error
    return context


def blind() -> ssl.SSLContext:
    """A context that verifies nothing: to look at a certificate, never to send anything."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    return context


def validity(der: bytes) -> tuple[float, float]:
    """First and last second of a certificate in DER form (RFC 5280, 4.1.2.5), in epoch seconds.

    The standard library decodes only certificates that it trusts. Raises ValueError.
    """
    certificate = _Der(_Der(der).enter(0x30)).enter(0x30)
    fields = _Der(certificate)
    if certificate[:1] == b"\xa0":
        fields.skip()  # version, absent in version 1
    for _ in ("serial number", "signature algorithm", "issuer"):
        fields.skip()
    period = _Der(fields.enter(0x30))
    return period.time(), period.time()


class _Der:
    """Reads one level of DER: tag, length, value."""

    def __init__(self, data: bytes) -> None:
        self._data = data
        self._at = 0

    def _next(self) -> tuple[int, bytes]:
        try:
            tag, length, start = self._data[self._at], self._data[self._at + 1], self._at + 2
        except IndexError:
            raise ValueError("a certificate ends too early") from None
        if length & 0x80:
            count = length & 0x7F
            length, start = int.from_bytes(self._data[start : start + count], "big"), start + count
        value = self._data[start : start + length]
        if len(value) != length:
            raise ValueError("a certificate ends too early")
        self._at = start + length
        return tag, value

    def enter(self, expected: int) -> bytes:
        tag, value = self._next()
        if tag != expected:
            raise ValueError("a certificate has another shape")
        return value

    def skip(self) -> None:
        self._next()

    def time(self) -> float:
        tag, value = self._next()
        text = value.decode("ascii")
        if tag == 0x17:  # UTCTime: two figures for the year, 50 to 99 are of the last century
            text = ("19" if text[:2] >= "50" else "20") + text
        return datetime.strptime(text, "%Y%m%d%H%M%SZ").replace(tzinfo=UTC).timestamp()
