"""Cases: what is open and for how long, and which rules can fire at all."""

from collections import Counter
from collections.abc import Iterator
from itertools import islice, zip_longest

from lnwatch.exporter.metric import Kind, Metric, Row
from lnwatch.exporter.moment import Moment
from lnwatch.model.case import LIVING, Case
from lnwatch.model.rule import Severity

MOST_SUBJECTS = 500  # of one site

RULE = ("site", "rule")
CASE = (*RULE, "severity", "owner")


def _open(moment: Moment) -> list[Case]:
    """Pending ones are on the status page alone. An engine that stands still resolves nothing, so these don't age."""
    return [standing.case for standing in moment.assessment.cases.values() if standing.case.state in LIVING]


def _labels(case: Case) -> tuple[str, str, str, str]:
    return case.fingerprint.site, case.fingerprint.rule, case.severity.value, case.owner.value


def _since(case: Case) -> float:
    return case.opened_at if case.opened_at is not None else case.found_at


def _findings(moment: Moment) -> Iterator[Row]:
    """At 0 from the start with every severity, for a finding may be worse or milder than its rule."""
    counts = {
        (each.site, each.rule, severity.value, each.owner.value): 0
        for each in moment.assessment.coverage
        for severity in Severity
    }
    yield from (counts | Counter(map(_labels, _open(moment)))).items()


def _by_site(moment: Moment) -> dict[str, list[Case]]:
    sites: dict[str, list[Case]] = {each.site: [] for each in moment.assessment.coverage}
    for case in _open(moment):
        sites.setdefault(case.fingerprint.site, []).append(case)
    return sites


def _shown(cases: list[Case]) -> list[Case]:
    """As many as get a series of their own: each rule in turn, so that no rule's storm hides another rule."""
    if len(cases) <= MOST_SUBJECTS:
        return cases
    by_rule: dict[str, list[Case]] = {}
    for case in sorted(cases, key=lambda case: (-case.severity.rank, _since(case))):
        by_rule.setdefault(case.fingerprint.rule, []).append(case)
    in_turn = (case for turn in zip_longest(*by_rule.values()) for case in turn if case is not None)
    return list(islice(in_turn, MOST_SUBJECTS))


def _subjects(moment: Moment) -> Iterator[Row]:
    for cases in _by_site(moment).values():
        for case in _shown(cases):
            yield (*_labels(case), case.fingerprint.subject), 1


def _untold(moment: Moment) -> Iterator[Row]:
    for cases in _by_site(moment).values():
        for case in _shown(cases):
            if not case.told:
                yield (case.fingerprint.site, case.fingerprint.rule, case.fingerprint.subject), 1


def _overflow(moment: Moment) -> Iterator[Row]:
    for site, cases in _by_site(moment).items():
        yield (site,), max(0, len(cases) - MOST_SUBJECTS)


def _oldest(moment: Moment) -> Iterator[Row]:
    oldest: dict[tuple[str, str, str, str], float] = {}
    for case in _open(moment):
        labels, since = _labels(case), _since(case)
        oldest[labels] = min(since, oldest.get(labels, since))
    for labels, since in oldest.items():
        yield labels, max(0.0, moment.now - since)


def _covered(moment: Moment) -> Iterator[Row]:
    covered: dict[tuple[str, str], bool] = {}
    for each in moment.assessment.coverage:
        covered[each.site, each.rule] = each.covered and covered.get((each.site, each.rule), True)
    for labels, everywhere in covered.items():
        yield labels, int(everywhere)


METRICS = (
    Metric(
        "lnwatch_findings", "Open cases, acknowledged and snoozed ones included, by rule.", Kind.GAUGE, CASE, _findings
    ),
    Metric(
        "lnwatch_case_open",
        f"1 while the case is open; at most {MOST_SUBJECTS} of a site, each rule in turn.",
        Kind.GAUGE,
        (*CASE, "subject"),
        _subjects,
    ),
    Metric(
        "lnwatch_case_untold",
        "1 while a root, a silence, a window or the grace of a common restart keeps the open case untold.",
        Kind.GAUGE,
        (*RULE, "subject"),
        _untold,
    ),
    Metric(
        "lnwatch_case_open_overflow",
        f"Open cases beyond the {MOST_SUBJECTS} that have a series of their own.",
        Kind.GAUGE,
        ("site",),
        _overflow,
    ),
    Metric(
        "lnwatch_case_oldest_age_seconds",
        "For how long the oldest open case has been open; absent while none is.",
        Kind.GAUGE,
        CASE,
        _oldest,
    ),
    Metric(
        "lnwatch_rule_covered",
        "1 where the rule can fire for all that it is about; `lnwatch coverage` says why not.",
        Kind.GAUGE,
        RULE,
        _covered,
    ),
)
