"""The configuration as the rest of lnwatch sees it: validated, frozen, with where each value came from."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Any

from lnwatch.config.kpi_settings import KpiSettings
from lnwatch.config.site_settings import OrdersSettings
from lnwatch.executor.settings import ExecutorSettings
from lnwatch.fields import Settings
from lnwatch.log import LogSettings
from lnwatch.model.rule import Severity
from lnwatch.net import NetSettings
from lnwatch.notify import NotifierKind
from lnwatch.notify._deadman import DeadManSettings
from lnwatch.notify._routing import RoutingSettings
from lnwatch.sources import SourceKind
from lnwatch.store.settings import LedgerSettings
from lnwatch.web.settings import WebSettings


class OriginKind(StrEnum):
    """What gave a value."""

    FILE = "file"
    ENVIRONMENT = "environment"
    DEFAULT = "default"


@dataclass(frozen=True, slots=True)
class Origin:
    """Where a value came from: `where` is `FILE:LINE`, the name of an environment variable, or empty."""

    kind: OriginKind
    where: str = ""

    def __str__(self) -> str:
        """As people read it."""
        return self.where or self.kind.value


DEFAULT = Origin(OriginKind.DEFAULT)


@dataclass(frozen=True, slots=True)
class ConfigWarning:
    """A sentence that stops nothing; `source` is the dotted name of the source that it is about, if any."""

    text: str
    source: str | None = None

    def __str__(self) -> str:
        """The sentence."""
        return self.text


@dataclass(frozen=True, slots=True)
class SourceConfig:
    """One source of a site; `settings` are of the type that its kind declares."""

    site: str
    slug: str
    kind: SourceKind[Any]
    settings: Settings

    @property
    def key(self) -> str:
        """Its dotted name in the configuration."""
        return f"site.{self.site}.{self.kind.kind}.{self.slug}"


@dataclass(frozen=True, slots=True)
class SiteConfig:
    """One site; its sources in the order of the file, at least one, each slug once."""

    slug: str
    sources: tuple[SourceConfig, ...]
    orders: OrdersSettings
    kpis: KpiSettings


@dataclass(frozen=True, slots=True)
class ChannelConfig:
    """One channel of delivery; `settings` are of the type that its kind declares."""

    slug: str
    kind: NotifierKind[Any]
    settings: Settings

    @property
    def key(self) -> str:
        """Its dotted name in the configuration."""
        return f"notify.{self.kind.kind}.{self.slug}"


@dataclass(frozen=True, slots=True)
class RuleConfig:
    """What is in force for one rule at one site: an instance of the rule's thresholds, and times in seconds.

    `severity` is None unless the operator set one: then each finding has the one that its rule gives it.
    """

    thresholds: Any
    after: float
    keep_firing: float
    severity: Severity | None = None


@dataclass(frozen=True, slots=True)
class Config:
    """Everything that the operator decided. `path` is None where the environment alone spoke.

    `notify` is keyed by slug, which is unique over all kinds. `rules` has every rule for every site and
    for `lnwatch`, the daemon itself. `origins` is keyed by dotted key and covers every value, defaults
    included; of a site's rules it has what is set for that site alone.
    """

    path: Path | None
    data_dir: Path
    ledger: LedgerSettings
    web: WebSettings
    log: LogSettings
    net: NetSettings
    notify: Mapping[str, ChannelConfig]
    routing: RoutingSettings
    dead_man: DeadManSettings
    executor: ExecutorSettings
    rules: Mapping[str, Mapping[str, RuleConfig]]
    sites: Mapping[str, SiteConfig]
    origins: Mapping[str, Origin]
    warnings: tuple[ConfigWarning, ...]
