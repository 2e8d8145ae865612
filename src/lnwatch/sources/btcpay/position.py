"""What is stored between two runs: how far a store's invoices were read, as cursors of the ledger."""

from pydantic import BaseModel, ConfigDict, Field

from lnwatch.sources.btcpay.pages import Window


class _Stored(BaseModel):
    model_config = ConfigDict(extra="ignore")

    def text(self) -> str:
        """As it is stored."""
        return self.model_dump_json()


class Span(_Stored):
    """A window that is still to be read."""

    start: int | None
    end: int | None
    skip: int = 0

    @classmethod
    def of(cls, window: Window) -> "Span":
        """The window as it is stored."""
        return cls(start=window.start, end=window.end, skip=window.skip)

    def window(self) -> Window:
        """The window again."""
        return Window(self.start, self.end, self.skip)


class OpenInvoice(_Stored):
    """One that was not final: when it was made, its payments, and when it was last seen."""

    made: int
    payments: int
    seen: float


class Position(_Stored):
    """The cursor of `invoices_STORE`; all times are by BTCPay's clock.

    Everything made up to `newest` (0 before the first) was read but for the `gaps`; `window_at` is when the
    newest ones were asked for, `complete_at` when the newest ones without a gap were. `open` are by id. `at`
    makes each reading's cursor its own.
    """

    newest: int
    open: dict[str, OpenInvoice] = Field(default_factory=dict)
    gaps: list[Span] = Field(default_factory=list)
    window_at: float
    complete_at: float
    at: float

    @property
    def read_until(self) -> float:
        """The watermark."""
        return min([self.complete_at, *(each.seen for each in self.open.values())])


class HistoryPosition(_Stored):
    """The cursor of back-fill: what was made up to `birth` is history, `rest` of it is still to be read."""

    birth: int
    rest: Span | None
    done: int = 0


class SweepPosition(_Stored):
    """The cursor of the slow looks: the one that is under way, and when each began last (our clock)."""

    kind: str = ""
    rest: Span | None = None
    began: float = 0.0
    trailing_at: float
    rescan_at: float
    at: float
