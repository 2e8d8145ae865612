"""What a merchant is measured by: ratios of trials with their interval, demand, and whether customers can pay."""

from dataclasses import dataclass
from enum import StrEnum

from lnwatch.model.money import Msat
from lnwatch.model.order import Rail


class Kpi(StrEnum):
    """The names of design and of label values; `rail` says for which."""

    PAYMENT_SUCCESS = "payment_success"
    CONVERSION = "conversion"
    LIGHTNING_FAST = "lightning_fast"
    ONCHAIN_FAST = "onchain_fast"
    UPTIME = "uptime"
    FALLBACK = "fallback"
    REFUND = "refund"


@dataclass(frozen=True, slots=True)
class KpiFigure:
    """One KPI of a store and rail over the last `window` seconds.

    `store` "" is the whole site, `rail` None all rails. `events` is what it stands on (orders; for uptime seconds
    that count), `bad` those against it. `ratio` is the good share (for `fallback` and `refund` the share
    itself), None without events; `low` and `high` the 95 % Wilson interval, None where the events are no
    trials (uptime). `target` None: compared with its own past alone. `source` is the component whose uptime it is,
    empty for what customers meet; `mean_seconds` is how long one took, of the two latencies alone.
    """

    kpi: Kpi
    store: str
    rail: Rail | None
    window: int
    events: int
    bad: int
    ratio: float | None
    low: float | None
    high: float | None
    target: float | None
    source: str = ""
    mean_seconds: float | None = None


@dataclass(frozen=True, slots=True)
class Targets:
    """What a store's rail is measured against, as shares (0-1); None: its own past alone.

    `lightning_within` (seconds) and `onchain_within` (blocks) say what counts as fast, `onchain_mean` is what one
    confirmation should take on average, in seconds.
    """

    payment_success: float | None = 0.95
    conversion: float | None = None
    lightning_fast: float | None = 0.95
    lightning_within: float = 5
    onchain_fast: float | None = 0.90
    onchain_within: int = 2
    onchain_mean: float = 600.0
    uptime: float | None = 0.999
    fallback: float | None = None
    refund: float | None = 0.01

    def of(self, kpi: Kpi) -> float | None:
        """The share that the KPI is held against."""
        target: float | None = getattr(self, kpi.value)
        return target


@dataclass(frozen=True, slots=True)
class Demand:
    """What the stores on one node are expected to receive over Lightning.

    `daily_msat` is the expected volume of a day, from `days` days of attempted volume without those of stock-out;
    `median_msat` and `p95_msat` are tickets of the last 91 days, None before the first; `parts_share` (0-1) is
    the share of the last 30 days' payments that came in more than one part, 0.8 while none is known. `sure` False:
    under 14 days.
    """

    node: str
    daily_msat: Msat
    median_msat: Msat | None
    p95_msat: Msat | None
    parts_share: float
    tickets: int
    days: int
    sure: bool


class CanPay(StrEnum):
    """Whether customers can pay: on all rails, on some, on none; `unknown` where what would tell is stale."""

    YES = "yes"
    PARTLY = "partly"
    NO = "no"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class Payability:
    """Whether customers of a store can pay over a rail (None: over all), and why not: one sentence each."""

    store: str
    rail: Rail | None
    answer: CanPay
    reasons: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class PayabilitySpan:
    """A store's rail came to `answer` at `at`; the next span of the same ends it."""

    store: str
    rail: Rail
    at: float
    answer: CanPay
