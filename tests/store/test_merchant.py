from dataclasses import replace
from decimal import Decimal

import pytest

from lnwatch.model.btcpay import Invoices
from lnwatch.model.chain import Block, MempoolSighting, WatchedTransaction
from lnwatch.model.lightning import InvoiceState, PaymentState
from lnwatch.model.merchant import (
    AdditionalStatus,
    BtcpayInvoice,
    InvoiceGone,
    InvoiceStatus,
    Method,
    PaymentRequest,
    PaymentRequestStatus,
    PaymentStatus,
)
from lnwatch.model.order import InvoiceStory, Mark
from lnwatch.store import Ledger, LedgerSettings
from tests.store.merchant_stories import (
    HASH,
    LINK,
    MADE,
    SHOP,
    TXID,
    birth_of_shop,
    clear,
    delivery,
    group,
    hook,
    lightning,
    onchain,
    paid_onchain,
    paid_over_lightning,
    payout,
    refund_link,
    shop_invoice,
    take,
    told,
)
from tests.store.stories import BORN, NODE, NOW, SITE, birth, entry, invoice, payment, rows, settled

SETTLED = shop_invoice(
    "i1", InvoiceStatus.SETTLED, MADE + 41.5, (onchain(), lightning(paid_over_lightning(), due=Decimal(0)))
)


async def story(ledger: Ledger) -> InvoiceStory:
    """That of the one invoice."""
    ((only,),) = [each.stories for each in await take(ledger, group())]
    return only


async def test_an_invoice_comes_back_whole(ledger: Ledger) -> None:
    """What was told of an invoice is read again to the last digit, payments in their methods."""
    await ledger.append([birth_of_shop(), told(shop_invoice("i1", methods=(onchain(), lightning()))), told(SETTLED)])
    found = await story(ledger)
    assert found.invoice == SETTLED
    assert (found.source, found.history, found.gone_at, found.mark) == ("btcpay", False, None, None)
    assert (found.first_seen_at, found.settled_seen_at, found.ended_seen_at) == (MADE + 1.5, MADE + 41.5, None)
    (known,) = found.payments
    assert known.payment == paid_over_lightning()
    assert (known.accounted, known.seen_at, known.received_at) == (True, MADE + 41.5, MADE + 40)


async def test_what_an_answer_does_not_say_holds(ledger: Ledger) -> None:
    """An answer without methods moves the status alone; what was known of methods and payments stays."""
    paid = shop_invoice("i1", InvoiceStatus.PROCESSING, MADE + 5.0, (onchain(paid_onchain()),))
    later = shop_invoice("i1", InvoiceStatus.SETTLED, MADE + 90.0, None)
    await ledger.append([birth_of_shop(), told(paid, later)])
    found = await story(ledger)
    assert (found.invoice.status, found.invoice.methods) == (InvoiceStatus.SETTLED, paid.methods)
    assert [each.accounted for each in found.payments] == [True]


async def test_a_payment_that_is_left_out(ledger: Ledger) -> None:
    """A payment that a later answer leaves out stays known, and is accounted no more."""
    seen = shop_invoice("i1", InvoiceStatus.PROCESSING, MADE + 5.0, (onchain(paid_onchain()),))
    replaced = shop_invoice("i1", InvoiceStatus.NEW, MADE + 90.0, (onchain(),))
    await ledger.append([birth_of_shop(), told(seen), told(replaced)])
    found = await story(ledger)
    assert found.invoice.payments == ()
    assert [(each.payment.txid, each.accounted) for each in found.payments] == [(TXID, False)]
    assert found.regressed_at == MADE + 90.0
    invalid = replace(replaced, seen_at=MADE + 80.0, methods=(onchain(paid_onchain(PaymentStatus.INVALID)),))
    await ledger.append([told(replace(invalid, accounted_only=False))])
    found = await story(ledger)
    assert [(each.payment.status, each.accounted) for each in found.payments] == [(PaymentStatus.INVALID, False)]
    assert found.regressed_at == MADE + 80.0


@pytest.mark.parametrize(
    ("states", "at"),
    [
        ([(InvoiceStatus.PROCESSING, 5), (InvoiceStatus.NEW, 9), (InvoiceStatus.EXPIRED, 905)], 9),
        ([(InvoiceStatus.PROCESSING, 5), (InvoiceStatus.EXPIRED, 905)], 905),
        ([(InvoiceStatus.NEW, 4), (InvoiceStatus.PROCESSING, 5), (InvoiceStatus.SETTLED, 9)], None),
        ([(InvoiceStatus.PROCESSING, 5), (InvoiceStatus.INVALID, 905)], None),
        ([(InvoiceStatus.NEW, 4), (InvoiceStatus.EXPIRED, 905)], None),
    ],
)
async def test_fallen_back(ledger: Ledger, states: list[tuple[InvoiceStatus, int]], at: int | None) -> None:
    """An invoice has fallen back where it was Processing and is New or Expired later, and from that moment."""
    await ledger.append(
        [birth_of_shop(), told(*(shop_invoice("i1", status, MADE + n + 0.5) for status, n in reversed(states)))]
    )
    assert (await story(ledger)).regressed_at == (None if at is None else MADE + at + 0.5)


