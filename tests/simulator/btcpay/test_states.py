"""The state machine of invoices beyond the recorded stories: policies, tolerance, late and double payments, marks."""

from decimal import Decimal

import pytest

from lnwatch.simulator.btcpay import Criterion, PaymentError
from tests.simulator.btcpay.world import World, world

HALF_A_YEAR = 184 * 86_400


async def _status(world: World, invoice_id: str) -> tuple[str, str, str]:
    answer = (await world.call("GET", f"{world.base}/invoices/{invoice_id}")).json()
    return answer["status"], answer["additionalStatus"], answer["paidAmount"]


@pytest.mark.parametrize(
    ("speed", "blocks"), [("HighSpeed", 0), ("MediumSpeed", 1), ("LowMediumSpeed", 2), ("LowSpeed", 6)]
)
async def test_an_invoice_settles_after_the_blocks_of_its_policy(speed: str, blocks: int) -> None:
    """One block less leaves it Processing."""
    async with world() as made:
        invoice = await made.create(checkout={"speedPolicy": speed})
        made.btcpay.pay_on_chain(invoice)
        await made.btcpay.settle()
        seen = []
        for _ in range(blocks):
            seen.append(invoice.status)
            made.coins.mine()
            await made.btcpay.settle()
    assert [*seen, invoice.status] == ["Processing"] * blocks + ["Settled"]


async def test_a_replaceable_payment_needs_a_block_even_at_high_speed() -> None:
    """HighSpeed takes an unconfirmed payment only where it can't be replaced."""
    async with world() as made:
        invoice = await made.create(checkout={"speedPolicy": "HighSpeed"})
        made.coins.receive(invoice.prompts[1].destination or "", 20_000, replaceable=True)
        await made.btcpay.settle()
        before = invoice.status
        made.coins.mine()
        await made.btcpay.settle()
    assert (before, invoice.status) == ("Processing", "Settled")


@pytest.mark.parametrize(("minutes", "status"), [(5, "New"), (20, "Expired")])
async def test_what_falls_back_after_its_expiry_expires_at_once(minutes: int, status: str) -> None:
    """A replaced payment leaves an invoice unpaid: New without a word before its expiry, Expired with one after it."""
    async with world() as made:
        await made.register()
        invoice = await made.create()
        coin = made.btcpay.pay_on_chain(invoice)
        await made.pass_time(minutes * 60)
        assert invoice.status == "Processing"
        made.coins.replace(coin.txid)
        made.coins.mine()
        await made.btcpay.settle()
    assert (invoice.status, invoice.additional) == (status, "None")
    assert ("InvoiceExpired" in made.types) == (status == "Expired")


@pytest.mark.parametrize(("tolerance", "status"), [(0, "New"), (5, "Processing")])
async def test_the_tolerance_decides_whether_a_little_less_is_enough(tolerance: int, status: str) -> None:
    """19,500 of 20,000 sat are partial payment, or full within 5 %."""
    async with world() as made:
        invoice = await made.create(checkout={"paymentTolerance": tolerance})
        made.btcpay.pay_on_chain(invoice, Decimal("0.000195"))
        await made.btcpay.settle()
    assert (invoice.status, invoice.additional) == (status, "PaidPartial" if status == "New" else "None")


@pytest.mark.parametrize(
    ("paid", "late"),
    [("0.0001", "PaidPartial"), ("0.0002", "PaidLate"), ("0.0004", "PaidLate")],
)
async def test_what_comes_after_expiry_never_settles_an_invoice(paid: str, late: str) -> None:
    """Also after its monitoring: partial stays partial, full and more is PaidLate, never PaidOver."""
    async with world() as made:
        await made.register()
        invoice = await made.create(checkout={"expirationMinutes": 1, "monitoringMinutes": 60})
        await made.pass_time(2 * 3600)
        made.btcpay.pay_on_chain(invoice, Decimal(paid))
        made.coins.mine(6)
        await made.btcpay.settle()
    assert (invoice.status, invoice.additional) == ("Expired", late)
    assert ("InvoicePaidAfterExpiration" in made.types) == (late == "PaidLate")


