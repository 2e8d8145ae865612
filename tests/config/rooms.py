"""Kinds of source and channel, and rules, for tests of the configuration: what it can hold, and nothing behind it."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum
from typing import Annotated, Literal

from pydantic import Field, SecretStr

from lnwatch.config.rule_settings import rule_kind
from lnwatch.config.schema import ROOMS, Schema
from lnwatch.fields import Amount, Duration, FilePath, Settings
from lnwatch.model.rule import Answer, Owner, Rule, Scope, Severity
from lnwatch.model.view import TargetView, View
from lnwatch.notify import Desk, Notifier, NotifierKind
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


class PostSettings(Settings):
    street: str = "here"
    key: SecretStr | None = None
    key_file: FilePath | None = None


@dataclass(frozen=True, slots=True)
class Level:
    """Some thresholds of each type that rules have."""

    low_share: float = 0.2
    high_share: float = 0.4
    parts: int = 3
    window_seconds: float = 90.0

    def __post_init__(self) -> None:
        if not 0 < self.low_share < 1:
            raise ValueError(f"`low_share` is a share between 0 and 1, found {self.low_share}")
        if not self.low_share < self.high_share:
            raise ValueError(f"`high_share` must be above `low_share` ({self.low_share}), found {self.high_share}")
        if self.parts < 1:
            raise ValueError(f"`parts` must be above 0, found {self.parts}")
        if not self.window_seconds > 0:
            raise ValueError(f"`window_seconds` must be above 0, found {self.window_seconds}")


@dataclass(frozen=True, slots=True)
class Nothing:
    """Nothing to set."""


def _judge(_view: View, _target: TargetView | None, _thresholds: object) -> Iterable[Answer]:
    return ()


def _open(place: Place, settings: Settings) -> Source:
    raise AssertionError(f"nothing opens {place.slug} here")


def _open_channel(desk: Desk, settings: Settings) -> Notifier:
    raise AssertionError(f"nothing opens {desk.channel} here")


WATER_HIGH = Rule("water_high", Scope.SITE, Severity.WARNING, Owner.OPERATORS, Level, _judge, after=60, keep_firing=5)
OWN_TROUBLE = Rule("own_trouble", Scope.DAEMON, Severity.INFO, Owner.OPERATORS, Nothing, _judge)

SCHEMA = Schema(
    rooms=ROOMS,
    kinds={
        "alpha": SourceKind("alpha", AlphaSettings, _open, lightning=True),
        "beta": SourceKind("beta", BetaSettings, _open),
    },
    channels={
        "post": NotifierKind("post", PostSettings, _open_channel, per_minute=1, burst=1),
        "slack": NotifierKind("slack", PostSettings, _open_channel, per_minute=1, burst=1),
    },
    rules={rule.id: rule_kind(rule) for rule in (WATER_HIGH, OWN_TROUBLE)},
)
