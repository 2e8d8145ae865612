from dataclasses import replace
from decimal import Decimal

import pytest

from lnwatch.model.kpi import CanPay, PayabilitySpan
from lnwatch.model.merchant import InvoiceStatus, Method
from lnwatch.model.money import Msat
from lnwatch.model.order import (
    Evidence,
    InvoiceEnd,
    Leg,
    LegTime,
    Outcome,
    PaymentException,
    Proof,
    Rail,
    Trouble,
)
from lnwatch.model.tally import Sum
from lnwatch.store import GroupChange, Kept, Ledger, LedgerSettings, Span
from tests.store.merchant_stories import (
    MADE,
    SHOP,
    adds,
    birth_of_shop,
    group,
    kept,
    settle,
    shop_invoice,
    take,
    told,
)
from tests.store.stories import BORN, NOW, SITE, birth, rows

EVERYTHING = replace(
    kept("i1").order,
    evidence=(Evidence(Proof.PAID_LATE, "btcpay", "i1", MADE + 950.5, Rail.LIGHTNING, "Paid late.", Msat(7)),),
    exceptions=(
        PaymentException(
            trouble=Trouble.PAID_LATE,
            store=SHOP,
            subject="invoice:i1",
            invoice="i1",
            order_id=None,
            since=MADE + 950.5,
            currency="EUR",
            due=Decimal("10.00"),
            credited=Decimal(0),
            gross=Decimal("10.0000001"),
            sentence="Paid late.",
            facts={"late": "50 s"},
            evidence="e1",
        ),
    ),
    legs=(LegTime("i1", Leg.SEEN_CONFIRMED, Rail.ONCHAIN, MADE + 700.25, 660.25, 2),),
    parts=3,
    asked_msat=Msat(20_000_000),
    payments=(Method.LIGHTNING, Method.CHAIN),
    ends=(InvoiceEnd("i1", Rail.LIGHTNING, Outcome.SETTLED),),
    refunded_at=NOW - 9.5,
)


async def begin(ledger: Ledger, *names: str) -> None:
    """Invoices of one order each are told."""
    await ledger.append([birth_of_shop(), told(*(shop_invoice(name) for name in names or ("i1",)))])


async def orders(ledger: Ledger, *keys: str) -> tuple[Kept, ...]:
    """What is kept of the groups."""
    return tuple(each for found in await take(ledger, *map(group, keys or ("invoice:i1",))) for each in found.kept)


def whole(settings: LedgerSettings) -> dict[str, tuple[int, int]]:
    """What stands in the hours of the store, by series."""
    sums: dict[str, tuple[int, int]] = {}
    for row in rows(settings, "bucket"):
        if row["width"] == 3_600 and row["subject"] == f"store:{SHOP}":
            n, amount = sums.get(row["series"], (0, 0))
            sums[row["series"]] = (n + row["n"], amount + row["sum"])
    return {series: each for series, each in sums.items() if any(each)}


async def test_an_order_comes_back_whole(ledger: Ledger) -> None:
    """What was committed of an order is read again to the last digit, with what it adds and when it is due."""
    await begin(ledger)
    (found,) = await take(ledger)
    brought = Kept(EVERYTHING, adds(("a", MADE + 0.5), later=["refunds"]), NOW + 5.5)
    assert await settle(ledger, found, brought) == 1
    assert await ledger.orders.stale(9) == ()
    assert await orders(ledger) == (replace(brought, order=replace(EVERYTHING, sequence=1)),)


async def test_counts_once(ledger: Ledger, settings: LedgerSettings) -> None:
    """Sums follow what an order adds; its counters move once, each later one when it first comes to be known."""
    await begin(ledger)
    stages = [
        kept(outcome=Outcome.OPEN, due_at=NOW + 1.0),
        replace(kept(), contribution=adds(("settled", MADE), ("offered", MADE))),
        replace(kept(), contribution=adds(("settled", MADE), later=["refunds"])),
        replace(kept(), contribution=adds(("settled", MADE), later=["refunds", "latency/x"])),
        replace(kept(), contribution=adds(("settled", MADE + 7_200))),
    ]
    counted, summed = [], []
    for stage in stages:
        for _ in range(2):  # told again it changes nothing
            (found,) = await take(ledger, group())
            await settle(ledger, found, stage)
        counted.append(dict((await ledger.orders.counters()).get((SITE, SHOP), {})))
        summed.append(whole(settings))
    assert counted == [
        {},
        {"orders": 1},
        {"orders": 1, "refunds": 1},
        *[{"orders": 1, "refunds": 1, "latency/x": 1}] * 2,
    ]
    assert summed == [
        {"order/open": (1, 5)},
        {"settled": (1, 5), "offered": (1, 5)},
        *[{"settled": (1, 5)}] * 3,
    ]
    assert await ledger.totals() == {}  # counters of stores are none of a node


