"""An invoice with its prompts and payments, and what BTCPay reckons to be due of it."""

from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any, Final

from lnwatch.simulator.btcpay.encoding import round_up
from lnwatch.simulator.btcpay.wallet import Coin

CHAIN: Final = "BTC-CHAIN"
LIGHTNING: Final = "BTC-LN"
LNURL: Final = "BTC-LNURL"
DIGITS: Final = {CHAIN: 8, LIGHTNING: 11, LNURL: 11}
CONFIRMATIONS: Final = {"HighSpeed": 0, "MediumSpeed": 1, "LowMediumSpeed": 2, "LowSpeed": 6}
_PAYABLE_LATE: Final = frozenset({"PaidLate", "PaidPartial", "PaidOver"})


@dataclass(slots=True)
class Payment:
    """A payment to one method; `fee` is what the merchant charges for it, in BTC."""

    id: str
    method: str
    value: Decimal
    fee: Decimal
    status: str  # Processing, Settled, Invalid
    received_at: int
    destination: str
    coin: Coin | None = None

    @property
    def accounted(self) -> bool:
        """Whether it counts: not when it was replaced."""
        return self.status != "Invalid"


@dataclass(slots=True)
class Prompt:
    """One method of an invoice, as it is shown to the customer; `fee` is what the next payment owes."""

    method: str
    rate: Decimal
    destination: str | None
    details: dict[str, Any]
    fee: Decimal = Decimal(0)
    description: str | bytes = ""  # what its BOLT11 says; bytes are a hash


@dataclass(frozen=True, slots=True)
class Account:
    """What one prompt shows, in BTC; `due` is negative where too much was paid."""

    amount: Decimal
    due: Decimal
    total_paid: Decimal
    paid_here: Decimal
    fee: Decimal


@dataclass(slots=True)
class Invoice:
    """An invoice. `price` None: a top-up that nobody paid yet. Times in seconds since the epoch."""

    id: str
    store: str
    price: Decimal | None
    currency: str
    created_at: int
    expires_at: int
    monitored_until: int
    metadata: dict[str, Any]
    checkout: dict[str, Any]
    receipt: dict[str, Any]
    speed: str
    tolerance: Decimal
    top_up: bool = False
    status: str = "New"
    additional: str = "None"
    archived: bool = False
    prompts: list[Prompt] = field(default_factory=list)
    payments: list[Payment] = field(default_factory=list)
    search_terms: tuple[str, ...] = ()

    @property
    def pending(self) -> bool:
        """Whether BTCPay still watches over it by itself."""
        return self.status in ("New", "Processing")

    @property
    def over_with(self) -> bool:
        """What webhooks call `afterExpiration`."""
        return self.status in ("Expired", "Invalid")

    @property
    def marks(self) -> list[str]:
        """What it may be marked by hand."""
        if self.status == "Invalid":
            return ["Settled"]
        if self.status == "Settled":
            return ["Invalid"] if self.additional == "Marked" else []
        return ["Settled", "Invalid"]

    @property
    def refundable(self) -> bool:
        """Whether money of it may be given back."""
        return self.status in ("Settled", "Invalid") or (self.status == "Expired" and self.additional in _PAYABLE_LATE)

    @property
    def amount(self) -> Decimal:
        """What it is over; 0.0 for nothing, as C# has it."""
        return self.price or Decimal("0.0")

    def prompt(self, method: str) -> Prompt | None:
        """The prompt of a method, where it is attached."""
        return next((each for each in self.prompts if each.method == method), None)

    def rate(self, method: str) -> Decimal:
        """What a coin of that method is worth, as agreed at creation."""
        prompt = self.prompt(method)
        return prompt.rate if prompt is not None else Decimal(1)

    def worth(self, payment: Payment, *, net: bool) -> Decimal:
        """A payment in the invoice's currency, with or without its fee."""
        return (payment.value - payment.fee if net else payment.value) * self.rate(payment.method)

    def paid(self, *, net: bool = True, settled: bool = False) -> Decimal:
        """The sum of what counts, in the invoice's currency."""
        counted = (each for each in self.payments if each.accounted and (not settled or each.status == "Settled"))
        return sum((self.worth(each, net=net) for each in counted), Decimal(0))

    def missing(self, *, settled: bool = False) -> Decimal:
        """What is missing to full payment within the tolerance; not above 0 once it is paid."""
        return self.amount * (1 - self.tolerance / 100) - self.paid(settled=settled)

    @property
    def is_paid(self) -> bool:
        """Whether enough came, settled or not."""
        return self.missing() <= 0 and (not self.top_up or any(each.accounted for each in self.payments))

    @property
    def is_over_paid(self) -> bool:
        """Whether more came than rounding explains."""
        return self._net_due() < 0

    def account(self, prompt: Prompt) -> Account:
        """What a prompt shows."""
        gross = self._gross_due(prompt)
        paid = self.paid(net=False)
        due = Decimal(0) if self._net_due() == 0 else gross - paid
        digits = DIGITS[prompt.method]
        here = sum(
            (each.value for each in self.payments if each.accounted and each.method == prompt.method), Decimal(0)
        )
        return Account(
            amount=round_up(gross / prompt.rate, digits),
            due=round_up(due / prompt.rate, digits),
            total_paid=round_up(paid / prompt.rate, digits),
            paid_here=here,
            fee=round_up((gross - self.amount) / prompt.rate, digits),
        )

    def _gross_due(self, prompt: Prompt) -> Decimal:
        """With the fees that were paid, and with that of one more payment where one is needed."""
        gross = self.amount + self.paid(net=False) - self.paid()
        return gross + prompt.rate * prompt.fee if self.missing() > 0 else gross

    def _net_due(self) -> Decimal:
        """What is owed; 0 where a method can't be paid more exactly, because its coins have no more digits."""
        due = self.amount - self.paid()
        if due >= 0:
            return due
        paid = self.paid(net=False)
        exact = any(
            round_up((self._gross_due(each) - paid) / each.rate, DIGITS[each.method]) == 0 for each in self.prompts
        )
        return Decimal(0) if exact else due
