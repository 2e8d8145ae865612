"""Bitcoin amounts as BTCPay writes them, in whole millisatoshis."""

from decimal import ROUND_HALF_EVEN, Context, Decimal

from lnwatch.model.money import MSAT_PER_BTC, MSAT_PER_SAT, Msat

BITCOIN = "BTC"
_EXACT = Context(prec=200, rounding=ROUND_HALF_EVEN)  # BTCPay itself reckons in more places than bitcoin has


def msat_of_bitcoin(amount: Decimal) -> Msat:
    """What is finer than a millisatoshi is rounded away."""
    return _whole(amount, MSAT_PER_BTC)


def msat_of_satoshis(amount: Decimal | None) -> Msat:
    """0 for what is not told."""
    return _whole(amount or Decimal(0), MSAT_PER_SAT)


def msat_of_msat(amount: Decimal | None) -> Msat:
    """0 for what is not told."""
    return _whole(amount or Decimal(0), 1)


def _whole(amount: Decimal, factor: int) -> Msat:
    return Msat(int(_EXACT.to_integral_value(_EXACT.multiply(amount, Decimal(factor)))))
