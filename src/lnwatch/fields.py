"""What settings are made of: durations, amounts, slugs and credentials, as people write them.

Each room declares its own block as a `Settings` and validates it; `config.py` only puts them together.
"""

import re
from pathlib import Path
from typing import Annotated, Any, ClassVar

from pydantic import BaseModel, BeforeValidator, ConfigDict, PlainSerializer, ValidationInfo

from lnwatch.model.money import Msat, format_msat, parse_amount

SLUG = re.compile(r"[a-z][a-z0-9_-]{0,62}")
_DURATION = re.compile(r"([0-9]+(?:\.[0-9]+)?)(ms|s|m|h|d|w)")
_SECONDS = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3_600.0, "d": 86_400.0, "w": 604_800.0}


class Settings(BaseModel):
    """A block of the configuration: frozen, and a key that it does not know is an error.

    `written` are keys of files that lnwatch itself writes: they may not be there yet.
    """

    written: ClassVar[frozenset[str]] = frozenset()

    model_config = ConfigDict(extra="forbid", frozen=True, validate_default=True)


def parse_duration(value: Any) -> float:  # noqa: ANN401 - it comes from outside, as anything
    """Seconds of `15s`, `500ms`, `1h30m` or `30d`. Raises ValueError without a unit.

    Defaults are written in the same way: `interval: Duration = Field("15s")`.
    """
    if isinstance(value, str):
        parts = _DURATION.findall(text := value.strip().replace(" ", ""))
        if parts and "".join(figure + unit for figure, unit in parts) == text:
            return sum(float(figure) * _SECONDS[unit] for figure, unit in parts)
    message = "a duration is text with a unit: `15s`, `500ms`, `1h30m` or `30d`"
    raise ValueError(message)


def format_duration(seconds: float) -> str:
    """Write seconds in the largest unit that keeps the figure whole: 900.0 becomes `15m`."""
    for unit in ("w", "d", "h", "m", "s"):
        if seconds >= _SECONDS[unit] and seconds % _SECONDS[unit] == 0:
            return f"{int(seconds / _SECONDS[unit])}{unit}"
    return f"{round(seconds * 1000)}ms" if seconds % 1 else f"{int(seconds)}s"


def _amount(value: Any) -> Msat:  # noqa: ANN401 - it comes from outside, as anything
    if isinstance(value, str):
        return parse_amount(value)
    message = "an amount is text with a unit: `250_000 sat`, `0.01 BTC` or `1500 msat`"
    raise ValueError(message)


def _format_amount(amount: Msat) -> str:
    return format_msat(amount).replace(",", "_")  # as it may stand in the file


def _slug(value: Any) -> str:  # noqa: ANN401 - it comes from outside, as anything
    if isinstance(value, str) and SLUG.fullmatch(value):
        return value
    message = "a name is lower-case letters, figures, `-` and `_`, begins with a letter, 63 at most"
    raise ValueError(message)


def resolve_path(text: str, directory: Path) -> Path:
    """The path that `text` names, `~` expanded; a relative one is below `directory`. Raises ValueError."""
    if not text or "\0" in text:
        raise ValueError("a path has at least one character, and no NUL")
    try:
        return directory / Path(text).expanduser()
    except RuntimeError as error:
        raise ValueError("there is no such user, so `~` leads nowhere; write the whole path") from error


def _path(value: Any, info: ValidationInfo) -> Any:  # noqa: ANN401 - it comes from outside, as anything
    if not isinstance(value, str):
        return value
    return resolve_path(value, (info.context or {}).get("directory", Path()))


Duration = Annotated[float, BeforeValidator(parse_duration), PlainSerializer(format_duration)]
Amount = Annotated[Msat, BeforeValidator(_amount), PlainSerializer(_format_amount)]
Slug = Annotated[str, BeforeValidator(_slug)]
FilePath = Annotated[Path, BeforeValidator(_path)]
