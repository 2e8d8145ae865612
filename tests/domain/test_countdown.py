"""Blocks that are left, in words."""

import pytest

from lnwatch.domain.countdown import ahead, node_height
from tests.assessments import HEIGHT
from tests.rules.views import make_target, make_view, stale


@pytest.mark.parametrize(
    ("blocks", "words"),
    [
        (144, "in 144 blocks, about 1 d"),
        (1, "in 1 block, about 10 min"),
        (0, "with the present block"),
        (-1, "1 block ago"),
        (-7, "7 blocks ago"),
    ],
)
def test_ahead(blocks: int, words: str) -> None:
    """What lies ahead is told in hours as well, what lies behind is not about to happen."""
    assert ahead(blocks) == words


def test_a_height_is_that_of_now() -> None:
    """One of an hour ago is none."""
    node, core = make_target("lnd"), make_target("bitcoind")
    assert node_height(make_view(node), node) == HEIGHT
    assert node_height(make_view(node), stale(node, "node")) is None
    assert node_height(make_view(core), core) is None
