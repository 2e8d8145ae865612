"""Routes of pull payments, payouts and payment requests."""

from typing import Final

from lnwatch.simulator.btcpay.answers import invoice_shown, payout_shown, pull_payment_shown, request_shown
from lnwatch.simulator.btcpay.api_invoices import decimal_of
from lnwatch.simulator.btcpay.core import PaymentRequest, Payout, PullPayment, Terms
from lnwatch.simulator.btcpay.encoding import bolt11_msat
from lnwatch.simulator.btcpay.invoicing import UnpayableError, create, order_of
from lnwatch.simulator.btcpay.keys import STORE, forbidden
from lnwatch.simulator.btcpay.payouts import RefusedError
from lnwatch.simulator.btcpay.routing import Call, FailedError, InvalidError, Route, done, ok
from lnwatch.simulator.kestrel import Reply

_METHODS: Final = ("BTC-CHAIN", "BTC-LN")
_REASONS: Final = {
    "archived": "You cannot pay an archived payment request",
    "already-paid": "The payment request has already been paid",
    "expired": "The payment request has expired",
}


async def pull_payments(call: Call) -> Reply:
    """The newest start first, without pages."""
    mine = [each for each in reversed(call.btcpay.pull_payments.values()) if each.store == call.store.id]
    shown = [each for each in mine if call.flag("includeArchived") or not each.archived]
    return ok([pull_payment_shown(call.btcpay, each) for each in sorted(shown, key=lambda each: -each.starts_at)])


async def create_pull_payment(call: Call) -> Reply:
    """A link to claim money by."""
    body = call.document()
    amount = decimal_of(body, "amount")
    if amount is None or amount <= 0:
        raise InvalidError([("amount", "The amount should more than 0.")])
    methods = tuple(body.get("payoutMethods") or ())
    if not methods:
        raise InvalidError([("payoutMethods", "You must choose one payment method at least")])
    if any(each not in _METHODS for each in methods):
        raise InvalidError([("payoutMethods", "Payment method is not supported")])
    approve = bool(body.get("autoApproveClaims"))
    if approve and not call.key.may(f"{STORE}cancreatepullpayments", call.store.id):
        return forbidden(f"{STORE}cancreatepullpayments")
    terms = Terms(
        name=body.get("name") or "",
        description=body.get("description") or "",
        amount=amount,
        currency=str(body.get("currency") or call.store.currency).upper(),
        auto_approve=approve,
        methods=methods,
        starts_at=body.get("startsAt"),
        expires_at=body.get("expiresAt"),
    )
    made = call.services.payouts.pull(call.store, terms)
    return ok(pull_payment_shown(call.btcpay, made))


async def archive_pull_payment(call: Call) -> Reply:
    """End it."""
    call.services.payouts.archive(call.btcpay.pull_payments[call.parameters["pull"]])
    return done()


def _public(call: Call) -> PullPayment:
    """Who knows the id may see it."""
    found = call.btcpay.pull_payments.get(call.parameters["pull"])
    if found is None:
        raise FailedError(404, "pullpayment-not-found", "The pull payment was not found")
    return found


async def pull_payment(call: Call) -> Reply:
    """One of them."""
    return ok(pull_payment_shown(call.btcpay, _public(call)))


async def claims(call: Call) -> Reply:
    """What was asked for by a link."""
    pull = _public(call)
    found = [each for each in call.btcpay.payouts.values() if each.pull_payment == pull.id]
    return ok([payout_shown(each) for each in found if call.flag("includeCancelled") or each.state != "Cancelled"])


