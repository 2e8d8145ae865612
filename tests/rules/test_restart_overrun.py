"""Rule `restart_overrun`: what left together is not back in time."""

import pytest

from lnwatch.model.rule import Severity
from lnwatch.model.snapshot import TargetState
from lnwatch.model.view import StateSpan, View
from lnwatch.rules.restart_overrun import RULE
from tests.assessments import NOW
from tests.rules.views import failing, judged, make_target, make_view, span

CORE, NODE = make_target("bitcoind"), make_target("lnd")
UP, DOWN, STARTING, HANGING = TargetState.UP, TargetState.DOWN, TargetState.STARTING, TargetState.HANGING


def before(*slugs: str) -> list[StateSpan]:
    return [span(slug, NOW - 40_000, UP, "1.0") for slug in slugs]


def both_left(ago: float, core: TargetState, node: TargetState, apart: float = 10.0) -> View:
    """Both left `apart` seconds from each other, `ago` seconds before now."""
    states = [
        *before("core", "ln1"),
        span("core", NOW - ago, DOWN),
        span("ln1", NOW - ago + apart, DOWN),
        span("core", NOW - 20, core, "1.1"),
        span("ln1", NOW - 20, node, "1.1"),
    ]
    sources = [
        target if state is UP else failing(target, state, since=NOW - 20)
        for target, state in ((CORE, core), (NODE, node))
    ]
    return make_view(*sources, make_target("host"), states=states)


def test_found_when_one_is_not_back() -> None:
    """Who left, since when, who is missing in which state, and the versions from before."""
    finding = judged(RULE, both_left(250, UP, STARTING)).only
    assert finding.sentence == (
        "core and ln1 of site:main left together at 2027-01-15 07:55:50 UTC, and after 4 min 10 s (limit 4 min) "
        "ln1 is still starting."
    )
    assert finding.severity is None
    assert finding.facts == {"core before": "1.0", "ln1 before": "1.0", "core now": "31.0"}


@pytest.mark.parametrize("state", [DOWN, STARTING, HANGING, TargetState.LOCKED, TargetState.REJECTED])
def test_every_state_but_serving_is_missing(state: TargetState) -> None:
    """Back is who serves; catching up is serving."""
    assert judged(RULE, both_left(300, UP, state)).found
    assert judged(RULE, both_left(300, state, state)).found
    assert judged(RULE, both_left(300, UP, TargetState.SYNCING)).clear


@pytest.mark.parametrize(("ago", "severity"), [(30, Severity.INFO), (240, Severity.INFO), (240.5, None)])
def test_edge_of_the_grace(ago: float, severity: Severity | None) -> None:
    """Four minutes are allowed, whole: until then it is for the record, afterwards it is the rule's own severity."""
    assert judged(RULE, both_left(ago, UP, STARTING)).only.severity is severity


def test_quiet_when_all_are_back() -> None:
    """An upgrade that went well leaves nothing behind."""
    assert judged(RULE, both_left(120, UP, UP)).clear


@pytest.mark.parametrize(("apart", "found"), [(60, True), (61, False)])
def test_edge_of_together(apart: float, found: bool) -> None:
    """What leaves more than a minute later is a fault of its own."""
    assert bool(judged(RULE, both_left(600, DOWN, DOWN, apart)).found) is found


def test_quiet_when_one_leaves_alone() -> None:
    """One component that is down is told by its own rule."""
    states = [*before("core", "ln1"), span("ln1", NOW - 900, DOWN)]
    assert judged(RULE, make_view(CORE, failing(NODE, DOWN, since=NOW - 900), states=states)).clear


@pytest.mark.parametrize("later", [300, 60, 15])
@pytest.mark.parametrize("state", [DOWN, STARTING])
def test_a_node_that_dies_of_its_bitcoind_is_no_restart(later: float, state: TargetState) -> None:
    """A Lightning node hangs when bitcoind dies and gives up, soon or late: that has one root, and no grace."""
    states = [
        *before("core", "ln1"),
        span("core", NOW - 900, DOWN),
        span("ln1", NOW - 890, HANGING),
        span("ln1", NOW - 900 + later, state),
    ]
    node = failing(NODE, state, since=NOW - 900 + later)
    assert judged(RULE, make_view(failing(CORE, DOWN, since=NOW - 900), node, states=states)).clear


def test_a_node_that_hangs_while_it_is_away_restarts_all_the_same() -> None:
    """Who left first and hung on its way back belongs to those who left with it."""
    states = [
        *before("core", "ln1"),
        span("core", NOW - 300, DOWN),
        span("ln1", NOW - 295, DOWN),
        span("ln1", NOW - 200, HANGING),
    ]
    view = make_view(failing(CORE, DOWN, since=NOW - 300), failing(NODE, HANGING, since=NOW - 200), states=states)
    assert judged(RULE, view).found


def test_an_earlier_restart_does_not_count() -> None:
    """Who left together yesterday and came back has nothing to do with who leaves now."""
    states = [
        *before("core", "ln1"),
        span("core", NOW - 9_000, DOWN),
        span("ln1", NOW - 9_000, DOWN),
        span("core", NOW - 8_900, UP),
        span("ln1", NOW - 8_900, UP),
        span("ln1", NOW - 600, DOWN),
    ]
    assert judged(RULE, make_view(CORE, failing(NODE, DOWN, since=NOW - 600), states=states)).clear


def test_found_without_history() -> None:
    """Where the ledger has no past of them, the present states tell."""
    sources = [failing(target, DOWN, since=NOW - 300) for target in (CORE, NODE)]
    assert judged(RULE, make_view(*sources)).found


def test_a_host_is_no_component() -> None:
    """The machine that lnwatch runs on does not restart with the stack."""
    host = failing(make_target("host"), DOWN, since=NOW - 300)
    assert judged(RULE, make_view(failing(NODE, DOWN, since=NOW - 300), host)).clear


def test_unknown_before_everything_was_seen() -> None:
    """Right after a start of lnwatch nobody knows who is missing."""
    unseen = make_target("bitcoind", state=None, since=None)
    assert list(judged(RULE, make_view(unseen, NODE)).unknown) == ["site:main"]


def test_nonsense_is_refused() -> None:
    """No time at all would be found at every restart."""
    with pytest.raises(ValueError, match="`grace_seconds` must be above 0"):
        RULE.thresholds(grace_seconds=0)
