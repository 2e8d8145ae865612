"""What the payments of an invoice are worth in its own currency, as BTCPay credits them and in full."""

from collections.abc import Iterable
from decimal import ROUND_HALF_UP, Decimal
from functools import cache

from lnwatch.model.merchant import LIGHTNING_METHODS, BtcpayInvoice, InvoiceType, Method, Payment
from lnwatch.model.money import MSAT_PER_BTC, Msat
from lnwatch.model.order import InvoiceStory

_ZERO = Decimal(0)
_BITCOIN = Decimal(MSAT_PER_BTC)
_USUAL_DIGITS = 2
_DIGITS = {
    "BTC": 8,
    **dict.fromkeys(("SATS", "BIF", "CLP", "DJF", "GNF", "ISK", "JPY", "KMF", "KRW", "PYG"), 0),
    **dict.fromkeys(("RWF", "UGX", "VND", "VUV", "XAF", "XOF", "XPF"), 0),
    **dict.fromkeys(("BHD", "IQD", "JOD", "KWD", "LYD", "OMR", "TND"), 3),
}


@cache
def minor(currency: str) -> Decimal:
    """The smallest amount of a currency that people write."""
    return Decimal(1).scaleb(-_DIGITS.get(currency.upper(), _USUAL_DIGITS))


def rounded(amount: Decimal, currency: str) -> Decimal:
    """The amount in whole smallest units."""
    return amount.quantize(minor(currency), ROUND_HALF_UP)


def written(amount: Decimal, currency: str) -> str:
    """An amount as people read it: `1,234.50 EUR`."""
    return f"{rounded(amount, currency):,} {currency}"


def rate_of(invoice: BtcpayInvoice, payment: Payment) -> Decimal | None:
    """The invoice's currency per coin of the payment, locked when the invoice was made; None where not told."""
    methods = invoice.methods or ()
    own = next((each for each in methods if any(paid.id == payment.id for paid in each.payments)), None)
    if own is not None and own.rate is not None:
        return own.rate
    if payment.method is Method.OTHER:
        return None
    same = [each for each in methods if each.method is payment.method and each.rate is not None]
    bitcoin = [each for each in methods if each.method is not Method.OTHER and each.rate is not None]
    return next((each.rate for each in (*same, *bitcoin)), None)


def bitcoin_worth(invoice: BtcpayInvoice, amount_msat: int) -> Decimal:
    """What an amount of bitcoin is worth by the invoice's own rate; 0 where it has none."""
    if not amount_msat:
        return _ZERO
    rates = (each.rate for each in invoice.methods or () if each.method is not Method.OTHER)
    rate = next((rate for rate in rates if rate is not None), _ZERO)
    return amount_msat / _BITCOIN * rate


def gross_of(invoice: BtcpayInvoice, payment: Payment) -> Decimal:
    """What one payment brought; 0 where its rate is not known."""
    return payment.value * (rate_of(invoice, payment) or _ZERO)


def net_of(invoice: BtcpayInvoice, payment: Payment) -> Decimal:
    """What one payment brought beyond BTCPay's fee for it."""
    return (payment.value - payment.fee) * (rate_of(invoice, payment) or _ZERO)


def arrived_worth(invoice: BtcpayInvoice, payments: Iterable[Payment], stray_msat: int) -> Decimal:
    """What all of it is worth, in whole smallest units: payments, and what the node alone knows of."""
    total = sum((gross_of(invoice, payment) for payment in payments), _ZERO)
    return rounded(total + bitcoin_worth(invoice, stray_msat), invoice.currency)


def credited_of(invoice: BtcpayInvoice, payments: Iterable[Payment]) -> Decimal:
    """What BTCPay credits: its own figure, before 2.1.2 what its payments come to."""
    if invoice.paid is not None:
        return invoice.paid
    return rounded(sum((net_of(invoice, payment) for payment in payments), _ZERO), invoice.currency)


def due_of(invoice: BtcpayInvoice, credited: Decimal) -> Decimal:
    """What was asked. A top-up asks for whatever it gets."""
    return credited if invoice.type is InvoiceType.TOP_UP else invoice.amount


def enough(invoice: BtcpayInvoice) -> Decimal:
    """What BTCPay takes for the whole amount, the store's tolerance included."""
    if invoice.type is InvoiceType.TOP_UP:
        return minor(invoice.currency)
    return invoice.amount * (1 - invoice.tolerance_percent / 100)


def hair_missing(invoice: BtcpayInvoice, credited: Decimal) -> str:
    """How the sentence of an invoice goes on that is called partly paid, where its figures do not show what is missing:
    BTCPay reckons in all digits and tells rounded ones. Nothing where they do."""
    if credited < enough(invoice):
        return ""
    return f"; less than {written(minor(invoice.currency), invoice.currency)} is missing"


def asked_msat(story: InvoiceStory) -> Msat | None:
    """What the invoice asks for over Lightning; None without such a method, 0 for a top-up."""
    for method in story.invoice.methods or ():
        if method.method in LIGHTNING_METHODS and method.currency == "BTC":
            return Msat(int(method.amount * _BITCOIN))
    return None
