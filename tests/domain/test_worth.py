"""What payments are worth: by the invoice's own rate, rounded as people write it."""

from dataclasses import replace
from decimal import Decimal

import pytest

from lnwatch.domain.worth import (
    asked_msat,
    credited_of,
    due_of,
    enough,
    gross_of,
    minor,
    net_of,
    rounded,
    written,
)
from lnwatch.model.merchant import InvoiceType, Method
from tests.domain.stories import CHAIN, LN, SETTLED, payment, story


@pytest.mark.parametrize(
    ("currency", "amount", "text"),
    [
        ("EUR", "1234.5", "1,234.50 EUR"),
        ("EUR", "0.005", "0.01 EUR"),
        ("JPY", "1234.4", "1,234 JPY"),
        ("KWD", "1.2345", "1.235 KWD"),
        ("BTC", "0.00012345", "0.00012345 BTC"),
        ("SATS", "12345", "12,345 SATS"),
        ("XYZ", "1", "1.00 XYZ"),
    ],
)
def test_amounts_are_written_in_whole_units(currency: str, amount: str, text: str) -> None:
    """As many digits as the currency has."""
    assert written(Decimal(amount), currency) == text
    assert rounded(Decimal(amount), currency) % minor(currency) == 0


def test_a_payment_is_worth_its_invoices_rate() -> None:
    """Gross, and less BTCPay's fee for it."""
    held = story("a", SETTLED, payment(CHAIN, "15")).invoice
    paid = payment(CHAIN, "15", fee=Decimal("0.0001")).payment
    assert (gross_of(held, paid), net_of(held, paid)) == (Decimal(15), Decimal(10))


def test_the_methods_own_rate_counts() -> None:
    """Each is locked by itself; a coin without a rate is worth nothing that can be told."""
    held = story("a", SETTLED).invoice
    paid = payment(LN, "10").payment
    methods = [replace(each, rate=Decimal(40_000)) if each.method is LN else each for each in held.methods or ()]
    assert gross_of(replace(held, methods=tuple(methods)), paid) == Decimal(8)
    assert gross_of(replace(held, methods=None), paid) == 0
    assert gross_of(held, replace(paid, method=Method.OTHER)) == 0


def test_what_is_credited() -> None:
    """BTCPay's own figure; of servers that don't say, what the payments come to."""
    paid = payment(CHAIN, "12.5", fee=Decimal("0.0001")).payment
    held = story("a", SETTLED).invoice
    assert credited_of(replace(held, paid=Decimal("7.50")), [paid]) == Decimal("7.50")
    assert credited_of(replace(held, paid=None), [paid]) == Decimal("7.50")


def test_what_is_enough() -> None:
    """The price less the tolerance; of a top-up the smallest amount there is."""
    held = story("a", SETTLED).invoice
    assert enough(replace(held, tolerance_percent=Decimal(5))) == Decimal("9.5")
    topped = replace(held, type=InvoiceType.TOP_UP, amount=Decimal("6.1725"))
    assert (enough(topped), due_of(topped, Decimal("6.17"))) == (Decimal("0.01"), Decimal("6.17"))
    assert due_of(held, Decimal("6.17")) == 10


def test_what_is_asked_over_lightning() -> None:
    """Exact to the millisatoshi; nothing where the invoice has no such method."""
    assert asked_msat(story("a", euros="10")) == 20_000_000
    assert asked_msat(story("a", methods=(Method.LNURL, CHAIN))) == 20_000_000
    assert asked_msat(story("a", methods=(CHAIN,))) is None
