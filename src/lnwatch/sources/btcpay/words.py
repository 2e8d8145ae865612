"""BTCPay's words for states in lnwatch's own; what a newer version says is `unknown` and kept as it stood."""

from collections.abc import Mapping
from enum import StrEnum
from typing import TypeVar

from lnwatch.model.merchant import (
    AdditionalStatus,
    DeliveryStatus,
    InvoiceStatus,
    InvoiceType,
    PaymentRequestStatus,
    PaymentStatus,
    PayoutState,
)

E = TypeVar("E", bound=StrEnum)

STATUS: Mapping[str, InvoiceStatus] = {
    "New": InvoiceStatus.NEW,
    "Processing": InvoiceStatus.PROCESSING,
    "Settled": InvoiceStatus.SETTLED,
    "Expired": InvoiceStatus.EXPIRED,
    "Invalid": InvoiceStatus.INVALID,
}
ADDITIONAL: Mapping[str, AdditionalStatus] = {
    "None": AdditionalStatus.NONE,
    "PaidPartial": AdditionalStatus.PAID_PARTIAL,
    "PaidLate": AdditionalStatus.PAID_LATE,
    "PaidOver": AdditionalStatus.PAID_OVER,
    "Marked": AdditionalStatus.MARKED,
}
TYPE: Mapping[str, InvoiceType] = {"Standard": InvoiceType.STANDARD, "TopUp": InvoiceType.TOP_UP}
PAYMENT: Mapping[str, PaymentStatus] = {
    "Processing": PaymentStatus.PROCESSING,
    "Settled": PaymentStatus.SETTLED,
    "Invalid": PaymentStatus.INVALID,
}
PAYOUT: Mapping[str, PayoutState] = {
    "AwaitingApproval": PayoutState.AWAITING_APPROVAL,
    "AwaitingPayment": PayoutState.AWAITING_PAYMENT,
    "InProgress": PayoutState.IN_PROGRESS,
    "Completed": PayoutState.COMPLETED,
    "Cancelled": PayoutState.CANCELLED,
}
REQUEST: Mapping[str, PaymentRequestStatus] = {
    "Pending": PaymentRequestStatus.PENDING,
    "Processing": PaymentRequestStatus.PROCESSING,
    "Completed": PaymentRequestStatus.COMPLETED,
    "Expired": PaymentRequestStatus.EXPIRED,
}
DELIVERY: Mapping[str, DeliveryStatus] = {
    "HttpSuccess": DeliveryStatus.SUCCESS,
    "HttpError": DeliveryStatus.HTTP_ERROR,
    "Failed": DeliveryStatus.FAILED,
}


class Unknown:
    """Collects the words that no table holds, as `status Frozen`, in the order in which they came."""

    def __init__(self) -> None:
        """None yet."""
        self._words: dict[str, None] = {}

    def look_up(self, table: Mapping[str, E], name: str, word: str, otherwise: E) -> E:
        """The word's meaning; `otherwise`, and kept, where it has none."""
        found = table.get(word)
        if found is None:
            self._words[f"{name} {word[:60]}"] = None
        return otherwise if found is None else found

    def words(self) -> tuple[str, ...]:
        """All of them, each once."""
        return tuple(self._words)