MARKED = shop_invoice("i1", InvoiceStatus.SETTLED, MADE + 2_000.0, additional=AdditionalStatus.MARKED, paid=Decimal(3))
LATE = shop_invoice(
    "i1", InvoiceStatus.EXPIRED, MADE + 1_000.0, additional=AdditionalStatus.PAID_LATE, paid=Decimal("9.5")
)


@pytest.mark.parametrize(
    ("events", "mark"),
    [
        ([LATE, MARKED], (MADE + 2_000.0, InvoiceStatus.EXPIRED, AdditionalStatus.PAID_LATE, Decimal("9.5"))),
        ([shop_invoice(), MARKED], (MADE + 2_000.0, InvoiceStatus.NEW, AdditionalStatus.NONE, Decimal(0))),
        ([MARKED], (MADE + 2_000.0, InvoiceStatus.UNKNOWN, AdditionalStatus.UNKNOWN, None)),
        (
            [shop_invoice(), hook("InvoiceExpired", MADE + 901, partially_paid=True), MARKED],
            (MADE + 2_000.0, InvoiceStatus.EXPIRED, AdditionalStatus.PAID_PARTIAL, Decimal(0)),
        ),
        (
            [LATE, hook("InvoiceSettled", MADE + 1_990, manually_marked=True), MARKED],
            (MADE + 1_990.0, InvoiceStatus.EXPIRED, AdditionalStatus.PAID_LATE, Decimal("9.5")),
        ),
        ([LATE], None),
    ],
)
async def test_what_stood_before_a_mark(
    ledger: Ledger, events: list[BtcpayInvoice], mark: tuple[float, InvoiceStatus, AdditionalStatus, Decimal] | None
) -> None:
    """What stood before the first mark by hand is kept, by polls and by webhooks."""
    await ledger.append([birth_of_shop(), told(*reversed(events))])
    found = await story(ledger)
    assert found.mark == (None if mark is None else Mark(*mark))
    assert found.settled_seen_at is None


async def test_times_by_webhooks(ledger: Ledger) -> None:
    """Of a poll and a webhook the earlier one says when something came to be; two webhooks tell one thing once."""
    twice = replace(hook(), original_delivery_id="another", webhook_id="w9")
    await ledger.append([birth_of_shop(), told(hook("InvoiceCreated", MADE), hook(), twice), told(SETTLED)])
    found = await story(ledger)
    assert (found.first_seen_at, found.settled_seen_at) == (float(MADE), MADE + 41.0)
    assert [each.type for each in found.hooks] == ["InvoiceCreated", "InvoiceSettled"]


async def test_a_doubtful_time(ledger: Ledger) -> None:
    """A time that the host's zone shifted is taken from the webhook, else from the node, else as it was told."""
    shifted = paid_over_lightning(received_at=MADE + 18_040, received_at_doubtful=True)
    await ledger.append([birth(), birth_of_shop(), told(replace(SETTLED, methods=(lightning(shifted),)))])
    times = [(await story(ledger)).payments[0].received_at]
    await ledger.append([entry(settled(HASH, MADE + 39))])
    times.append((await story(ledger)).payments[0].received_at)
    await ledger.append([told(hook("InvoiceReceivedPayment", MADE + 40, payment=shifted))])
    times.append((await story(ledger)).payments[0].received_at)
    assert times == [MADE + 18_040, MADE + 39, MADE + 40]


async def test_gone(ledger: Ledger) -> None:
    """What BTCPay denies is kept with the time, and is no open invoice; shown again it is back."""
    await ledger.append([birth_of_shop(), told(InvoiceGone(SHOP, "i1", MADE + 50.0), shop_invoice())])
    assert (await story(ledger)).gone_at == MADE + 50.0
    assert await ledger.orders.open_invoices(SITE, 10) == {SHOP: ((), 0)}
    await ledger.append([told(shop_invoice(seen_at=MADE + 60.0))])
    assert (await story(ledger)).gone_at is None
    assert (await ledger.orders.open_invoices(SITE, 10))[SHOP][1] == 1


async def test_joined_with_the_node(ledger: Ledger) -> None:
    """A payment finds its invoice at the node; that the node opened one is no news, what becomes of it is."""
    await ledger.append([birth(), birth_of_shop(), told(shop_invoice(methods=(lightning(),)))])
    await clear(ledger)
    await ledger.append([entry(invoice(HASH))])
    assert await ledger.orders.stale(9) == ()
    await ledger.append([entry(settled(HASH))])
    assert await ledger.orders.stale(9) == (group(),)
    assert (await story(ledger)).node[HASH].invoice == settled(HASH)


