"""The exam of the adapter: every recorded answer goes through the parser."""

import json
import re
from collections.abc import Callable
from dataclasses import dataclass
from decimal import Decimal
from typing import Final

import pytest
from pydantic import TypeAdapter

from lnwatch.model.btcpay import ChainSync, Rate, Rates, StoreMethod
from lnwatch.model.merchant import (
    AdditionalStatus,
    BtcpayInvoice,
    DeliveryStatus,
    InvoiceStatus,
    InvoiceType,
    Method,
    PaymentRequestStatus,
    PaymentStatus,
    PayoutState,
    pull_payment_key,
)
from lnwatch.sources.btcpay import answers, balances, payouts, rates, status, store, webhooks
from lnwatch.sources.btcpay.client import Told
from lnwatch.sources.btcpay.desk import KEY
from lnwatch.sources.btcpay.invoice_reading import given_methods, read_invoice
from lnwatch.sources.btcpay.parsing import decode, items, read
from lnwatch.sources.btcpay.webhook_events import parse_event
from tests.sources.btcpay.recordings import (
    FOLDER,
    STORE,
    Json,
    Recording,
    bodies_of_webhooks,
    load,
    packed,
    sight,
    single,
    told,
)

METHODS: Final = TypeAdapter(tuple[answers.MethodAnswer, ...])
_PREIMAGE: Final = re.compile(r'"[Pp]reimage": ?"([0-9a-f]{64})"')

Reader = Callable[[bytes], Json]


def invoice(item: Json, methods: Json = None) -> BtcpayInvoice:
    """An invoice, with its methods from the answer to another question."""
    answer = answers.InvoiceAnswer.model_validate(item)
    given = given_methods(answer) if methods is None else METHODS.validate_python(methods)
    return read_invoice(answer, sight(), methods=given, accounted_only=methods is None)


def one(convert: Callable[[Json], Json]) -> Reader:
    return lambda body: convert(decode(body))


def each(convert: Callable[[Json], Json]) -> Reader:
    return lambda body: [convert(item) for item in items(body)]


def payout(item: Json) -> Json:
    return payouts.read_payout(answers.PayoutAnswer.model_validate(item), sight())


def pull_payment(item: Json) -> Json:
    return payouts.read_pull_payment(answers.PullPaymentAnswer.model_validate(item), sight())


def request(item: Json) -> Json:
    return payouts.read_request(answers.PaymentRequestAnswer.model_validate(item), sight())


# Everything that lnwatch can make something of, also where it does not ask itself.
ROUTES: Final[tuple[tuple[str, Reader], ...]] = (
    (r"GET health", lambda body: read(status.HEALTH, body)),
    (r"GET server/info", lambda body: read(status.INFO, body)),
    (r"GET api-keys/current", lambda body: read(KEY, body)),
    (r"GET stores", each(answers.StoreAnswer.model_validate)),
    (r"(GET|POST) stores/\w+", lambda body: read(store.STORE, body)),
    (r"GET stores/\w+/payment-methods", lambda body: read(store.METHODS, body)),
    (r"GET stores/\w+/payment-methods/[\w-]+/wallet", lambda body: read(balances.WALLET_BALANCE, body)),
    (r"GET stores/\w+/lightning/BTC/balance", lambda body: read(balances.NODE_BALANCE, body)),
    (r"GET stores/\w+/rates", lambda body: rates.read_rates("shop", read(rates.RATES, body))),
    (r"GET stores/\w+/invoices", each(invoice)),
    (r"GET stores/\w+/invoices/\w+/payment-methods", lambda body: read(METHODS, body)),
    (r"GET stores/\w+/invoices/\w+", one(invoice)),
    (r"POST (stores/\w+/invoices(/\w+/(status|unarchive))?|payment-requests/[\w-]+/pay)", one(invoice)),
    (r"GET stores/\w+/payment-requests", each(request)),
    (r"POST stores/\w+/payment-requests", one(request)),
    (r"GET stores/\w+/payouts", each(payout)),
    (r"POST (stores/\w+/payouts/\w+|pull-payments/\w+/payouts)", one(payout)),
    (r"GET stores/\w+/pull-payments", each(pull_payment)),
    (r"GET pull-payments/\w+|POST stores/\w+/(invoices/\w+/refund|pull-payments)", one(pull_payment)),
    (r"GET stores/\w+/webhooks", lambda body: read(webhooks.HOOKS, body)),
    (r"GET stores/\w+/webhooks/\w+/deliveries", lambda body: read(webhooks.DELIVERIES, body)),
    (r"GET stores/\w+/webhooks/\w+/deliveries/\w+", one(answers.DeliveryAnswer.model_validate)),
    (r"GET stores/\w+/webhooks/\w+/deliveries/\w+/request", lambda body: parse_event(body, sight())),
)
# What nothing is made of: the node tells it better, people alone read it, or it changes something.
LEFT: Final = re.compile(
    r"GET stores/\w+/lightning/BTC/(info|channels|invoices|payments)|GET .*/wallet/(feerate|transactions|utxos)"
    r"|GET .*/payout-processors.*|GET .*/rates/configuration/.*|GET users/me/notifications|GET .*/refund/[\w-]+"
    r"|(PUT|DELETE) .*|GET /misc/.*|POST .*/webhooks"
)


