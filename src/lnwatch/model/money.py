"""Bitcoin amounts: whole millisatoshis inside, written as people write them; never a float."""

import re
from decimal import Decimal, InvalidOperation
from typing import NewType

Msat = NewType("Msat", int)
Sat = NewType("Sat", int)

MSAT_PER_SAT = 1_000
MSAT_PER_BTC = 100_000_000_000
MAX_MSAT = 21_000_000 * MSAT_PER_BTC

_UNITS = {"msat": 1, "sat": MSAT_PER_SAT, "sats": MSAT_PER_SAT, "btc": MSAT_PER_BTC}
_AMOUNT = re.compile(r"([0-9][0-9_]*(?:\.[0-9]+)?)\s*([a-zA-Z]+)")


def msat(sat: int) -> Msat:
    """Millisatoshis of a whole number of satoshis."""
    return Msat(sat * MSAT_PER_SAT)


def parse_amount(text: str) -> Msat:
    """Read `250_000 sat`, `0.01 BTC` or `1500 msat`.

    Raises ValueError where the unit is missing or unknown, the figure is not a whole number of
    millisatoshis, or more bitcoin than can exist.
    """
    found = _AMOUNT.fullmatch(text.strip())
    if found is None or found[2].lower() not in _UNITS:
        message = "an amount needs a figure and a unit: `250_000 sat`, `0.01 BTC` or `1500 msat`"
        raise ValueError(message)
    try:
        exact = Decimal(found[1].replace("_", "")) * _UNITS[found[2].lower()]
    except InvalidOperation as error:  # pragma: no cover - the pattern lets only figures through
        raise ValueError(str(error)) from error
    if exact != exact.to_integral_value():
        message = "an amount can't be finer than one millisatoshi"
        raise ValueError(message)
    if exact > MAX_MSAT:
        message = "there are only 21 million bitcoin"
        raise ValueError(message)
    return Msat(int(exact))


def format_msat(amount: int) -> str:
    """Write an amount for people: `250,000 sat`, with millisatoshis only where there are some."""
    whole, rest = divmod(abs(amount), MSAT_PER_SAT)
    sign = "-" if amount < 0 else ""
    return f"{sign}{whole:,}.{rest:03d} sat" if rest else f"{sign}{whole:,} sat"