@pytest.mark.parametrize("told_in", [(0, 1, 2), (2, 1, 0), (1, 2, 0), (2, 0, 1)])
async def test_joined_by_each_bolt11_that_was_offered(ledger: Ledger, told_in: tuple[int, ...]) -> None:
    """BTCPay makes another BOLT11 when the sum changes; one before that the node was paid all the same joins."""
    answers = [
        shop_invoice(seen_at=MADE + 1.0 + number, methods=(lightning(payment_hash=each * 32),))
        for number, each in enumerate(("a1", "a2", "a3"))
    ]
    await ledger.append([birth(), birth_of_shop(), *(told(answers[number]) for number in told_in)])
    assert [method.payment_hash for method in (await story(ledger)).invoice.methods or ()] == ["a3" * 32]
    await clear(ledger)
    await ledger.append([entry(settled("a1" * 32), settled("a2" * 32), settled("ff" * 32))])
    assert await ledger.orders.stale(9) == (group(),)
    assert sorted((await story(ledger)).node) == ["a1" * 32, "a2" * 32]
    await ledger.append([told(shop_invoice(seen_at=MADE + 9.0, methods=(lightning(payment_hash="a1" * 32),)))])
    assert sorted((await story(ledger)).node) == ["a1" * 32, "a2" * 32]


async def test_a_receipt_of_before_birth(ledger: Ledger, settings: LedgerSettings) -> None:
    """What the node received before its birth is found by its hash; what it did not leaves no row."""
    old = settled(HASH, BORN - 90, 77)
    await ledger.append([birth(), birth_of_shop(), told(shop_invoice(methods=(lightning(),), created_at=BORN - 99))])
    await clear(ledger)
    expired = invoice("ee", InvoiceState.EXPIRED, BORN - 50)
    await ledger.append([entry(old, expired, history=True, cursors={"history": "1"})])
    assert await ledger.orders.stale(9) == (group(),)
    found = (await story(ledger)).node[HASH]
    assert (found.node, found.invoice.final_at, found.invoice.paid_msat) == (NODE, BORN - 90, 77)
    assert [row["payment_hash"] for row in rows(settings, "node_receipt")] == [HASH]


async def test_joined_with_the_chain(ledger: Ledger) -> None:
    """An unsettled on-chain payment is watched; each turn of its transaction is news, undone by a reorganisation."""
    await ledger.append([birth_of_shop(), told(shop_invoice(methods=(onchain(paid_onchain()),)))])
    watched = await ledger.memory(SITE, "bitcoind").watched()
    assert watched == (WatchedTransaction(TXID, MADE + 1.5),)
    seen = []
    for event in (
        MempoolSighting(TXID, MADE + 2.0),
        Block(100, "b100", "b99", MADE + 300, MADE + 301.0, (TXID,)),
        Block(100, "c100", "b99", MADE + 310, MADE + 311.0),
    ):
        await clear(ledger)
        await ledger.append([replace(entry(event, source="bitcoind"), lightning=False)])
        assert await ledger.orders.stale(9) == (group(),)
        side = (await story(ledger)).chain[TXID]
        seen.append((side.transaction.first_seen_at, side.transaction.block_height, side.confirmed_at))
    assert seen == [(MADE + 2.0, None, None), (MADE + 2.0, 100, MADE + 300), (MADE + 2.0, None, None)]


@pytest.mark.parametrize("proven", [False, True])
async def test_refunds(ledger: Ledger, proven: bool) -> None:
    """A claim link is a refund by its name or by its webhook; its payouts and what the node sent come with it."""
    words = hook("InvoiceRefund", NOW - 150, pull_payment=LINK)
    link = refund_link(of=None if proven else "i1")
    await ledger.append([birth(), birth_of_shop(), told(SETTLED)])
    await clear(ledger)
    await ledger.append([told(*([words] if proven else []), link, payout())])
    assert await ledger.orders.stale(9) == (group(),)
    await clear(ledger)
    await ledger.append([entry(payment("c3" * 32, PaymentState.SUCCEEDED, NOW - 40.0))])
    assert await ledger.orders.stale(9) == (group(),)
    found = await story(ledger)
    assert [(each.pull_payment, each.payouts, each.proven) for each in found.refunds] == [(link, (payout(),), proven)]
    assert set(found.repaid) == {"c3" * 32}


