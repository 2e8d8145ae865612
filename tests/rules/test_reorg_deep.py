"""Rule `reorg_deep`: blocks that were there are there no more."""

import pytest

from lnwatch.model.chain import Reorganisation
from lnwatch.model.view import Happening, TargetView
from lnwatch.rules.reorg_deep import RULE
from tests.assessments import HEIGHT, NOW
from tests.rules.views import happened, judged, make_target, make_view, stale, with_collector

CORE = with_collector(make_target("bitcoind"), "blocks")


def reorg(depth: int, *, age: float = 60.0, source: str = "core", new_tip: str = "bb" * 32) -> Happening:
    at = NOW - age
    return happened(Reorganisation(at, depth, HEIGHT - depth, "aa" * 32, new_tip), at=at, source=source)


def test_found_with_its_depth_and_place() -> None:
    """Depth, fork height and time are what is needed to look for payments in it."""
    finding = judged(RULE, make_view(CORE, events=[reorg(2)]), CORE).only
    assert finding.sentence == (
        "source:core (Bitcoin Core) saw 2 blocks replaced above height 899,998 at 2027-01-15 07:59:00 UTC (limit 2)."
    )
    assert finding.facts["old tip"] == "aa" * 32


def test_the_deepest_is_told_and_the_newest_is_new_evidence() -> None:
    """A case that was closed by hand comes back with the next reorganisation, however shallow beside the first."""
    events = [reorg(4, age=900), reorg(2, age=60, new_tip="cc" * 32)]
    finding = judged(RULE, make_view(CORE, events=events), CORE).only
    assert "4 blocks" in finding.sentence
    assert "one of 2" in finding.sentence
    assert finding.evidence == "cc" * 32


@pytest.mark.parametrize(
    "event",
    [
        pytest.param(reorg(1), id="one block happens"),
        pytest.param(reorg(3, age=21_600), id="its time is over"),
        pytest.param(reorg(3, source="second"), id="another node's"),
    ],
)
def test_quiet(event: Happening) -> None:
    """Shallow, old and foreign ones are not this subject's."""
    assert judged(RULE, make_view(CORE, events=[event]), CORE).clear


def test_history_opens_nothing() -> None:
    """What happened before the site's birth is history."""
    assert judged(RULE, make_view(CORE, events=[reorg(5, age=600)], born_at=NOW - 600), CORE).clear


@pytest.mark.parametrize(
    "core",
    [
        pytest.param(make_target("bitcoind"), id="blocks are not followed"),
        pytest.param(stale(CORE, "blocks"), id="blocks were followed"),
    ],
)
def test_unknown_while_blocks_are_not_followed(core: TargetView) -> None:
    """Without its blocks nobody would have seen one; what was seen stays found."""
    assert list(judged(RULE, make_view(core), core).unknown) == ["source:core"]
    assert judged(RULE, make_view(core, events=[reorg(2)]), core).found


def test_nonsense_is_refused() -> None:
    """A View holds a day, no more."""
    with pytest.raises(ValueError, match="`window_seconds` is a day"):
        RULE.thresholds(window_seconds=86_401.0)
    with pytest.raises(ValueError, match="`depth_blocks` must be above 0"):
        RULE.thresholds(depth_blocks=0)
