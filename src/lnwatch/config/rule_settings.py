"""The block of one rule, made from its thresholds: when its findings are told, how grave they are, and its limits."""

import dataclasses
from dataclasses import MISSING, dataclass, fields
from typing import Annotated, Any

from pydantic import BeforeValidator, Field, PlainSerializer, Strict, create_model

from lnwatch.fields import Duration, Settings, format_duration, parse_duration
from lnwatch.model.rule import Rule, Severity

SECONDS = "_seconds"  # what the name of a threshold ends with that is a span of time


class RuleSettings(Settings):
    """What may be set for every rule; without a `severity` each finding has the one that its rule gives it."""

    after: Duration = Field("0s", validate_default=True)
    keep_firing: Duration = Field("0s", validate_default=True)
    severity: Severity | None = None


@dataclass(frozen=True, slots=True)
class RuleKind:
    """A rule and the settings that read its block."""

    rule: Rule[Any]
    settings: type[RuleSettings]


def rule_kind(rule: Rule[Any]) -> RuleKind:
    """The rule with a block that has its own defaults and its thresholds by field name."""
    keys: dict[str, Any] = {
        "after": (Duration, format_duration(rule.after)),
        "keep_firing": (Duration, format_duration(rule.keep_firing)),
        "severity": (Severity | None, None),
    }
    keys |= {field.name: (_annotation(field), _default(field)) for field in fields(rule.thresholds)}
    return RuleKind(rule, create_model(rule.id, __base__=RuleSettings, **keys))


def thresholds(rule: Rule[Any], settings: RuleSettings) -> Any:  # noqa: ANN401 - of each rule its own
    """The thresholds of a rule as its settings have them. Raises ValueError where one is out of range."""
    return rule.thresholds(**{field.name: getattr(settings, field.name) for field in fields(rule.thresholds)})


def _seconds(value: Any) -> float:  # noqa: ANN401 - it comes from outside, as anything
    if isinstance(value, int | float) and not isinstance(value, bool):
        return float(value)
    if isinstance(value, str):
        try:
            return parse_duration(value)
        except ValueError:
            pass
    raise ValueError("a span of time is text with a unit (`30s`, `1h30m`), or a number of seconds")


_Seconds = Annotated[float, BeforeValidator(_seconds), PlainSerializer(format_duration)]


def _annotation(field: dataclasses.Field[Any]) -> Any:  # noqa: ANN401 - an annotation is anything
    """Figures are strict: `true` is no 1, and a text is no figure."""
    if field.name.endswith(SECONDS):
        return _Seconds
    return Annotated[field.type, Strict()] if field.type in (int, float) else field.type


def _default(field: dataclasses.Field[Any]) -> Any:  # noqa: ANN401 - of each field its own
    return field.default if field.default is not MISSING else ...
