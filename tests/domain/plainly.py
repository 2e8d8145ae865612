"""The KPIs of orders straight from the orders: the oracle for whatever sums them up beforehand."""

from hypothesis import strategies as st

from lnwatch.domain.tally import LEGS
from lnwatch.model.merchant import Method
from lnwatch.model.order import Leg, Order, Outcome, Rail
from tests.domain.purchases import NOW, leg, order

STORES = ("bar", "shop")
HOUR, DAY = 3_600, 86_400


class Plainly:
    """The same KPIs, straight from the orders: each is looked at, and nothing is summed beforehand."""

    def __init__(self, orders: list[Order], at: float, store: str, rail: Rail | None, window: int) -> None:
        width = HOUR if window == 30 * DAY else 300
        self.since = (at - window) // width * width
        self.rail = rail
        of_store = [each for each in orders if not store or each.store == store]
        self.orders = [each for each in of_store if each.business and each.outcome is not Outcome.EXCLUDED]

    def ended(self, *outcomes: Outcome) -> list[Order]:
        return [
            each
            for each in self.orders
            if each.outcome in outcomes
            and self.rail in (None, each.rail)
            and self.happened((each.settled_at if each.outcome is Outcome.SETTLED else each.final_at) or 0)
        ]

    def happened(self, at: float) -> bool:
        return self.since <= at

    def payment_success(self) -> tuple[int, int]:
        bad = len(self.ended(Outcome.FAILED, Outcome.UNPAYABLE))
        return len(self.ended(Outcome.SETTLED)) + bad, bad

    def conversion(self) -> tuple[int, int]:
        carries = {
            Rail.LIGHTNING: {Method.LIGHTNING, Method.LNURL},
            Rail.ONCHAIN: {Method.CHAIN},
            None: set(Method),
        }[self.rail]
        offered = [each for each in self.orders if carries & set(each.offered) and self.happened(each.created_at)]
        return len(offered), max(0, len(offered) - len(self.ended(Outcome.SETTLED)))

    def refund(self) -> tuple[int, int]:
        settled = self.ended(Outcome.SETTLED)
        return len(settled), sum(each.refunded_at is not None for each in settled)

    def fallback(self) -> tuple[int, int]:
        could = [
            each
            for each in self.ended(Outcome.SETTLED)
            if {Method.LIGHTNING, Method.LNURL} & set(each.offered) and each.rail is not Rail.NONE
        ]
        return len(could), sum(each.rail is Rail.ONCHAIN for each in could)

    def lightning_fast(self) -> tuple[int, int]:
        took = []
        for each in self.orders:
            legs = [one for one in each.legs if one.rail is Rail.LIGHTNING]
            paid = each.outcome is Outcome.SETTLED and each.rail is Rail.LIGHTNING
            if paid and legs and self.happened(max(one.at for one in legs)):
                slowest = {which: [one.seconds for one in legs if one.leg is which] for which in Leg}
                took.append(sum(max(seconds) for seconds in slowest.values() if seconds))
        return len(took), sum(seconds > 5.0005 for seconds in took)

    def onchain_fast(self) -> tuple[int, int]:
        waited = []
        for each in self.orders:
            legs = [one for one in each.legs if one.leg is Leg.SEEN_CONFIRMED and one.blocks is not None]
            paid = each.outcome is Outcome.SETTLED and each.rail is Rail.ONCHAIN
            if paid and legs and self.happened(max(one.at for one in legs)):
                waited.append(max(one.blocks or 0 for one in legs))
        return len(waited), sum(blocks > 2 for blocks in waited)


ages = st.sampled_from([0, 60, 3_500, 3_900, 86_300, 86_700, 604_500, 605_100, 2_591_000]) | st.integers(0, 3_000_000)
times = st.sampled_from([0.1, 4.9, 5.0, 5.001, 300.0])


@st.composite
def purchases(draw: st.DrawFn) -> Order:
    """Any order of the last 35 days, many at the edges of windows."""
    outcome = draw(st.sampled_from(Outcome))
    rail = draw(st.sampled_from(Rail))
    ended = NOW - draw(ages)
    legs = draw(
        st.lists(
            st.builds(
                lambda which, seconds, blocks, after: leg(
                    which[0], which[1], seconds, blocks if which[0] is Leg.SEEN_CONFIRMED else None, at=ended + after
                ),
                st.sampled_from(LEGS),
                times,
                st.none() | st.integers(0, 8),
                st.sampled_from([0, -3, -600]),
            ),
            max_size=3,
        )
    )
    return order(
        store=draw(st.sampled_from(STORES)),
        created_at=int(ended) - draw(st.integers(0, 90_000)),
        final_at=ended,
        settled_at=ended - draw(st.sampled_from([0, 700])) if outcome is Outcome.SETTLED else None,
        outcome=outcome,
        rail=rail,
        offered=draw(st.lists(st.sampled_from(Method), unique=True).map(tuple)),
        refunded_at=draw(st.none() | st.just(NOW)),
        business=draw(st.sampled_from([True, True, True, False])),
        history=draw(st.booleans()),
        legs=tuple(legs),
    )
