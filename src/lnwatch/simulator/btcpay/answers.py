"""What the API shows of each thing: names, order and forms of the fields."""

from decimal import Decimal
from typing import Any, Final

from lnwatch.simulator.btcpay.core import Btcpay, PaymentRequest, Payout, PullPayment
from lnwatch.simulator.btcpay.encoding import in_currency, lnurl, plain
from lnwatch.simulator.btcpay.invoice import CHAIN, LNURL, Invoice, Payment, Prompt
from lnwatch.simulator.btcpay.wallet import NodeInvoice, NodePayment

_LINKS: Final = {CHAIN: "bitcoin:", "BTC-LN": "lightning:"}


def payment_shown(payment: Payment, utc_offset: int) -> dict[str, Any]:
    """A payment; its time is off by the host's own offset from UTC."""
    return {
        "id": payment.id,
        "receivedDate": payment.received_at - utc_offset,
        "value": plain(payment.value),
        "fee": plain(payment.fee),
        "status": payment.status,
        "destination": payment.destination,
    }


def invoice_shown(btcpay: Btcpay, invoice: Invoice, *, methods: bool = False) -> dict[str, Any]:
    """An invoice, with its payment methods where they are asked for."""
    return {
        "id": invoice.id,
        "storeId": invoice.store,
        "amount": f"{invoice.amount:f}",
        "paidAmount": f"{in_currency(invoice.paid(), invoice.currency):f}",
        "checkoutLink": f"{btcpay.url}/i/{invoice.id}",
        "status": invoice.status,
        "additionalStatus": invoice.additional,
        "monitoringExpiration": invoice.monitored_until,
        "expirationTime": invoice.expires_at,
        "createdTime": invoice.created_at,
        "availableStatusesForManualMarking": invoice.marks,
        "archived": invoice.archived,
        "paymentMethods": [
            prompt_shown(btcpay, invoice, prompt, accounted=True) for prompt in invoice.prompts if methods
        ],
        "type": "TopUp" if invoice.top_up else "Standard",
        "currency": invoice.currency,
        "metadata": invoice.metadata,
        "checkout": {
            "speedPolicy": invoice.speed,
            "paymentMethods": [prompt.method for prompt in invoice.prompts],
            **invoice.checkout,
        },
        "receipt": invoice.receipt,
    }


def prompt_shown(
    btcpay: Btcpay, invoice: Invoice, prompt: Prompt, *, accounted: bool, sensitive: bool = False
) -> dict[str, Any]:
    """One payment method of an invoice, with its payments: all of them, or those that count."""
    account = invoice.account(prompt)
    details = dict(prompt.details)
    if sensitive and prompt.method == CHAIN:
        details["accountDerivation"] = btcpay.stores[invoice.store].account
    return {
        "activated": True,
        "destination": prompt.destination,
        "paymentLink": _link(btcpay, invoice, prompt, account.due),
        "rate": plain(prompt.rate),
        "paymentMethodPaid": plain(account.paid_here),
        "totalPaid": plain(account.total_paid),
        "due": plain(account.due),
        "amount": plain(account.amount),
        "paymentMethodFee": plain(account.fee),
        "payments": [
            payment_shown(each, btcpay.utc_offset)
            for each in invoice.payments
            if each.method == prompt.method and (each.accounted or not accounted)
        ],
        "paymentMethodId": prompt.method,
        "additionalData": details,
        "currency": "BTC",
    }


def _link(btcpay: Btcpay, invoice: Invoice, prompt: Prompt, due: Decimal) -> str:
    if prompt.method == LNURL:
        return "lightning:" + lnurl(f"{btcpay.url}/BTC/UILNURL/pay/i/{invoice.id}")
    asked = f"?amount={plain(due)}" if prompt.method == CHAIN and due > 0 else ""
    return f"{_LINKS[prompt.method]}{prompt.destination}{asked}"


def pull_payment_shown(btcpay: Btcpay, pull: PullPayment) -> dict[str, Any]:
    """A pull payment."""
    return {
        "startsAt": pull.starts_at,
        "expiresAt": pull.terms.expires_at,
        "id": pull.id,
        "name": pull.terms.name,
        "description": pull.terms.description,
        "currency": pull.terms.currency,
        "amount": f"{pull.terms.amount:f}",
        "BOLT11Expiration": btcpay.stores[pull.store].refund_days,
        "archived": pull.archived,
        "viewLink": f"{btcpay.url}/pull-payments/{pull.id}",
        "autoApproveClaims": pull.terms.auto_approve,
    }


def payout_shown(payout: Payout) -> dict[str, Any]:
    """A payout."""
    return {
        "date": payout.created_at,
        "id": payout.id,
        "pullPaymentId": payout.pull_payment,
        "destination": payout.destination,
        "payoutMethodId": payout.method,
        "originalAmount": f"{payout.amount:f}",
        "originalCurrency": payout.currency,
        "payoutCurrency": "BTC",
        "payoutAmount": None if payout.paid is None else plain(payout.paid),
        "state": payout.state,
        "revision": payout.revision,
        "paymentProof": payout.proof,
        "metadata": payout.metadata,
    }


def request_shown(request: PaymentRequest) -> dict[str, Any]:
    """A payment request; its amount is a JSON number."""
    return {
        "storeId": request.store,
        "amount": float(request.amount),
        "currency": request.currency,
        "expiryDate": request.expires_at,
        "title": request.title,
        "description": request.description,
        "email": request.email,
        "referenceId": request.reference,
        "allowCustomPaymentAmounts": request.custom_amounts,
        "status": request.status,
        "createdTime": request.created_at,
        "id": request.id,
        "archived": request.archived,
        "formId": None,
        "formResponse": None,
    }


def node_invoice_shown(invoice: NodeInvoice, now: float) -> dict[str, Any]:
    """An invoice of the node, as BTCPay passes it on."""
    paid = invoice.paid_at is not None
    status = "Paid" if paid else "Expired" if now >= invoice.expires_at else "Unpaid"
    return {
        "id": invoice.id,
        "status": status,
        "BOLT11": invoice.bolt11,
        "paymentHash": invoice.payment_hash,
        "preimage": invoice.preimage if paid else None,
        "paidAt": invoice.paid_at,
        "expiresAt": invoice.expires_at,
        "amount": str(invoice.msat or 0),
        "amountReceived": str(invoice.received_msat),
    }


def node_payment_shown(payment: NodePayment) -> dict[str, Any]:
    """A payment of the node."""
    return {
        "id": None,
        "paymentHash": payment.payment_hash,
        "status": "Complete",
        "BOLT11": payment.bolt11,
        "preimage": payment.preimage,
        "createdAt": payment.created_at,
        "totalAmount": str(payment.msat),
        "feeAmount": "0",
    }
