"""What a daemon made of a scenario, held against the truth. Times are seconds from the scenario's beginning."""

import math
from collections.abc import Iterable, Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import asdict, dataclass, field
from typing import Any

from prometheus_client.samples import Sample

from lnwatch.simulator.scenario.file import Figure, Opening, Scenario

_PAGER = "pagerduty"
_TELLING = frozenset({"critical", "warning"})


@dataclass(frozen=True, slots=True)
class Seen:
    """A case that was opened, and to which kinds of channels it was told. `explained`: the world knows what brought it
    about, though nobody let it go wrong: a customer who paid too little, a peer that was away."""

    rule: str
    subject: str
    severity: str
    opened: float
    ended: float | None
    told: frozenset[str]
    explained: bool = False


@dataclass(frozen=True, slots=True)
class Caught:
    """What became of one case that had to open: after how long it did and by when it had to, how long after the harm it
    ended, and the channels that did not hear of it. `opened` None: missed. Not `built`: there is no such rule yet."""

    rule: str
    opened: float | None
    within: float
    ended: float | None
    untold: tuple[str, ...]
    built: bool = True

    @property
    def well(self) -> bool:
        """Whether it was in time, and told; of a rule that is still to come nothing is asked."""
        return not self.built or (self.opened is not None and self.opened <= self.within and not self.untold)


@dataclass(frozen=True, slots=True)
class Verdict:
    """`false` are cases that should not be, `loud` rules that had to be silent or untold, `heard` all that were told,
    `paged` those that paged, without what goes wrong by itself; `pages` is what PagerDuty got in all. `covered` are
    those of which it was not said that they can't fire, `again` those that opened or were told more than once and
    should not, `off` figures that were not as they had to be. `messages` are those of each kind of channel, `events` is
    the digest of what happened in the world. `broken` says why there is no verdict.
    """

    caught: tuple[Caught, ...]
    false: tuple[str, ...]
    loud: tuple[str, ...]
    heard: tuple[str, ...]
    paged: tuple[str, ...]
    pages: int
    may_page: bool
    messages: Mapping[str, int]
    events: str = ""
    covered: tuple[str, ...] = ()
    again: tuple[str, ...] = ()
    off: tuple[str, ...] = ()
    broken: str = ""

    @property
    def well(self) -> bool:
        """Whether all of it is as the truth has it."""
        quiet = self.may_page or not self.paged
        wrong = (*self.false, *self.loud, *self.covered, *self.again, *self.off)
        return all(each.well for each in self.caught) and not wrong and quiet and not self.broken

    def document(self) -> dict[str, Any]:
        """As JSON."""
        return {"well": self.well, **asdict(self), "caught": [{"well": e.well, **asdict(e)} for e in self.caught]}


@dataclass(frozen=True, slots=True)
class Outcome:
    """What came of a run beside its cases: how many messages each kind of channel `told` of, the rules that are `built`
    the `samples` of `/metrics` at the end, the `times` that each was told anew, and the digest of the world's `events`.
    """

    told: Mapping[str, int]
    built: AbstractSet[str]
    samples: Sequence[Sample] = ()
    times: Mapping[str, int] = field(default_factory=dict)
    events: str = ""

    @property
    def covered(self) -> AbstractSet[str]:
        """The rules that can fire, as is said of them."""
        return {each.labels["rule"] for each in self.samples if each.name == "lnwatch_rule_covered" and each.value == 1}


def broken(why: str) -> Verdict:
    """That of a scenario that could not be run."""
    return Verdict((), (), (), (), (), 0, may_page=True, messages={}, broken=why)


def judge(
    scenario: Scenario,
    seen: Sequence[Seen],
    outcome: Outcome,
) -> Verdict:
    """Hold what was seen against the truth."""
    loud = {each.rule for each in seen if each.rule in scenario.silent or (each.told and each.rule in scenario.untold)}
    tolerated = {*scenario.tolerated, *scenario.silent}
    others = [each for each in seen if each.rule not in tolerated and each.severity in _TELLING and not each.explained]
    return Verdict(
        caught=tuple(_caught(each, seen, built=each.rule in outcome.built) for each in scenario.opens),
        false=tuple(
            sorted(
                {
                    f"{each.rule} {each.subject}"
                    for each in others
                    if not any(_fits(opening, each) for opening in scenario.opens)
                }
            )
        ),
        loud=tuple(sorted(loud)),
        heard=tuple(sorted({each.rule for each in seen if each.told})),
        paged=tuple(sorted({each.rule for each in seen if _PAGER in each.told and not each.explained})),
        pages=outcome.told.get(_PAGER, 0),
        may_page=scenario.pages,
        messages=outcome.told,
        events=outcome.events,
        covered=tuple(sorted({*scenario.uncovered} & outcome.covered)),
        off=tuple(text for figure in scenario.shows if (text := _off(figure, outcome.samples))),
        again=tuple(sorted(each.rule for each in scenario.opens if each.once and _again(each, seen, outcome.times))),
    )


def _off(figure: Figure, samples: Iterable[Sample]) -> str:
    """What is wrong with one, if anything is."""
    labels = figure.labels.items()
    found = [each.value for each in samples if each.name == figure.metric and labels <= each.labels.items()]
    least, most = -math.inf if figure.least is None else figure.least, math.inf if figure.most is None else figure.most
    strange = [value for value in found if not least <= value <= most]
    if found and not strange:
        return ""
    named = ", ".join(f'{label}="{value}"' for label, value in labels)
    return f"{figure.metric}{{{named}}} is {strange[0]:g}" if found else f"{figure.metric}{{{named}}} is not there"


def _again(opening: Opening, seen: Iterable[Seen], times: Mapping[str, int]) -> bool:
    cases = sum(each.rule == opening.rule and opening.subject in ("*", each.subject) for each in seen)
    return cases > 1 or times.get(opening.rule, 0) > 1


def _caught(opening: Opening, seen: Iterable[Seen], *, built: bool) -> Caught:
    fits = sorted((each for each in seen if _fits(opening, each)), key=lambda each: each.opened)
    if not fits:
        return Caught(opening.rule, None, opening.within, None, opening.told, built)
    first = fits[0]
    return Caught(
        rule=opening.rule,
        opened=round(first.opened - opening.hurt_from, 1),
        within=opening.within,
        ended=None if first.ended is None else round(first.ended - opening.hurt_until, 1),
        untold=tuple(each for each in opening.told if each not in first.told),
        built=built,
    )


def _fits(opening: Opening, case: Seen) -> bool:
    """Whether a case is of what is hurt, while it is."""
    latest = max(opening.hurt_until, opening.hurt_from + opening.within)
    alike = case.rule == opening.rule and opening.subject in ("*", case.subject)
    return alike and opening.hurt_from <= case.opened <= latest
