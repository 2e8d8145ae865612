"""Where a bitcoind answers, and by which of its credentials."""

from typing import Self
from urllib.parse import urlsplit

from pydantic import Field, SecretStr, field_validator, model_validator

from lnwatch.fields import Duration, FilePath, Settings
from lnwatch.model.chain import Network


class BitcoindSettings(Settings):
    """One Bitcoin Core node.

    `url` is http://host:port, https://host:port or unix:/path; `ca_file` is PEM to trust for https.
    The credential is `cookie_file`, or `user` with `password` or `password_file`. `network` is what the
    node is expected to be on.
    """

    url: str = "http://127.0.0.1:8332"
    ca_file: FilePath | None = None
    cookie_file: FilePath | None = None
    user: str | None = None
    password: SecretStr | None = None
    password_file: FilePath | None = None
    network: Network | None = None
    interval: Duration = Field("15s", validate_default=True)
    deadline: Duration = Field("12s", validate_default=True)

    @field_validator("url")
    @classmethod
    def _address(cls, value: str) -> str:
        parts = urlsplit(value)
        if parts.scheme == "unix" and parts.path.startswith("/"):
            return value
        if parts.scheme not in ("http", "https") or not parts.hostname or parts.query or parts.fragment:
            raise ValueError("write `http://host:port`, `https://host:port` or `unix:/path`")
        if parts.username is not None:
            raise ValueError("keep user and password out of `url`: set `user` and `password_file`")
        return value

    @model_validator(mode="after")
    def _one_credential(self) -> Self:
        passwords = [name for name in ("password", "password_file") if getattr(self, name) is not None]
        cookie = self.cookie_file is not None
        login = self.user is not None and len(passwords) == 1
        if cookie == login or (cookie and (self.user is not None or passwords)):
            raise ValueError("set `cookie_file`, or `user` with one of `password` and `password_file`")
        if self.user is not None and ":" in self.user:
            raise ValueError("`user` can't hold a colon")
        return self

    @model_validator(mode="after")
    def _deadline_before_interval(self) -> Self:
        if self.interval < 1:
            raise ValueError("`interval` is at least one second")
        if not 0 < self.deadline < self.interval:
            raise ValueError("`deadline` must be shorter than `interval`")
        return self
