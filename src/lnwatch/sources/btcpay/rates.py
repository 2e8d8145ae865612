"""The rate probe: without a rate BTCPay makes no invoice, on whatever rail."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import Final

from pydantic import BaseModel, TypeAdapter

from lnwatch.errors import SourceError
from lnwatch.model.btcpay import Rate, Rates
from lnwatch.model.snapshot import Reading
from lnwatch.sources import Memory
from lnwatch.sources.btcpay.answers import RateAnswer, StoreAnswer
from lnwatch.sources.btcpay.desk import Shop
from lnwatch.sources.btcpay.permissions import SETTINGS

RATES: Final = TypeAdapter(tuple[RateAnswer, ...])
_STORE: Final = TypeAdapter(StoreAnswer)
_OWN: Final = frozenset({"BTC", "SATS"})  # priced in bitcoin: no rate is needed
_MOVES_WITHIN: Final = 3_600.0  # seconds: an exchange's price moves more than once in this time, a fixed one does not


class Stand(BaseModel, frozen=True):
    """What a currency's rate was last, since when, and whether it came there as an exchange's does."""

    rate: Decimal
    since: float
    moves: bool


STANDS: Final = TypeAdapter(dict[str, Stand])


@dataclass(slots=True)
class RatesCollector:
    """Facts of the store's rate. The cursor holds since when it stands as it does."""

    shop: Shop
    interval: float
    deadline: float

    @property
    def name(self) -> str:
        """One for each store."""
        return f"rates_{self.shop.slug}"

    async def collect(self, memory: Memory) -> Reading:
        """Read once. Raises SourceError."""
        stored = await memory.cursor(self.name)
        known = STANDS.validate_json(stored) if stored else {}
        try:
            rates = await ask_rates(self.shop)
        except SourceError as error:
            raise await self.shop.explained(error, SETTINGS) from error
        stands = known | follow(known, rates, self.shop.server.clock.now())
        facts = Rates(rates.store, tuple(_steady(each, stands.get(each.currency)) for each in rates.rates))
        return Reading(facts=facts, cursors={self.name: STANDS.dump_json(stands).decode()})


async def ask_rates(shop: Shop) -> Rates:
    """The rate of the store's own currency. Raises SourceError."""
    client, what = shop.server.client, f"the rates of store {shop.slug}"
    if shop.currency is None:
        shop.currency = (await client.ask(shop.path(), _STORE, what)).value.default_currency
    if shop.currency.upper() in _OWN:
        return Rates(shop.slug, ())
    query = {"currencyPair": [f"BTC_{shop.currency}"]}
    return read_rates(shop.slug, (await client.ask(shop.path("rates"), RATES, what, query=query)).value)


def read_rates(slug: str, answers: tuple[RateAnswer, ...]) -> Rates:
    """The rates in our terms."""
    return Rates(
        slug,
        tuple(Rate(each.currency_pair.rpartition("_")[2], each.rate or None, each.errors or ()) for each in answers),
    )


def follow(known: Mapping[str, Stand], rates: Rates, now: float) -> dict[str, Stand]:
    """Where each currency that has a rate stands now, given where it stood."""
    found: dict[str, Stand] = {}
    for each in rates.rates:
        if each.rate is None:
            continue
        was = known.get(each.currency)
        if was is None:
            found[each.currency] = Stand(rate=each.rate, since=now, moves=False)
        elif was.rate != each.rate:
            found[each.currency] = Stand(rate=each.rate, since=now, moves=now - was.since <= _MOVES_WITHIN)
    return found


def _steady(rate: Rate, stand: Stand | None) -> Rate:
    if rate.rate is None or stand is None or not stand.moves:
        return rate
    return replace(rate, steady_since=stand.since)
