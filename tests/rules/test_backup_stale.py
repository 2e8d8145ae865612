"""Rule `backup_stale`: open channels that the backup file lacks."""

from typing import Any

import pytest

from lnwatch.model.lightning import BackupFile
from lnwatch.model.snapshot import TargetState
from lnwatch.model.view import TargetView
from lnwatch.rules.backup_stale import RULE
from tests.assessments import NOW
from tests.rules.views import failing, judged, make_target, make_view, stale

POINTS = tuple(f"{index:064x}:0" for index in range(7))


def node(missing: tuple[str, ...] | None, **changes: Any) -> TargetView:  # noqa: ANN401 - fields of BackupFile
    usual: dict[str, Any] = {
        "path": "/lnd/channel.backup",
        "modified_at": NOW - 86_400,
        "size": 512,
        "sha256": "cc" * 32,
        "channels": 3,
    }
    return make_target("lnd", {"backup": BackupFile(**(usual | changes), missing=missing)})


def test_found_with_one_channel_missing() -> None:
    """The file, its age and how many it lacks; which ones stands in the facts."""
    finding = judged(RULE, make_view(target := node(POINTS[:1])), target).only
    assert finding.subject == "node:ln1"
    assert finding.sentence == (
        "The channel backup of node:ln1, /lnd/channel.backup (last written 2027-01-14 08:00:00 UTC), lacks "
        "1 open channel (limit 1)."
    )
    assert finding.facts["lacks"] == POINTS[0]
    assert finding.facts["covers"] == "3 channels"


def test_a_file_that_is_gone_covers_nothing() -> None:
    """It has no time of writing, which must not be told as 1970."""
    finding = judged(RULE, make_view(target := node(POINTS, modified_at=0.0, size=0, channels=0)), target).only
    assert "(which is missing or empty), lacks 7 open channels" in finding.sentence
    assert "and 2 more" in finding.facts["lacks"]


def test_the_set_of_missing_channels_is_the_evidence() -> None:
    """Another channel brings a case back that was closed by hand; the order of the list does not."""
    sets = (POINTS[:2], POINTS[:2][::-1], POINTS[:3])
    evidence = [judged(RULE, make_view(target := node(missing)), target).only.evidence for missing in sets]
    assert evidence[0] == evidence[1] != evidence[2]


def test_quiet_when_every_channel_is_covered() -> None:
    """Its age is no matter: a backup changes when channels open and close."""
    assert judged(RULE, make_view(target := node((), modified_at=NOW - 86_400 * 400)), target).clear


def test_quiet_below_the_limit() -> None:
    """The limit is for those who know why."""
    target = node(POINTS[:2])
    assert judged(RULE, make_view(target), target, missing_channels=3).clear
    assert judged(RULE, make_view(target), target, missing_channels=2).found


@pytest.mark.parametrize(
    "target",
    [
        pytest.param(node(None), id="the node could not say"),
        pytest.param(stale(node(POINTS[:1]), "backup"), id="not read lately"),
        pytest.param(failing(node(POINTS[:1]), TargetState.DOWN), id="node away"),
        pytest.param(make_target("bitcoind", slug="ln1"), id="no file configured"),
    ],
)
def test_unknown_without_proof(target: TargetView) -> None:
    """Only the node can open the file: without it nothing is proved, good or bad."""
    assert list(judged(RULE, make_view(target), target).unknown) == ["node:ln1"]


def test_nonsense_is_refused() -> None:
    """With 0 everything would be found."""
    with pytest.raises(ValueError, match="`missing_channels` must be above 0"):
        RULE.thresholds(missing_channels=0)
