"""Channels that were closed."""

from dataclasses import replace

import pytest

from lnwatch.domain.closings import channel_name, closed_by, closed_channels
from lnwatch.model.lightning import ClosedChannel, CloseKind
from lnwatch.model.money import msat
from tests.assessments import NOW
from tests.rules.views import happened, make_target, make_view

POINT = "bb" * 32 + ":1"
CLOSED = ClosedChannel(
    POINT, "800009x1x0", "03" + "ee" * 32, CloseKind.LOCAL_FORCE, "dd" * 32, 900_000, msat(9), msat(0), msat(9)
)


def test_the_newest_telling_of_a_channel_counts() -> None:
    """It is told again when its outputs are swept."""
    swept = replace(CLOSED, settled_msat=msat(9), time_locked_msat=msat(0))
    events = [happened(CLOSED, at=NOW - 60), happened(swept, at=NOW - 30), happened(CLOSED, source="ln2")]
    assert closed_channels(make_view(make_target("lnd"), events=events), "ln1") == {POINT: swept}


@pytest.mark.parametrize("born_at", [None, NOW - 59])
def test_history_is_left_out(born_at: float | None) -> None:
    """What closed before the site's birth, or before it has one, opens nothing."""
    view = make_view(make_target("lnd"), events=[happened(CLOSED, at=NOW - 60)], born_at=born_at)
    assert closed_channels(view, "ln1") == {}


@pytest.mark.parametrize(
    ("closed", "words"),
    [
        (CLOSED, " by our own node"),
        (replace(CLOSED, kind=CloseKind.REMOTE_FORCE), " by the peer"),
        (replace(CLOSED, kind=CloseKind.BREACH), " by the peer with a revoked state"),
        (replace(CLOSED, kind=CloseKind.COOPERATIVE), ""),
        (None, ""),
    ],
)
def test_who_closed_it(closed: ClosedChannel | None, words: str) -> None:
    """Told where it is known."""
    assert closed_by(closed) == words


@pytest.mark.parametrize(
    ("closed", "name"),
    [
        (CLOSED, "channel 800009x1x0"),
        (replace(CLOSED, channel_id="0x0x0"), "channel bbbbbbbbbbbb…:1"),
        (None, "channel bbbbbbbbbbbb…:1"),
    ],
)
def test_a_channel_bears_its_short_id_where_it_has_one(closed: ClosedChannel | None, name: str) -> None:
    """Otherwise the beginning of its funding outpoint."""
    assert channel_name(POINT, closed) == name
