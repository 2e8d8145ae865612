"""The configuration as it works: every value, defaults included, with where it came from."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from pydantic import SecretBytes, SecretStr

from lnwatch.config.lines import KeyPath
from lnwatch.config.redaction import HIDDEN, cover, dotted, written
from lnwatch.config.values import Config, Origin
from lnwatch.fields import Settings


@dataclass(frozen=True, slots=True)
class Entry:
    """One value: `text` as TOML writes it, `plain` as JSON does, both without secrets; None is unset."""

    key: str
    text: str
    plain: Any
    origin: Origin


def leaves(settings: Settings) -> Iterator[tuple[KeyPath, Any]]:
    """Every value inside a block with its path there; durations and amounts as people write them."""
    yield from _leaves((), settings.model_dump())


def entries(config: Config) -> Iterator[Entry]:
    """Every value of the configuration, in the order of the file."""
    yield _entry(config, "data_dir", config.data_dir)
    rooms: dict[str, Settings] = {"ledger": config.ledger, "web": config.web, "log": config.log, "net": config.net}
    sources = {source.key: source.settings for site in config.sites.values() for source in site.sources}
    for base, settings in {**rooms, **sources}.items():
        for path, value in leaves(settings):
            yield _entry(config, f"{base}.{dotted(path)}", value)


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
