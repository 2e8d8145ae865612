import pytest

from lnwatch.model.chain import Block
from lnwatch.sources.bitcoind.fork import Start, Tip, where_to_start


def blocks(*heights: int) -> tuple[Block, ...]:
    """Known blocks, newest first."""
    return tuple(Block(height, f"h{height}", f"h{height - 1}", 0, 0.0) for height in sorted(heights, reverse=True))


KNOWN = blocks(8, 9, 10)


@pytest.mark.parametrize(
    ("known", "common", "tip", "start"),
    [
        pytest.param((), None, Tip(500, "t"), Start(490), id="first start: the tip and a little before"),
        pytest.param((), None, Tip(3, "t"), Start(0), id="first start on a short chain"),
        pytest.param(KNOWN, KNOWN[0], Tip(11, "t"), Start(11, "h10"), id="one new block"),
        pytest.param(KNOWN, KNOWN[0], Tip(900, "t"), Start(11, "h10"), id="days of them"),
        pytest.param(KNOWN, KNOWN[0], Tip(10, "h10"), None, id="nothing new"),
        pytest.param(KNOWN, KNOWN[1], Tip(10, "x"), Start(10, "h9", 1), id="one block replaced"),
        pytest.param(KNOWN, KNOWN[2], Tip(9, "x"), Start(9, "h8", 2), id="two replaced by one"),
        pytest.param(KNOWN, None, Tip(11, "x"), Start(8, None, 3), id="all that is known replaced"),
        pytest.param(KNOWN, None, Tip(8, "x"), Start(8, None, 3), id="all replaced, and shorter"),
        pytest.param(KNOWN, KNOWN[1], Tip(9, "h9"), Start(9, None, 1), id="cut back for good"),
        pytest.param(KNOWN, KNOWN[1], Tip(9, "h9", behind=True), None, id="cut back by a crash, on its way forward"),
        pytest.param(KNOWN, None, Tip(3, "x", behind=True), None, id="building its chain anew"),
        pytest.param(KNOWN, None, Tip(3, "x"), Start(3, None, 7), id="cut back below all that is known"),
    ],
)
def test_where_to_start(known: tuple[Block, ...], common: Block | None, tip: Tip, start: Start | None) -> None:
    """What is read next, and how deep a reorganisation was, follows from the newest common block and the tip."""
    assert where_to_start(known, common, tip) == start