async def claim(call: Call) -> Reply:
    """Ask for money."""
    pull, body = _public(call), call.document()
    method, destination = body.get("payoutMethodId"), str(body.get("destination") or "")
    if method not in pull.terms.methods:
        raise FailedError(400, "payment-method-not-supported", "The payment method is not supported")
    if method == "BTC-LN":
        try:
            bolt11_msat(destination)
        except (ValueError, KeyError):
            raise InvalidError([("destination", "A valid BOLT11 invoice or LNURL was not provided")]) from None
    elif not destination:
        raise InvalidError([("destination", "The destination field is required.")])
    try:
        return ok(payout_shown(call.services.payouts.claim(pull, destination, method, decimal_of(body, "amount"))))
    except RefusedError as error:
        raise FailedError(400, error.code, str(error)) from error


async def payouts(call: Call) -> Reply:
    """The oldest first, without pages; not those of archived pull payments."""
    shown = []
    for each in call.btcpay.payouts.values():
        pull = call.btcpay.pull_payments.get(each.pull_payment or "")
        hidden = each.store != call.store.id or (pull is not None and pull.archived)
        if not hidden and (each.state != "Cancelled" or call.flag("includeCancelled")):
            shown.append(payout_shown(each))
    return ok(shown)


def _payout(call: Call) -> Payout:
    return call.btcpay.payouts[call.parameters["payout"]]


async def payout(call: Call) -> Reply:
    """One of them."""
    return ok(payout_shown(_payout(call)))


async def approve(call: Call) -> Reply:
    """By hand; who approves must know the newest revision."""
    body = call.document()
    try:
        call.services.payouts.approve(_payout(call), int(body.get("revision", -1)), decimal_of(body, "rateRule"))
    except RefusedError as error:
        raise FailedError(400, error.code, str(error)) from error
    return ok(payout_shown(_payout(call)))


async def cancel(call: Call) -> Reply:
    """By hand."""
    try:
        call.services.payouts.cancel(_payout(call))
    except RefusedError as error:
        raise FailedError(400, error.code, str(error)) from error
    return done()


async def mark(call: Call) -> Reply:
    """By hand, as paid or as something else."""
    body = call.body if isinstance(call.body, dict) else {}
    state = "Completed" if call.request.path.endswith("/mark-paid") else str(body.get("state"))
    if state not in ("AwaitingPayment", "InProgress", "Completed"):
        raise InvalidError([("state", "Payout can only be marked as AwaitingPayment, InProgress or Completed")])
    try:
        call.services.payouts.mark(_payout(call), state, body.get("paymentProof"))
    except RefusedError as error:
        raise FailedError(400, error.code, str(error)) from error
    return done()


# -- payment requests -----------------------------------------------------------------------------------------


def _request(call: Call) -> PaymentRequest:
    return call.btcpay.requests[call.parameters["request"]]


async def payment_requests(call: Call) -> Reply:
    """The newest first."""
    mine = [each for each in reversed(call.btcpay.requests.values()) if each.store == call.store.id]
    return ok([request_shown(each) for each in mine if call.flag("includeArchived") or not each.archived])


async def create_payment_request(call: Call) -> Reply:
    """A bill."""
    body = call.document()
    amount = decimal_of(body, "amount")
    errors = []
    if amount is None or amount <= 0:
        errors.append(("Amount", "Please provide an amount greater than 0"))
    if not body.get("title"):
        errors.append(("Title", "Title is required"))
    if errors or amount is None:
        raise InvalidError(errors)
    made = PaymentRequest(
        id=call.btcpay.ids.uuid("request"),
        store=call.store.id,
        amount=amount,
        currency=str(body.get("currency") or call.store.currency).upper(),
        title=str(body["title"]),
        created_at=int(call.btcpay.clock.now()),
        custom_amounts=bool(body.get("allowCustomPaymentAmounts")),
        expires_at=body.get("expiryDate"),
        description=body.get("description"),
        email=body.get("email"),
        reference=body.get("referenceId"),
    )
    call.btcpay.requests[made.id] = made
    call.btcpay.tell_request(made, "PaymentRequestCreated")
    return ok(request_shown(made))


async def payment_request(call: Call) -> Reply:
    """One of them."""
    return ok(request_shown(_request(call)))


