"""What a store is set up to do: its times, its tolerance, and the payment methods that it has."""

from dataclasses import dataclass
from decimal import Decimal
from typing import Final

from pydantic import TypeAdapter

from lnwatch.errors import SourceError
from lnwatch.model.btcpay import Store, StoreMethod
from lnwatch.model.merchant import method_of
from lnwatch.model.snapshot import Reading
from lnwatch.sources import Memory
from lnwatch.sources.btcpay.answers import StoreAnswer, StoreMethodAnswer
from lnwatch.sources.btcpay.desk import Shop
from lnwatch.sources.btcpay.permissions import SETTINGS

STORE: Final = TypeAdapter(StoreAnswer)
METHODS: Final = TypeAdapter(tuple[StoreMethodAnswer, ...])


@dataclass(slots=True)
class StoreCollector:
    """Facts of the store's settings."""

    shop: Shop
    interval: float
    deadline: float

    @property
    def name(self) -> str:
        """One for each store."""
        return f"store_{self.shop.slug}"

    async def collect(self, memory: Memory) -> Reading:
        """Read once. Raises SourceError."""
        del memory  # nothing of the past matters here
        client, what = self.shop.server.client, f"the settings of store {self.shop.slug}"
        try:
            answer = (await client.ask(self.shop.path(), STORE, what)).value
            methods = (await client.ask(self.shop.path("payment-methods"), METHODS, what)).value
        except SourceError as error:
            raise await self.shop.explained(error, SETTINGS) from error
        self.shop.life = answer.invoice_expiration + answer.monitoring_expiration
        self.shop.currency = answer.default_currency
        self.shop.fee_mode = answer.network_fee_mode
        return Reading(facts=read_store(self.shop.slug, answer, methods))


def read_store(slug: str, answer: StoreAnswer, methods: tuple[StoreMethodAnswer, ...]) -> Store:
    """The store in our terms."""
    limits = [limit.payment_method_id or limit.payment_method for limit in answer.payment_method_criteria or ()]
    return Store(
        store=slug,
        id=answer.id,
        archived=answer.archived,
        currency=answer.default_currency,
        expiration_seconds=answer.invoice_expiration,
        monitoring_seconds=answer.monitoring_expiration,
        speed_policy=answer.speed_policy,
        tolerance_percent=answer.payment_tolerance or Decimal(0),
        network_fee_mode=answer.network_fee_mode,
        lazy_methods=answer.lazy_payment_methods,
        limited_methods=tuple(dict.fromkeys(limit for limit in limits if limit)),
        methods=tuple(
            StoreMethod(each.payment_method_id, method_of(each.payment_method_id), each.enabled) for each in methods
        ),
    )
