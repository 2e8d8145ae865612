"""Two kinds of source for tests of the configuration: what it can hold, and nothing behind it."""

from collections.abc import Mapping
from decimal import Decimal
from enum import StrEnum
from typing import Annotated, Literal

from pydantic import Field, SecretStr

from lnwatch.config.schema import ROOMS, Schema
from lnwatch.fields import Amount, Duration, FilePath, Settings
from lnwatch.sources import Place, Source, SourceKind


class Mode(StrEnum):
    FAST = "fast"
    THOROUGH = "thorough"


class Retry(Settings):
    times: int = 3
    wait: Duration = Field("2s", validate_default=True)


class Account(Settings):
    name: str
    password: SecretStr


class AlphaSettings(Settings):
    address: str
    mode: Mode = Mode.FAST
    level: Literal["low", "high"] = "low"
    interval: Duration = Field("15s", validate_default=True)
    floor: Amount = Field("250_000 sat", validate_default=True)
    rate: Decimal = Decimal("1.5")
    share: float = 0.5
    parts: Annotated[int, Field(ge=1, le=9)] = 3
    on: bool = True
    password: SecretStr | None = None
    password_file: FilePath | None = None
    certificate: FilePath | None = None
    folders: tuple[FilePath, ...] = ()
    names: tuple[str, ...] = ()
    labels: Mapping[str, str] = Field(default_factory=dict)
    retry: Retry = Retry()
    accounts: tuple[Account, ...] = ()


class BetaSettings(Settings):
    url: str = "http://127.0.0.1:8332"
    either: int | tuple[str, ...] = 1


def _open(place: Place, settings: Settings) -> Source:
    raise AssertionError(f"nothing opens {place.slug} here")


SCHEMA = Schema(
    rooms=ROOMS,
    kinds={
        "alpha": SourceKind("alpha", AlphaSettings, _open, lightning=True),
        "beta": SourceKind("beta", BetaSettings, _open),
    },
)