async def test_sequence_without_gaps(ledger: Ledger, settings: LedgerSettings) -> None:
    """Live orders get numbers as they become final, without gaps, kept for good; open ones and history get none."""
    await begin(ledger, "i1", "i2", "i3", "i4", "i5")
    first, second, third, fourth, fifth = await take(ledger)
    assert await settle(ledger, first, kept("i1")) == 1
    assert await settle(ledger, second, kept("i2", Outcome.OPEN)) == 0
    old = kept("i3", history=True)
    changes = [(third, old), (fourth, kept("i4", Outcome.FAILED)), (fifth, kept("i5"))]
    assert await ledger.orders.commit([GroupChange(each.group, each.token, (order,)) for each, order in changes]) == 2
    (again, late) = await take(ledger, group("invoice:i1"), group("invoice:i2"))
    assert await settle(ledger, again, kept("i1", Outcome.FAILED)) == 0
    assert await settle(ledger, late, kept("i2", Outcome.UNEXPLAINED)) == 1
    numbers = {row["id"]: row["sequence"] for row in rows(settings, "merchant_order")}
    assert numbers == {"i1": 1, "i2": 4, "i3": None, "i4": 2, "i5": 3}


async def test_each_site_has_its_sequence(ledger: Ledger, settings: LedgerSettings) -> None:
    """The finals of one site do not count in another's."""
    for site in ("main", "other"):
        await ledger.append([replace(birth_of_shop(), site=site), replace(told(shop_invoice()), site=site)])
        (found,) = await take(ledger)
        assert await settle(ledger, found, kept()) == 1
    assert [row["sequence"] for row in rows(settings, "merchant_order")] == [1, 1]


async def test_more_was_told_meanwhile(ledger: Ledger) -> None:
    """What was gathered before more was told is not stored; the group comes again."""
    await begin(ledger)
    (found,) = await take(ledger)
    await ledger.append([told(shop_invoice("i1", InvoiceStatus.EXPIRED, NOW - 9.0))])
    assert await settle(ledger, found, kept()) == 0
    assert await orders(ledger) == ()
    (again,) = await take(ledger)
    assert await settle(ledger, again, kept()) == 1
    assert await ledger.orders.stale(9) == ()


async def test_orders_that_are_no_more(ledger: Ledger, settings: LedgerSettings) -> None:
    """An order that is no more takes back what it added; one with a number stays whatever is said."""
    await ledger.append([birth_of_shop(), told(*(shop_invoice(f"i{n}", order_id="o") for n in range(3)))])
    (found,) = await take(ledger)
    await settle(ledger, found, kept("i0"), kept("i1", Outcome.OPEN), kept("i2", history=True))
    (found,) = await take(ledger, group("order:o"))
    assert [each.order.id for each in found.kept] == ["i0", "i1", "i2"]
    await settle(ledger, found, dropped=["i0", "i1", "i2", "unknown"])
    assert [each.order.id for each in await orders(ledger, "order:o")] == ["i0"]
    assert whole(settings) == {"order/settled": (1, 5)}


@pytest.mark.parametrize("order", [0, 1])
async def test_another_order_id(ledger: Ledger, settings: LedgerSettings, order: int) -> None:
    """When an invoice gets another order id both groups are looked at; in whichever order, each order adds once."""
    pair = [shop_invoice(name, order_id="a") for name in ("i1", "i2")]
    await ledger.append([birth_of_shop(), told(*pair)])
    (found,) = await take(ledger)
    await settle(ledger, found, kept("i1", Outcome.OPEN, invoices=("i1", "i2")))
    await ledger.append([told(replace(pair[0], order_id="b", seen_at=NOW - 1.0))])
    groups = {each.group.key: each for each in await take(ledger)}
    assert {key: [story.invoice.id for story in each.stories] for key, each in groups.items()} == {
        "order:a": ["i2"],
        "order:b": ["i1"],
    }
    changes = [
        GroupChange(groups["order:a"].group, groups["order:a"].token, (kept("i2", Outcome.OPEN),), ("i1",)),
        GroupChange(groups["order:b"].group, groups["order:b"].token, (kept("i1", Outcome.OPEN),)),
    ]
    await ledger.orders.commit(changes[::-1] if order else changes)
    held = {row["id"]: (row["group_key"], row["invoices"]) for row in rows(settings, "merchant_order")}
    assert held == {"i1": ("order:b", '["i1"]'), "i2": ("order:a", '["i2"]')}
    assert whole(settings) == {"order/open": (2, 10)}


async def test_due(ledger: Ledger) -> None:
    """An order is due when its moment has come, until it is committed with another one, or with none."""
    await begin(ledger, "i1", "i2")
    one, two = await take(ledger)
    await settle(ledger, one, kept("i1", Outcome.OPEN, due_at=NOW + 20.0))
    await settle(ledger, two, kept("i2", Outcome.OPEN, due_at=NOW + 10.0))
    assert await ledger.orders.due(SITE, SHOP, NOW + 9.0, 9) == ()
    found = await ledger.orders.due(SITE, SHOP, NOW + 20.0, 9)
    assert [each.key for each in found] == ["invoice:i2", "invoice:i1"]
    (first, _) = await ledger.orders.gather(found)
    assert [each.invoice.id for each in first.stories] == ["i2"]
    assert await settle(ledger, first, kept("i2")) == 1
    assert [each.key for each in await ledger.orders.due(SITE, SHOP, NOW + 20.0, 9)] == ["invoice:i1"]


