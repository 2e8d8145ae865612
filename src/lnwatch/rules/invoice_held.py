"""A customer's payment has arrived and is neither taken nor given back: their money is locked until it is."""

from collections.abc import Iterable
from dataclasses import dataclass

from lnwatch.domain.countdown import ahead, node_height
from lnwatch.domain.limits import require_positive
from lnwatch.domain.peers import short
from lnwatch.domain.reach import unseen
from lnwatch.domain.wording import count, duration, moment
from lnwatch.model.lightning import LightningInvoice
from lnwatch.model.money import format_msat
from lnwatch.model.rule import Answer, Finding, Owner, Rule, Scope, Severity, Unknown
from lnwatch.model.view import TargetView, View


@dataclass(frozen=True, slots=True)
class Thresholds:
    """Found when a part has been held for `held_seconds`, or with fewer than `blocks_left` to its expiry."""

    held_seconds: float = 600.0
    blocks_left: int = 36

    def __post_init__(self) -> None:
        """Refuse nonsense."""
        require_positive(held_seconds=self.held_seconds, blocks_left=self.blocks_left)


def judge(view: View, target: TargetView | None, thresholds: Thresholds) -> Iterable[Answer]:
    """One subject for each accepted invoice."""
    if target is None:
        return
    invoices = target.collectors.get("invoices")  # it brings events, no snapshot
    if invoices is None or invoices.stale(view.at):
        yield Unknown(unseen(target, "invoices"))
        return
    for invoice in view.held.get(target.slug, ()):
        yield from _judged(view, target, invoice, thresholds)


def _judged(view: View, target: TargetView, invoice: LightningInvoice, thresholds: Thresholds) -> Iterable[Answer]:
    subject = f"invoice:{invoice.payment_hash}"
    parts = [part for part in invoice.htlcs if not part.settled and not part.canceled]
    if not parts:
        yield Unknown(f"{target.slug}: since when {subject} is held is not known", subject)
        return
    since, height = min(part.accept_time for part in parts), node_height(view, target)
    expiry = min((part.expiry_height for part in parts if part.expiry_height), default=None)
    left = expiry - height if expiry is not None and height is not None else None
    long, near = view.at - since >= thresholds.held_seconds, left is not None and left < thresholds.blocks_left
    if not long and not near:
        if left is None:
            yield Unknown(f"{target.slug}: how many blocks are left for {subject} is not known", subject)
        return
    held = f"held for {duration(view.at - since)} (limit {duration(thresholds.held_seconds)})"
    if left is not None:
        expires = "expired" if left < 0 else "expires"
        held += f" and {expires} {ahead(left)} (limit {count(thresholds.blocks_left, 'block')})"
    amount = format_msat(sum(part.amount_msat for part in parts))
    yield Finding(
        subject=subject,
        sentence=f"Invoice {short(invoice.payment_hash)} of node:{target.slug} was paid with {amount}, but is not "
        f"settled: it has been {held}.",
        facts={
            "amount": amount,
            "parts": str(len(parts)),
            "accepted": moment(since),
            "expiry height": f"{expiry:,}" if expiry is not None else "not known",
        },
        evidence="near expiry" if near else "held",
    )


RULE = Rule(
    id="invoice_held",
    scope=Scope.NODE,
    severity=Severity.CRITICAL,
    owner=Owner.ONCALL,
    thresholds=Thresholds,
    judge=judge,
    never_muted=True,
    tells_changes=True,
    grant="configure a Lightning node; its credential needs ListInvoices (`invoices:read`) and GetInfo (`info:read`)",
)