async def test_a_top_up_paid_late_keeps_its_amount_of_nothing() -> None:
    """PaidLate over 0.0, with the paid amount beside it."""
    async with world() as made:
        invoice = await made.create(amount=None)
        await made.pass_time(901)
        made.btcpay.pay_on_chain(invoice, Decimal("0.0001"))
        await made.btcpay.settle()
        answer = (await made.call("GET", f"{made.base}/invoices/{invoice.id}")).json()
    assert (answer["status"], answer["additionalStatus"]) == ("Expired", "PaidLate")
    assert (answer["amount"], answer["paidAmount"]) == ("0.0", "5.00")


async def test_a_bolt11_is_renewed_for_what_is_left() -> None:
    """After a partial payment on-chain the rest can be paid over Lightning, and settles the invoice with the block."""
    async with world() as made:
        invoice = await made.create()
        first = invoice.prompts[0].destination
        made.btcpay.pay_on_chain(invoice, Decimal("0.00005"))
        await made.btcpay.settle()
        paid = made.btcpay.pay_over_lightning(invoice)
        await made.btcpay.settle()
        between = invoice.status
        made.coins.mine()
        await made.btcpay.settle()
    assert invoice.prompts[0].destination != first
    assert paid.received_msat == 15_000_000
    assert (between, invoice.status, invoice.additional) == ("Processing", "Settled", "None")


MARKS = [
    ("New", ["Settled", "Invalid"]),
    ("Processing", ["Settled", "Invalid"]),
    ("Expired", ["Settled", "Invalid"]),
    ("Settled", []),
]


@pytest.mark.parametrize(("status", "allowed"), MARKS)
@pytest.mark.parametrize("wanted", ["Settled", "Invalid", "Expired"])
async def test_only_some_marks_are_allowed(status: str, allowed: list[str], wanted: str) -> None:
    """Others are 422 and change nothing; an allowed one erases what stood in additionalStatus."""
    async with world() as made:
        await made.register()
        invoice = await made.create()
        if status in ("Processing", "Settled"):
            made.btcpay.pay_on_chain(invoice, Decimal("0.0003"))
        if status == "Settled":
            made.coins.mine()
        if status == "Expired":
            await made.pass_time(901)
        await made.btcpay.settle()
        before = invoice.additional
        answer = await made.call("POST", f"{made.base}/invoices/{invoice.id}/status", {"status": wanted})
        await made.btcpay.settle()
    assert answer.status_code == (200 if wanted in allowed else 422)
    assert (invoice.status, invoice.additional) == ((wanted, "Marked") if wanted in allowed else (status, before))
    if wanted in allowed:
        assert made.hook.bodies[-1]["manuallyMarked"] is True


async def test_an_expiry_is_late_by_two_minutes_after_a_restart() -> None:
    """New until 120 s past its expirationTime, not past the restart."""
    async with world() as made:
        invoice = await made.create()
        await made.pass_time(800)
        await made.btcpay.restart()
        await made.pass_time(100 + 119)
        before = invoice.status
        await made.pass_time(2)
    assert (before, invoice.status) == ("New", "Expired")


async def test_a_payment_to_an_expired_invoice_is_missed_while_btcpay_is_down() -> None:
    """After a restart pending invoices alone are looked for on the chain; the wallet has the coin all the same."""
    async with world() as made:
        expired = await made.create()
        await made.pass_time(901)
        pending = await made.create()
        await made.btcpay.stop()
        for each in (expired, pending):
            made.btcpay.pay_on_chain(each)
        await made.btcpay.start()
        await made.btcpay.settle()
        path = f"{made.base}/payment-methods/BTC-CHAIN/wallet"
        balance = (await made.call("GET", path)).json()["balance"]
    assert (expired.status, expired.additional, len(expired.payments)) == ("Expired", "None", 0)
    assert pending.status == "Processing"
    assert balance == "0.0004"


async def test_a_payment_during_an_outage_of_the_listener_is_found_again_before_expiry() -> None:
    """Cut off from its node, BTCPay asks again within 60 s of its return and settles what was paid meanwhile."""
    async with world() as made:
        invoice = await made.create()
        made.node.cut_off()
        made.btcpay.pay_over_lightning(invoice)
        await made.pass_time(100)
        meanwhile = invoice.status
        made.node.reconnect()
        await made.pass_time(60)
    assert (meanwhile, invoice.status) == ("New", "Settled")


