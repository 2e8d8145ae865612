"""Certificates for test servers."""

import datetime as dt
import ipaddress
import ssl
from dataclasses import dataclass
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

DAY = dt.timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Identity:
    """A self-signed certificate and its key, both PEM."""

    certificate: bytes
    key: bytes
    not_before: dt.datetime
    not_after: dt.datetime

    def server_context(self, folder: Path) -> ssl.SSLContext:
        certificate, key = folder / "server.cert", folder / "server.key"
        certificate.write_bytes(self.certificate)
        key.write_bytes(self.key)
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(certificate, key)
        return context


def make_identity(
    *names: str,
    address: str = "127.0.0.1",
    begin: dt.timedelta = -DAY,
    end: dt.timedelta = 30 * DAY,
    authority: bool = True,
) -> Identity:
    """For `address`, localhost and `names`, valid from now + `begin` to now + `end`."""
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "test")])
    now = dt.datetime.now(dt.UTC).replace(microsecond=0)
    hosts = [x509.DNSName(name) for name in ("localhost", *names)]
    certificate = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now + begin)
        .not_valid_after(now + end)
        .add_extension(
            x509.SubjectAlternativeName([*hosts, x509.IPAddress(ipaddress.ip_address(address))]), critical=False
        )
        .add_extension(x509.BasicConstraints(ca=authority, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    secret = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    return Identity(certificate.public_bytes(serialization.Encoding.PEM), secret, now + begin, now + end)
