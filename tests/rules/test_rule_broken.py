"""Rule `rule_broken`: rules that raised."""

from lnwatch.model.view import OwnHealth, View
from lnwatch.rules.rule_broken import RULE
from tests.rules.views import judged, make_view


def own(**broken: str) -> View:
    return make_view(site="lnwatch", own=OwnHealth(broken_rules=broken))


def test_found_with_its_error() -> None:
    """Which rule, and what it raised."""
    finding = judged(RULE, own(backup_stale="KeyError: 'path'")).only
    assert finding.subject == "rule:backup_stale"
    assert finding.sentence == (
        "The rule:backup_stale of lnwatch is broken and finds nothing until it is mended: KeyError: 'path'."
    )


def test_each_rule_is_a_case() -> None:
    """One broken rule hides no other."""
    verdict = judged(RULE, own(one="ValueError: x", two="TypeError: y"))
    assert set(verdict.found) == {"rule:one", "rule:two"}


def test_a_long_error_is_cut_to_one_line() -> None:
    """A traceback does not fit a message."""
    finding = judged(RULE, own(one="ValueError: " + "long\n" * 200)).only
    assert len(finding.sentence) < 320


def test_another_error_is_new_evidence() -> None:
    """A case that was closed by hand comes back with another fault."""
    first, second = (judged(RULE, own(one=error)).only.evidence for error in ("KeyError: 'a'", "KeyError: 'b'"))
    assert first != second


def test_quiet_when_all_rules_work() -> None:
    """Nothing is broken."""
    assert judged(RULE, own()).clear


def test_unknown_without_own_health() -> None:
    """Nothing known is not well."""
    assert list(judged(RULE, make_view(site="lnwatch")).unknown) == [None]
