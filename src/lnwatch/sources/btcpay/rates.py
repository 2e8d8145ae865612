"""The rate probe: without a rate BTCPay makes no invoice, on whatever rail."""

from dataclasses import dataclass
from typing import Final

from pydantic import TypeAdapter

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


@dataclass(slots=True)
class RatesCollector:
    """Facts of the store's rate."""

    shop: Shop
    interval: float
    deadline: float

    @property
    def name(self) -> str:
        """One for each store."""
        return f"rates_{self.shop.slug}"

    async def collect(self, memory: Memory) -> Reading:
        """Read once. Raises SourceError."""
        del memory  # nothing of the past matters here
        try:
            return Reading(facts=await ask_rates(self.shop))
        except SourceError as error:
            raise await self.shop.explained(error, SETTINGS) from error


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