def reader(recording: Recording) -> Reader | None:
    asked = f"{recording.method} {recording.path.removeprefix('/api/v1/')}"
    found = [read for pattern, read in ROUTES if re.fullmatch(pattern, asked)]
    assert len(found) == 1 or LEFT.fullmatch(asked), f"{asked} is on no list"
    return found[0] if found else None


GOOD: Final = [each for each in (*single(), *told()) if each.status == 200]


@pytest.mark.parametrize("recording", GOOD, ids=str)
def test_every_answer_is_read(recording: Recording) -> None:
    """Whatever a real server answered can be read, with no state that is unknown and no secret left in it."""
    read_it = reader(recording)
    if read_it is None:
        return
    shown = repr(read_it(recording.body))
    assert "UNKNOWN" not in shown
    assert "tpub" not in shown
    assert not [secret for secret in _PREIMAGE.findall(recording.body.decode()) if secret in shown]


@pytest.mark.parametrize(
    ("name", "body"), list(bodies_of_webhooks()), ids=lambda value: value if isinstance(value, str) else ""
)
def test_every_webhook_is_read(name: str, body: Json) -> None:
    """Each webhook's body becomes an event with its own time, its ids and, where it is about one, its payment."""
    del name
    event = parse_event(packed(body), sight())
    assert (event.type, event.at, event.delivery_id) == (body["type"], body["timestamp"], body["deliveryId"])
    assert (event.original_delivery_id, event.redelivery) == (body["originalDeliveryId"], body["isRedelivery"])
    assert (event.invoice_id, event.payout_id) == (body.get("invoiceId"), body.get("payoutId"))
    assert (event.payment is not None) == ("payment" in body)
    assert event.payment is None or event.payment.txid or event.payment.payment_hash
    assert body.get("pullPaymentId") is None or body["pullPaymentId"] not in repr(event)


@dataclass(frozen=True)
class Story:
    """What the last answers of a story must say of its (newest) invoice."""

    status: InvoiceStatus
    additional: AdditionalStatus = AdditionalStatus.NONE
    amount: str = "10.00"
    paid: str = "0"
    payments: tuple[tuple[Method, PaymentStatus, int], ...] = ()


