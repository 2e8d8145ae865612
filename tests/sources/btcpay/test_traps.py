"""The traps of BTCPay's answers, each in a table of its own; no server is needed."""

from collections.abc import Sequence
from dataclasses import replace
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import TypeAdapter, ValidationError

from lnwatch.model.merchant import (
    AdditionalStatus,
    BtcpayInvoice,
    InvoiceStatus,
    Method,
    method_of,
)
from lnwatch.sources.btcpay import answers, permissions
from lnwatch.sources.btcpay.amounts import msat_of_bitcoin, msat_of_satoshis
from lnwatch.sources.btcpay.desk import Ledgered
from lnwatch.sources.btcpay.invoice_reading import given_methods, read_invoice
from lnwatch.sources.btcpay.pages import Window, needs_single, rest_of
from lnwatch.sources.btcpay.parsing import Money, decode, each, items
from lnwatch.sources.btcpay.version import UNKNOWN, Version, parse_version, remark, supported
from lnwatch.sources.btcpay.zone import HostZone
from tests.sources.btcpay.recordings import Json, load, sight

MONEY = TypeAdapter(Money)
HASH = "ab" * 32


@pytest.mark.parametrize(
    ("text", "version", "tested"),
    [
        ("2.4.1", (2, 4, 1), True),
        ("2.0.0", (2, 0, 0), True),
        ("2.3.6-rc2", (2, 3, 6), True),
        ("v2.4.1+03345c2", (2, 4, 1), True),
        ("2.4", (2, 4, 0), True),
        ("1.13.7", (1, 13, 7), False),
        ("2.5.0", (2, 5, 0), False),
        ("3.0.0", (3, 0, 0), False),
        ("", UNKNOWN, False),
        ("develop", UNKNOWN, False),
    ],
)
def test_versions(text: str, version: tuple[int, int, int], tested: bool) -> None:
    """Suffixes are tolerated; outside the tested range there is a sentence that says what to do."""
    found = parse_version(text)
    assert (found, supported(found)) == (Version(*version), tested)
    assert (remark(found) is None) == tested


@pytest.mark.parametrize(
    ("value", "amount"),
    [
        ("0.0002", "0.0002"),
        ("0", "0"),
        ("-0.00000001", "-1E-8"),
        ("1E-8", "1E-8"),
        ("12.12345678901234567890", "12.12345678901234567890"),
        (10, "10"),
        (Decimal("10.0"), "10.0"),
        (" 5 ", "5"),
    ],
)
def test_amounts(value: object, amount: str) -> None:
    """Amounts are decimal strings in most models and numbers in some; nothing is rounded."""
    assert MONEY.validate_python(value) == Decimal(amount)


@pytest.mark.parametrize("value", [1.5, True, None, "", "ten", "NaN", "Infinity", "1e999999", "1" * 100, [], {}])
def test_amounts_that_are_none(value: object) -> None:
    """A binary fraction, infinity, and figures beyond reason are no money."""
    with pytest.raises(ValidationError):
        MONEY.validate_python(value)


@pytest.mark.parametrize(
    ("bitcoin", "msat"),
    [
        ("0.0002", 20_000_000),
        ("0.00000000001", 1),
        ("0.123456789012345", 12_345_678_901),
        ("0.00000000000149999999", 0),
        ("0.000000000015", 2),
        ("-0.0001", -10_000_000),
        ("21000000", 2_100_000_000_000_000_000),
    ],
)
def test_bitcoin_in_whole_millisatoshis(bitcoin: str, msat: int) -> None:
    """What is finer than a millisatoshi is rounded away, exactly."""
    assert msat_of_bitcoin(Decimal(bitcoin)) == msat
    assert msat_of_satoshis(Decimal(bitcoin)) == msat_of_bitcoin(Decimal(bitcoin).scaleb(-8))


@pytest.mark.parametrize(
    ("name", "method"),
    [
        ("BTC-CHAIN", Method.CHAIN),
        ("BTC", Method.CHAIN),
        ("BTC-OnChain", Method.CHAIN),
        ("BTC-LN", Method.LIGHTNING),
        ("BTC-LightningNetwork", Method.LIGHTNING),
        ("BTC_LightningLike", Method.LIGHTNING),
        ("BTC-OffChain", Method.LIGHTNING),
        ("BTC-LNURL", Method.LNURL),
        ("BTC-LNURLPAY", Method.LNURL),
        ("LTC-CHAIN", Method.OTHER),
        ("XMR-CHAIN", Method.OTHER),
        ("", Method.OTHER),
    ],
)
def test_methods_of_all_versions(name: str, method: Method) -> None:
    """Ids of before 2.0 are counted under their successors; altcoins and plugins are no bitcoin."""
    assert method_of(name) is method


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{}",
        b"[",
        b"[1",
        b"[1,",
        b"[1 2]",
        b"[1]]",
        b"[1]x",
        b"[NaN]",
        b"\xff[]",
        b"[" * 100_000,
        b"[" + b"9" * 5_000 + b"]",
    ],
)
async def test_lists_that_are_none(body: bytes) -> None:
    """Half a list, something after it, what is not JSON, and nesting without end are told apart from a list."""
    with pytest.raises(ValueError, match=r"."):
        await each(body, lambda item: item)


