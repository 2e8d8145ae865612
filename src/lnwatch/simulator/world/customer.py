"""Who a customer is: drawn once, from a seed of their own, so that nobody else's fate changes it."""

import math
import random
from dataclasses import dataclass
from typing import Final

from lnwatch.simulator.world.spec import StoreSpec
from lnwatch.simulator.world.timetable import DAY, MINUTE, SECOND

_QUIRKS: Final = (("under", 0.03), ("over", 0.012), ("twice", 0.006), ("late", 0.02), ("cheats", 0.001))
_LOW_FEE: Final = 0.08
_SPLITTING: Final = 0.88  # share of wallets that pay in parts
_LNURL: Final = 0.06
_REFUNDED: Final = 0.007
_LONGEST_TICKET: Final = 40  # times the median


@dataclass(frozen=True, slots=True)
class Customer:
    """`luck` is what their wallet's ways to the merchant are worth, the same at each try; waits in milliseconds.

    `quirk` is how their on-chain payment goes wrong, empty for most; `fee` what they pay of the market's.
    """

    kind: str
    cents: int
    leaves: bool
    lightning: bool
    method: str
    splits: bool
    luck: float
    stubborn: int
    thinks: int
    quirk: str
    fee: float
    replaces: bool
    refund_after: int | None


def draw(store: StoreSpec, rng: random.Random, *, staying: float, ticket: float) -> Customer:
    """Somebody who comes to a store."""
    price = store.ticket * ticket * min(_LONGEST_TICKET, math.exp(rng.gauss(0, store.spread)))
    kind = _kind(store, rng.random())
    quirk, dice = "", rng.random()
    for name, share in _QUIRKS:
        if 0 <= dice < share:
            quirk = name
        dice -= share
    lightning = rng.random() < store.lightning
    low = rng.random() < _LOW_FEE
    return Customer(
        kind=kind,
        cents=0 if kind == "donation" else max(50, round(price)),
        leaves=rng.random() > (1 - store.leaving) * staying,
        lightning=lightning,
        method="BTC-LNURL" if rng.random() < _LNURL else "BTC-LN",
        splits=rng.random() < _SPLITTING,
        luck=rng.random(),
        stubborn=rng.choice((0, 1, 1, 2, 3)),
        thinks=int(min(20 * MINUTE, rng.lognormvariate(math.log((35 if lightning else 90) * SECOND), 0.8))),
        quirk=quirk,
        fee=rng.uniform(0.25, 0.6) if low else rng.uniform(0.9, 1.6),
        replaces=rng.random() < (0.15 if low else 0.005),
        refund_after=int(rng.uniform(0.2, 9) * DAY) if rng.random() < _REFUNDED else None,
    )


def _kind(store: StoreSpec, dice: float) -> str:
    if dice < store.donations:
        return "donation"
    return "request" if dice < store.donations + store.requests else "sale"