LN, LNURL, CHAIN = Method.LIGHTNING, Method.LNURL, Method.CHAIN
OK, GONE = PaymentStatus.SETTLED, PaymentStatus.INVALID
NEW, SETTLED, EXPIRED, INVALID = (
    InvoiceStatus.NEW,
    InvoiceStatus.SETTLED,
    InvoiceStatus.EXPIRED,
    InvoiceStatus.INVALID,
)
STORIES: Final = {
    "01-lightning-paid": Story(SETTLED, paid="10.00", payments=((LN, OK, 20_000_000),)),
    "02-chain-paid": Story(SETTLED, paid="10.00", payments=((CHAIN, OK, 20_000_000),)),
    "03-chain-over": Story(SETTLED, AdditionalStatus.PAID_OVER, paid="15.00", payments=((CHAIN, OK, 30_000_000),)),
    "04-lightning-then-chain-twice": Story(
        SETTLED, paid="20.00", payments=((LN, OK, 20_000_000), (CHAIN, OK, 20_000_000))
    ),
    "05-zero-amount": Story(SETTLED, amount="0.0"),
    "06-top-up": Story(SETTLED, amount="6.17250000", paid="6.17", payments=((CHAIN, OK, 12_345_000),)),
    "07-marked-settled": Story(INVALID, AdditionalStatus.MARKED),
    "08-marking-a-settled-one": Story(SETTLED, paid="10.00", payments=((LN, OK, 20_000_000),)),
    "10-replaced": Story(NEW, payments=((CHAIN, GONE, 20_000_000),)),
    "11-expired-unpaid": Story(EXPIRED),
    "12-partial-then-late": Story(
        EXPIRED,
        AdditionalStatus.PAID_PARTIAL,
        paid="7.50",
        payments=((CHAIN, OK, 10_000_000), (CHAIN, OK, 15_000_000)),
    ),
    "13-paid-late": Story(EXPIRED, AdditionalStatus.PAID_LATE, paid="10.00", payments=((CHAIN, OK, 20_000_000),)),
    "15-lightning-after-expiry": Story(EXPIRED),
    "16-processing-then-invalid": Story(INVALID, paid="10.00", payments=((CHAIN, OK, 20_000_000),)),
    "20-refund-lightning": Story(SETTLED, amount="5.00", paid="5.00", payments=((LN, OK, 10_000_000),)),
    "24-lnurl": Story(SETTLED, amount="5.00", paid="5.00", payments=((LNURL, OK, 10_000_000),)),
}


def last_of(story: str) -> BtcpayInvoice:
    """The invoice as its last two answers have it."""
    calls = [step for step in load(f"stories/{story}")["steps"] if step.get("call", "").startswith("GET")]
    single = [step["response"] for step in calls if re.search(r"/invoices/\w+$", step["call"])]
    methods = [
        step["response"] for step in calls if step["call"].endswith("/payment-methods") and "/inv" in step["call"]
    ]
    return invoice(single[-1], methods[-1])


@pytest.mark.parametrize(("name", "story"), STORIES.items(), ids=STORIES)
def test_stories_end_as_they_did(name: str, story: Story) -> None:
    """Status, both amounts and each payment with its rail come out of the last answers of each story."""
    found = last_of(name)
    assert (found.status, found.additional) == (story.status, story.additional)
    assert (found.amount, found.paid) == (Decimal(story.amount), Decimal(story.paid))
    assert found.type is (InvoiceType.TOP_UP if name.startswith("06") else InvoiceType.STANDARD)
    assert sorted((pay.method, pay.status, pay.value_msat) for pay in found.payments) == sorted(story.payments)
    assert not any(pay.received_at_doubtful for pay in found.payments)
    assert f"order-{name}".startswith(found.order_id or "none")


def test_lightning_of_an_invoice_names_its_node() -> None:
    """The store's node is known by its public key, and the payment by its hash, on BTC-LN and on LNURL."""
    found = last_of("24-lnurl")
    assert found.offered == ("BTC-LN", "BTC-CHAIN", "BTC-LNURL")
    nodes = {method.node for method in found.methods or () if method.method is not CHAIN}
    assert nodes == {"0305db8480be61322969ad7c8a0084157479b3b032734be913018b3c2d35ac649e"}
    (payment,) = found.payments
    assert payment.payment_hash == "cdec491640745e90a7d468fcd27ade061a6b4e0523c15c1b36af5804b09fb60a"
    assert (payment.txid, payment.output) == (None, None)


def test_partial_payments_owe_a_fee() -> None:
    """The second on-chain payment owes BTCPay's network fee: what is due differs between the rails."""
    found = last_of("12-partial-then-late")
    due = {method.id: method.due for method in found.methods or ()}
    assert due["BTC-CHAIN"] > due["BTC-LN"] >= 0
    assert sum(pay.value for pay in found.payments) == Decimal("0.00025")  # 12.50 EUR, of which 7.50 are credited
    assert {pay.output for pay in found.payments if pay.txid} <= {0, 1}