@pytest.mark.parametrize("body", [b"[]", b" [ ] \r\n", b"[1]", b'[{"a": [1, 2]} , "b",null]', b"[0.10]"])
def test_lists_item_by_item(body: bytes) -> None:
    """Read item by item a list is what it is read at once."""
    assert list(items(body)) == decode(body)


def test_what_a_key_includes() -> None:
    """The rights that include ours are those of the server's own tree, and no others."""
    tree = {entry["name"]: set(entry["included"]) for entry in load("misc-permissions")["response"]}
    needed = [need.permission for need in (*permissions.NEEDS, permissions.DELIVERIES_NEED)] + [permissions.NODE]
    for wanted in needed:
        granting = {name for name in tree if permissions.Grants.of([name]).may(wanted, "S")}
        assert granting == {name for name, included in tree.items() if wanted in included} | {wanted}


@pytest.mark.parametrize(
    ("listed", "may"),
    [
        (["unrestricted"], True),
        (["btcpay.store.canviewinvoices"], True),
        (["btcpay.store.canviewinvoices:S"], True),
        (["btcpay.store.canviewstoresettings:S"], True),
        (["btcpay.store.canviewinvoices:T"], False),
        (["btcpay.store.canviewwallet:S"], False),
        (["btcpay.store.somethingnew:S"], False),
        ([], False),
    ],
)
def test_rights_are_of_one_store_or_of_all(listed: list[str], may: bool) -> None:
    """A right counts in the store that it is scoped to, and without a scope in all."""
    assert permissions.Grants.of(listed).may(permissions.INVOICES, "S") is may


@pytest.mark.parametrize(
    ("received", "earliest", "latest", "doubtful", "shift"),
    [
        (100, 90, 110, False, 0),
        (18_029, 29, 49, True, 18_000),
        (29 - 3_600, 29, 49, True, -3_600),
        (29 + 20_700, 29, 49, True, 20_700),  # Nepal
        (5_000, 29, 90_000, False, None),  # anything fits in a day
        (-600, 0, 20, True, None),  # a clock that goes wrong is no zone
    ],
)
def test_the_hosts_zone(received: int, earliest: int, latest: float, doubtful: bool, shift: int | None) -> None:
    """A time outside its span is not believed; a whole number of quarter hours gives the zone away."""
    zone = HostZone()
    assert (zone.weigh(received, earliest, latest), zone.shift) == (doubtful, shift)


def test_a_known_zone_doubts_what_would_fit() -> None:
    """Once the zone is known no payment's time is believed, until one shows that the host was set right."""
    zone = HostZone(shift=18_000)
    assert zone.weigh(20_000, 0, 90_000)
    assert not zone.weigh(100, 90, 110)
    assert not zone.weigh(20_000, 0, 90_000)


def item(**changes: Json) -> Json:
    return load("invoices-include-payment-methods")["response"][0] | changes


def read(made: Json, at: float = 1_795_556_800.0, offset: float = 0.0) -> BtcpayInvoice:
    answer = answers.InvoiceAnswer.model_validate(made)
    return read_invoice(answer, sight(at, offset), methods=given_methods(answer), accounted_only=True)


@pytest.mark.parametrize(
    ("changes", "methods"),
    [
        ({}, 2),
        ({"paymentMethods": []}, None),
        ({"paymentMethods": None}, None),
        ({"paymentMethods": [], "checkout": {"paymentMethods": []}}, 0),
    ],
)
def test_an_empty_list_of_methods_is_no_answer(changes: Json, methods: int | None) -> None:
    """`[]` means that methods were not told, unless the invoice has none at all."""
    found = read(item(**changes)).methods
    assert (None if found is None else len(found)) == methods


@pytest.mark.parametrize(
    "changes",
    [
        {"amount": None},
        {"paidAmount": None},
        {"additionalStatus": None},
        {"metadata": None},
        {"metadata": [1]},
        {"metadata": {"orderId": {"a": 1}}},
        {"checkout": None},
        {"anything": {"new": True}},
    ],
)
def test_what_may_be_missing(changes: Json) -> None:
    """Older and newer servers leave out, null or add fields: the invoice is read all the same."""
    found = read(item(**changes))
    assert found.status is InvoiceStatus.SETTLED
    assert found.order_id in {None, "order-01-lightning-paid"}


@pytest.mark.parametrize(
    ("order_id", "kept"),
    [("a-1", "a-1"), (17, "17"), (Decimal("1.50"), "1.50"), ("", None), (None, None), (True, None), (["x"], None)],
)
def test_order_ids_are_free_form(order_id: Json, kept: str | None) -> None:
    """An order id may be text or a number; of the other metadata nothing is kept."""
    found = read(item(metadata={"orderId": order_id, "buyerEmail": "a@b.example", "itemCode": "tea"}))
    assert (found.order_id, found.item_code) == (kept, "tea")
    assert "b.example" not in repr(found)


