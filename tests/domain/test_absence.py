"""How long a source was away."""

import pytest

from lnwatch.domain.absence import seconds_away
from lnwatch.model.snapshot import TargetState
from lnwatch.model.view import StateSpan
from tests.assessments import NOW
from tests.rules.views import make_view, span

UP, DOWN, LOCKED, STARTING = TargetState.UP, TargetState.DOWN, TargetState.LOCKED, TargetState.STARTING


def at(ago: float, state: TargetState, source: str = "ln1") -> StateSpan:
    return span(source, NOW - ago, state)


@pytest.mark.parametrize(
    ("states", "seconds"),
    [
        pytest.param([], 0, id="nothing known"),
        pytest.param([at(500, UP)], 0, id="there all the time"),
        pytest.param([at(500, DOWN)], 100, id="away all the time, and still"),
        pytest.param([at(180, DOWN), at(150, STARTING), at(140, LOCKED), at(130, UP)], 50, id="away for a part"),
        pytest.param([at(500, DOWN), at(190, UP), at(110, DOWN)], 20, id="away at both ends"),
        pytest.param([at(500, UP), at(300, DOWN), at(250, UP)], 0, id="away before"),
        pytest.param([at(50, DOWN)], 0, id="away after"),
        pytest.param([at(500, DOWN, "core"), at(180, UP)], 0, id="another source"),
        pytest.param([at(500, TargetState.HANGING)], 0, id="one that hangs may go on"),
    ],
)
def test_seconds_away(states: list[StateSpan], seconds: float) -> None:
    """Between 200 and 100 seconds ago, only the states in which nothing can happen count."""
    assert seconds_away(make_view(states=states), "ln1", NOW - 200, NOW - 100) == seconds
