"""Where an NBXplorer answers, and its cookie."""

from typing import Self
from urllib.parse import urlsplit

from pydantic import Field, field_validator, model_validator

from lnwatch.fields import Duration, FilePath, Settings


class NbxplorerSettings(Settings):
    """One NBXplorer.

    `url` is http://host:port or https://host:port, `ca_file` PEM to trust for https. `cookie_file` is what
    NBXplorer writes at each start; none where it runs with --noauth.
    """

    url: str = "http://127.0.0.1:24444"
    ca_file: FilePath | None = None
    cookie_file: FilePath | None = None
    interval: Duration = Field("15s", validate_default=True)
    deadline: Duration = Field("12s", validate_default=True)

    @field_validator("url")
    @classmethod
    def _address(cls, value: str) -> str:
        parts = urlsplit(value)
        if parts.scheme not in ("http", "https") or not parts.hostname or parts.query or parts.fragment:
            raise ValueError("write `http://host:port` or `https://host:port`")
        if parts.username is not None:
            raise ValueError("keep user and password out of `url`: set `cookie_file`")
        return value

    @model_validator(mode="after")
    def _deadline_before_interval(self) -> Self:
        if self.interval < 1:
            raise ValueError("`interval` is at least one second")
        if not 0 < self.deadline < self.interval:
            raise ValueError("`deadline` must be shorter than `interval`")
        return self
