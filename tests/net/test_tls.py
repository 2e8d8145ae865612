import asyncio
import ssl
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lnwatch.errors import FailureReason, SourceError
from lnwatch.net import Door, TlsPeek
from lnwatch.net.tls import validity
from tests.net.certificates import DAY, make_identity
from tests.net.servers import serving, silence

_PEM = make_identity().certificate.decode()


@pytest.mark.parametrize("case", ["pinned", "other pin", "expired", "usual authorities", "other name"])
async def test_peek(tmp_path: Path, case: str) -> None:
    """The life of a certificate is told whether or not it is trusted, and why it is not."""
    end = -DAY / 24 if case == "expired" else 30 * DAY
    identity = make_identity(address="127.0.0.9" if case == "other name" else "127.0.0.1", end=end)
    roots = {"other pin": make_identity().certificate, "usual authorities": None}
    received = bytearray()

    async def noting(reader: asyncio.StreamReader, _: asyncio.StreamWriter) -> None:
        received.extend(await reader.read(1_000))

    async with serving(noting, identity.server_context(tmp_path)) as port:
        peek = await Door().tls("127.0.0.1", port, roots.get(case, identity.certificate))
    assert (peek.not_before, peek.not_after) == (identity.not_before.timestamp(), identity.not_after.timestamp())
    assert peek.verified == (case == "pinned")
    assert bool(peek.reason) != peek.verified
    assert not received


async def test_peek_without_a_certificate() -> None:
    """A port that does not speak TLS, or says nothing, or is closed, has its own reason."""
    roots = make_identity().certificate

    async def plain(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"SSH-2.0-x\r\n")

    async with serving(plain) as port:
        with pytest.raises(SourceError) as caught:
            await Door().tls("127.0.0.1", port, roots)
        assert caught.value.reason is FailureReason.TLS
    with pytest.raises(SourceError) as caught:
        await Door().tls("127.0.0.1", port, roots)
    assert caught.value.reason is FailureReason.REFUSED
    async with serving(silence) as port:
        with pytest.raises(SourceError) as caught:
            await Door().tls("127.0.0.1", port, roots, seconds=0.2)
        assert caught.value.reason is FailureReason.TIMEOUT


@pytest.mark.parametrize(("now", "left"), [(0, 1.0), (100, 1.0), (150, 0.5), (175, 0.25), (200, 0.0), (900, 0.0)])
def test_lifetime_left(now: float, left: float) -> None:
    """The share of its life that is to come lies between 0 and 1."""
    assert TlsPeek(100, 200, verified=True).lifetime_left(now) == left


@settings(deadline=None)
@given(st.binary(max_size=200))
def test_rubbish_is_no_certificate(data: bytes) -> None:
    """Bytes that are no certificate are a ValueError and nothing else."""
    with pytest.raises(ValueError, match=r"certificate|does not match"):
        validity(data)


@settings(deadline=None)
@given(st.data())
def test_damaged_certificate(data: st.DataObject) -> None:
    """A certificate with one byte changed or cut is read, or is a ValueError."""
    der = bytearray(ssl.PEM_cert_to_DER_cert(_PEM))
    der[data.draw(st.integers(0, len(der) - 1))] = data.draw(st.integers(0, 255))
    try:
        begin, end = validity(bytes(der[: data.draw(st.integers(0, len(der)))]))
    except ValueError:
        return
    assert isinstance(begin, float)
    assert isinstance(end, float)
