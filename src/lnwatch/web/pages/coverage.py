"""Which rules can't fire here, and what to grant so that they can: silence must mean health."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from lnwatch.model.assessment import Coverage
from lnwatch.model.snapshot import TargetState
from lnwatch.model.view import View
from lnwatch.redaction import redact
from lnwatch.web.pages import decisions, words

MOST_GAPS = 5  # on the first page
MOST_GRANTS = 3


@dataclass(frozen=True, slots=True)
class Gap:
    """Rules that can't fire at one site, or for one of its sources, all for one reason; a few of their `grants`."""

    rules: tuple[str, ...]
    why: str
    grants: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class CoverageLine:
    """One rule for one scope."""

    rule: str
    scope: str
    mark: str
    says: str
    grant: str
    severity: str
    owner: str


@dataclass(frozen=True, slots=True)
class CoverageSite:
    """The rules of one site, those that can't fire first."""

    slug: str
    lines: tuple[CoverageLine, ...]


@dataclass(frozen=True, slots=True)
class CoveragePage:
    """`mark` and `summary` say whether silence means health; empty before the first cycle."""

    mark: str
    summary: str
    sites: tuple[CoverageSite, ...]


def gaps(coverage: Iterable[Coverage], views: Mapping[str, View]) -> tuple[Gap, ...]:
    """What can't fire, by site, source and reason, the widest gap first; of a source that is not up nothing can be
    told, and there is nothing to grant either."""
    found: dict[tuple[str, str, str], list[Coverage]] = {}
    for one in coverage:
        if not one.covered:
            found.setdefault((one.site, one.scope, _away(one, views) or one.why), []).append(one)
    listed = [_gap(of, views) for of in found.values()]
    return tuple(sorted(listed, key=lambda gap: (-len(gap.rules), gap.why)))


def _gap(of: list[Coverage], views: Mapping[str, View]) -> Gap:
    first = of[0]
    away, place = _away(first, views), first.scope or first.site
    why = redact(first.why) if place in first.why else f"{place}: {redact(first.why)}"
    grants = () if away else dict.fromkeys(redact(one.grant) for one in of if one.grant)
    return Gap(tuple(dict.fromkeys(one.rule for one in of)), away or why, tuple(grants)[:MOST_GRANTS])


def _away(one: Coverage, views: Mapping[str, View]) -> str:
    """That its source does not answer as it should; empty where it does, or there is none."""
    view = views.get(one.site)
    target = view.targets.get(one.scope) if view is not None else None
    if target is None or target.state in {None, TargetState.UP}:
        return ""
    return f"{one.scope} is not up ({words.STATES[target.state].lower()}): nothing can be told until it is"


def summary(coverage: Iterable[Coverage]) -> tuple[str, str]:
    """A mark, and in one sentence how many rules can fire everywhere."""
    rules: dict[tuple[str, str], bool] = {}
    for one in coverage:
        rules[one.site, one.rule] = rules.get((one.site, one.rule), True) and one.covered
    if not rules:
        return "none", "Not known yet."
    blind = sum(not covered for covered in rules.values())
    if not blind:
        return "good", f"All {words.count(len(rules), 'rule')} can fire: silence means health."
    return "wait", f"{blind:,} of {words.count(len(rules), 'rule')} can't fire everywhere: their silence means nothing."


def coverage_page(coverage: Iterable[Coverage]) -> CoveragePage:
    """Every rule of every site."""
    rows = tuple(coverage)
    mark, says = summary(rows)
    sites = tuple(
        CoverageSite(slug, tuple(_line(one) for one in sorted(rows, key=_order) if one.site == slug))
        for slug in sorted({one.site for one in rows})
    )
    return CoveragePage(mark, says, sites)


def _order(one: Coverage) -> tuple[bool, int, str, str]:
    return one.covered, -one.severity.rank, one.rule, one.scope


def _line(one: Coverage) -> CoverageLine:
    return CoverageLine(
        rule=one.rule,
        scope=one.scope,
        mark="good" if one.covered else "wait",
        says="can fire" if one.covered else redact(one.why),
        grant="" if one.covered else redact(one.grant),
        severity=one.severity.value,
        owner=decisions.owner(one.owner),
    )
