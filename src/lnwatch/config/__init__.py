"""What the operator decided: one TOML file, every key also by environment, all of it checked before anything starts."""

from lnwatch.config.loading import load
from lnwatch.config.values import (
    ChannelConfig,
    Config,
    ConfigWarning,
    Origin,
    OriginKind,
    RuleConfig,
    SiteConfig,
    SourceConfig,
)

__all__ = [
    "ChannelConfig",
    "Config",
    "ConfigWarning",
    "Origin",
    "OriginKind",
    "RuleConfig",
    "SiteConfig",
    "SourceConfig",
    "load",
]
