"""Rule `bitcoind_down`: no answer, where warm-up and a refused credential are answers."""

import pytest

from lnwatch.model.snapshot import TargetState
from lnwatch.model.view import TargetView
from lnwatch.rules.bitcoind_down import RULE
from tests.assessments import NOW
from tests.rules.views import failing, judged, make_target, make_view, with_collector

CORE = make_target("bitcoind")


@pytest.mark.parametrize(
    ("state", "reason"), [(TargetState.DOWN, "refused"), (TargetState.HANGING, "timeout"), (TargetState.DOWN, "failed")]
)
def test_found_while_nothing_answers(state: TargetState, reason: str) -> None:
    """Refused, hanging and failing are all no answer, told with their reason and since when."""
    core = failing(CORE, state, reason, "connection refused at 127.0.0.1:8332")
    finding = judged(RULE, make_view(core), core).only
    assert finding.subject == "source:core"
    assert finding.sentence == (
        "source:core (Bitcoin Core) has given no answer since 2027-01-15 07:00:00 UTC: "
        "connection refused at 127.0.0.1:8332."
    )
    assert finding.facts["state"] == state.value


@pytest.mark.parametrize("state", [TargetState.UP, TargetState.SYNCING, TargetState.STARTING])
def test_clear_while_it_answers(state: TargetState) -> None:
    """A node that serves, catches up or warms up is not down."""
    core = make_target("bitcoind", state=state)
    assert judged(RULE, make_view(core), core).clear


@pytest.mark.parametrize("reason", ["rejected", "forbidden", "tls"])
def test_a_refused_credential_is_an_answer(reason: str) -> None:
    """Who refuses us is there: that is another rule's business."""
    core = failing(CORE, TargetState.REJECTED, reason)
    assert judged(RULE, make_view(core), core).clear


def test_found_from_the_first_failure_on() -> None:
    """The edge is `for`, not a threshold: a state that began this instant is found."""
    core = failing(CORE, TargetState.DOWN, since=NOW)
    assert judged(RULE, make_view(core), core).found
    assert RULE.after == 60


@pytest.mark.parametrize(
    "core",
    [
        pytest.param(make_target("bitcoind", state=None, since=None), id="not asked since the start"),
        pytest.param(failing(CORE, TargetState.REJECTED, "credential_unreadable"), id="could not ask"),
        pytest.param(
            with_collector(failing(CORE, TargetState.DOWN), "status", last_run_at=NOW - 46), id="asking stands still"
        ),
        pytest.param(
            with_collector(failing(CORE, TargetState.DOWN, "bug"), "status", last_success_at=NOW - 46), id="our own bug"
        ),
    ],
)
def test_unknown_while_nobody_asked(core: TargetView) -> None:
    """Where the node was not asked just now, nothing is told to be well or ill."""
    verdict = judged(RULE, make_view(core), core)
    assert not verdict.found
    assert list(verdict.unknown) == ["source:core"]
