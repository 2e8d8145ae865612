"""The body of a webhook, as it was received or as BTCPay keeps it, made into ours."""

import hashlib
import json
from typing import Final

from pydantic import TypeAdapter, ValidationError

from lnwatch.errors import FailureReason, SourceError
from lnwatch.model.merchant import PayoutState, WebhookEvent
from lnwatch.sources.btcpay import words
from lnwatch.sources.btcpay.amounts import BITCOIN
from lnwatch.sources.btcpay.answers import EventAnswer
from lnwatch.sources.btcpay.invoice_reading import Sight, read_payment
from lnwatch.sources.btcpay.parsing import decode, first_fault, read
from lnwatch.sources.btcpay.payouts import key_of
from lnwatch.sources.btcpay.words import Unknown

EVENT: Final = TypeAdapter(EventAnswer)
_OTHER_COINS: Final = ""
# Types of BTCPay 2.0 to 2.4; what is none of them is kept all the same.
KNOWN_TYPES: Final = frozenset(
    {
        *("InvoiceCreated", "InvoiceReceivedPayment", "InvoicePaymentSettled", "InvoiceProcessing", "InvoiceSettled"),
        *("InvoiceExpired", "InvoiceInvalid", "InvoiceExpiredPaidPartial", "InvoicePaidAfterExpiration"),
        *("InvoiceRefund", "PayoutCreated", "PayoutApproved", "PayoutUpdated"),
        *("PaymentRequestCreated", "PaymentRequestUpdated", "PaymentRequestArchived"),
        *("PaymentRequestStatusChanged", "PaymentRequestCompleted"),
        *("PendingTransactionCreated", "PendingTransactionSignatureCollected"),
        *("PendingTransactionBroadcast", "PendingTransactionCancelled"),
        *("SubscriberCreated", "SubscriberCredited", "SubscriberCharged", "SubscriberActivated", "SubscriberDisabled"),
        *("SubscriberPhaseChanged", "SubscriberNeedUpgrade", "PlanStarted", "PaymentReminder", "CreditRefunded"),
    }
)
_OF_THE_DELIVERY: Final = frozenset({"deliveryId", "webhookId", "originalDeliveryId", "isRedelivery"})


def happening(body: bytes) -> str:
    """What a webhook tells, as a digest: the same in each delivery of it, and from each webhook on one address.

    One webhook may tell the same twice, within a second. Raises ValueError where it is not JSON.
    """
    told = decode(body)
    what = (
        {key: value for key, value in told.items() if key not in _OF_THE_DELIVERY} if isinstance(told, dict) else told
    )
    return hashlib.sha256(json.dumps(what, sort_keys=True, default=str).encode()).hexdigest()


def parse_event(body: bytes, sight: Sight) -> WebhookEvent:
    """The event in a webhook's body, whatever its type. Raises SourceError(MALFORMED)."""
    return read_event(read_body(body), sight)


def read_body(body: bytes) -> EventAnswer:
    """What a webhook's body says, in BTCPay's terms. Raises SourceError(MALFORMED)."""
    try:
        return read(EVENT, body)
    except ValidationError as error:
        message = f"a webhook in an unknown shape: {first_fault(error)}"
        raise SourceError(FailureReason.MALFORMED, message) from error
    except ValueError as error:
        raise SourceError(FailureReason.MALFORMED, "a webhook that is not JSON") from error


def read_event(answer: EventAnswer, sight: Sight) -> WebhookEvent:
    """The event in our terms. Its own time is right whatever the host's zone, which gives a shifted payment away."""
    payment = None
    if answer.payment is not None:
        method = answer.payment_method_id or ""
        doubtful = sight.zone.weigh(answer.payment.received_date, 0, answer.timestamp)
        currency = BITCOIN if method.upper().startswith("BTC") else _OTHER_COINS
        payment = read_payment(answer.payment, method, currency, Unknown(), doubtful=doubtful)
    return WebhookEvent(
        store=sight.store,
        delivery_id=answer.delivery_id,
        original_delivery_id=answer.original_delivery_id or answer.delivery_id,
        webhook_id=answer.webhook_id or "",
        redelivery=answer.is_redelivery,
        type=answer.type,
        at=answer.timestamp,
        invoice_id=answer.invoice_id,
        order_id=answer.metadata.order_id,
        payment=payment,
        after_expiration=answer.after_expiration,
        over_paid=answer.over_paid,
        partially_paid=answer.partially_paid,
        manually_marked=answer.manually_marked,
        payout_id=answer.payout_id,
        payout_state=None
        if answer.payout_state is None
        else words.PAYOUT.get(answer.payout_state, PayoutState.UNKNOWN),
        pull_payment=key_of(answer.pull_payment_id),
        payment_request_id=answer.payment_request_id,
        seen_at=sight.at,
    )
