"""The file of a scenario: what it may say, and one line for each file that says something else."""

import tomllib
from collections.abc import Iterator, Mapping
from collections.abc import Set as AbstractSet
from dataclasses import replace
from datetime import UTC, datetime
from difflib import get_close_matches
from pathlib import Path
from typing import Any, Final, Literal, Self

from pydantic import Field, ValidationError, field_validator, model_validator

from lnwatch.errors import ConfigError, ConfigProblem
from lnwatch.fields import Duration, Settings, Slug
from lnwatch.simulator.scenario.catalogue import TO_COME
from lnwatch.simulator.scenario.causes import CAUSES, PERMISSIONS, How
from lnwatch.simulator.world.spec import PeerSpec, WorldSpec, shops

_FILES: Final = Path(__file__).with_name("files")
_SHOWN: Final = 60  # characters of what was found
_ALIKE: Final = 0.7


class Cause(Settings):
    """One thing that goes wrong: `at` after the beginning, or `before` it, for `lasts`. What it takes besides depends
    on `what`."""

    what: str
    at: Duration = Field("0s", validate_default=True)
    before: Duration = Field("0s", validate_default=True)
    lasts: Duration = Field("0s", validate_default=True)
    amount: float | None = None
    who: str = ""
    kind: str = ""
    path: str = ""

    @property
    def start(self) -> float:
        """Seconds after the beginning."""
        return self.at - self.before

    @property
    def how(self) -> How:
        """What its kind is told."""
        return How(self.amount or 0.0, self.who, self.lasts, self.kind, self.path)

    @field_validator("what")
    @classmethod
    def _known(cls, value: str) -> str:
        if value not in CAUSES:
            raise ValueError(f"there is no such cause: choose among {', '.join(CAUSES)}")
        return value

    @model_validator(mode="after")
    def _whole(self) -> Self:
        kind = CAUSES[self.what]
        if kind.amount and self.amount is None:
            raise ValueError(f"`amount` is missing: {kind.amount}")
        if self.amount is not None and not kind.amount:
            raise ValueError(f"`amount` does not go with {self.what}")
        if kind.who and not self.who:
            raise ValueError(f"`who` is missing: {kind.who}")
        if self.who and not kind.who:
            raise ValueError(f"`who` does not go with {self.what}")
        if self.before and (self.at or not kind.historic):
            raise ValueError(f"`before` does not go with {'`at`' if self.at else self.what}")
        if wrong := kind.wrong(self.how):
            raise ValueError(wrong)
        if self.lasts and kind.at_once:
            raise ValueError(f"`lasts` does not go with {self.what}: it happens at once")
        if not self.lasts and not kind.at_once:
            raise ValueError("`lasts` is missing: for how long it goes wrong")
        return self


class Opening(Settings):
    """A case that must open: something is hurt from when to when, and `within` so long of it the case must be open.

    `subject` `*` is any one of the rule. `told` are the kinds of channels that must hear of it; with `once` each
    hears of it once, and no second case of it opens.
    """

    rule: Slug
    subject: str = "*"
    hurt_from: Duration
    hurt_until: Duration
    within: Duration
    told: tuple[str, ...] = ("slack",)
    once: bool = False


class Window(Settings):
    """Work that is announced: what goes wrong then is not told, and counts as no downtime."""

    at: Duration
    lasts: Duration
    reason: str = Field(min_length=1)


class Figure(Settings):
    """What `/metrics` must show at the end: of `metric`, wherever it has these `labels`, from `least` to `most`."""

    metric: str
    labels: Mapping[str, str] = Field(default_factory=dict)
    least: float | None = None
    most: float | None = None

    @model_validator(mode="after")
    def _bound(self) -> Self:
        if self.least is None and self.most is None:
            raise ValueError("say `least`, `most` or both: what it must be")
        return self


