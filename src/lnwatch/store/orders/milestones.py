"""When an invoice came into the states that matter, by all that polls saw and webhooks said."""

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from decimal import Decimal

from lnwatch.model.merchant import AdditionalStatus, InvoiceStatus, WebhookEvent
from lnwatch.model.order import Mark

_SETTLED = "InvoiceSettled"
_EXPIRED = "InvoiceExpired"
_INVALID = "InvoiceInvalid"
_PROCESSING = "InvoiceProcessing"
_ENDS = frozenset({_EXPIRED, _INVALID, "InvoiceExpiredPaidPartial", "InvoicePaidAfterExpiration"})
_BACK = frozenset({InvoiceStatus.NEW, InvoiceStatus.EXPIRED})
_ENDED = frozenset({InvoiceStatus.EXPIRED, InvoiceStatus.INVALID})


@dataclass(frozen=True, slots=True)
class Seen:
    """A state in which a poll saw the invoice."""

    at: float
    status: InvoiceStatus
    additional: AdditionalStatus
    paid: Decimal | None

    @property
    def marked(self) -> bool:
        """Whether it was marked by hand by then."""
        return self.additional is AdditionalStatus.MARKED


def seen_states(stored: str) -> tuple[Seen, ...]:
    """The states of a row, oldest first."""
    return tuple(
        Seen(at, InvoiceStatus(status), AdditionalStatus(additional), None if paid is None else Decimal(paid))
        for at, status, additional, paid in json.loads(stored)
    )


def first_seen_at(seen: Sequence[Seen], hooks: Iterable[WebhookEvent]) -> float:
    """When it was first told of at all."""
    return min([seen[0].at, *(float(hook.at) for hook in hooks)])


def settled_at(seen: Iterable[Seen], hooks: Iterable[WebhookEvent]) -> float | None:
    """When it was first told to be settled, by payment."""
    times = [each.at for each in seen if each.status is InvoiceStatus.SETTLED and not each.marked]
    times += [float(hook.at) for hook in hooks if hook.type == _SETTLED and not hook.manually_marked]
    return min(times, default=None)


def ended_at(seen: Iterable[Seen], hooks: Iterable[WebhookEvent]) -> float | None:
    """When it was first told to be expired, invalid or marked."""
    times = [each.at for each in seen if each.status in _ENDED or each.marked]
    times += [float(hook.at) for hook in hooks if hook.type in _ENDS or hook.manually_marked]
    return min(times, default=None)


def regressed_at(seen: Sequence[Seen], invalid: Iterable[float | None]) -> float | None:
    """When it was first told to have fallen back from Processing to New, or a payment to be `invalid`.

    Who sees it expired has missed that it was new again: there is no other way from Processing to there.
    """
    processing = min((each.at for each in seen if each.status is InvoiceStatus.PROCESSING), default=None)
    times = [at for at in invalid if at is not None]
    if processing is not None:
        times += [each.at for each in seen if each.status in _BACK and each.at > processing]
    return min(times, default=None)


def mark_of(seen: Sequence[Seen], hooks: Iterable[WebhookEvent]) -> Mark | None:
    """What stood before the first mark by hand; `unknown` where nothing was told of before it."""
    told = list(hooks)
    times = [each.at for each in seen if each.marked]
    times += [float(hook.at) for hook in told if hook.manually_marked]
    if not times:
        return None
    at = min(times)
    before = [each for each in seen if each.at < at and not each.marked]
    last = before[-1] if before else None
    ended = _ended_before(told, at, last)
    if ended is not None:
        return Mark(at, *ended, last.paid if last is not None else None)
    if last is None:
        return Mark(at, InvoiceStatus.UNKNOWN, AdditionalStatus.UNKNOWN, None)
    return Mark(at, last.status, last.additional, last.paid)


def _ended_before(
    hooks: Iterable[WebhookEvent], mark_at: float, last: Seen | None
) -> tuple[InvoiceStatus, AdditionalStatus] | None:
    """The end that webhooks told of between the last poll and the mark."""
    if last is not None and last.status not in {InvoiceStatus.NEW, InvoiceStatus.PROCESSING}:
        return None
    for hook in sorted(hooks, key=lambda each: (each.at, each.type), reverse=True):
        if hook.manually_marked or hook.at > mark_at or (last is not None and hook.at + 1 <= last.at):
            continue
        if hook.type == _EXPIRED:
            return InvoiceStatus.EXPIRED, (
                AdditionalStatus.PAID_PARTIAL if hook.partially_paid else AdditionalStatus.NONE
            )
        if hook.type == _INVALID:
            return InvoiceStatus.INVALID, AdditionalStatus.NONE
        if hook.type == _PROCESSING:
            return InvoiceStatus.PROCESSING, (AdditionalStatus.PAID_OVER if hook.over_paid else AdditionalStatus.NONE)
    return None
