"""Routes of invoices: list, create, read, mark, archive, refund."""

import re
from collections.abc import Callable, Iterable, Mapping
from decimal import Decimal, InvalidOperation
from typing import Any, Final

from lnwatch.simulator.btcpay.answers import invoice_shown, prompt_shown, pull_payment_shown
from lnwatch.simulator.btcpay.core import Terms
from lnwatch.simulator.btcpay.encoding import in_currency, plain, round_up
from lnwatch.simulator.btcpay.invoice import CONFIRMATIONS, DIGITS, Invoice
from lnwatch.simulator.btcpay.invoicing import Order, UnpayableError, create, order_of
from lnwatch.simulator.btcpay.keys import STORE, forbidden
from lnwatch.simulator.btcpay.routing import Call, FailedError, InvalidError, Route, done, ok
from lnwatch.simulator.kestrel import Reply

_LEGACY: Final = {"paid": "Processing", "confirmed": "Settled", "complete": "Settled"}
_STATUSES: Final = {each.lower(): each for each in ("New", "Processing", "Settled", "Expired", "Invalid")} | _LEGACY
_LEAST_EXPIRATION: Final = 30  # seconds
_VARIANTS: Final = frozenset({"RateThen", "CurrentRate", "Fiat", "OverpaidAmount", "Custom"})
_CONVERSION: Final = "Error converting value {value} to type '{type}'. Path '{path}', line 1, position {at}."
_VARIANT_TYPE: Final = "System.Nullable`1[BTCPayServer.Client.Models.RefundVariant]"


async def invoices(call: Call) -> Reply:
    """By creation, newest first. Without `take` all of them; a status that nobody knows is no filter."""
    found: Iterable[Invoice] = (each for each in reversed(call.btcpay.invoices.values()) if each.store == call.store.id)
    for keep in _filters(call):
        found = filter(keep, found)
    ordered = sorted(found, key=lambda each: each.created_at, reverse=True)
    skip, take = call.number("skip") or 0, call.number("take")
    if skip < 0 or (take is not None and take < 0):
        return Reply(500)
    page = ordered[skip:] if take is None else ordered[skip : skip + take]
    methods = call.flag("includePaymentMethods")
    return ok([invoice_shown(call.btcpay, each, methods=methods) for each in page])


def _filters(call: Call) -> list[Callable[[Invoice], bool]]:
    start, end = _moment(call, "startDate"), _moment(call, "endDate")
    statuses = {_STATUSES[each.lower()] for each in call.request.query.get("status", ()) if each.lower() in _STATUSES}
    orders = set(call.request.query.get("orderId", ()))
    text = (call.first("textSearch") or "").lower()
    filters: list[Callable[[Invoice], bool]] = []
    if not call.flag("includeArchived"):
        filters.append(lambda each: not each.archived)
    if start is not None:
        filters.append(lambda each: each.created_at >= start)
    if end is not None:
        filters.append(lambda each: each.created_at <= end)
    if statuses:
        filters.append(lambda each: each.status in statuses)
    if orders:
        filters.append(lambda each: each.metadata.get("orderId") in orders)
    if text:
        filters.append(lambda each: any(term.lower().startswith(text) for term in _terms(each)))
    return filters


def _moment(call: Call, name: str) -> int | None:
    text = call.first(name)
    if text is None or text.isdecimal():
        return None if text is None else int(text)
    raise InvalidError([(name, "Invalid unix timestamp")], bound=False)


def _terms(invoice: Invoice) -> Iterable[str]:
    yield from (invoice.id, f"{invoice.amount:f}", *invoice.search_terms)
    yield from (str(invoice.metadata[name]) for name in ("orderId", "buyerEmail") if name in invoice.metadata)
    yield from (each.destination for each in invoice.prompts if each.destination is not None)
    yield from (each.id for each in invoice.payments)


async def create_invoice(call: Call) -> Reply:
    """400 with the log of the creation where no method is left."""
    order = _order(call)
    try:
        made = await create(call.btcpay, call.services.detection, call.store, order)
    except UnpayableError as error:
        raise FailedError(400, "generic-error", str(error)) from error
    return ok(invoice_shown(call.btcpay, made))


