"""Rule `nbxplorer_down`: no answer, and above all a call that is taken and never answered."""

import pytest

from lnwatch.model.snapshot import TargetState
from lnwatch.model.view import TargetView
from lnwatch.rules.nbxplorer_down import RULE
from tests.assessments import NOW
from tests.rules.views import failing, judged, make_target, make_view, with_collector

NBX = make_target("nbxplorer")


@pytest.mark.parametrize(
    ("state", "reason", "how"),
    [
        (TargetState.DOWN, "refused", "has given no answer"),
        (TargetState.DOWN, "malformed", "has given no answer"),
        (TargetState.HANGING, "timeout", "has hung"),
    ],
)
def test_found_while_nothing_answers(state: TargetState, reason: str, how: str) -> None:
    """Refused, hanging and something else on its port are all no answer, told since when and why."""
    nbx = failing(NBX, state, reason, "no answer at 127.0.0.1:24444")
    finding = judged(RULE, make_view(nbx), nbx).only
    assert finding.subject == "source:nbx"
    assert finding.sentence == (
        f"source:nbx (NBXplorer) {how} since 2027-01-15 07:00:00 UTC: no answer at 127.0.0.1:24444."
    )
    assert finding.severity is None


@pytest.mark.parametrize("state", [TargetState.UP, TargetState.SYNCING])
def test_clear_while_it_answers(state: TargetState) -> None:
    """One that catches up is not down."""
    nbx = make_target("nbxplorer", state=state)
    assert judged(RULE, make_view(nbx), nbx).clear


@pytest.mark.parametrize("reason", ["rejected", "forbidden", "tls"])
def test_a_refused_cookie_is_an_answer(reason: str) -> None:
    """Who refuses us is there: that is another rule's business."""
    nbx = failing(NBX, TargetState.REJECTED, reason)
    assert judged(RULE, make_view(nbx), nbx).clear


def test_its_edge_is_how_long_it_lasts() -> None:
    """A state that began this instant is found, and told two minutes later; bitcoind's case keeps it quiet."""
    nbx = failing(NBX, TargetState.DOWN, since=NOW)
    assert judged(RULE, make_view(nbx), nbx).found
    assert RULE.after == 120
    assert "bitcoind_down" in RULE.parents


@pytest.mark.parametrize(
    "nbx",
    [
        pytest.param(make_target("nbxplorer", state=None, since=None), id="not asked since the start"),
        pytest.param(failing(NBX, TargetState.REJECTED, "credential_unreadable"), id="could not ask"),
        pytest.param(
            with_collector(failing(NBX, TargetState.DOWN), "status", last_run_at=NOW - 46), id="asking stands still"
        ),
    ],
)
def test_unknown_while_nobody_asked(nbx: TargetView) -> None:
    """Where it was not asked just now, nothing is told to be well or ill."""
    verdict = judged(RULE, make_view(nbx), nbx)
    assert not verdict.found
    assert list(verdict.unknown) == ["source:nbx"]
