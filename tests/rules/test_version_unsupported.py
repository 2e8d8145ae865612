"""Rule `version_unsupported`: outside the range that lnwatch was tested with."""

import pytest

from lnwatch.model.snapshot import TargetState
from lnwatch.rules.version_unsupported import RULE
from tests.rules.views import failing, judged, make_target, make_view


@pytest.mark.parametrize("state", [TargetState.UP, TargetState.SYNCING])
def test_found_outside_the_range(state: TargetState) -> None:
    """The version is the figure, and what a person's close holds on."""
    node = make_target("lnd", version="0.18.5", supported=False, state=state, detail="LND 0.18.5 is older than 0.19")
    finding = judged(RULE, make_view(node), node).only
    assert finding.sentence == ("source:ln1 (lnd) runs version 0.18.5, outside the range that lnwatch was tested with.")
    assert finding.evidence == "0.18.5"
    assert ("remark" in finding.facts) is (state is TargetState.UP)


def test_found_without_a_version() -> None:
    """A source that does not tell its version is outside every range."""
    node = make_target("lnd", version="", supported=False)
    assert "runs version unknown" in judged(RULE, make_view(node), node).only.sentence


def test_quiet_inside_the_range() -> None:
    """The edge of the range is the source's to know."""
    node = make_target("lnd")
    assert judged(RULE, make_view(node), node).clear


@pytest.mark.parametrize("state", [TargetState.DOWN, TargetState.STARTING, TargetState.LOCKED, None])
def test_unknown_while_the_version_is_not_told(state: TargetState | None) -> None:
    """A source that is away may be in the middle of its upgrade."""
    node = failing(make_target("lnd", supported=False), state)
    assert list(judged(RULE, make_view(node), node).unknown) == ["source:ln1"]
