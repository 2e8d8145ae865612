"""The block of the configuration that describes one BTCPay Server and its stores."""

import re
from typing import Annotated, ClassVar, Self
from urllib.parse import urlsplit

from pydantic import AfterValidator, Field, SecretStr, field_validator, model_validator

from lnwatch.credentials import Credential
from lnwatch.fields import Duration, FilePath, Settings, Slug

_STORE_ID = re.compile(r"[0-9A-Za-z]{1,100}")
_KEY = re.compile(r"[\x21-\x7e]{1,200}")


def _positive(value: float) -> float:
    if value < 1:
        raise ValueError("an interval is at least one second")
    return value


Interval = Annotated[Duration, AfterValidator(_positive)]


class BtcpaySettings(Settings):
    """Where the server answers, by which API key, and which of its stores are watched.

    `stores` names each store with a slug: `{ shop = "C8H1…" }`, the id as BTCPay shows it in the store's
    settings. `ca_file` is PEM to trust for https. `webhook_secret` is what BTCPay signs with what it tells at
    `/hooks/btcpay/SITE/NAME`; `lnwatch webhook register` writes its file. `deliveries` says that the key is
    meant to list webhook deliveries, for which BTCPay has no right that only reads. `timeout` bounds a question
    about the server, `slow_timeout` any other. `rescan_depth` is how far back old invoices are read again for
    late money.
    """

    written: ClassVar[frozenset[str]] = frozenset({"webhook_secret_file"})

    url: str
    api_key: SecretStr | None = None
    api_key_file: FilePath | None = None
    ca_file: FilePath | None = None
    webhook_secret: SecretStr | None = None
    webhook_secret_file: FilePath | None = None
    stores: dict[Slug, str]
    deliveries: bool = False
    timeout: Interval = Field("8s", validate_default=True)
    slow_timeout: Interval = Field("30s", validate_default=True)
    interval: Interval = Field("15s", validate_default=True)
    invoices_interval: Interval = Field("60s", validate_default=True)
    history_interval: Interval = Field("60s", validate_default=True)
    trailing_interval: Interval = Field("30m", validate_default=True)
    rescan_interval: Interval = Field("1d", validate_default=True)
    rescan_depth: Interval = Field("180d", validate_default=True)
    store_interval: Interval = Field("1h", validate_default=True)
    rates_interval: Interval = Field("5m", validate_default=True)
    balances_interval: Interval = Field("10m", validate_default=True)
    payouts_interval: Interval = Field("10m", validate_default=True)
    refunds_interval: Interval = Field("30m", validate_default=True)
    requests_interval: Interval = Field("1h", validate_default=True)
    webhooks_interval: Interval = Field("5m", validate_default=True)

    @field_validator("url")
    @classmethod
    def _address(cls, value: str) -> str:
        parts = urlsplit(value)
        if parts.scheme not in ("http", "https") or not parts.hostname or parts.query or parts.fragment:
            raise ValueError("write the address of the server as its users see it: `https://pay.example`")
        if parts.username is not None:
            raise ValueError("keep user and password out of `url`: lnwatch asks with `api_key_file`")
        if "/api/" in f"{parts.path}/":
            raise ValueError("leave the path of the API out: `https://pay.example` is enough")
        return value.rstrip("/")

    @field_validator("api_key")
    @classmethod
    def _sendable(cls, value: SecretStr | None) -> SecretStr | None:
        if value is not None and not _KEY.fullmatch(value.get_secret_value().strip()):
            raise ValueError("an API key is 40 figures and letters, as BTCPay shows it under Manage Account, API Keys")
        return value

    @field_validator("stores")
    @classmethod
    def _stores(cls, value: dict[str, str]) -> dict[str, str]:
        if not value:
            raise ValueError('name at least one store: `stores = { shop = "ID" }`')
        for slug, store_id in value.items():
            if not _STORE_ID.fullmatch(store_id):
                raise ValueError(f"the id of store {slug} is figures and letters alone, as its settings in BTCPay show")
        if len(set(value.values())) < len(value):
            raise ValueError("two stores have the same id")
        return value

    @model_validator(mode="after")
    def _one_key(self) -> Self:
        if (self.api_key is None) == (self.api_key_file is None):
            raise ValueError("set exactly one of `api_key_file` and `api_key`")
        return self

    @model_validator(mode="after")
    def _one_secret(self) -> Self:
        if self.webhook_secret is not None and self.webhook_secret_file is not None:
            raise ValueError("set `webhook_secret_file` or `webhook_secret`, not both")
        return self

    @property
    def signs(self) -> Credential | None:
        """What BTCPay signs its webhooks with; None where lnwatch is told nothing by it."""
        if self.webhook_secret is None and self.webhook_secret_file is None:
            return None
        return Credential(self.webhook_secret, self.webhook_secret_file)

    @model_validator(mode="after")
    def _room_for_both_questions(self) -> Self:
        if self.timeout >= self.interval:
            raise ValueError("`timeout` must be shorter than `interval`")
        return self
