"""The block of the configuration that describes one LND node."""

import string
from typing import Annotated, Self

from pydantic import AfterValidator, Field, SecretStr, field_validator, model_validator

from lnwatch.fields import Duration, FilePath, Settings
from lnwatch.net.door import split_address


def _dialable(value: str) -> str:
    if value.startswith("unix:") and value.removeprefix("unix:"):
        return value
    try:
        split_address(value)
    except ValueError as error:
        raise ValueError("write `host:port` of LND's gRPC listener, `127.0.0.1:10009`, or `unix:/path`") from error
    return value


def _positive(value: float) -> float:
    if value < 1:
        raise ValueError("an interval is at least one second")
    return value


Interval = Annotated[Duration, AfterValidator(_positive)]


class LndSettings(Settings):
    """Where the node is, what to show it, and how often to look.

    `tls_cert_file` is the node's own `tls.cert`; without it the usual authorities are trusted. The
    macaroon comes from a file (binary, as LND writes it) or as hex. `hands_macaroon_file` is for whoever
    acts, never for reading. `backup_file` is the path of
    `channel.backup`, or of its copy, which is then proved against the open channels. `timeout` bounds a
    call of `node` and `channels`, `slow_timeout` any other.
    """

    address: Annotated[str, AfterValidator(_dialable)]
    tls_cert_file: FilePath | None = None
    macaroon: SecretStr | None = None
    macaroon_file: FilePath | None = None
    hands_macaroon_file: FilePath | None = None
    backup_file: FilePath | None = None
    timeout: Interval = Field("10s", validate_default=True)
    slow_timeout: Interval = Field("30s", validate_default=True)
    node_interval: Interval = Field("15s", validate_default=True)
    channels_interval: Interval = Field("15s", validate_default=True)
    policies_interval: Interval = Field("60s", validate_default=True)
    pending_interval: Interval = Field("60s", validate_default=True)
    peers_interval: Interval = Field("60s", validate_default=True)
    wallet_interval: Interval = Field("60s", validate_default=True)
    invoices_interval: Interval = Field("60s", validate_default=True)
    payments_interval: Interval = Field("120s", validate_default=True)
    forwards_interval: Interval = Field("120s", validate_default=True)
    history_interval: Interval = Field("60s", validate_default=True)
    closed_interval: Interval = Field("1h", validate_default=True)
    watchtower_interval: Interval = Field("300s", validate_default=True)
    backup_interval: Interval = Field("300s", validate_default=True)

    @field_validator("macaroon")
    @classmethod
    def _hexadecimal(cls, value: SecretStr | None) -> SecretStr | None:
        text = value.get_secret_value().strip() if value is not None else "00"
        if not text or len(text) % 2 or set(text) - set(string.hexdigits):
            raise ValueError("a macaroon is written in hexadecimal: `xxd -p -c 1000 readonly.macaroon`")
        return value

    @model_validator(mode="after")
    def _one_macaroon(self) -> Self:
        if (self.macaroon is None) == (self.macaroon_file is None):
            raise ValueError("set exactly one of `macaroon_file` and `macaroon`")
        return self
