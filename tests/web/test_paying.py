"""Can customers pay? The first page answers that first, in a sentence for each site."""

from dataclasses import replace

import pytest

from lnwatch.model.kpi import CanPay, Kpi, KpiFigure, Payability
from lnwatch.model.order import Rail
from lnwatch.model.view import ShopView, View
from lnwatch.web.pages.paying import PayingLine, paying
from lnwatch.web.pages.status import status_page
from tests import assessments as build
from tests.secrets import MACAROON, leaked
from tests.web.stage import Stage

NOW = build.NOW
YES, PARTLY, NO, UNKNOWN = CanPay.YES, CanPay.PARTLY, CanPay.NO, CanPay.UNKNOWN
DOWN = "node ln1 is down: connection refused"


def shop(
    lightning: CanPay, chain: CanPay, whole: CanPay, *reasons: str, slow: str = "", name: str = "shop"
) -> ShopView:
    """A store with its answers; `reasons` are those over Lightning, `slow` those on the chain."""
    on_chain = (slow,) if slow else ()
    told = tuple(dict.fromkeys((*reasons, *on_chain)))
    answers = (
        Payability(name, Rail.LIGHTNING, lightning, reasons),
        Payability(name, Rail.ONCHAIN, chain, on_chain),
        Payability(name, None, whole, told),
    )
    return ShopView(name, "pay", "ln1", NOW, payability=answers)


def site(*shops: ShopView, name: str = "main") -> View:
    return replace(build.view(site=name), shops={each.store: each for each in shops})


def line(*shops: ShopView) -> PayingLine:
    (only,) = paying([site(*shops)], NOW, 60)
    return only


@pytest.mark.parametrize(
    ("store", "mark", "sentence"),
    [
        (shop(YES, YES, YES), "good", "Customers can pay, over Lightning and on-chain."),
        (
            shop(NO, YES, PARTLY, DOWN),
            "wait",
            f"Customers can pay on-chain, but not over Lightning: {DOWN}.",
        ),
        (shop(NO, NO, NO, "pay does not answer"), "bad", "Customers can't pay: pay does not answer."),
        (
            shop(UNKNOWN, YES, UNKNOWN, "node ln1 was not asked lately"),
            "none",
            "Customers can pay on-chain; beyond that nothing is known: node ln1 was not asked lately.",
        ),
        (
            shop(UNKNOWN, UNKNOWN, UNKNOWN, "pay was not asked lately"),
            "none",
            "Customers may be able to pay or not: pay was not asked lately.",
        ),
        (
            ShopView("shop", "pay", None, None),
            "none",
            "Customers may be able to pay or not: nothing was read yet.",
        ),
    ],
)
def test_one_store(store: ShopView, mark: str, sentence: str) -> None:
    """Yes with the rails, no with the reason, and what is not known is not called either."""
    assert line(store) == PayingLine("", mark, sentence)


def test_stores_that_differ_are_named() -> None:
    """The worst comes first; those that fare alike share their words."""
    told = line(
        shop(YES, YES, YES), shop(NO, NO, NO, "there is no rate", name="bar"), shop(YES, YES, YES, name="kiosk")
    )
    assert told.mark == "bad"
    assert told.sentence == (
        "Customers of bar can't pay: there is no rate; "
        "customers of shop and kiosk can pay, over Lightning and on-chain."
    )


def test_sites_have_a_line_each() -> None:
    """Named where there are several; one without a store has none."""
    views = [site(shop(YES, YES, YES)), site(shop(NO, NO, NO, "x"), name="other"), site(name="chain")]
    assert [(each.site, each.mark) for each in paying(views, NOW, 60)] == [("main", "good"), ("other", "bad")]


def test_what_is_old_is_no_answer() -> None:
    """A page that stands still does not go on calling customers able to pay."""
    (told,) = paying([site(shop(YES, YES, YES))], NOW + 61, 60)
    assert told == PayingLine("", "none", "Whether customers can pay is not known: what was seen is too old.")


async def test_it_stands_first_on_the_page() -> None:
    """Before the headline; foreign words in it are text, and no secret."""
    stained = shop(NO, NO, NO, f"<b>pay</b> says {MACAROON.hex()}")
    shown = build.assessment(site(stained))
    assert status_page(shown, NOW, "").paying[0].mark == "bad"
    answer = await Stage(lambda: shown).get("/")
    assert answer.text.index('class="paying bad"') < answer.text.index('class="headline')
    assert "<b>pay" not in answer.text
    assert not leaked(answer.text)


def of_a_day(events: int, bad: int) -> KpiFigure:
    """Payment success of the store over a day."""
    if not events:
        return KpiFigure(Kpi.PAYMENT_SUCCESS, "shop", None, 86_400, events, bad, None, None, None, 0.95)
    share = (events - bad) / events
    return KpiFigure(Kpi.PAYMENT_SUCCESS, "shop", None, 86_400, events, bad, share, 0.7, 0.97, 0.95)


@pytest.mark.parametrize(
    ("kpi", "orders", "between"),
    [
        (of_a_day(20, 2), "18 of 20 paid", "70 % to 97 % with 95 % confidence"),
        (of_a_day(0, 0), "none", "with evidence either way"),
    ],
)
def test_a_store_stands_among_the_figures(kpi: KpiFigure, orders: str, between: str) -> None:
    """What is open, how a day went and on how few orders that stands, and what is not put right."""
    store = replace(shop(YES, YES, YES), open_count=1_200, exception_count=3, read_until=NOW - 5)
    view = replace(site(store), targets={"pay": build.target("pay", "btcpay", {})}, kpis=(kpi,))
    (group,) = status_page(build.assessment(view), NOW, "").sites[0].figures
    assert (group.title, group.subtitle) == ("Store: shop", "on node ln1")
    assert group.rows == (
        ("Open invoices", "1,200", "BTCPay read 5 s ago"),
        ("Orders of a day", orders, between),
        ("Exceptions", "3", "payments with something wrong that is not put right"),
    )
