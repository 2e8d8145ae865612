"""What an order adds to sums and counters: each name is one of the table, each event is counted once."""

from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lnwatch.domain import tally
from lnwatch.domain.tally import contribution
from lnwatch.model.merchant import Method
from lnwatch.model.money import msat
from lnwatch.model.order import Evidence, InvoiceEnd, Leg, Order, Outcome, Proof, Rail
from tests.domain.purchases import NOW, failed, leg, order

CREATED = int(NOW) - 90
SETTLED = NOW - 60


def shares(of: Order) -> dict[str, tuple[float, int, int]]:
    """When, how many and how much, by series."""
    told = contribution(of).shares
    assert len({(share.series, share.at) for share in told}) == len(told)
    assert {share.subject for share in told} <= {"store:shop"}
    return {share.series: (share.at, share.n, share.amount) for share in told}


def test_a_settled_order() -> None:
    """It is offered when it was made and settles when it was paid; a refund counts with the settlement it undoes."""
    of = order(
        refunded_at=NOW,
        legs=(
            leg(Leg.ACCEPT_SETTLE, Rail.LIGHTNING, 0.2),
            leg(Leg.SETTLE_BTCPAY, Rail.LIGHTNING, 4.8, at=NOW - 55),
        ),
    )
    size = tally.size_of(20_000_000)
    assert shares(of) == {
        "offered/lightning": (CREATED, 1, 20_000_000),
        "offered/onchain": (CREATED, 1, 0),
        "offered/any": (CREATED, 1, 0),
        "order/lightning/settled": (SETTLED, 1, 20_000_000),
        "fallback/lightning": (SETTLED, 1, 0),
        "parts/one": (SETTLED, 1, 0),
        "refunded/lightning": (SETTLED, 1, 0),
        "attempted/lightning": (CREATED, 1, 20_000_000),
        f"ticket/{size}": (CREATED, 1, 20_000_000),
        "latency/accept_settle/lightning/0.25": (SETTLED, 1, 200),
        "latency/settle_btcpay/lightning/5": (NOW - 55, 1, 4_800),
        "whole/lightning/5": (NOW - 55, 1, 5_000),
    }
    told = contribution(of)
    assert told.counters == {
        "orders/lightning/settled": 1,
        "invoices/lightning/settled": 1,
        "payments/btc-ln": 1,
        "paid_msat/lightning": 20_000_000,
    }
    assert told.later == {
        "refunds": 1,
        "latency/accept_settle/lightning/0.25": 1,
        "latency/accept_settle/lightning/0.25/ms": 200,
        "latency/settle_btcpay/lightning/5": 1,
        "latency/settle_btcpay/lightning/5/ms": 4_800,
    }


def test_the_slowest_payment_of_an_order_counts() -> None:
    """Paid twice, an order took as long as the slower one on each leg; it counts when it settled, not when final."""
    of = order(
        final_at=NOW - 1,
        legs=(
            leg(Leg.ACCEPT_SETTLE, Rail.LIGHTNING, 3.0),
            leg(Leg.ACCEPT_SETTLE, Rail.LIGHTNING, 1.0, at=NOW - 50),
            leg(Leg.SETTLE_BTCPAY, Rail.LIGHTNING, 0.5),
        ),
    )
    told = shares(of)
    assert told["whole/lightning/5"] == (NOW - 50, 1, 3_500)
    assert told["order/lightning/settled"] == (SETTLED, 1, 20_000_000)


