"""Sales of a shop and what becomes of them: what BTCPay, its webhooks, the node and the chain have to tell of each at
any moment."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from decimal import Decimal

from hypothesis import strategies as st

from lnwatch.domain.orders import RETRY_WINDOW
from lnwatch.model.chain import Block
from lnwatch.model.lightning import LightningInvoice
from lnwatch.model.merchant import (
    AdditionalStatus,
    BtcpayInvoice,
    InvoiceStatus,
    Method,
    Payment,
    PaymentStatus,
    PullPaymentKey,
    WebhookEvent,
)
from lnwatch.model.money import Msat
from lnwatch.model.snapshot import Event
from tests.store.merchant_stories import (
    hook,
    lightning,
    onchain,
    paid_over_lightning,
    payout,
    refund_link,
    shop_invoice,
)
from tests.store.stories import BORN
from tests.store.stories import settled as taken_by_node

BEGIN = BORN + 1_000
LIFE, SPAN = 900, 7_200  # of an invoice; in which all live ones are made
END = BEGIN + SPAN + 50_000  # of every telling: the last poll is past all finality
CONFIRMED = 400  # seconds from a transaction to its block
PRICE_MSAT = 20_000_000

UNPAID, PAID, OVER, PARTIAL, LATE, REPLACED = "unpaid", "paid", "over", "partial", "late", "replaced"
ACCEPTED, DISMISSED, MISSED, REFUNDED = "accepted", "dismissed", "missed", "refunded"
TWICE, TOO_LATE, CONFIRMING = "twice", "too late", "confirming"
PAID_PARTS = {OVER: 150, PARTIAL: 40}
PAID_PARTS |= dict.fromkeys((PAID, REFUNDED, LATE, REPLACED, TWICE, TOO_LATE, CONFIRMING), 100)
# What a customer does over each way, where the moment of it can't be told apart by when it is looked at.
FATES = {
    Method.LIGHTNING: (UNPAID, PAID, OVER, MISSED, DISMISSED, REFUNDED, TWICE),
    Method.LNURL: (PAID, UNPAID),
    Method.CHAIN: (PAID, OVER, PARTIAL, LATE, REPLACED, ACCEPTED, TOO_LATE, CONFIRMING),
}
ALONE = frozenset({ACCEPTED, DISMISSED, CONFIRMING})  # it is only seen, not told, when they end: no order shares them
_AFTER_EXPIRY = {LATE: 0, TOO_LATE: int(RETRY_WINDOW) + 300}
_WITHIN = {PAID, OVER, REFUNDED, TWICE}


@dataclass(frozen=True)
class Sale:
    """An invoice, and what became of it: `acts` seconds after it was made, by `method`."""

    name: str
    order_id: str | None
    made: int
    method: Method
    fate: str
    acts: int

    @property
    def history(self) -> bool:
        return self.made < BORN

    @property
    def acted(self) -> int:
        late = _AFTER_EXPIRY.get(self.fate)
        return self.made + self.acts + (0 if late is None else LIFE + late)

    @property
    def hash(self) -> str:
        return self.name.encode().hex().rjust(64, "0")

    def payments(self, at: float) -> Iterator[Payment]:
        """What was paid by then: by the customer's method, and once more on the chain by who pays twice."""
        if self.fate not in PAID_PARTS or at < self.acted:
            return
        value = PRICE_MSAT * PAID_PARTS[self.fate] // 100
        paid = paid_over_lightning(self.hash, received_at=self.acted)
        paid = replace(paid, value_msat=Msat(value), value=Decimal(value).scaleb(-11), method=self.method)
        yield self._on_chain(paid, at) if self.method is Method.CHAIN else paid
        if self.fate == TWICE and at >= self.acted + LIFE:
            again = replace(paid, received_at=self.acted + LIFE, method=Method.CHAIN)
            yield self._on_chain(again, at)

    def _on_chain(self, paid: Payment, at: float) -> Payment:
        status = PaymentStatus.SETTLED if at >= paid.received_at + CONFIRMED else PaymentStatus.PROCESSING
        if self.fate == REPLACED and at > self.acted + 300:
            status = PaymentStatus.INVALID
        return replace(paid, id=f"{self.hash}-0", txid=self.hash, output=0, payment_hash=None, status=status)

    @property
    def block_at(self) -> int | None:
        """When the block came that confirmed a payment of it."""
        paid = [each for each in self.payments(END) if each.txid is not None and self.fate != REPLACED]
        return paid[0].received_at + CONFIRMED if paid else None

    def state(self, at: float) -> tuple[InvoiceStatus, AdditionalStatus]:
        """As BTCPay has it."""
        acted, expired = at >= self.acted, at >= self.made + LIFE
        none = AdditionalStatus.NONE
        if acted and self.fate in {ACCEPTED, DISMISSED}:
            status = InvoiceStatus.SETTLED if self.fate == ACCEPTED else InvoiceStatus.INVALID
            return status, AdditionalStatus.MARKED
        if acted and self.fate in _WITHIN:
            return InvoiceStatus.SETTLED, AdditionalStatus.PAID_OVER if self.fate == OVER else none
        if acted and self.fate == CONFIRMING:
            return InvoiceStatus.SETTLED if at >= self.acted + CONFIRMED else InvoiceStatus.PROCESSING, none
        if self.fate == REPLACED and acted and (at <= self.acted + 300):
            return InvoiceStatus.PROCESSING, none
        added = {PARTIAL: AdditionalStatus.PAID_PARTIAL}
        added |= {LATE: AdditionalStatus.PAID_LATE, TOO_LATE: AdditionalStatus.PAID_LATE}
        if expired:
            return InvoiceStatus.EXPIRED, added.get(self.fate, none) if acted else none
        return InvoiceStatus.NEW, none

    def seen(self, at: float, *, whole: bool = True) -> BtcpayInvoice:
        """BTCPay's answer; where it is not `whole`, without payments."""
        status, additional = self.state(at)
        paid = tuple(self.payments(at))
        by_chain = tuple(each for each in paid if each.txid is not None)
        methods = [
            lightning(
                *(each for each in paid if each.txid is None),
                payment_hash=self.hash,
                destination=f"lnbcrt{self.hash}",
            ),
            onchain(*by_chain, destination=f"bcrt1q{self.name}"),
        ]
        if self.method is Method.LNURL:
            methods[0] = replace(methods[0], id="BTC-LNURL", method=Method.LNURL)
        counted = sum(PAID_PARTS[self.fate] for each in paid if each.status is not PaymentStatus.INVALID)
        return shop_invoice(
            self.name,
            status,
            at,
            methods if whole else None,
            additional=additional,
            paid=Decimal(counted) / 10,
            created_at=self.made,
            expires_at=self.made + LIFE,
            monitored_until=self.made + LIFE + 86_400,
            order_id=self.order_id,
            speed_policy="MediumSpeed" if self.fate == CONFIRMING else "HighSpeed",
            accounted_only=False,
            offered=tuple(method.id for method in methods),
        )

    def hooks(self) -> Iterator[WebhookEvent]:
        """What BTCPay's webhooks say of it, as long as they all come."""
        yield self._hook("InvoiceCreated", self.made)
        status, additional = self.state(END)
        marked = True if additional is AdditionalStatus.MARKED else None
        if status is InvoiceStatus.EXPIRED:
            yield self._hook("InvoiceExpired", self.made + LIFE)
        for payment in self.payments(END):
            waits = self.fate == CONFIRMING or payment.received_at > self.acted
            yield self._hook("InvoiceReceivedPayment", payment.received_at, payment)
            if self.fate != REPLACED:
                settled = payment.received_at + (CONFIRMED if waits else 0)
                yield self._hook("InvoicePaymentSettled", settled, payment)
        if status is InvoiceStatus.SETTLED:
            settled = self.acted + (CONFIRMED if self.fate == CONFIRMING else 0)
            yield replace(self._hook("InvoiceSettled", settled), manually_marked=marked)
        if status is InvoiceStatus.INVALID:
            yield replace(self._hook("InvoiceInvalid", self.acted), manually_marked=marked)

    def _hook(self, kind: str, at: int, payment: Payment | None = None) -> WebhookEvent:
        name = f"{kind}-{self.name}-{at}"
        return hook(
            kind,
            at,
            invoice_id=self.name,
            delivery_id=name,
            original_delivery_id=name,
            payment=payment,
            order_id=self.order_id,
        )

    def money_back(self) -> list[Event]:
        """A claim link and its payout, complete."""
        if self.fate != REFUNDED:
            return []
        link = PullPaymentKey(self.hash[-32:])
        at = self.acted + 600
        return [
            refund_link(self.name, at + 1.0, key=link, starts_at=at),
            payout(
                seen_at=at + 2.0, id=f"p-{self.name}", pull_payment=link, created_at=at, payment_hash=self.hash[::-1]
            ),
        ]

    def at_node(self, at: float) -> LightningInvoice | None:
        """The node's own invoice, once it is settled."""
        reached = self.fate in {PAID, REFUNDED, OVER, MISSED, TWICE} and self.acted <= at
        if self.method is not Method.LIGHTNING or not reached:
            return None
        return taken_by_node(self.hash, self.acted, PRICE_MSAT, created_at=self.made)


