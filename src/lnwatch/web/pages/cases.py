"""Lists of cases: what is open first and in words, then what is pending, then what ended lately."""

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from urllib.parse import urlencode

from lnwatch.model.assessment import Assessment, StandingCase
from lnwatch.model.case import LIVING, Case, CaseState, Fingerprint, Reason, short_id
from lnwatch.redaction import redact
from lnwatch.web.pages import decisions, words

SHOWN_PER_RULE = 3  # on the first page; a storm of one rule must not hide the others
MOST_PENDING = 10
MOST_ROWS = 500  # on the page of cases
ENDED = frozenset({CaseState.RESOLVED, CaseState.CLOSED})
_ATTENDED = (CaseState.OPEN, CaseState.ACKNOWLEDGED, CaseState.SNOOZED)


@dataclass(frozen=True, slots=True)
class CaseLine:
    """One case as a line. `id` is what people type for it, `state` says where it stands since when, `at` is shown when
    that is pointed at; `why` is the newest decision, where that says more."""

    fingerprint: Fingerprint
    id: str
    mark: str
    sentence: str
    state: str
    at: str
    owner: str
    why: str


@dataclass(frozen=True, slots=True)
class CaseGroup:
    """The open cases of one rule at one site, the worst and oldest of them as lines; `why` is what these share."""

    site: str
    rule: str
    mark: str
    count: int
    owners: str
    lines: tuple[CaseLine, ...]
    why: str

    @property
    def more(self) -> int:
        """How many are not shown."""
        return self.count - len(self.lines)

    @property
    def query(self) -> str:
        """What narrows the page of cases to these."""
        return urlencode({"site": self.site, "rule": self.rule})


@dataclass(frozen=True, slots=True)
class Wanted:
    """What the page of cases is narrowed to; an empty word narrows nothing."""

    site: str = ""
    rule: str = ""
    owner: str = ""
    severity: str = ""

    def words(self) -> dict[str, str]:
        """Only what narrows."""
        named = {"site": self.site, "rule": self.rule, "owner": self.owner, "severity": self.severity}
        return {name: word for name, word in named.items() if word}

    def has(self, case: Case) -> bool:
        """Whether a case is among those."""
        return all(_word(case, name) == word for name, word in self.words().items())


@dataclass(frozen=True, slots=True)
class Choice:
    """A way to narrow the page, or (`query` without it) to widen it again."""

    name: str
    word: str
    count: int
    query: str
    chosen: bool


@dataclass(frozen=True, slots=True)
class CasesPage:
    """Everything that the page of cases needs. `hidden` open ones are more than a page can bear."""

    assessed: str
    assessed_at: str
    choices: tuple[tuple[str, tuple[Choice, ...]], ...]
    open: tuple[CaseLine, ...]
    hidden: int
    pending: tuple[CaseLine, ...]
    ended: tuple[CaseLine, ...]
    trouble: str


def living(assessment: Assessment) -> list[StandingCase]:
    """The open cases, the worst first: of these roots, then what nobody has taken, then the oldest."""
    return sorted((one for one in assessment.cases.values() if one.case.state in LIVING), key=_urgency)


def pending(assessment: Assessment) -> list[StandingCase]:
    """What was found and has not lasted long enough, the worst first."""
    return sorted((one for one in assessment.cases.values() if one.case.state is CaseState.PENDING), key=_urgency)


def ended(assessment: Assessment) -> list[Case]:
    """What the assessment still has of those that are over."""
    return [one.case for one in assessment.cases.values() if one.case.state in ENDED]


def groups(cases: Iterable[StandingCase], now: float) -> tuple[CaseGroup, ...]:
    """Cases in their order, by site and rule."""
    found: dict[tuple[str, str], list[StandingCase]] = {}
    for one in cases:
        named = one.case.fingerprint
        found.setdefault((named.site, named.rule), []).append(one)
    return tuple(_group(site, rule, members, now) for (site, rule), members in found.items())


def line(case: Case, now: float, why: str = "") -> CaseLine:
    """A case as a line."""
    return CaseLine(
        fingerprint=case.fingerprint,
        id=short_id(case.fingerprint),
        mark=decisions.mark(case),
        sentence=redact(case.sentence),
        state=decisions.state(case, now),
        at=words.instant(case.ended_at if case.state in ENDED else case.opened_at or case.found_at),
        owner=decisions.owner(case.owner),
        why=why,
    )


def lines(cases: Iterable[StandingCase], now: float) -> Iterator[CaseLine]:
    """Cases as lines, each with its newest decision."""
    return (line(one.case, now, decisions.why(one)) for one in cases)


def cases_page(
    assessment: Assessment | None, over: Iterable[Case], wanted: Wanted, now: float, trouble: str
) -> CasesPage:
    """The page at `now`; `over` are those that ended lately, `trouble` says why they are not all there."""
    if assessment is None:
        return CasesPage("", "", (), (), 0, (), tuple(line(case, now) for case in over if wanted.has(case)), trouble)
    alive = [one for one in living(assessment) if wanted.has(one.case)]
    waiting = [one for one in pending(assessment) if wanted.has(one.case)]
    gone = [case for case in over if wanted.has(case)]
    return CasesPage(
        assessed=words.ago(assessment.at, now),
        assessed_at=words.instant(assessment.at),
        choices=tuple(_choices([one.case for one in alive], wanted)),
        open=tuple(lines(alive[:MOST_ROWS], now)),
        hidden=max(0, len(alive) - MOST_ROWS),
        pending=tuple(lines(waiting[:MOST_ROWS], now)),
        ended=tuple(line(case, now) for case in gone[:MOST_ROWS]),
        trouble=trouble,
    )


def _group(site: str, rule: str, members: list[StandingCase], now: float) -> CaseGroup:
    shown = tuple(lines(members[:SHOWN_PER_RULE], now))
    shared = {each.why for each in shown}
    why = shared.pop() if len(shared) == 1 else ""
    return CaseGroup(
        site=site,
        rule=rule,
        mark=decisions.SEVERITY_MARKS[members[0].case.severity],
        count=len(members),
        owners=" and ".join(sorted({decisions.owner(one.case.owner) for one in members})),
        lines=tuple(replace(each, why="") for each in shown) if why else shown,
        why=why,
    )


def _urgency(standing: StandingCase) -> tuple[object, ...]:
    case, inhibited = standing.case, standing.reason is Reason.INHIBITED
    attended = _ATTENDED.index(case.state) if case.state in _ATTENDED else 0
    named = case.fingerprint
    begun = case.opened_at or case.found_at
    return -case.severity.rank, inhibited, attended, begun, named.site, named.rule, named.subject


def _word(case: Case, name: str) -> str:
    named = {"site": case.fingerprint.site, "rule": case.fingerprint.rule}
    return named.get(name) or {"owner": case.owner.value, "severity": case.severity.value}[name]


def _choices(cases: list[Case], wanted: Wanted) -> Iterator[tuple[str, tuple[Choice, ...]]]:
    """For each name its words among these cases; where there is only one, it narrows nothing."""
    narrowed = wanted.words()
    for name in ("severity", "owner", "site", "rule"):
        counts = Counter(_word(case, name) for case in cases)
        chosen = name in narrowed
        if len(counts) < 2 and not chosen:
            continue
        others = {key: word for key, word in narrowed.items() if key != name}
        ranked = list(counts.items()) if name == "severity" else counts.most_common()  # these come the worst first
        offered = [(narrowed[name], counts.total())] if chosen else ranked
        yield (
            name,
            tuple(
                Choice(name, word, count, urlencode(others if chosen else {**others, name: word}), chosen)
                for word, count in offered
            ),
        )