class Scenario(Settings):
    """A world of `stores` (orders a day), `history` of which lies before its beginning, and what is true of it.

    `silent` are rules that must open no case, `tolerated` those that may, `untold` those of which nobody may hear.
    Every other case is a false one. With `pages` false nobody may be called. `uncovered` are rules of which must be
    said that they can't fire, `shows` figures.

    `tickets` are median prices in hundredths, `channels` capacities in satoshis by peer; with a `second_node` its
    probes are among the events.
    `lacks` are permissions that lnwatch's API key never had, `rules` limits that it is given, `maintenance` what it is
    told beforehand. `way`: over `sockets`, or for days at once by `facts`.
    """

    about: str
    seed: str
    begin: datetime
    lasts: Duration
    history: Duration = Field("1d", validate_default=True)
    way: Literal["sockets", "facts"] = "sockets"
    stores: Mapping[Slug, float]
    tickets: Mapping[Slug, int] = Field(default_factory=dict)
    channels: Mapping[Slug, tuple[int, ...]] = Field(default_factory=dict)
    second_node: bool = False
    lacks: tuple[str, ...] = ()
    rules: Mapping[Slug, Mapping[str, int | float | str]] = Field(default_factory=dict)
    maintenance: tuple[Window, ...] = ()
    causes: tuple[Cause, ...] = ()
    opens: tuple[Opening, ...] = ()
    silent: tuple[Slug, ...] = ()
    tolerated: tuple[Slug, ...] = ()
    untold: tuple[Slug, ...] = ()
    uncovered: tuple[Slug, ...] = ()
    shows: tuple[Figure, ...] = ()
    pages: bool = True

    @field_validator("stores")
    @classmethod
    def _busy(cls, value: Mapping[str, float]) -> Mapping[str, float]:
        if not value or not all(0 < each <= 100_000 for each in value.values()):
            raise ValueError("name at least one store with its orders a day: `stores = { books = 60 }`")
        return value

    @field_validator("tickets")
    @classmethod
    def _priced(cls, value: Mapping[str, int]) -> Mapping[str, int]:
        if not all(50 <= each <= 100_000_000 for each in value.values()):
            raise ValueError("a median price is between 50 and 100_000_000 hundredths")
        return value

    @field_validator("channels")
    @classmethod
    def _wide(cls, value: Mapping[str, tuple[int, ...]]) -> Mapping[str, tuple[int, ...]]:
        if not all(each and min(each) >= 100_000 for each in value.values()):
            raise ValueError("each peer has channels of at least 100_000 satoshis: `harbour = [5_000_000]`")
        return value

    @field_validator("lacks")
    @classmethod
    def _held(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        if strange := {*value} - {*PERMISSIONS}:
            raise ValueError(f"there is no {min(strange)} to lack: choose among {', '.join(PERMISSIONS)}")
        return value

    @field_validator("begin")
    @classmethod
    def _moment(cls, value: datetime) -> datetime:
        if value.tzinfo is None:
            raise ValueError("write the time zone too: `2026-03-03T14:00:00Z`")
        return value.astimezone(UTC)

    @model_validator(mode="after")
    def _inside(self) -> Self:
        late = [each.what for each in self.causes if each.start + each.lasts > self.lasts]
        late += ["maintenance" for each in self.maintenance if each.at + each.lasts > self.lasts]
        if late:
            raise ValueError(f"{late[0]} ends after the scenario: `lasts` is too short")
        if early := [each.what for each in self.causes if each.before > self.history]:
            raise ValueError(f"{early[0]} begins before the world: `history` is too short")
        if strange := {*self.tickets} - {*self.stores}:
            raise ValueError(f"`tickets` names {min(strange)}, which is not among `stores`")
        both = {each.rule for each in self.opens} & {*self.silent}
        if both:
            raise ValueError(f"{min(both)} can't both open and be silent")
        return self

    @property
    def earlier(self) -> tuple[Cause, ...]:
        """What goes wrong before its beginning."""
        return tuple(each for each in self.causes if each.before)

    def world(self, begin: float) -> WorldSpec:
        """Its world when it begins at some moment, with its history before."""
        spec = shops(self.seed, int((begin - self.history) * 1_000), **self.stores)
        stores = tuple(replace(each, ticket=self.tickets.get(each.name, each.ticket)) for each in spec.stores)
        peers = tuple(PeerSpec(name, capacities, uptime=0.9995) for name, capacities in self.channels.items())
        return replace(spec, stores=stores, peers=peers or spec.peers, second_node=self.second_node)

    @property
    def named(self) -> Iterator[tuple[str, str]]:
        """Every rule that it speaks of, with the key where it does."""
        yield from ((f"opens[{number}].rule", each.rule) for number, each in enumerate(self.opens, 1))
        lists = {"silent": self.silent, "tolerated": self.tolerated, "untold": self.untold, "uncovered": self.uncovered}
        for key, rules in lists.items():
            yield from ((f"{key}[{number}]", rule) for number, rule in enumerate(rules, 1))
        yield from ((f"rules.{rule}", rule) for rule in self.rules)

    @classmethod
    def read(cls, path: Path, rules: AbstractSet[str] | None = None) -> Self:
        """Read a file that may speak of `rules` and of those to come; of any where none are given.

        Raises ConfigError with one line for each thing that is wrong.
        """
        try:
            found = tomllib.loads(path.read_text())
        except OSError as error:
            raise ConfigError(ConfigProblem(str(path), "no file", f"can't be read: {error.strerror}")) from error
        except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
            raise ConfigError(ConfigProblem(str(path), "no TOML", str(error))) from error
        try:
            read = cls.model_validate(found)
        except ValidationError as error:
            raise ConfigError(*_problems(path, error)) from error
        if rules is not None and (strange := [*_strange(path, read, rules)]):
            raise ConfigError(*strange)
        return read


def _problems(path: Path, error: ValidationError) -> Iterator[ConfigProblem]:
    for each in error.errors():
        key = "".join(f"[{part + 1}]" if isinstance(part, int) else f".{part}" for part in each["loc"]).lstrip(".")
        remedy = each["msg"].removeprefix("Value error, ")
        yield ConfigProblem(f"{path.name}: {key or 'the file'}", _found(each), remedy[:1].lower() + remedy[1:])


def _strange(path: Path, scenario: Scenario, rules: AbstractSet[str]) -> Iterator[ConfigProblem]:
    known = {*rules, *TO_COME}
    for key, rule in scenario.named:
        if rule not in known:
            near = get_close_matches(rule, known, 1, _ALIKE)
            advice = f"did you mean {near[0]}?" if near else "README lists those that there are"
            yield ConfigProblem(f"{path.name}: {key}", repr(rule), f"there is no such rule: {advice}")


def _found(error: Any) -> str:  # noqa: ANN401 - pydantic's own
    if error["type"] == "missing":
        return "nothing"
    if isinstance(error["input"], Mapping):
        return "a table"
    text = repr(error["input"])
    return text if len(text) <= _SHOWN else f"{text[:_SHOWN]}…"


def shipped() -> dict[str, Path]:
    """The scenarios that come with lnwatch, by name."""
    return {path.stem: path for path in sorted(_FILES.glob("*.toml"))}