def test_an_order_paid_on_chain() -> None:
    """With a Lightning method it fell back; it waited as many blocks as its slowest payment."""
    of = order(
        rail=Rail.ONCHAIN,
        methods=(Method.CHAIN,),
        parts=0,
        payments=(Method.CHAIN, Method.CHAIN),
        legs=(
            leg(Leg.SEEN_CONFIRMED, Rail.ONCHAIN, 300, 1, at=NOW - 400),
            leg(Leg.SEEN_CONFIRMED, Rail.ONCHAIN, 900.5, 3),
        ),
    )
    told = shares(of)
    assert told["fallback/onchain"] == (SETTLED, 1, 0)
    assert told["whole/onchain/3"] == (SETTLED, 1, 900_500)
    assert told["latency/seen_confirmed/onchain/1800"] == (SETTLED, 1, 900_500)
    assert not any(series.startswith(("attempted", "lost", "ticket", "parts")) for series in told)
    later = contribution(of).later
    assert later["blocks/onchain/1"] == later["blocks/onchain/3"] == 1
    assert later["blocks/onchain/1/sum"] + later["blocks/onchain/3/sum"] == 4
    assert contribution(of).counters["payments/btc-chain"] == 2


@pytest.mark.parametrize(
    ("of", "expected"),
    [
        (
            failed(Outcome.FAILED, final_at=NOW - 10),
            {"order/lightning/failed": (NOW - 10, 1, 0), "attempted/lightning": (CREATED, 1, 20_000_000)},
        ),
        (
            failed(Outcome.FAILED, final_at=NOW - 10, paid_msat=msat(30_000)),
            {"order/lightning/failed": (NOW - 10, 1, 30_000_000), "attempted/lightning": (CREATED, 1, 30_000_000)},
        ),
        (failed(Outcome.FAILED, Rail.ONCHAIN, final_at=NOW - 10), {"order/onchain/failed": (NOW - 10, 1, 0)}),
        (
            failed(Outcome.UNPAYABLE, final_at=NOW - 10),
            {"order/lightning/unpayable": (NOW - 10, 1, 0), "lost/lightning": (CREATED, 1, 20_000_000)},
        ),
        (failed(Outcome.UNEXPLAINED, Rail.NONE, final_at=NOW - 10), {"order/none/unexplained": (NOW - 10, 1, 0)}),
    ],
)
def test_an_order_that_did_not_settle(of: Order, expected: dict[str, tuple[float, int, int]]) -> None:
    """It counts when it became final, teaches demand where somebody tried or could not, and brings nothing."""
    told = shares(of)
    offers = {"offered/lightning", "offered/onchain", "offered/any"}
    assert {
        series: told[series] for series in told if series not in offers and series[:6] not in {"ticket", "cause/"}
    } == expected
    assert offers <= told.keys()
    assert any("ticket" in series for series in told) is any("lightning" in s and "order" not in s for s in expected)
    assert not any(name.startswith("paid_msat") for name in contribution(of).counters)


def test_the_strongest_evidence_is_the_cause() -> None:
    """Each order that did not settle has one; without evidence nobody knows."""
    proofs = (Proof.NODE_DOWN, Proof.PAID_LATE, Proof.HTLC_FAILED)
    evidence = tuple(Evidence(proof, "pay", "inv1", NOW, Rail.LIGHTNING, "It is so.") for proof in proofs)
    causes = [
        {series for series in shares(of) if series.startswith("cause/")}
        for of in (failed(Outcome.FAILED, evidence=evidence), failed(Outcome.UNEXPLAINED, Rail.NONE), order())
    ]
    assert causes == [{"cause/paid_late"}, {"cause/unexplained"}, set()]
    assert set(tally.causes()) == {"cause/unexplained", *map(tally.cause, Proof)}


def test_an_open_order_is_offered_alone() -> None:
    """Nothing else is known of it, and no counter moves before it is final."""
    told = contribution(failed(Outcome.OPEN, final_at=NOW - 1))
    assert {share.series for share in told.shares} == {"offered/lightning", "offered/onchain", "offered/any"}
    assert (told.counters, told.later) == ({}, {})


def test_no_business_counts_in_no_kpi() -> None:
    """What is excluded moves its own counters and no sum; a mark by hand may come before anybody knew."""
    for of in (
        failed(Outcome.EXCLUDED, Rail.NONE, business=False),
        failed(Outcome.EXCLUDED, Rail.NONE),
    ):
        told = contribution(of)
        assert told.shares == ()
        assert told.counters == {"orders/none/excluded": 1, "invoices/none/excluded": 1}


