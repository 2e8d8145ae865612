import random

from hypothesis import given, settings
from hypothesis import strategies as st

from lnwatch.simulator.world.chain import Market, Transaction
from lnwatch.simulator.world.timetable import HOUR, Timetable


def market(seed: int = 1, fee: float = 4.0) -> Market:
    return Market(Timetable(0), random.Random(seed), height=100, fee=fee, storms=0.0)


def nobody() -> None:
    """Nobody waits for it."""


def sent(name: str, fee_rate: float) -> Transaction:
    return Transaction(name, 1_000, fee_rate, replaceable=False, invoice="", confirmed=nobody)


def test_who_pays_the_market_is_in_the_next_block() -> None:
    """A fee of the market's height is always enough; one that is far below waits until the market comes down to it."""
    here = market()
    here.storm(20.0, 10 * HOUR)
    here.mine()
    dear, cheap = sent("dear", here.next_block), sent("cheap", 1.5)
    here.send(dear)
    here.send(cheap)
    assert here.mine() == [dear]
    assert (dear.height, cheap.height) == (here.height, None)


def test_storms_pass() -> None:
    """Fees of a storm are many times those of calm, and come back down after it."""
    timetable = Timetable(0)
    here = Market(timetable, random.Random(3), height=0, fee=4.0, storms=0.0)
    here.storm(8.0, 5 * HOUR)
    during = [(here.mine(), here.next_block)[1] for _ in range(30)]
    timetable.run(6 * HOUR)
    after = [(here.mine(), here.next_block)[1] for _ in range(150)]
    assert max(during) > 16
    assert sum(after[-50:]) / 50 < 9


@given(seed=st.integers(0, 2**32), depth=st.integers(0, 5))
@settings(max_examples=30, deadline=None)
def test_what_is_undone_waits_again(seed: int, depth: int) -> None:
    """A reorganisation brings back exactly what the blocks held, and the chain grows over them anew."""
    here = market(seed)
    sends = [sent(str(number), 100.0) for number in range(8)]
    for each in sends:
        here.send(each)
        here.mine()
    back = here.undo(depth)
    assert sorted(each.id for each in back) == [each.id for each in sends[8 - depth :]]
    assert (here.height, set(here.waiting)) == (108 - depth, {each.id for each in back})
    here.mine()
    assert all(each.height is not None for each in sends)


def test_dropped_is_never_mined() -> None:
    """What was replaced stays out of every block."""
    here = market()
    gone = sent("gone", 50.0)
    here.send(gone)
    here.drop(gone)
    assert here.mine() == []
    assert gone.gone