def test_facts_of_the_rest() -> None:
    """Server info, store, rates, balances, requests and webhooks come out as they stand in the recordings."""
    sync = status.status_of(Told(read(status.INFO, body("server-info")), 0.0, 0.08, 0), 0.5)
    assert (sync.version, sync.synchronized, sync.indexer_answers) == ("2.4.1", True, True)
    assert sync.chains == (ChainSync("BTC-CHAIN", True, 116, 116, 116, 116, Decimal("1.0")),)
    assert sync.doubted("synchronized")
    shop = store.read_store("shop", read(store.STORE, body("store")), read(store.METHODS, body("payment-methods")))
    assert (shop.id, shop.currency, shop.speed_policy) == (STORE, "EUR", "MediumSpeed")
    assert (shop.expiration_seconds, shop.monitoring_seconds) == (900, 86_400)
    assert StoreMethod("BTC-LN", LN, enabled=True) in shop.methods
    two = Rates("shop", (Rate("EUR", Decimal(50_000), ()), Rate("USD", Decimal(55_000), ())))
    assert rates.read_rates("shop", read(rates.RATES, body("rates-two"))) == two
    none = rates.read_rates("shop", read(rates.RATES, body("rates-no-source")))
    assert none.rates == (Rate("JPY", None, ("PreprocessError",)),)
    wallet, node = (
        read(balances.WALLET_BALANCE, body("wallet-funded")),
        read(balances.NODE_BALANCE, body("lightning-balance")),
    )
    held = balances.read_balance("shop", wallet, node, ())
    assert (held.confirmed_msat, held.unconfirmed_msat) == (214_545_000, 0)
    assert held.lightning is not None
    assert (held.lightning.local_msat, held.lightning.remote_msat) == (100_004_000, 4_899_996_000)
    (asked,) = each(request)(body("payment-requests"))
    assert (asked.status, asked.amount) == (PaymentRequestStatus.COMPLETED, Decimal("10.0"))
    (hook,) = read(webhooks.HOOKS, body("webhooks"))
    deliveries = read(webhooks.DELIVERIES, body("webhook-deliveries-count-3"))
    assert webhooks.read_webhook("shop", hook, deliveries).recent[0] == (DeliveryStatus.SUCCESS, 3)
    assert webhooks.read_webhook("shop", hook, deliveries).host == "127.0.0.1"


def test_refunds_and_payouts() -> None:
    """A refund is joined to its invoice and its payouts by a key that opens nothing; proofs lose their preimage."""
    steps = load("stories/20-refund-lightning")["steps"]
    links = [pull_payment(item) for item in last_answer(steps, "pull-payments")]
    paid = [payout(item) for item in last_answer(steps, "payouts")]
    assert {link.refund_of for link in links} == {"PrGi6VKEnsKVkmrBGc5wUs"}
    assert {link.key for link in links} >= {pull_payment_key("menfvUyptJ4Kc6snJVoCRsc11WG")}
    assert paid[0].pull_payment in {link.key for link in links}
    assert (paid[0].state, paid[0].amount_msat) == (PayoutState.COMPLETED, 10_000_000)
    assert paid[0].payment_hash == "7f028956077c4e31a80a1e1f266ba28def8be9c16a22860ee1d87f4bf71d9944"
    chain = [
        payout(item) for item in last_answer(load("stories/21-refund-chain-fiat-needs-approval")["steps"], "payouts")
    ]
    assert chain[1].txid == "255c4d5fafac74ced9599892fdb996662d51baee1f6e8c4f89c5046e80d43739"
    assert (chain[1].asked, chain[1].asked_currency, chain[1].amount_msat) == (Decimal("20.00"), "EUR", 40_000_000)
    assert "menfvUyptJ4Kc6snJVoCRsc11WG" not in repr((links, paid, chain))


@pytest.mark.parametrize("path", sorted(FOLDER.glob("webhooks/*.json")), ids=lambda path: path.stem)
def test_listed_deliveries_are_read(path: Json) -> None:
    """What the server lists of deliveries to broken receivers can be read, with a state that is known."""
    for item in json.loads(path.read_text())["deliveries_listed"]:
        found = webhooks.read_delivery("shop", "hook", answers.DeliveryAnswer.model_validate(item), None)
        assert found.status is not DeliveryStatus.UNKNOWN
        assert (found.http_code, found.delivered_at) == (item["httpCode"], item["deliveryTime"])


def body(name: str) -> bytes:
    return packed(load(name)["response"])


def last_answer(steps: Json, route: str) -> Json:
    return [step["response"] for step in steps if step.get("call", "").endswith(f"{STORE}/{route}")][-1]
