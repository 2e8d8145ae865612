"""Money that goes out: payouts, the claim links that they come from, and payment requests."""

import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Sequence
from decimal import Decimal
from typing import Final

from pydantic import SecretStr, TypeAdapter

from lnwatch.model.btcpay import Payouts, Unclaimed
from lnwatch.model.merchant import (
    PAYOUT_FINAL,
    PaymentRequest,
    PaymentRequestStatus,
    Payout,
    PayoutState,
    PullPayment,
    PullPaymentKey,
    method_of,
    pull_payment_key,
)
from lnwatch.sources.btcpay import words
from lnwatch.sources.btcpay.amounts import BITCOIN, msat_of_bitcoin
from lnwatch.sources.btcpay.answers import PaymentRequestAnswer, PayoutAnswer, PullPaymentAnswer
from lnwatch.sources.btcpay.desk import Shop
from lnwatch.sources.btcpay.invoice_reading import Sight
from lnwatch.sources.btcpay.lists import Listing
from lnwatch.sources.btcpay.permissions import PAYOUTS, PULL_PAYMENTS, REQUESTS

_HASH = re.compile(r"[0-9a-f]{64}")
_INVOICE_ID: Final = re.compile(r"(?<![0-9A-Za-z])[1-9A-HJ-NP-Za-km-z]{20,24}(?![0-9A-Za-z])")
# An address or a BOLT11. A Lightning address or an LNURL may name a person.
_BECH32: Final = "[02-9ac-hj-np-z]"
_DESTINATION: Final = re.compile(
    rf"(?:bitcoin:)?((?:bcrt|bc|tb)1{_BECH32}{{10,85}}|[13mn2][1-9A-HJ-NP-Za-km-z]{{25,39}}"
    rf"|ln(?:bcrt|bc|tbs|tb)[0-9]*[munp]?1{_BECH32}{{50,}})",
    re.IGNORECASE,
)


def read_payout(answer: PayoutAnswer, sight: Sight) -> Payout:
    """A payout in our terms."""
    currency = answer.payout_currency or BITCOIN
    amount = answer.payout_amount
    destination = _DESTINATION.fullmatch((answer.destination or "").split("?")[0])
    txid, payment_hash = answer.payment_proof.transaction_id, answer.payment_proof.payment_hash
    return Payout(
        store=sight.store,
        id=answer.id,
        pull_payment=key_of(answer.pull_payment_id),
        state=words.PAYOUT.get(answer.state, PayoutState.UNKNOWN),
        method=method_of(answer.payout_method_id or ""),
        asked=answer.original_amount if answer.original_amount is not None else Decimal(0),
        asked_currency=answer.original_currency or currency,
        amount=amount,
        currency=currency,
        amount_msat=msat_of_bitcoin(amount) if amount is not None and currency == BITCOIN else None,
        created_at=answer.date,
        revision=answer.revision,
        destination=destination[1] if destination else "",
        txid=txid if txid and _HASH.fullmatch(txid) else None,
        payment_hash=payment_hash if payment_hash and _HASH.fullmatch(payment_hash) else None,
        seen_at=sight.at,
    )


def read_pull_payment(answer: PullPaymentAnswer, sight: Sight) -> PullPayment:
    """A claim link in our terms; its id stays behind."""
    name = answer.name.get_secret_value() if answer.name is not None else ""
    named = _INVOICE_ID.findall(name)
    return PullPayment(
        store=sight.store,
        key=pull_payment_key(answer.id.get_secret_value()),
        refund_of=named[-1] if named else None,
        amount=answer.amount,
        currency=answer.currency,
        starts_at=answer.starts_at,
        expires_at=answer.expires_at,
        archived=answer.archived,
        auto_approved=answer.auto_approve_claims,
        seen_at=sight.at,
    )


def read_request(answer: PaymentRequestAnswer, sight: Sight) -> PaymentRequest:
    """A payment request in our terms."""
    return PaymentRequest(
        store=sight.store,
        id=answer.id,
        status=words.REQUEST.get(answer.status, PaymentRequestStatus.UNKNOWN),
        amount=answer.amount,
        currency=answer.currency,
        created_at=answer.created_time,
        expires_at=answer.expiry_date,
        archived=answer.archived,
        seen_at=sight.at,
    )


def key_of(pull_payment_id: SecretStr | None) -> PullPaymentKey | None:
    """The key of a claim link, None where there is none."""
    text = pull_payment_id.get_secret_value() if pull_payment_id is not None else ""
    return pull_payment_key(text) if text else None


def _book(shop: Shop, payouts: Sequence[Payout]) -> Payouts:
    counts = Counter(payout.state for payout in payouts)
    return Payouts(
        shop.slug,
        tuple(payout for payout in payouts if payout.state not in PAYOUT_FINAL),
        tuple((state, counts[state]) for state in PayoutState),
        None if shop.links is None else tuple(_unclaimed(shop.links, payouts, shop.server.clock.now())),
    )


def _unclaimed(links: Iterable[PullPayment], payouts: Iterable[Payout], now: float) -> Iterator[Unclaimed]:
    """By currency what the links promise beyond what was claimed with them, paid or not."""
    claimed: dict[tuple[PullPaymentKey, str], Decimal] = defaultdict(Decimal)
    for payout in payouts:
        if payout.pull_payment is not None and payout.state is not PayoutState.CANCELLED:
            claimed[payout.pull_payment, payout.asked_currency] += payout.asked
    rest: dict[str, list[Decimal]] = defaultdict(list)
    for link in links:
        left = link.amount - claimed[link.key, link.currency]
        if not link.archived and (link.expires_at is None or link.expires_at > now) and left > 0:
            rest[link.currency].append(left)
    for currency, amounts in sorted(rest.items()):
        yield Unclaimed(currency, sum(amounts, Decimal(0)), len(amounts))


def _keep(shop: Shop, links: Sequence[PullPayment]) -> None:
    shop.links = tuple(links)


PAYOUT_LIST: Final = Listing(
    noun="payouts",
    path="payouts",
    permission=PAYOUTS,
    shape=TypeAdapter(PayoutAnswer),
    convert=read_payout,
    key=lambda payout: payout.id,
    hidden="includeCancelled",
    facts=_book,
)
REFUND_LIST: Final = Listing(
    noun="refunds",
    path="pull-payments",
    permission=PULL_PAYMENTS,
    shape=TypeAdapter(PullPaymentAnswer),
    convert=read_pull_payment,
    key=lambda pull_payment: pull_payment.key,
    hidden="includeArchived",
    keep=_keep,
    wakes="payouts",
)
REQUEST_LIST: Final = Listing(
    noun="requests",
    path="payment-requests",
    permission=REQUESTS,
    shape=TypeAdapter(PaymentRequestAnswer),
    convert=read_request,
    key=lambda request: request.id,
)