def _order(call: Call) -> Order:
    body = call.document()
    checkout = body.get("checkout") or {}
    price = decimal_of(body, "amount")
    errors = []
    if price is not None and price < 0:
        errors.append(("Amount", "The amount should be 0 or more."))
    store = call.store
    expires_in = _seconds(checkout, "expirationMinutes", store.expiration)
    if expires_in < _LEAST_EXPIRATION:
        errors.append(("Checkout.Expiration", "Expiration time must be at least 30 seconds"))
    tolerance = decimal_of(checkout, "paymentTolerance")
    if tolerance is not None and not 0 <= tolerance <= 100:
        errors.append(("Checkout.PaymentTolerance", "PaymentTolerance can only be between 0 and 100 percent"))
    speed = checkout.get("speedPolicy") or store.speed
    if speed not in CONFIRMATIONS:
        errors.append(("checkout.speedPolicy", f"Error converting value {speed}."))
    if errors:
        raise InvalidError(errors)
    wanted = checkout.get("paymentMethods")
    receipt = {"enabled": True, "showQR": True, "showPayments": True} | (body.get("receipt") or {})
    return order_of(
        store,
        price=price,
        currency=str(body.get("currency") or store.currency).upper(),
        expires_in=expires_in,
        monitored_for=_seconds(checkout, "monitoringMinutes", store.monitoring),
        speed=speed,
        tolerance=store.tolerance if tolerance is None else tolerance,
        methods=None if wanted is None else frozenset(wanted),
        metadata=body.get("metadata") or {},
        checkout=checkout,
        receipt=receipt,
        search_terms=tuple(body.get("additionalSearchTerms") or ()),
    )


def decimal_of(body: Mapping[str, Any], name: str) -> Decimal | None:
    """A decimal, as a string or a number. Raises InvalidError."""
    value = body.get(name)
    if value is None or value == "":
        return None
    try:
        number = Decimal(str(value))
    except InvalidOperation:
        number = Decimal("NaN")
    if not number.is_finite():
        raise InvalidError([(name, f"Could not convert string to decimal: {value}. Path '{name}'.")])
    return number


def _seconds(checkout: Mapping[str, Any], name: str, default: int) -> int:
    minutes = decimal_of(checkout, name)
    return default if minutes is None else int(minutes * 60)


async def invoice(call: Call) -> Reply:
    """One of them."""
    return ok(invoice_shown(call.btcpay, call.invoice, methods=call.flag("includePaymentMethods")))


async def change_invoice(call: Call) -> Reply:
    """Replace what the shop noted on it."""
    call.invoice.metadata = call.document().get("metadata") or {}
    return ok(invoice_shown(call.btcpay, call.invoice))


async def archive(call: Call) -> Reply:
    """Out of the list."""
    call.invoice.archived = True
    return done()


async def unarchive(call: Call) -> Reply:
    """Into the list again; the answer still says archived, as seen in 2.4.1."""
    answer = ok(invoice_shown(call.btcpay, call.invoice))
    call.invoice.archived = False
    return answer


async def payment_methods(call: Call) -> Reply:
    """With the payments that count, or all of them."""
    sensitive = call.flag("includeSensitive")
    if sensitive and not call.key.may(f"{STORE}canmodifystoresettings", call.store.id):
        return forbidden(f"{STORE}canmodifystoresettings")
    accounted = (call.first("onlyAccountedPayments") or "true").lower() != "false"
    value = [
        prompt_shown(call.btcpay, call.invoice, each, accounted=accounted, sensitive=sensitive)
        for each in call.invoice.prompts
    ]
    return ok(value)


async def mark(call: Call) -> Reply:
    """By hand, where that is allowed; the answer still says what was before, as seen in 2.4.1."""
    status = call.document().get("status")
    if status not in call.invoice.marks:
        text = "Status can only be marked to invalid or settled within certain conditions."
        raise InvalidError([("Status", text)])
    answer = ok(invoice_shown(call.btcpay, call.invoice))
    call.btcpay.mark(call.invoice, status)
    return answer


# -- refunds --------------------------------------------------------------------------------------------------