async def test_a_node_that_is_away_leaves_its_method_out_but_not_lnurl() -> None:
    """BTC-LNURL is offered with the node down; its BOLT11 can't be had."""
    async with world() as made:
        made.store.methods["BTC-LNURL"] = True
        made.node.stop()
        invoice = await made.create()
        path, amount = f"/BTC/UILNURL/pay/i/{invoice.id}", {"amount": "20000000"}
        asked = await made.call("GET", path, query=amount, authorization=None)
        made.node.start()
        again = await made.call("GET", path, query=amount, authorization=None)
    assert [each.method for each in invoice.prompts] == ["BTC-CHAIN", "BTC-LNURL"]
    assert (asked.status_code, again.status_code) == (400, 200)


async def test_nothing_left_to_pay_with_is_an_error_with_the_log() -> None:
    """Node and NBXplorer away: 400 with a line for each method."""
    async with world() as made:
        made.node.stop()
        await made.nbxplorer.stop()
        await made.pass_time(60)
        answer = await made.call("POST", f"{made.base}/invoices", {"amount": "1", "currency": "EUR"})
    assert (answer.status_code, answer.json()["code"]) == (400, "generic-error")
    assert [method in answer.json()["message"] for method in ("BTC-LN:", "BTC-CHAIN:")] == [True, True]


@pytest.mark.parametrize(("amount", "methods"), [("4", ["BTC-LN"]), ("40", ["BTC-LN", "BTC-CHAIN"])])
async def test_a_criterion_of_the_store_leaves_a_method_out(amount: str, methods: list[str]) -> None:
    """On-chain from 10 EUR on alone: a missing method is no fault of the node then."""
    async with world() as made:
        made.store.criteria = [Criterion("BTC-CHAIN", Decimal(10), above=True)]
        invoice = await made.create(amount=amount)
    assert [each.method for each in invoice.prompts] == methods


async def test_a_customer_learns_why_a_payment_fails() -> None:
    """Expired, paid already, more than the channel can take, no answer: each is refused by the customer's node."""
    async with world() as made:
        invoice = await made.create()
        made.btcpay.pay_over_lightning(invoice)
        with pytest.raises(PaymentError, match="already paid"):
            made.btcpay.pay_over_lightning(invoice)
        with pytest.raises(PaymentError, match="routes"):
            made.btcpay.pay_over_lightning(await made.create(amount="5000"))
        late = await made.create()
        await made.pass_time(900)
        with pytest.raises(PaymentError, match="expired"):
            made.btcpay.pay_over_lightning(late)
        unanswered = await made.create()
        made.node.gate.freeze()
        with pytest.raises(PaymentError, match="no answer"):
            made.btcpay.pay_over_lightning(unanswered)


async def test_unpaid_expired_invoices_vanish_after_half_a_year() -> None:
    """The hourly job deletes them; what was paid late or in part stays."""
    async with world() as made:
        unpaid, late = await made.create(), await made.create()
        await made.pass_time(901)
        made.btcpay.pay_on_chain(late)
        await made.btcpay.settle()
        made.clock._elapsed += HALF_A_YEAR
        made.btcpay.core.clean_up()
        found = [(await made.call("GET", f"{made.base}/invoices/{each.id}")).status_code for each in (unpaid, late)]
    assert found == [403, 200]


async def test_a_rate_source_that_is_silent_stops_sales() -> None:
    """The pair reads null with a reason, and an invoice in that currency can't be made."""
    async with world() as made:
        made.store.rates["BTC_EUR"] = None
        rate = await made.call("GET", f"{made.base}/rates", query={"currencyPair": "BTC_EUR"})
        answer = await made.call("POST", f"{made.base}/invoices", {"amount": "1", "currency": "EUR"})
    assert rate.json() == [{"currencyPair": "BTC_EUR", "rate": None, "errors": ["RateUnavailable"]}]
    assert answer.status_code == 400
