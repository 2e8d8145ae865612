"""What is visited, and what counts as well."""

from typing import Annotated, Self
from urllib.parse import urlsplit

from pydantic import Field, field_validator, model_validator

from lnwatch.fields import Duration, FilePath, Settings
from lnwatch.net.door import Way
from lnwatch.net.visit import SCHEMES

_ALLOWED = "write `https://HOST/PATH`, `http://HOST/PATH`, `tls://HOST:PORT`, `tcp://HOST:PORT` or `dns://NAME`"
_NEED_PORT = frozenset({"tls", "tcp"})
_PAGES = frozenset({"http", "https"})


class ProbeSettings(Settings):
    """One address.

    A page has to answer with `status` and hold `text`, all within `time_limit`; redirects are not followed.
    `via` is the way out: as all of lnwatch, or straight, or through net.proxy in any case. `ca_file` is PEM
    to trust instead of the usual authorities. `checkout` says that customers pay there, so that its failure
    is grave.
    """

    url: str
    status: Annotated[int, Field(ge=100, le=599)] = 200
    text: str | None = None
    via: Way = "auto"
    ca_file: FilePath | None = None
    checkout: bool = True
    time_limit: Duration = Field("10s", validate_default=True)
    interval: Duration = Field("30s", validate_default=True)

    @property
    def scheme(self) -> str:
        """What sort of address it is."""
        return urlsplit(self.url).scheme

    @field_validator("url")
    @classmethod
    def _address(cls, value: str) -> str:
        try:
            parts = urlsplit(value)
            port = parts.port
        except ValueError:
            raise ValueError(_ALLOWED) from None  # it would repeat the address
        if parts.scheme not in SCHEMES or not parts.hostname or not value.isprintable() or " " in value:
            raise ValueError(_ALLOWED)
        if parts.username is not None:
            raise ValueError("a public address has no user and no password")
        bare = parts.scheme not in _PAGES
        if bare and (parts.path not in ("", "/") or parts.query or parts.fragment):
            raise ValueError(_ALLOWED)
        if (port is None) if parts.scheme in _NEED_PORT else (parts.scheme == "dns" and port is not None):
            raise ValueError(_ALLOWED)
        return value

    @model_validator(mode="after")
    def _fits(self) -> Self:
        host = (urlsplit(self.url).hostname or "").rstrip(".")
        if self.scheme not in _PAGES and self.model_fields_set & {"status", "text"}:
            raise ValueError(f"`status` and `text` go with a page, not with {self.scheme}://")
        if self.via == "direct" and host.endswith(".onion"):
            raise ValueError('an onion address is reached through Tor alone: leave out `via = "direct"`')
        if self.scheme == "dns" and self.via == "proxy":
            raise ValueError("a proxy resolves names for itself: `dns://` goes straight")
        if self.interval < 1:
            raise ValueError("`interval` is at least one second")
        if not 0 < self.time_limit < self.interval:
            raise ValueError("`time_limit` must be shorter than `interval`")
        return self
