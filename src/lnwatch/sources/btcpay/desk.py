"""What the collectors of one server share: the line to it, and what one learnt and others need."""

from collections import OrderedDict
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Final

from pydantic import TypeAdapter

from lnwatch.clock import Clock
from lnwatch.errors import FailureReason, SourceError
from lnwatch.model.merchant import BtcpayInvoice, PullPayment
from lnwatch.sources.btcpay.answers import CurrentKey
from lnwatch.sources.btcpay.client import Greenfield
from lnwatch.sources.btcpay.invoice_reading import Sight
from lnwatch.sources.btcpay.permissions import Grants
from lnwatch.sources.btcpay.version import METHODS_IN_LISTS, UNKNOWN, Version
from lnwatch.sources.btcpay.zone import HostZone

KEY: Final = TypeAdapter(CurrentKey)
_Key = tuple[str, str, bool]
_Known = tuple[int, float]  # a state, and when it is forgotten
_REMEMBERED: Final = 20_000  # invoices, of all stores: a changed one is told again, an unchanged one is not
_REMEMBERED_FOR: Final = 86_400  # seconds after it was seen last, or BTCPay ceased to watch it: it is looked at no more


@dataclass(slots=True)
class Remarks:
    """What the collectors want said of the server although it is up; by subject, one sentence each."""

    texts: dict[str, str] = field(default_factory=dict)

    def say(self, subject: str, text: str | None) -> None:
        """Set, replace or, with None, take back a remark."""
        if text is None:
            self.texts.pop(subject, None)
        else:
            self.texts[subject] = text

    def __str__(self) -> str:
        return "; ".join(self.texts[subject] for subject in sorted(self.texts))


class Ledgered:
    """Which state of which invoice is in the ledger already, as far as it is remembered.

    What a list says and what a single answer says are remembered apart: a list hides replaced payments. A
    state counts as ledgered once the cursor that came with it is seen stored.
    """

    def __init__(self) -> None:
        """Nothing is in the ledger yet."""
        self._states: OrderedDict[_Key, _Known] = OrderedDict()
        self._promised: dict[str, tuple[str, dict[_Key, _Known]]] = {}

    def lacks(self, invoice: BtcpayInvoice) -> bool:
        """Whether the ledger has not got it as it stands now."""
        known = self._states.get(_key(invoice))
        return known is None or known[0] != _state(invoice)

    def promise(self, name: str, cursor: str, invoices: Iterable[BtcpayInvoice]) -> None:
        """Remember what goes to the ledger together with the cursor `name`."""
        self._promised[name] = (cursor, {_key(each): (_state(each), _forgotten_at(each)) for each in invoices})

    def confirm(self, name: str, stored: str | None, now: float) -> None:
        """Take what was promised with the cursor for ledgered, if that is what is stored; `now` by BTCPay's clock."""
        cursor, states = self._promised.pop(name, ("", {}))
        if cursor != stored:
            return
        for key, state in states.items():
            self._states[key] = state
            self._states.move_to_end(key)
        while self._states and (len(self._states) > _REMEMBERED or next(iter(self._states.values()))[1] < now):
            self._states.popitem(last=False)


def _key(invoice: BtcpayInvoice) -> _Key:
    return invoice.store, invoice.id, invoice.accounted_only


def _forgotten_at(invoice: BtcpayInvoice) -> float:
    return max(invoice.seen_at, float(invoice.monitored_until)) + _REMEMBERED_FOR


def _state(invoice: BtcpayInvoice) -> int:
    return hash(
        (
            invoice.status,
            invoice.additional,
            invoice.paid,
            invoice.amount,
            invoice.archived,
            invoice.offered,
            invoice.expires_at,
            invoice.monitored_until,
            invoice.unknown_words,
            invoice.methods,
        )
    )


@dataclass(slots=True)
class Server:
    """One BTCPay Server as its collectors share it. `grants` None while the key was not looked at."""

    client: Greenfield
    clock: Clock
    version: Version = UNKNOWN
    grants: Grants | None = None
    zone: HostZone = field(default_factory=HostZone)
    remarks: Remarks = field(default_factory=Remarks)
    ledgered: Ledgered = field(default_factory=Ledgered)

    def now(self) -> float:
        """The time by the server's clock."""
        return self.client.there(self.clock.now())

    async def look_at_key(self) -> None:
        """Learn anew what the key may do. Raises SourceError."""
        key = await self.client.ask("api-keys/current", KEY, "its own rights")
        self.grants = Grants.of(key.value.permissions)

    @property
    def methods_in_lists(self) -> bool:
        """Whether invoice lists bring payment methods; a server of unknown release is asked as a new one."""
        return not self.version or self.version >= METHODS_IN_LISTS


@dataclass(slots=True)
class Shop:
    """One store. `hinted` are invoices that a webhook spoke of, to be read at once.

    `life` are the seconds for which an invoice is watched, expiry and monitoring together; `newest` is when
    the newest one was made, by BTCPay's clock; `fee_mode` is for which payments it asks a network fee; `links` are its
    claim links, None before they were read.
    """

    slug: str
    id: str
    server: Server
    life: int = 900 + 86_400
    fee_mode: str = "MultiplePaymentsOnly"
    currency: str | None = None
    newest: int | None = None
    trailing_until: float | None = None
    hinted: set[str] = field(default_factory=set)
    links: tuple[PullPayment, ...] | None = None

    def path(self, rest: str = "") -> str:
        """Below the store, nested: older servers know no other routes."""
        return f"stores/{self.id}/{rest}".rstrip("/")

    def sight(self, at: float) -> Sight:
        """Where something of this store was seen, and when by the server's clock."""
        client = self.server.client
        return Sight(self.slug, at, client.skew - client.apart, self.server.zone)

    def lacks(self, permission: str) -> bool:
        """Whether the key is known not to have a right here."""
        return self.server.grants is not None and not self.server.grants.may(permission, self.id)

    async def explained(self, error: SourceError, permission: str) -> SourceError:
        """A refusal with what the key's own list of rights adds to it; any other failure as it is.

        The list is read anew: a right may have been lost since. Raises SourceError where the key itself was.
        """
        if error.reason is not FailureReason.FORBIDDEN:
            return error
        await self.server.look_at_key()
        if self.lacks(permission):
            message = (
                f"the API key lacks {permission} for store {self.slug}: make one that has it, scoped to this store"
            )
        else:
            message = (
                f"BTCPay denies store {self.slug} although the key has {permission}: look whether its id in `stores` "
                "is right, it still exists, and the key's user still belongs to it"
            )
            return SourceError(FailureReason.FORBIDDEN, message, permission=f"access to store {self.slug}")
        return SourceError(FailureReason.FORBIDDEN, message, permission=error.permission or permission)