def test_history_moves_no_counter() -> None:
    """It fills sums alone."""
    told = contribution(order(history=True, refunded_at=NOW, legs=(leg(Leg.ACCEPT_SETTLE, Rail.LIGHTNING, 1),)))
    assert told.shares
    assert (told.counters, told.later) == ({}, {})


def test_each_invoice_counts_by_what_became_of_it() -> None:
    """An order that settled with its second invoice had a first one that did not."""
    ends = (InvoiceEnd("a", Rail.NONE, Outcome.UNEXPLAINED), InvoiceEnd("b", Rail.LIGHTNING, Outcome.SETTLED))
    counters = contribution(order(invoices=("a", "b"), ends=ends)).counters
    assert (counters["invoices/none/unexplained"], counters["invoices/lightning/settled"]) == (1, 1)
    assert counters["orders/lightning/settled"] == 1


@pytest.mark.parametrize(
    ("seconds", "edge"),
    [
        (0.0, "0.25"),
        (-3.0, "0.25"),
        (0.25, "0.25"),
        (0.2504, "0.25"),
        (0.251, "0.5"),
        (5.0, "5"),
        (1_800_000_005.1 - 1_800_000_000.1, "5"),
        (1_800_000_007.3 - 1_800_000_002.3, "5"),
        (5.001, "8"),
        (600.0, "600"),
        (10_800.0, "10800"),
        (10_801.0, "inf"),
    ],
)
def test_an_edge_holds_what_is_exactly_there(seconds: float, edge: str) -> None:
    """5 s between two instants are within 5 s, whatever their last bits say; a millisecond more is not."""
    assert tally.latency_edge(seconds) == edge
    assert edge in tally.edge_names(tally.SECONDS)


@given(st.integers(1_000, 10**13), st.integers(1_000, 10**13))
def test_steps_rise_with_the_ticket(first: int, second: int) -> None:
    """A larger ticket never has a smaller step, and tickets of one step differ by a sixteenth at most."""
    lower, upper = sorted((first, second))
    assert int(tally.size_of(lower)) <= int(tally.size_of(upper))
    if tally.size_of(lower) == tally.size_of(upper):
        assert (upper - lower) * 16 <= lower


@pytest.mark.parametrize("amount", [0, 1, 999, 1_000, 2_100_000_000_000_000_000])
def test_every_ticket_has_a_step(amount: int) -> None:
    """The least are one step, the largest another: what is asked for by name is all there is."""
    assert f"{tally.TICKET}{tally.size_of(amount)}" in tally.tickets()


@given(
    st.lists(st.tuples(st.sampled_from(tally.LEGS), st.floats(0, 20_000), st.none() | st.integers(0, 300)), max_size=6),
)
def test_histograms_add_up(times: list[tuple[tuple[Leg, Rail], float, int | None]]) -> None:
    """Each leg is counted at one edge, with its milliseconds and its blocks."""
    legs = tuple(leg(which, rail, seconds, blocks) for (which, rail), seconds, blocks in times)
    later = contribution(order(legs=legs)).later
    edges = tally.edge_names(tally.SECONDS)
    for which, rail in tally.LEGS:
        mine = [each for each in legs if (each.leg, each.rail) == (which, rail)]
        names = [tally.latency(which, rail, edge) for edge in edges]
        assert sum(later.get(name, 0) for name in names) == len(mine)
        assert sum(later.get(f"{name}/ms", 0) for name in names) == sum(round(each.seconds * 1_000) for each in mine)
    waited = [each.blocks for each in legs if each.leg is Leg.SEEN_CONFIRMED and each.blocks is not None]
    names = [tally.blocks_counter(edge) for edge in tally.edge_names(tally.BLOCKS)]
    assert sum(later.get(name, 0) for name in names) == len(waited)
    assert sum(later.get(f"{name}/sum", 0) for name in names) == sum(waited)
    assert Counter(name.split("/")[0] for name in later).keys() <= {"latency", "blocks"}
