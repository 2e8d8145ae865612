"""What the maker of orders takes from the ledger, and what it brings back."""

from collections.abc import Mapping
from dataclasses import dataclass

from lnwatch.model.order import InvoiceStory, Order, PaymentException
from lnwatch.model.tally import Contribution

ONE_ORDER = "order:"  # how the keys of groups begin
ONE_INVOICE = "invoice:"
REQUESTED = "PAY_REQUEST_"  # such an order id repeats for every instalment of a payment request


@dataclass(frozen=True, slots=True)
class Group:
    """Invoices that may be one order: those of a store that share an order id (`order:ORDERID`), or one alone
    (`invoice:ID`)."""

    site: str
    store: str
    key: str


@dataclass(frozen=True, slots=True)
class Kept:
    """An order as it is stored, what it adds to the sums, and when to look at it again; None: once more is told."""

    order: Order
    contribution: Contribution
    due_at: float | None


@dataclass(frozen=True, slots=True)
class Taken:
    """What was known of a group's mark when the group was gathered.

    `touches` 0: it had none. `cut`: more invoices follow than were gathered, those up to the creation time
    `newest` among them are still to be looked at.
    """

    touches: int
    newest: int
    cut: bool


@dataclass(frozen=True, slots=True)
class Gathered:
    """A group from the order on that the oldest news may belong to, by rising (created_at, id) of its invoices.

    At most 500 invoices: where more follow, the group stays marked, and the rest comes next time.
    """

    group: Group
    token: Taken
    stories: tuple[InvoiceStory, ...]
    kept: tuple[Kept, ...]


@dataclass(frozen=True, slots=True)
class GroupChange:
    """What became of what was gathered: its orders, and the ids of those that were kept and are no more."""

    group: Group
    token: Taken
    kept: tuple[Kept, ...]
    dropped: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Exceptions:
    """What is wrong with payments and not put right, by store: the newest, and how many in all."""

    newest: Mapping[str, tuple[PaymentException, ...]]
    counts: Mapping[str, int]
