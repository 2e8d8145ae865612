"""What a daemon made of a scenario, held against the truth. Times are seconds from the scenario's beginning."""

from collections.abc import Iterable, Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import asdict, dataclass
from types import MappingProxyType
from typing import Any

from lnwatch.simulator.scenario.file import Opening, Scenario

_PAGER = "pagerduty"
_TELLING = frozenset({"critical", "warning"})
# What goes wrong by itself in every world: customers pay late, too little, too much or twice, and spend again; peers
# come and go, some of them for longer than a rule waits.
_BY_THEMSELVES = frozenset(
    {"paid_late", "paid_partial", "paid_over", "paid_twice", "invoice_regressed", "channel_inactive", "peer_flapping"}
)


@dataclass(frozen=True, slots=True)
class Seen:
    """A case that was opened, and to which kinds of channels it was told."""

    rule: str
    subject: str
    severity: str
    opened: float
    ended: float | None
    told: frozenset[str]


@dataclass(frozen=True, slots=True)
class Caught:
    """What became of one case that had to open: after how long it did and by when it had to, how long after the harm it
    ended, and the channels that did not hear of it. `opened` None: missed."""

    rule: str
    opened: float | None
    within: float
    ended: float | None
    untold: tuple[str, ...]

    @property
    def well(self) -> bool:
        """Whether it was in time, and told."""
        return self.opened is not None and self.opened <= self.within and not self.untold


@dataclass(frozen=True, slots=True)
class Verdict:
    """`false` are cases that should not be, `loud` rules that had to be silent or untold, `heard` all that were told,
    `paged` those that paged, without what goes wrong by itself; `pages` is what PagerDuty got in all. `covered` are
    those of which it was not said that they can't fire, `again` those that opened or were told more than once and
    should not.
    """

    caught: tuple[Caught, ...]
    false: tuple[str, ...]
    loud: tuple[str, ...]
    heard: tuple[str, ...]
    paged: tuple[str, ...]
    pages: int
    may_page: bool
    messages: int
    covered: tuple[str, ...] = ()
    again: tuple[str, ...] = ()

    @property
    def well(self) -> bool:
        """Whether all of it is as the truth has it."""
        quiet = self.may_page or not self.paged
        wrong = (*self.false, *self.loud, *self.covered, *self.again)
        return all(each.well for each in self.caught) and not wrong and quiet

    def document(self) -> dict[str, Any]:
        """As JSON."""
        return {"well": self.well, **asdict(self), "caught": [{"well": e.well, **asdict(e)} for e in self.caught]}


def judge(
    scenario: Scenario,
    seen: Sequence[Seen],
    told: Mapping[str, int],
    covered: AbstractSet[str] = frozenset(),
    times: Mapping[str, int] = MappingProxyType({}),
) -> Verdict:
    """Hold what was seen against the truth.

    `told` is how many messages each kind of channel got, `covered` the rules that can fire, `times` how often each rule
    was told anew.
    """
    wanted = {each.rule for each in scenario.opens}
    loud = {each.rule for each in seen if each.rule in scenario.silent or (each.told and each.rule in scenario.untold)}
    tolerated = wanted | _BY_THEMSELVES | {*scenario.tolerated}
    others = [each for each in seen if each.rule not in tolerated and each.severity in _TELLING]
    return Verdict(
        caught=tuple(_caught(each, seen) for each in scenario.opens),
        false=tuple(sorted({f"{each.rule} {each.subject}" for each in others if each.rule not in scenario.silent})),
        loud=tuple(sorted(loud)),
        heard=tuple(sorted({each.rule for each in seen if each.told})),
        paged=tuple(sorted({each.rule for each in seen if _PAGER in each.told} - _BY_THEMSELVES)),
        pages=told.get(_PAGER, 0),
        may_page=scenario.pages,
        messages=sum(told.values()),
        covered=tuple(sorted({*scenario.uncovered} & covered)),
        again=tuple(sorted(each.rule for each in scenario.opens if each.once and _again(each, seen, times))),
    )


def _again(opening: Opening, seen: Iterable[Seen], times: Mapping[str, int]) -> bool:
    cases = sum(each.rule == opening.rule and opening.subject in ("*", each.subject) for each in seen)
    return cases > 1 or times.get(opening.rule, 0) > 1


def _caught(opening: Opening, seen: Iterable[Seen]) -> Caught:
    fits = sorted(
        (
            each
            for each in seen
            if each.rule == opening.rule
            and opening.subject in ("*", each.subject)
            and opening.hurt_from <= each.opened <= max(opening.hurt_until, opening.hurt_from + opening.within)
        ),
        key=lambda each: each.opened,
    )
    if not fits:
        return Caught(opening.rule, None, opening.within, None, opening.told)
    first = fits[0]
    return Caught(
        rule=opening.rule,
        opened=round(first.opened - opening.hurt_from, 1),
        within=opening.within,
        ended=None if first.ended is None else round(first.ended - opening.hurt_until, 1),
        untold=tuple(each for each in opening.told if each not in first.told),
    )
