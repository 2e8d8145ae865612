"""Where lnwatch listens, who may read, and the address that its links bear."""

import ipaddress
from typing import Annotated, Self
from urllib.parse import urlsplit

from pydantic import AfterValidator, BeforeValidator, SecretStr, model_validator

from lnwatch.credentials import Credential
from lnwatch.fields import FilePath, Settings

# 9100 to 9999 is allocated to Prometheus exporters (9750 is one's), so this lies outside.
DEFAULT_LISTEN = "127.0.0.1:8735"
_SHORTEST_SECRET = 8


def split_address(listen: str) -> tuple[str, int]:
    """Host and port of `127.0.0.1:8735`, `[::1]:8735` or `:8735` (every address). Raises ValueError."""
    host, colon, port = listen.rpartition(":")
    bracketed = host.startswith("[") and host.endswith("]")
    if colon != ":" or not (port.isascii() and port.isdecimal()) or (":" in host and not bracketed):
        raise ValueError(f"an address is HOST:PORT, such as `{DEFAULT_LISTEN}` or `[::1]:8735`")
    if int(port) > 65_535:
        raise ValueError("a port is a figure from 0 to 65535")
    return (host[1:-1] if bracketed else host) or "::", int(port)


def is_loopback(host: str) -> bool:
    """Whether only this machine can reach `host`; a name that is not `localhost` is taken for public."""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def _listen(value: str) -> str:
    split_address(value)
    return value


def _public_url(value: str) -> str:
    parts = urlsplit(value)
    if parts.scheme not in {"http", "https"} or not parts.hostname or parts.query or parts.fragment:
        raise ValueError("a base of links is `https://HOST` or `https://HOST/PATH`")
    if parts.username is not None or parts.password is not None:
        raise ValueError("a base of links goes into messages: leave the password out")
    return value.rstrip("/")


def _secret(value: object) -> object:
    """Refuse what protects nothing; a value that is no text is left for pydantic to refuse."""
    text = value.get_secret_value() if isinstance(value, SecretStr) else value
    if isinstance(text, str) and len(text.strip()) < _SHORTEST_SECRET:
        raise ValueError(f"a secret has at least {_SHORTEST_SECRET} characters")
    return value


Secret = Annotated[SecretStr, BeforeValidator(_secret)]


class WebSettings(Settings):
    """The block `[web]`.

    `token` is what programs send (`Authorization: Bearer …`), `password` what browsers ask for, with any
    user name; each may stand in a file instead. `public_url` is the base of every link that leaves the
    house, without a slash at its end.
    """

    listen: Annotated[str, AfterValidator(_listen)] = DEFAULT_LISTEN
    public_url: Annotated[str, AfterValidator(_public_url)] | None = None
    token: Secret | None = None
    token_file: FilePath | None = None
    password: Secret | None = None
    password_file: FilePath | None = None

    @model_validator(mode="after")
    def _guarded(self) -> Self:
        for name in ("token", "password"):
            if getattr(self, name) is not None and getattr(self, f"{name}_file") is not None:
                raise ValueError(f"set `{name}` or `{name}_file`, not both")
        if not self.local and not self.authenticated:
            raise ValueError(
                f"listening on {self.listen} lets other machines in: set `token` or `password` (or their `_file`), "
                f"or listen on {DEFAULT_LISTEN}"
            )
        return self

    @property
    def host(self) -> str:
        """The address to bind, without its port."""
        return split_address(self.listen)[0]

    @property
    def port(self) -> int:
        """The port to bind; 0 lets the system choose."""
        return split_address(self.listen)[1]

    @property
    def local(self) -> bool:
        """Whether only this machine can reach us."""
        return is_loopback(self.host)

    @property
    def authenticated(self) -> bool:
        """Whether a reader must show a token or a password."""
        return any((self.token, self.token_file, self.password, self.password_file))

    @property
    def link_base(self) -> str:
        """The base of links: `public_url`, or the address that we listen on."""
        if self.public_url is not None:
            return self.public_url
        host = "localhost" if self.host in {"::", "0.0.0.0"} else self.host  # noqa: S104 - compared, not bound
        host = f"[{host}]" if ":" in host else host
        return f"http://{host}:{self.port}"

    def tokens(self) -> Credential | None:
        """What programs must show; None where there is none."""
        return _credential(self.token, self.token_file)

    def passwords(self) -> Credential | None:
        """What browsers must show; None where there is none."""
        return _credential(self.password, self.password_file)


def _credential(value: SecretStr | None, path: FilePath | None) -> Credential | None:
    return Credential(value, path) if value is not None or path is not None else None
