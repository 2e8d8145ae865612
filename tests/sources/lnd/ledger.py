"""A ledger in memory: what a source may ask of it, by the rules that the store keeps."""

from dataclasses import dataclass, field

from lnwatch.model.chain import Block, WatchedTransaction
from lnwatch.model.lightning import INVOICE_FINAL, LightningInvoice, LightningPayment, PaymentState
from lnwatch.model.snapshot import Event, Reading


@dataclass
class MemoryLedger:
    """Takes readings: final states stay, an open invoice is a row also when it is history."""

    born: float | None = None
    cursors: dict[str, str] = field(default_factory=dict)
    invoices: dict[str, LightningInvoice] = field(default_factory=dict)
    payments: dict[str, LightningPayment] = field(default_factory=dict)
    rolled_up: list[LightningInvoice] = field(default_factory=list)
    others: list[Event] = field(default_factory=list)

    def take(self, reading: Reading) -> Reading:
        """Store what a reading brought, and hand it back."""
        for event in reading.events:
            if isinstance(event, LightningInvoice):
                self._invoice(event, history=reading.history)
            elif isinstance(event, LightningPayment):
                self.payments[event.payment_hash] = event
            else:
                self.others.append(event)
        self.cursors.update(reading.cursors)
        return reading

    def _invoice(self, invoice: LightningInvoice, *, history: bool) -> None:
        known = self.invoices.get(invoice.payment_hash)
        if known is not None and known.state in INVOICE_FINAL:
            return
        before_birth = invoice.final_at is not None and self.born is not None and invoice.final_at < self.born
        if history and before_birth and known is None:
            self.rolled_up.append(invoice)
        else:
            self.invoices[invoice.payment_hash] = invoice

    async def cursor(self, name: str) -> str | None:
        return self.cursors.get(name)

    async def born_at(self) -> float | None:
        return self.born

    async def watched(self) -> tuple[WatchedTransaction, ...]:
        return ()

    async def blocks(self, limit: int) -> tuple[Block, ...]:
        return ()

    async def open_invoices(self, limit: int) -> tuple[LightningInvoice, ...]:
        still = [invoice for invoice in self.invoices.values() if invoice.state not in INVOICE_FINAL]
        return tuple(sorted(still, key=lambda invoice: invoice.add_index)[:limit])

    async def open_payments(self, limit: int) -> tuple[LightningPayment, ...]:
        still = [payment for payment in self.payments.values() if payment.state is PaymentState.IN_FLIGHT]
        return tuple(sorted(still, key=lambda payment: payment.index)[:limit])