def blocks_of(sales: list[Sale], at: float) -> list[Block]:
    """The chain by then, one block for each transaction."""
    found = sorted((each.block_at, each.hash) for each in sales if each.block_at is not None)
    return [
        Block(height, f"a{height}", f"a{height - 1}", time, time + 0.5, (txid,))
        for height, (time, txid) in enumerate(found, 100)
        if time <= at
    ]


@st.composite
def shops(draw: st.DrawFn, *, crowded: bool = False) -> list[Sale]:
    """Up to six sales, some of one order, some from before the watch began. `crowded`: all are of one order id."""
    sales = []
    for name in "abcdef"[: draw(st.integers(2, 6))]:
        method = draw(st.sampled_from(list(FATES)))
        old = draw(st.integers(0, 3)) == 0
        made = draw(st.integers(1, SPAN)) + (BORN - 2 * SPAN if old else BEGIN)
        fate = draw(st.sampled_from(FATES[method]))
        apart = fate in ALONE and not crowded
        shared = None if apart else "A-1" if crowded else draw(st.sampled_from(["A-1", "A-1", "A-2", None]))
        order_id = f"old-{shared}" if shared is not None and old else shared
        sales.append(Sale(name, order_id, made, method, fate, draw(st.integers(1, LIFE - 1))))
    return sales