async def refund(call: Call) -> Reply:
    """A pull payment each time that it is called."""
    body = call.document()
    variant = body.get("refundVariant")
    if variant not in _VARIANTS:
        raise InvalidError([("request", "The request field is required."), ("refundVariant", _unknown(call, variant))])
    if not call.invoice.refundable:
        raise FailedError(400, "non-refundable", "Cannot refund this invoice")
    methods = tuple(body.get("payoutMethods") or [body.get("payoutMethodId") or "BTC-CHAIN"])
    amount, currency = _refund_amount(call, variant, body, methods[0])
    subtract = decimal_of(body, "subtractPercentage") or Decimal(0)
    if not 0 <= subtract <= 100:
        raise InvalidError([("subtractPercentage", "Percentage must be a numeric value between 0 and 100")])
    if subtract:
        amount = in_currency(amount * (100 - subtract) / 100, currency)
    may_approve = call.key.may(f"{STORE}cancreatepullpayments", call.store.id)
    terms = Terms(
        name=body.get("name") or f"Refund {call.invoice.id}",
        description=body.get("description") or "",
        amount=amount,
        currency=currency,
        auto_approve=currency == "BTC" and may_approve,
        methods=methods,
    )
    made = call.services.payouts.refund(call.invoice, terms)
    return ok(pull_payment_shown(call.btcpay, made))


def _unknown(call: Call, variant: object) -> str:
    found = re.search(rb'"refundVariant"\s*:\s*("[^"]*"|[^,}\s]+)', call.request.body)
    at = found.end() if found else 1
    return _CONVERSION.format(value=f'"{variant}"', type=_VARIANT_TYPE, path="refundVariant", at=at)


def _refund_amount(call: Call, variant: str, body: Mapping[str, Any], method: str) -> tuple[Decimal, str]:
    invoice = call.invoice
    if variant == "Fiat":
        return in_currency(invoice.paid(), invoice.currency), invoice.currency
    if variant == "Custom":
        amount, currency = decimal_of(body, "customAmount"), body.get("customCurrency")
        if amount is None or amount <= 0:
            raise InvalidError([("customAmount", "Amount must be greater than 0")])
        if not currency:
            raise InvalidError([("customCurrency", "Invalid currency")])
        return amount, str(currency)
    over = invoice.paid() - invoice.amount
    if variant == "OverpaidAmount" and over <= 0:
        raise InvalidError([("refundVariant", "Invoice is not overpaid")])
    wanted = over if variant == "OverpaidAmount" else invoice.paid()
    rate = call.store.rate(invoice.currency) if variant == "CurrentRate" else invoice.rate(method)
    if rate is None:
        raise InvalidError([("refundVariant", "Impossible to fetch rate")])
    return Decimal(plain(round_up(wanted / rate, 8))), "BTC"


async def preview(call: Call) -> Reply:
    """What each variant would give; JSON numbers."""
    invoice, method = call.invoice, call.parameters["method"]
    prompt, rate = invoice.prompt(method), call.store.rate(invoice.currency)
    if not invoice.refundable:
        raise FailedError(400, "non-refundable", "Cannot refund this invoice")
    if prompt is None or rate is None:
        raise FailedError(404, "paymentmethod-not-found", "The payment method was not found")
    over = invoice.paid() - invoice.amount
    value = {
        "paymentAmountNow": float(round_up(invoice.paid() / rate, DIGITS[method])),
        "currentRateText": None,
        "paymentAmountThen": float(round_up(invoice.paid() / prompt.rate, DIGITS[method])),
        "invoiceAmount": float(invoice.paid()),
        "overpaidPaymentAmount": float(round_up(over / prompt.rate, DIGITS[method])) if over > 0 else None,
        "invoiceCurrency": invoice.currency,
        "paymentCurrency": "BTC",
        "paymentCurrencyDivisibility": DIGITS[method],
        "invoiceCurrencyDivisibility": 2,
    }
    return ok(value)


_STORE: Final = "/api/v1/stores/{store}/invoices"
ROUTES = (
    Route("GET", _STORE, "canviewinvoices", invoices),
    Route("POST", _STORE, "cancreateinvoice", create_invoice),
    *(
        route
        for base in (f"{_STORE}/{{invoice}}", "/api/v1/invoices/{invoice}")
        for route in (
            Route("GET", base, "canviewinvoices", invoice),
            Route("PUT", base, "canmodifyinvoices", change_invoice),
            Route("DELETE", base, "canmodifyinvoices", archive),
            Route("POST", f"{base}/status", "canmodifyinvoices", mark),
            Route("POST", f"{base}/unarchive", "canmodifyinvoices", unarchive),
            Route("GET", f"{base}/payment-methods", "canviewinvoices", payment_methods),
            Route("POST", f"{base}/refund", "cancreatenonapprovedpullpayments", refund),
            Route("GET", f"{base}/refund/{{method}}", "cancreatenonapprovedpullpayments", preview),
        )
    ),
)
