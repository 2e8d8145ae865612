"""What a world is made of, before it begins."""

from dataclasses import dataclass
from typing import Final

EXPIRY: Final = 900  # seconds until an invoice expires, BTCPay's own
BASE_RATE: Final = 6_000_000  # hundredths of a euro for a bitcoin


@dataclass(frozen=True, slots=True)
class Promotion:
    """A time of more orders. Days are counted from the world's beginning."""

    day: float
    days: float
    factor: float


@dataclass(frozen=True, slots=True)
class StoreSpec:
    """A shop. `ticket` is the median price in hundredths, `spread` the sigma of its logarithm, `growth` a year's.

    Shares: `lightning` of customers who would pay so, `leaving` of those who only look at the price, `donations` and
    `requests` of orders that are such, `reused` of order ids that were given before.
    """

    name: str
    orders_a_day: float
    currency: str = "EUR"
    ticket: int = 3_200
    spread: float = 0.7
    growth: float = 0.3
    lightning: float = 0.72
    leaving: float = 0.22
    donations: float = 0.02
    requests: float = 0.02
    reused: float = 0.003
    promotions: tuple[Promotion, ...] = ()


@dataclass(frozen=True, slots=True)
class PeerSpec:
    """A peer with its channels to us; `uptime` is the share of time that it is online, `outage` the mean length of an
    absence in minutes. Capacities in satoshis; `inbound` is theirs in them at the beginning."""

    name: str
    capacities: tuple[int, ...]
    uptime: float = 0.998
    outage: float = 12.0
    inbound: float = 0.85
    ours: bool = False


@dataclass(frozen=True, slots=True)
class WorldSpec:
    """One site: its stores, its node's peers, the market around it. `begin` in milliseconds of the epoch."""

    seed: str
    begin: int
    stores: tuple[StoreSpec, ...]
    peers: tuple[PeerSpec, ...]
    wallet: int = 5_000_000  # satoshis
    height: int = 1_000
    rate: int = BASE_RATE
    upstream: float = 0.035  # share of Lightning payments that die before they reach us, with nothing wrong
    fee: float = 4.0  # satoshis per virtual byte, in calm
    storms: float = 0.05  # a day
    second_node: bool = False  # which probes whether ours can be paid


def shops(seed: str, begin: int, **orders_a_day: float) -> WorldSpec:
    """Stores of these sizes over one node that fits them: one provider for small ones, up to 12 channels."""
    stores = tuple(StoreSpec(name, orders) for name, orders in orders_a_day.items())
    daily = sum(each.orders_a_day * each.ticket * 1.3 * each.lightning for each in stores) * 100_000_000 / BASE_RATE
    total = sum(each.orders_a_day for each in stores)
    channels = 1 if total <= 10 else 4 if total <= 100 else 12
    capacity = max(3_000_000, round(daily * 4 / channels / 100_000) * 100_000)
    if channels == 1:
        return WorldSpec(seed, begin, stores, (PeerSpec("provider", (capacity,)),))
    big = channels // 3
    peers = (
        PeerSpec("harbour", (capacity,) * big, uptime=0.9995),
        PeerSpec("orchard", (capacity,) * big, uptime=0.998),
        *(
            PeerSpec(name, (capacity,), uptime=0.99, outage=25.0, ours=position % 2 == 0)
            for position, name in enumerate(("mill", "quarry", "bridge", "tower")[: channels - 2 * big])
        ),
    )
    return WorldSpec(seed, begin, stores, peers)
