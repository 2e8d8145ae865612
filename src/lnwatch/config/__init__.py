"""What the operator decided: one TOML file, every key also by environment, all of it checked before anything starts."""

from lnwatch.config.loading import load
from lnwatch.config.values import Config, ConfigWarning, Origin, OriginKind, SiteConfig, SourceConfig

__all__ = ["Config", "ConfigWarning", "Origin", "OriginKind", "SiteConfig", "SourceConfig", "load"]
