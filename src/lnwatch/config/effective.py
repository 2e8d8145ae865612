"""The configuration as it works: every value, defaults included, with where it came from."""

from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from typing import Any

from pydantic import SecretBytes, SecretStr

from lnwatch.config.lines import KeyPath
from lnwatch.config.redaction import HIDDEN, cover, dotted, written
from lnwatch.config.rule_settings import SECONDS
from lnwatch.config.schema import RESERVED
from lnwatch.config.values import Config, Origin, RuleConfig
from lnwatch.fields import Settings, format_duration


@dataclass(frozen=True, slots=True)
class Entry:
    """One value: `text` as TOML writes it, `plain` as JSON does, both without secrets; None is unset."""

    key: str
    text: str
    plain: Any
    origin: Origin


def leaves(settings: Settings, *, only_set: bool = False) -> Iterator[tuple[KeyPath, Any]]:
    """Every value inside a block with its path there; durations and amounts as people write them."""
    yield from _leaves((), settings.model_dump(exclude_unset=only_set))


def entries(config: Config) -> Iterator[Entry]:
    """Every value of the configuration, in the order of the file."""
    yield _entry(config, "data_dir", config.data_dir)
    rooms: dict[str, Settings] = {"ledger": config.ledger, "web": config.web, "log": config.log, "net": config.net}
    channels = {channel.key: channel.settings for channel in config.notify.values()}
    after: dict[str, Settings] = {
        "routing": config.routing,
        "dead_man": config.dead_man,
        "executor": config.executor,
    }
    sources = {source.key: source.settings for site in config.sites.values() for source in site.sources}
    yield from _blocks(config, {**rooms, **channels, **after})
    yield from _rules(config, "rules", RESERVED)
    for slug in config.sites:
        yield from _rules(config, f"site.{slug}.rules", slug)
    for site in config.sites.values():
        yield from _blocks(config, {f"site.{site.slug}.orders": site.orders, f"site.{site.slug}.kpis": site.kpis})
    yield from _blocks(config, sources)


def _blocks(config: Config, blocks: Mapping[str, Settings]) -> Iterator[Entry]:
    for base, settings in blocks.items():
        for path, value in leaves(settings):
            yield _entry(config, f"{base}.{dotted(path)}", value)


def _rules(config: Config, base: str, site: str) -> Iterator[Entry]:
    """What is set below `base`: for all sites everything, for one what it has of its own."""
    for name, rule in config.rules[site].items():
        for key, value in _limits(rule):
            if f"{base}.{name}.{key}" in config.origins:
                yield _entry(config, f"{base}.{name}.{key}", value)


def _limits(rule: RuleConfig) -> Iterator[tuple[str, Any]]:
    yield "after", format_duration(rule.after)
    yield "keep_firing", format_duration(rule.keep_firing)
    yield "severity", rule.severity
    for key, value in asdict(rule.thresholds).items():
        yield key, format_duration(value) if key.endswith(SECONDS) else value


def _entry(config: Config, key: str, value: Any) -> Entry:  # noqa: ANN401 - a value of any setting
    text = "not set" if value is None else written(value)
    return Entry(key, text, _plain(value), config.origins[key])


def _leaves(path: KeyPath, value: Any) -> Iterator[tuple[KeyPath, Any]]:  # noqa: ANN401 - as above
    if isinstance(value, dict) and (value or not path):
        for key, below in value.items():
            yield from _leaves((*path, str(key)), below)
    else:
        yield path, value


def _plain(value: Any) -> Any:  # noqa: ANN401 - as above
    match value:
        case None | bool() | int() | float():
            return value
        case SecretStr() | SecretBytes():
            return HIDDEN
        case list() | tuple() | set() | frozenset():
            return [_plain(item) for item in value]
        case dict():
            return {str(key): _plain(item) for key, item in value.items()}
        case _:
            return cover(str(value))