async def test_deliveries(ledger: Ledger, settings: LedgerSettings) -> None:
    """A try to deliver a webhook comes with what it told, also where that is read later, or forgotten after."""
    await ledger.append([birth_of_shop(), told(SETTLED)])
    for event in (None, hook(), None):
        await ledger.append([told(delivery(event))])
    found = await story(ledger)
    assert found.deliveries == (delivery(hook()),)
    assert found.hooks == (hook(),)
    await clear(ledger)
    await ledger.append([told(delivery(hook()), at=NOW + 60)])
    assert await ledger.orders.stale(9) == ()
    assert len(rows(settings, "webhook_event")) == len(rows(settings, "webhook_delivery")) == 1


FACTS = Invoices(SHOP, MADE + 1.0, None, 1, MADE, ("BTC-LN",), 0)


@pytest.mark.parametrize(
    ("told_of", "read_back", "history"),
    [
        (shop_invoice(created_at=MADE + 1), True, False),
        (shop_invoice(created_at=MADE), False, False),
        (shop_invoice(created_at=MADE), True, True),
        (replace(SETTLED, created_at=MADE), False, True),
        (replace(SETTLED, created_at=MADE + 1), True, False),
    ],
)
async def test_history(ledger: Ledger, told_of: BtcpayInvoice, read_back: bool, history: bool) -> None:
    """History is what was made before its store was first read, by BTCPay's clock, and was not open then."""
    await ledger.append([birth_of_shop(), told(facts=FACTS, cursors={"invoices_shop": "1"})])
    await ledger.append([told(told_of, history=read_back)])
    assert (await story(ledger)).history is history


async def test_live_before_history(ledger: Ledger) -> None:
    """Live groups are looked at before history, the oldest news first."""
    old = [replace(SETTLED, id=f"o{n}", created_at=BORN - n - 1) for n in range(2)]
    new = [replace(SETTLED, id=f"n{n}") for n in range(2)]
    await ledger.append([birth_of_shop(), told(old[1], at=NOW - 9, history=True), told(old[0], history=True)])
    await ledger.append([told(new[1], at=NOW + 1), told(new[0], at=NOW + 2)])
    found = await ledger.orders.stale(3)
    assert [each.key for each in found] == ["invoice:n1", "invoice:n0", "invoice:o1"]


async def test_open_invoices(ledger: Ledger) -> None:
    """The newest open ones, oldest first, with what is due over Lightning, and how many there are in all."""
    made = [shop_invoice(f"i{n}", created_at=MADE + n, methods=(onchain(), lightning())) for n in range(3)]
    made.append(shop_invoice("i3", InvoiceStatus.PROCESSING, created_at=MADE + 3, methods=(onchain(),)))
    await ledger.append([birth_of_shop(), told(*made, replace(SETTLED, id="i4"))])
    newest, count = (await ledger.orders.open_invoices(SITE, 2))[SHOP]
    assert [(each.id, each.processing, each.amount_msat) for each in newest] == [
        ("i2", False, 20_000_000),
        ("i3", True, None),
    ]
    assert count == 4
    assert newest[0].offered == (Method.CHAIN, Method.LIGHTNING)


async def test_payment_requests(ledger: Ledger, settings: LedgerSettings) -> None:
    """Of a payment request the newest state is kept; its instalments are orders by themselves."""
    request = PaymentRequest(
        SHOP, "r1", PaymentRequestStatus.PENDING, Decimal(20), "EUR", MADE, None, archived=False, seen_at=NOW - 9.0
    )
    done = replace(request, status=PaymentRequestStatus.COMPLETED, seen_at=NOW - 1.0)
    parts = [shop_invoice(f"i{n}", order_id="PAY_REQUEST_r1", payment_request_id="r1") for n in range(2)]
    await ledger.append([birth_of_shop(), told(done, request, *parts, shop_invoice("i2", order_id="o"))])
    assert [row["status"] for row in rows(settings, "payment_request")] == ["completed"]
    keys = [each.key for each in await ledger.orders.stale(9)]
    assert sorted(keys) == ["invoice:i0", "invoice:i1", "order:o"]


async def test_a_page_is_stored_in_parts(ledger: Ledger, settings: LedgerSettings) -> None:
    """A long page of history is stored in several transactions, its cursor with the last."""
    page = [replace(SETTLED, id=f"i{n}", created_at=BORN - n) for n in range(450)]
    await ledger.append([birth_of_shop(), told(*page, history=True, cursors={"history_shop": "1"})])
    assert len(rows(settings, "merchant_invoice")) == len(page)
    assert await ledger.memory(SITE, "btcpay").cursor("history_shop") == "1"
    assert len(await ledger.orders.stale(1_000)) == len(page)


async def test_hostile_words(ledger: Ledger) -> None:
    """Ids and words that no database can store do not keep a batch out."""
    odd = replace(SETTLED, id="i\0\ud800", order_id="o\0", item_code="\udfff", unknown_words=("status \ud800",))
    await ledger.append([birth_of_shop(), told(odd, shop_invoice())])
    assert len(await ledger.orders.gather(await ledger.orders.stale(9))) == 2
