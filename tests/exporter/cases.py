"""Cases and coverage for the exporter, with everything that a test does not care about filled in."""

from dataclasses import replace
from typing import Any

from lnwatch.model.assessment import Assessment, Coverage, StandingCase
from lnwatch.model.case import Case, CaseState, Fingerprint, Reason
from lnwatch.model.rule import Owner, Severity
from tests import assessments as build


def case(rule: str = "lightning_down", subject: str = "node:ln1", site: str = "main", **changes: Any) -> Case:  # noqa: ANN401 - a table of fields
    """Critical, of on-call, open for an hour."""
    usual = Case(
        fingerprint=Fingerprint(site, rule, subject),
        number=1,
        state=CaseState.OPEN,
        scope="",
        severity=Severity.CRITICAL,
        owner=Owner.ONCALL,
        sentence=f"{subject} is not well.",
        found_at=build.NOW - 3_660,
        seen_at=build.NOW,
        opened_at=build.NOW - 3_600,
    )
    return replace(usual, **changes)


def covered(rule: str = "lightning_down", site: str = "main", **changes: Any) -> Coverage:  # noqa: ANN401 - a table of fields
    """A rule that can fire."""
    return replace(Coverage(site, rule, "", Severity.CRITICAL, Owner.ONCALL, covered=True), **changes)


def judged(assessment: Assessment, *cases: Case, coverage: tuple[Coverage, ...] = ()) -> Assessment:
    """The same with these cases; the rules of all of them are covered, and those of `coverage` as it says."""
    standing = {each.fingerprint: StandingCase(each, Reason.STILL_FOUND) for each in cases}
    own = tuple(covered(each.fingerprint.rule, each.fingerprint.site) for each in cases)
    return replace(assessment, cases=standing, coverage=(*own, *coverage))
