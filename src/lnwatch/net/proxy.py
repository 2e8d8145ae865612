"""Which way out: straight, or through an HTTP or SOCKS5 proxy, by the name of the target."""

import ipaddress
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Self
from urllib.parse import quote, unquote, urlsplit

from pydantic import SecretStr, field_validator, model_validator

from lnwatch.errors import FailureReason, SourceError
from lnwatch.fields import FilePath, Settings

_PORTS = {"http": 80, "https": 443, "socks5": 1080, "socks5h": 1080}
_ALLOWED = "write `http://`, `https://`, `socks5://` or `socks5h://`, then [user:password@]host[:port]"


@dataclass(frozen=True, slots=True)
class Proxy:
    """A parsed proxy address; its text form leaves the credentials out."""

    scheme: str
    host: str
    port: int
    user: str = field(default="", repr=False)
    password: str = field(default="", repr=False)

    @property
    def socks(self) -> bool:
        """Whether it speaks SOCKS5, and so resolves names (onion addresses too) by itself."""
        return self.scheme.startswith("socks5")

    @property
    def url(self) -> str:
        """The whole address with its credentials: for clients, never for people."""
        login = f"{quote(self.user, safe='')}:{quote(self.password, safe='')}@" if self.user else ""
        return f"{self.scheme}://{login}{bracketed(self.host)}:{self.port}"

    def __str__(self) -> str:
        """The address as it may be shown."""
        return f"{self.scheme}://{bracketed(self.host)}:{self.port}"


def bracketed(host: str) -> str:
    """An IPv6 address in the brackets that it wears before a port; any other host as it is."""
    return f"[{host}]" if ":" in host else host


def parse_proxy(text: str) -> Proxy:
    """Read a proxy URL. Raises ValueError, which never repeats the text: it may hold a password."""
    try:
        parts = urlsplit(text.strip())
        host, port = parts.hostname, parts.port
    except ValueError:
        raise ValueError(_ALLOWED) from None  # the cause would repeat the text
    if parts.scheme not in _PORTS or not host or parts.path not in ("", "/") or parts.query or parts.fragment:
        raise ValueError(_ALLOWED)
    user, password = unquote(parts.username or ""), unquote(parts.password or "")
    if len(user.encode()) > 255 or len(password.encode()) > 255:
        raise ValueError("user and password of a proxy are 255 bytes each at most")
    return Proxy(parts.scheme, host, port or _PORTS[parts.scheme], user, password)


class NetSettings(Settings):
    """How lnwatch gets out.

    `proxy` carries all connections but those to this machine and to `no_proxy`: host names, suffixes
    with a leading dot (`.lan`), addresses or networks (`10.0.0.0/8`).
    """

    proxy: SecretStr | None = None
    proxy_file: FilePath | None = None
    no_proxy: tuple[str, ...] = ()

    @field_validator("proxy")
    @classmethod
    def _well_formed(cls, value: SecretStr | None) -> SecretStr | None:
        if value is not None:
            parse_proxy(value.get_secret_value())
        return value

    @model_validator(mode="after")
    def _given_once(self) -> Self:
        if self.proxy is not None and self.proxy_file is not None:
            raise ValueError("set `proxy` or `proxy_file`, not both")
        return self


@dataclass(frozen=True, slots=True)
class Routes:
    """Chooses the proxy for a target."""

    proxy: Proxy | None = None
    direct: Sequence[str] = ()

    def indirect(self, host: str) -> bool:
        """Whether the target can be reached only through a proxy."""
        name = host.lower().rstrip(".")
        if name.endswith(".onion"):
            return True
        return self.proxy is not None and not _local(name) and not _listed(name, self.direct)

    def through(self, host: str) -> Proxy:
        """The proxy for a target that needs one. Raises SourceError for an onion without SOCKS5."""
        onion = host.lower().rstrip(".").endswith(".onion")
        if self.proxy is None or (onion and not self.proxy.socks):
            why = "is an onion address" if onion else "is to be reached through a proxy"
            message = f"{host} {why}: set net.proxy to Tor's SOCKS port (socks5h://127.0.0.1:9050)"
            raise SourceError(FailureReason.REFUSED, message)
        return self.proxy

    def towards(self, host: str) -> Proxy | None:
        """The proxy to go through, None for straight. Raises SourceError like `through`."""
        return self.through(host) if self.indirect(host) else None


def _local(name: str) -> bool:
    address = _address(name)
    return name == "localhost" or name.endswith(".localhost") or (address is not None and address.is_loopback)


def _listed(name: str, entries: Sequence[str]) -> bool:
    address = _address(name)
    for entry in (text.strip().lower() for text in entries):
        if entry == name or (entry.startswith(".") and name.endswith(entry)):
            return True
        if address is not None and _covers(entry, address):
            return True
    return False


def _covers(entry: str, address: ipaddress.IPv4Address | ipaddress.IPv6Address) -> bool:
    try:
        return address in ipaddress.ip_network(entry, strict=False)
    except ValueError:
        return False


def _address(name: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    try:
        return ipaddress.ip_address(name)
    except ValueError:
        return None