async def test_exceptions(ledger: Ledger) -> None:
    """What went wrong since the birth is told by store, the newest and how many; history is only listed."""
    names = [f"i{n}" for n in range(4)]
    await begin(ledger, *names)
    for found, name in zip(await take(ledger), names, strict=True):
        since = 1.0 if name == "i0" else MADE + ord(name[1])
        wrong = replace(EVERYTHING.exceptions[0], subject=f"invoice:{name}", invoice=name, since=since)
        order = replace(EVERYTHING, id=name, exceptions=(wrong,), history=name in {"i0", "i1"})
        await settle(ledger, found, Kept(replace(order, created_at=MADE + ord(name[1])), adds(), None))
    told_of = await ledger.orders.exceptions(SITE, 2)
    assert [each.invoice for each in told_of.newest[SHOP]] == ["i2", "i3"]
    assert told_of.counts == {SHOP: 3}
    listed = await ledger.orders.troubled(SITE, MADE, 9)
    assert [(order.id, order.history) for order in listed] == [
        ("i3", False),
        ("i2", False),
        ("i1", True),
        ("i0", True),
    ]
    assert await ledger.orders.troubled(SITE, NOW, 9) == ()


async def test_settlements(ledger: Ledger) -> None:
    """The last settled orders of each rail, oldest first."""
    names = [f"i{n:02}" for n in range(70)]
    await begin(ledger, *names)
    changes = [
        GroupChange(found.group, found.token, (kept(name, settled_at=MADE + 900.5 - n),))
        for n, (found, name) in enumerate(zip(await take(ledger), names, strict=True))
    ]
    await ledger.orders.commit(changes)
    found = await ledger.orders.settlements(SITE)
    assert [order.id for order in found[SHOP, Rail.LIGHTNING]] == list(reversed(names[:60]))
    assert found[SHOP, Rail.ONCHAIN] == ()


async def test_sums(ledger: Ledger) -> None:
    """Sums are read by window and width, of some series or of all, by bucket or together, without those of nodes."""
    hour = NOW - 3_600
    shares = [("a", hour), ("a", hour + 3_599), ("b/1", hour + 3_600), ("b/2", hour + 7_200), ("a", hour + 7_200)]
    await ledger.append([birth(), birth_of_shop(), told(shop_invoice())])
    (found,) = await take(ledger)
    await settle(ledger, found, replace(kept(), contribution=adds(*shares)))
    store = f"store:{SHOP}"
    span = Span(SITE, hour, hour + 7_200, 3_600)
    assert await ledger.orders.sums(span) == (Sum(store, "a", hour, 2, 10), Sum(store, "b/1", hour + 3_600, 1, 5))
    longer = replace(span, until=hour + 9_000)
    assert await ledger.orders.sums(replace(longer, series=("b/",))) == (
        Sum(store, "b/1", hour + 3_600, 1, 5),
        Sum(store, "b/2", hour + 7_200, 1, 5),
    )
    assert await ledger.orders.totals(replace(longer, series=("a",))) == (Sum(store, "a", hour, 3, 15),)
    assert len(await ledger.orders.sums(replace(longer, width=300))) == 5


async def test_old_shares_are_hours_alone(ledger: Ledger, settings: LedgerSettings) -> None:
    """What happened before the 5-minute windows that are kept goes into hours, and is taken back from there."""
    await begin(ledger)
    for contribution, widths in ((adds(("a", BORN - 30 * 86_400)), {3_600}), (adds(), set())):
        (found,) = await take(ledger, group())
        await settle(ledger, found, replace(kept(), contribution=contribution))
        assert {row["width"] for row in rows(settings, "bucket") if row["n"]} == widths


async def test_payability(ledger: Ledger) -> None:
    """Spans come back that began since then or were in force; noted again they change nothing."""
    spans = [
        PayabilitySpan(SHOP, Rail.LIGHTNING, NOW - 30.5, CanPay.YES),
        PayabilitySpan(SHOP, Rail.LIGHTNING, NOW - 20.5, CanPay.NO),
        PayabilitySpan(SHOP, Rail.ONCHAIN, NOW - 10.5, CanPay.UNKNOWN),
    ]
    for _ in range(2):
        await ledger.orders.note_payability(SITE, spans)
    assert await ledger.orders.payability(SITE, NOW - 15) == tuple(spans[1:])
    assert await ledger.orders.payability(SITE, NOW - 25) == tuple(spans)


@pytest.mark.parametrize("name", ["rows", "group"])
async def test_nothing_to_do(ledger: Ledger, name: str) -> None:
    """A group of which nothing is known is empty, and nothing is committed for nothing."""
    (found,) = await take(ledger, group(f"order:{name}"))
    assert (found.stories, found.kept) == ((), ())
    assert await settle(ledger, found) == 0
    assert await ledger.orders.commit([]) == 0
