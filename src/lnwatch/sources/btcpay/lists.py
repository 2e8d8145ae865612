"""Lists that BTCPay gives whole, without pages: read in full, told where they changed."""

from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Generic, TypeVar

from pydantic import TypeAdapter, ValidationError

from lnwatch.errors import SourceError
from lnwatch.model.merchant import PaymentRequest, Payout, PullPayment
from lnwatch.model.snapshot import Facts, Reading
from lnwatch.sources import Memory
from lnwatch.sources.btcpay.desk import Shop
from lnwatch.sources.btcpay.invoice_reading import Sight
from lnwatch.sources.btcpay.parsing import first_fault

A = TypeVar("A")
N = TypeVar("N", Payout, PullPayment, PaymentRequest)


@dataclass(frozen=True, slots=True)
class Listing(Generic[A, N]):
    """One of a store's lists: where it is, what it takes to read it, and how an item becomes ours.

    `hidden` is the switch by which the list shows what it leaves out otherwise; `facts` makes facts of the
    whole list, where there are any; `keep` has the store remember it; `wakes` is the noun of what a change is read
    with.
    """

    noun: str
    path: str
    permission: str
    shape: TypeAdapter[A]
    convert: Callable[[A, Sight], N]
    key: Callable[[N], str]
    hidden: str | None = None
    facts: Callable[[Shop, Sequence[N]], Facts | None] = lambda _shop, _items: None
    keep: Callable[[Shop, Sequence[N]], None] = lambda _shop, _items: None
    wakes: str | None = None


@dataclass(slots=True)
class ListCollector(Generic[A, N]):
    """The list's items as events: all at the first run, then those that changed.

    What was told counts as known once its cursor is seen stored; an unreadable item is remarked on.
    """

    shop: Shop
    listing: Listing[A, N]
    interval: float
    deadline: float
    _known: dict[str, Hashable] = field(default_factory=dict)
    _promised: tuple[str, dict[str, Hashable]] = ("", {})

    @property
    def name(self) -> str:
        """One for each store."""
        return f"{self.listing.noun}_{self.shop.slug}"

    async def collect(self, memory: Memory) -> Reading:
        """Read the whole list. Raises SourceError."""
        cursor, state = self._promised
        if cursor and await memory.cursor(self.name) == cursor:
            self._known = state
        what = f"the {self.listing.noun} of store {self.shop.slug}"
        query = {self.listing.hidden: "true"} if self.listing.hidden else None
        try:
            told = await self.shop.server.client.list(
                self.shop.path(self.listing.path), self._convert, what, query=query
            )
        except SourceError as error:
            raise await self.shop.explained(error, self.listing.permission) from error
        items = [item for item in told.value if not isinstance(item, str)]
        self._remark(told.value)
        now: dict[str, Hashable] = {self.listing.key(item): hash(replace(item, seen_at=0.0)) for item in items}
        cursor = repr(told.at)
        self._promised = (cursor, now)
        self.listing.keep(self.shop, items)
        events = tuple(item for item in items if self._known.get(key := self.listing.key(item)) != now[key])
        follows = {f"{self.listing.wakes}_{self.shop.slug}"} if events and self.listing.wakes is not None else ()
        return Reading(
            facts=self.listing.facts(self.shop, items),
            events=events,
            cursors={self.name: cursor},
            wakes=frozenset(follows),
        )

    def _convert(self, item: Any, at: float) -> N | str:  # noqa: ANN401 - decoded JSON
        try:
            return self.listing.convert(self.listing.shape.validate_python(item), self.shop.sight(at))
        except ValidationError as error:
            return first_fault(error)

    def _remark(self, items: Sequence[N | str]) -> None:
        faults = [item for item in items if isinstance(item, str)]
        text = (
            f"store {self.shop.slug}: {len(faults)} {self.listing.noun} can't be read ({faults[0]})" if faults else None
        )
        self.shop.server.remarks.say(f"unread {self.name}", text)