async def archive_payment_request(call: Call) -> Reply:
    """Out of the list."""
    _request(call).archived = True
    call.btcpay.tell_request(_request(call), "PaymentRequestArchived")
    return done()


async def pay_payment_request(call: Call) -> Reply:
    """An invoice for what is left of it, or for an instalment. All of them bear the same order id."""
    request = _request(call)
    body = call.body if isinstance(call.body, dict) else {}
    reason = "archived" if request.archived else {"Completed": "already-paid", "Expired": "expired"}.get(request.status)
    if reason is not None:
        raise FailedError(400, reason, _REASONS[reason])
    invoices = [call.btcpay.invoices[each] for each in request.invoices if each in call.btcpay.invoices]
    due = request.amount - sum(each.paid() for each in invoices)
    amount = decimal_of(body, "amount")
    if amount is not None and not request.custom_amounts:
        raise InvalidError([("Amount", "Not allowed to pay a custom amount")])
    price = due if amount is None else amount
    if price <= 0:
        raise InvalidError([("Amount", "Please provide an amount greater than 0")])
    again = next((each for each in invoices if each.status == "New" and each.amount == price), None)
    if body.get("allowPendingInvoiceReuse") and again is not None:
        return ok(invoice_shown(call.btcpay, again))
    order = order_of(
        call.store,
        price=price,
        currency=request.currency,
        metadata={"orderId": f"PAY_REQUEST_{request.id}", "paymentRequestId": request.id},
        checkout={"redirectURL": f"{call.btcpay.url}/payment-requests/{request.id}"},
        receipt={"enabled": False, "showQR": True, "showPayments": True},
    )
    try:
        made = await create(call.btcpay, call.services.detection, call.store, order)
    except UnpayableError as error:
        raise FailedError(400, "generic-error", str(error)) from error
    request.invoices.append(made.id)
    return ok(invoice_shown(call.btcpay, made))


_STORE: Final = "/api/v1/stores/{store}"
ROUTES = (
    Route("GET", f"{_STORE}/pull-payments", "canviewpullpayments", pull_payments),
    Route("POST", f"{_STORE}/pull-payments", "cancreatenonapprovedpullpayments", create_pull_payment),
    Route("DELETE", f"{_STORE}/pull-payments/{{pull}}", "canarchivepullpayments", archive_pull_payment),
    Route("DELETE", "/api/v1/pull-payments/{pull}", "canarchivepullpayments", archive_pull_payment),
    Route("GET", "/api/v1/pull-payments/{pull}", None, pull_payment),
    Route("GET", "/api/v1/pull-payments/{pull}/payouts", None, claims),
    Route("POST", "/api/v1/pull-payments/{pull}/payouts", None, claim),
    Route("GET", f"{_STORE}/payouts", "canviewpayouts", payouts),
    *(
        route
        for base in (f"{_STORE}/payouts/{{payout}}", "/api/v1/payouts/{payout}")
        for route in (
            Route("GET", base, "canviewpayouts", payout),
            Route("POST", base, "canmanagepayouts", approve),
            Route("DELETE", base, "canmanagepayouts", cancel),
            Route("POST", f"{base}/mark", "canmanagepayouts", mark),
            Route("POST", f"{base}/mark-paid", "canmanagepayouts", mark),
        )
    ),
    Route("GET", f"{_STORE}/payment-requests", "canviewpaymentrequests", payment_requests),
    Route("POST", f"{_STORE}/payment-requests", "canmodifypaymentrequests", create_payment_request),
    *(
        route
        for base in (f"{_STORE}/payment-requests/{{request}}", "/api/v1/payment-requests/{request}")
        for route in (
            Route("GET", base, "canviewpaymentrequests", payment_request),
            Route("DELETE", base, "canmodifypaymentrequests", archive_payment_request),
            Route("POST", f"{base}/pay", "canviewpaymentrequests", pay_payment_request),
        )
    ),
)