def test_the_first_payment_of_a_settled_invoice_came_in_time() -> None:
    """Settled without PaidLate was paid before expiry: a later time is the host's zone, days afterwards too."""
    made = item()
    made["paymentMethods"][0]["payments"][0]["receivedDate"] += 18_000
    (payment,) = read(made, at=1_795_900_000.0).payments
    assert payment.received_at_doubtful
    late = made | {"status": "Expired", "additionalStatus": "PaidLate"}
    (payment,) = read(late, at=1_795_900_000.0).payments
    assert not payment.received_at_doubtful


def offered(fee: str = "0", payments: Sequence[Json] = ()) -> Json:
    return [{"paymentMethodId": "BTC-CHAIN", "paymentMethodFee": fee, "payments": list(payments)}]


PAYMENT = {"id": f"{HASH}-1", "receivedDate": 1_795_556_780, "value": "0.1", "status": "Settled"}


@pytest.mark.parametrize(
    ("changes", "before", "fee_mode", "alone"),
    [
        ({"paymentMethods": offered()}, 0, "MultiplePaymentsOnly", False),
        ({"paymentMethods": offered("0.0001")}, 0, "MultiplePaymentsOnly", True),
        ({"paymentMethods": offered("0.0001")}, 0, "Always", False),
        ({"paymentMethods": offered("0.0001", [PAYMENT])}, 1, "MultiplePaymentsOnly", False),
        ({"paymentMethods": offered("0.0001", [PAYMENT])}, 2, "MultiplePaymentsOnly", True),
        ({"paymentMethods": offered()}, 1, "Always", True),
        ({"paymentMethods": [], "status": "New", "paidAmount": "0"}, 0, "", False),
        ({"paymentMethods": [], "status": "Expired", "paidAmount": None}, 0, "", False),
        ({"paymentMethods": [], "status": "New", "paidAmount": "1"}, 0, "", True),
        ({"paymentMethods": [], "status": "Processing"}, 0, "", True),
        ({"paymentMethods": [], "status": "Settled"}, 0, "", True),
    ],
)
def test_when_a_list_is_not_enough(changes: Json, before: int, fee_mode: str, alone: bool) -> None:
    """A hidden payment shows by the fee for a second one, or by one that was there before."""
    assert needs_single(read(item(**changes)), before, fee_mode) is alone


@given(
    made=st.lists(st.integers(100, 130), max_size=60),
    limit=st.integers(1, 7),
    start=st.none() | st.integers(95, 120),
)
def test_a_walk_by_windows_sees_everything(made: list[int], limit: int, start: int | None) -> None:
    """However many invoices fall into one second, pages down the windows bring each, and come to an end."""
    stored = sorted(enumerate(made), key=lambda each: -each[1])
    seen: set[int] = set()
    window: Window | None = Window(start)
    for _ in range(200):
        if window is None:
            break
        low, high = window.start, window.end
        fitting = [(n, at) for n, at in stored if (low is None or at >= low) and (high is None or at <= high)]
        page = fitting[window.skip :][:limit]
        seen |= {n for n, _ in page}
        window = rest_of(window, [at for _, at in page], limit)
    assert window is None
    assert seen == {n for n, at in enumerate(made) if start is None or at >= start}


def test_told_only_when_stored() -> None:
    """A state counts as told with the cursor that it came with, and not before; seeing it again is no news."""
    ledgered, first = Ledgered(), read(item())
    now = first.seen_at
    assert ledgered.lacks(first)
    ledgered.promise("c", "1", [first])
    ledgered.confirm("c", None, now)
    assert ledgered.lacks(first)
    ledgered.promise("c", "2", [first])
    ledgered.confirm("c", "2", now)
    assert not ledgered.lacks(replace(first, seen_at=first.seen_at + 60))
    assert ledgered.lacks(replace(first, additional=AdditionalStatus.MARKED))
    assert ledgered.lacks(replace(first, accounted_only=False))


def test_what_btcpay_watches_no_more_is_forgotten() -> None:
    """A day after BTCPay ceased to watch an invoice, or after it was told last, nobody looks at it any more."""
    ledgered, old = Ledgered(), read(item())
    end = float(old.monitored_until)
    ledgered.promise("c", "1", [old])
    ledgered.confirm("c", "1", end + 86_000)
    assert not ledgered.lacks(old)
    ledgered.promise("c", "2", [])
    ledgered.confirm("c", "2", end + 86_500)
    assert ledgered.lacks(old)
    late = replace(old, seen_at=end + 172_800)
    ledgered.promise("c", "3", [late])
    ledgered.confirm("c", "3", end + 172_900)
    assert not ledgered.lacks(late)
