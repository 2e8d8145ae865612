"""LND's invoices in our terms. LND has no word for expired: it cancels what was not paid in time."""

from dataclasses import dataclass, replace
from typing import Final

from lnwatch.grpc_stubs import lightning_pb2 as ln
from lnwatch.model.lightning import InvoiceHtlc, InvoiceState, LightningInvoice
from lnwatch.model.money import Msat
from lnwatch.sources.lnd.channels import short_id

DEFAULT_EXPIRY = 3_600  # seconds, where an invoice carries none (BOLT 11)
GRACE = 10  # seconds: our clock and LND's may differ by as much

_STATES: Final = {
    ln.Invoice.OPEN: InvoiceState.OPEN,
    ln.Invoice.SETTLED: InvoiceState.SETTLED,
    ln.Invoice.CANCELED: InvoiceState.CANCELED,
    ln.Invoice.ACCEPTED: InvoiceState.ACCEPTED,
}


@dataclass(frozen=True, slots=True)
class Observer:
    """When an invoice is looked at: LND does not keep the time of a cancellation.

    `now` decides whether its life was over, `seen_at` stands for the time of a cancellation before that.
    """

    now: float
    seen_at: float

    def read(self, invoice: ln.Invoice) -> LightningInvoice:
        """One invoice."""
        expires_at = invoice.creation_date + (invoice.expiry or DEFAULT_EXPIRY)
        state = _STATES.get(invoice.state, InvoiceState.OPEN)
        final_at: int | None = None
        if state is InvoiceState.SETTLED:
            final_at = settled_at(invoice)
        elif state is InvoiceState.CANCELED:
            state, final_at = self._ended(invoice, expires_at)
        return LightningInvoice(
            payment_hash=identity(invoice),
            add_index=invoice.add_index,
            settle_index=settle_index(invoice),
            state=state,
            value_msat=Msat(invoice.value_msat),
            paid_msat=Msat(invoice.amt_paid_msat),
            created_at=invoice.creation_date,
            expires_at=expires_at,
            final_at=final_at,
            keysend=invoice.is_keysend,
            amp=invoice.is_amp,
            private=invoice.private,
            htlcs=tuple(map(read_htlc, htlcs)) if (htlcs := invoice.htlcs) else (),
        )

    def deleted(self, invoice: LightningInvoice) -> LightningInvoice:
        """What became of one that LND no longer has: only cancelled ones are ever deleted."""
        if self.over(invoice.expires_at):
            return replace(invoice, state=InvoiceState.EXPIRED, final_at=invoice.expires_at)
        return replace(invoice, state=InvoiceState.CANCELED, final_at=max(int(self.seen_at), invoice.created_at))

    def over(self, expires_at: int) -> bool:
        """Whether an invoice's life is over, our clock's error granted."""
        return self.now + GRACE >= expires_at

    def _ended(self, invoice: ln.Invoice, expires_at: int) -> tuple[InvoiceState, int]:
        """Whether a cancelled invoice expired, and when it ended."""
        held = [part for part in invoice.htlcs if part.accept_time <= expires_at < part.resolve_time - GRACE]
        if held and sum(part.amt_msat for part in held) >= invoice.value_msat:
            # Paid in full, held past its expiry (which ends nothing then), and given back.
            return InvoiceState.CANCELED, max(part.resolve_time for part in held)
        if self.over(expires_at):
            return InvoiceState.EXPIRED, expires_at
        return InvoiceState.CANCELED, max(int(self.seen_at), invoice.creation_date)


def read_htlc(htlc: ln.InvoiceHTLC) -> InvoiceHtlc:
    """One part that came in."""
    return InvoiceHtlc(
        channel_id=short_id(htlc.chan_id),
        index=htlc.htlc_index,
        amount_msat=Msat(htlc.amt_msat),
        accept_time=htlc.accept_time,
        resolve_time=htlc.resolve_time,
        settled=htlc.state == ln.SETTLED,
        canceled=htlc.state == ln.CANCELED,
        expiry_height=htlc.expiry_height,
    )


def identity(invoice: ln.Invoice) -> str:
    """The payment hash; a spontaneous AMP payment has none, and is known by its payment address."""
    return (invoice.r_hash or invoice.payment_addr).hex()


def settle_index(invoice: ln.Invoice) -> int:
    """LND's number of the settlement; an AMP invoice has one for each payment, of which the last counts."""
    if invoice.settle_index or not invoice.is_amp:
        return invoice.settle_index
    return max((part.settle_index for part in invoice.amp_invoice_state.values()), default=0)


def settled_at(invoice: ln.Invoice) -> int:
    """When it was settled; an AMP invoice tells so only in its parts: the first one counts."""
    if invoice.settle_date:
        return invoice.settle_date
    times = [part.settle_time for part in invoice.amp_invoice_state.values() if part.settle_time > 0]
    return min(times, default=invoice.creation_date)
