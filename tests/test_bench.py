"""The bench's stand-in for BTCPay Server: its past is what it says, and lnwatch reads all of it, each invoice once; and
what it makes of a life that it watched."""

import json
from collections import Counter

import pytest

from bench.inside import Lived, Moment
from bench.merchant import Merchant
from bench.past import PACE, Past
from lnwatch.clock import SystemClock
from lnwatch.model.merchant import AdditionalStatus, InvoiceStatus, Method
from lnwatch.net import Door
from lnwatch.sources import Place
from lnwatch.sources.btcpay import SOURCE
from tests.sources.btcpay.bed import Ledger

UNTIL = 1_790_000_000


@pytest.mark.parametrize("start", [None, UNTIL - 9 * PACE, UNTIL - 4 * PACE - 1, UNTIL - PACE, UNTIL + 1])
@pytest.mark.parametrize("end", [None, UNTIL - 20 * PACE, UNTIL - 3 * PACE, UNTIL - 3 * PACE + 1, UNTIL])
def test_a_window_holds_what_was_made_in_it(start: int | None, end: int | None) -> None:
    """Both ends are inclusive."""
    past = Past("S", 8, UNTIL)
    made = [past.made_at(number) for number in range(8)]
    expected = [at for at in made if (start is None or at >= start) and (end is None or at <= end)]
    listed = [json.loads(each)["createdTime"] for each in past.listed(past.within(start, end))]
    assert listed == expected


async def test_its_past_is_read_to_the_end() -> None:
    """By pages, with what is open: every invoice once, with its payment, and none of them singly."""
    count, opened = 2_300, 4
    clock, ledger = SystemClock(), Ledger()
    async with Merchant(1, count) as merchant:
        for _ in range(opened):
            await merchant.open(merchant.shops[0])
        values = {"url": merchant.url, "api_key": merchant.key.secret, "stores": {"shop": merchant.past.store}}
        source = SOURCE.open(Place("main", "pay", clock, Door(clock=clock)), SOURCE.settings.model_validate(values))
        collectors = {each.name: each for each in source.collectors}
        for name in ("status", "invoices_shop", "history_shop"):
            while True:
                reading = await collectors[name].collect(ledger)
                ledger.take(reading)
                if not reading.more:
                    break
        await source.close()
    assert reading.backfill is not None
    assert reading.backfill.finished
    assert len(ledger.invoices) == count + opened
    assert not [path for path in merchant.calls if "/invoices/" in path]
    found = Counter((each.status, each.additional) for each in ledger.invoices.values())
    assert found[InvoiceStatus.NEW, AdditionalStatus.NONE] == opened
    assert found[InvoiceStatus.EXPIRED, AdditionalStatus.PAID_LATE] == 2 * count / 100
    assert found[InvoiceStatus.EXPIRED, AdditionalStatus.PAID_PARTIAL] == 2 * count / 100
    paid = Counter(payment.method for each in ledger.invoices.values() for payment in each.payments)
    assert paid == {Method.LIGHTNING: 67 * count / 100, Method.CHAIN: 16 * count / 100}


def test_memory_is_told_by_its_slope() -> None:
    """Over the last spans alone, for what a start takes is no growth; nor does its CPU count."""
    sizes = [100.0, 180.0, 200.0, 203.0, 201.0, 204.0]
    moments = [Moment(number, 10.0 * number, size, 0) for number, size in enumerate(sizes, 1)]
    lived = Lived(tuple(moments), 0)
    assert lived.slope(4) == pytest.approx(1.0)
    assert lived.slope(6) > 15
    assert lived.cpu == 50
