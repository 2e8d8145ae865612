"""Rule `onchain_slow`: how many blocks on-chain payments wait for."""

import pytest

from lnwatch.model.order import Leg, Order, Rail
from lnwatch.rules.onchain_slow import RULE
from tests.rules.views import judged, make_target, make_view, stale
from tests.shops import leg, order, shop

SERVER = make_target("btcpay")


def waited(index: int, *blocks: int | None) -> Order:
    legs = tuple(leg(600.0 * (number or 1), Leg.SEEN_CONFIRMED, number) for number in blocks)
    return order(index, Rail.ONCHAIN, legs=legs)


def settled(slow: int, quick: int, blocks: int = 3) -> list[Order]:
    return [waited(index, blocks if index < slow else 1) for index in range(slow + quick)]


@pytest.mark.parametrize(
    ("slow", "quick", "found"),
    [
        pytest.param(0, 20, False, id="none"),
        pytest.param(2, 18, False, id="exactly 90 %"),
        pytest.param(3, 17, True, id="under 90 %"),
    ],
)
def test_edge(slow: int, quick: int, found: bool) -> None:
    """Nine of ten within two blocks are as it should be."""
    view = make_view(SERVER, shops=[shop(settled=settled(slow, quick))])
    assert bool(judged(RULE, view, SERVER).found) is found


@pytest.mark.parametrize(("blocks", "found"), [(2, False), (3, True)])
def test_edge_of_the_blocks(blocks: int, found: bool) -> None:
    """The second block is in time."""
    view = make_view(SERVER, shops=[shop(settled=settled(20, 0, blocks))])
    assert bool(judged(RULE, view, SERVER).found) is found


def test_the_sentence_names_share_limit_and_minutes() -> None:
    """Minutes stand beside the blocks: they are the luck of the network as well."""
    view = make_view(SERVER, shops=[shop(settled=settled(4, 16))])
    finding = judged(RULE, view, SERVER).only
    assert finding.subject == "store:shop"
    assert finding.sentence == (
        "Only 16 of the last 20 on-chain payments of store:shop (80 %) were in a block within 2 blocks of being seen "
        "(limit 90 %); the mean wait was 14 min."
    )
    assert finding.facts["newest slow one"] == "invoice0"


def test_only_the_newest_twenty_count() -> None:
    """What was slow before them is over; of an order with several payments the last to confirm counts."""
    old = [waited(100 + index, 9) for index in range(20)]
    view = make_view(SERVER, shops=[shop(settled=[*old, *settled(0, 20)])])
    assert judged(RULE, view, SERVER).clear
    two = [waited(index, 1, 5) for index in range(20)]
    assert judged(RULE, make_view(SERVER, shops=[shop(settled=two)]), SERVER).found


@pytest.mark.parametrize(
    ("orders", "seen"),
    [
        pytest.param([], "0 on-chain settlements", id="none"),
        pytest.param(settled(1, 0), "1 on-chain settlement ", id="one"),
        pytest.param(settled(19, 0), "19 on-chain settlements", id="one too few, however slow"),
        pytest.param([waited(index, None) for index in range(20)], "0 on-chain settlements", id="blocks not seen"),
        pytest.param([order(index, legs=(leg(1.0),)) for index in range(20)], "0 on-chain", id="Lightning alone"),
    ],
)
def test_unknown_without_twenty(orders: list[Order], seen: str) -> None:
    """A share of a handful is no share."""
    told = judged(RULE, make_view(SERVER, shops=[shop(settled=orders)]), SERVER)
    assert not told.found
    assert seen in told.unknown["store:shop"]


def test_unknown_while_the_store_is_not_read() -> None:
    """What was slow then says nothing of now."""
    old = stale(SERVER, "invoices_shop")
    told = judged(RULE, make_view(old, shops=[shop(settled=settled(20, 0))]), old)
    assert not told.found
    assert "`invoices_shop` has nothing fresh" in told.unknown["store:shop"]


def test_nonsense_is_refused() -> None:
    """A View holds the last 60."""
    with pytest.raises(ValueError, match="`settlements` is 60 at most, found 61"):
        RULE.thresholds(settlements=61)
    with pytest.raises(ValueError, match="`blocks` must be above 0"):
        RULE.thresholds(blocks=0)
