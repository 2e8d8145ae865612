"""One BTCPay Server as a source: its line, what it reads of each store, and the one look at everything."""

import re
from collections.abc import Iterator, Sequence
from typing import Final

from lnwatch.credentials import Credential
from lnwatch.model.merchant import WebhookEvent
from lnwatch.sources import Checkup, Collector, Cost, Place, Stream
from lnwatch.sources.btcpay.balances import BalancesCollector
from lnwatch.sources.btcpay.check import Inspector
from lnwatch.sources.btcpay.client import Greenfield
from lnwatch.sources.btcpay.desk import Server, Shop
from lnwatch.sources.btcpay.history import HistoryCollector, Looks
from lnwatch.sources.btcpay.invoices import InvoicesCollector
from lnwatch.sources.btcpay.lists import ListCollector
from lnwatch.sources.btcpay.payouts import PAYOUT_LIST, REFUND_LIST, REQUEST_LIST
from lnwatch.sources.btcpay.rates import RatesCollector
from lnwatch.sources.btcpay.settings import BtcpaySettings
from lnwatch.sources.btcpay.status import StatusCollector
from lnwatch.sources.btcpay.store import StoreCollector
from lnwatch.sources.btcpay.webhook_events import read_body, read_event
from lnwatch.sources.btcpay.webhooks import WebhooksCollector

_ID: Final = re.compile(r"[0-9A-Za-z]{1,64}")
_LONGEST_RUN: Final = 120.0  # seconds
_SHARE: Final = 0.9  # of its interval that a run may take


class Btcpay:
    """The source `btcpay`."""

    streams: Sequence[Stream] = ()

    def __init__(self, place: Place, settings: BtcpaySettings) -> None:
        """Connect to nothing yet."""
        self._place = place
        self._settings = settings
        self._server = Server(Greenfield(place, settings), place.clock)
        self._shops = {slug: Shop(slug, store_id, self._server) for slug, store_id in settings.stores.items()}
        lead = StatusCollector(self._server, settings.timeout, settings.interval, _SHARE * settings.interval)
        self._collectors: tuple[Collector, ...] = (
            lead,
            *(collector for shop in self._shops.values() for collector in self._of(shop)),
        )

    @property
    def collectors(self) -> Sequence[Collector]:
        """`status` leads; the others are of one store each, so that a store that is denied hides no other."""
        return self._collectors

    @property
    def cost(self) -> Cost:
        """Each question counts."""
        return self._server.client.cost

    @property
    def tls_expires_at(self) -> float | None:
        """When the certificate of the server, or of what stands in front of it, ends; None without TLS."""
        return self._server.client.tls_expires_at

    def hint(self, store_id: str, invoice_id: str) -> str | None:
        """A webhook spoke of an invoice: the collector to wake, which reads it first; None for a foreign store."""
        for shop in self._shops.values():
            if shop.id == store_id and _ID.fullmatch(invoice_id):
                shop.hinted.add(invoice_id)
                return f"invoices_{shop.slug}"
        return None

    @property
    def signs(self) -> Credential | None:
        """What its webhooks are signed with; None where they are not awaited."""
        return self._settings.signs

    def hear(self, body: bytes, at: float) -> WebhookEvent | None:
        """What a webhook says that came at `at` by our clock; None where it is about a store that is not watched.

        Raises SourceError(MALFORMED).
        """
        told = read_body(body)
        shop = next((each for each in self._shops.values() if each.id == told.store_id), None)
        return None if shop is None else read_event(told, shop.sight(self._server.client.there(at)))

    def proof_of(self, event: WebhookEvent) -> Iterator[str]:
        """The collectors that prove what a webhook said; an invoice that it spoke of is read first."""
        shop = self._shops[event.store]
        if event.invoice_id is not None and (invoices := self.hint(shop.id, event.invoice_id)) is not None:
            yield invoices
        if event.payout_id is not None:
            yield f"payouts_{shop.slug}"
        if event.pull_payment is not None:
            yield f"refunds_{shop.slug}"
        if event.payment_request_id is not None:
            yield f"requests_{shop.slug}"

    async def check(self) -> Checkup:
        """One look at everything."""
        return await Inspector(self._place, self._settings, self._server, tuple(self._shops.values())).look()

    async def close(self) -> None:
        """Let go of connections."""
        await self._server.client.close()

    def _of(self, shop: Shop) -> Iterator[Collector]:
        settings = self._settings
        looks = Looks(settings.trailing_interval, settings.rescan_interval, settings.rescan_depth)
        yield InvoicesCollector(shop, *_pace(settings.invoices_interval))
        yield HistoryCollector(shop, looks, *_pace(settings.history_interval))
        yield StoreCollector(shop, *_pace(settings.store_interval))
        yield RatesCollector(shop, *_pace(settings.rates_interval))
        yield BalancesCollector(shop, *_pace(settings.balances_interval))
        yield ListCollector(shop, PAYOUT_LIST, *_pace(settings.payouts_interval))
        yield ListCollector(shop, REFUND_LIST, *_pace(settings.refunds_interval))
        yield ListCollector(shop, REQUEST_LIST, *_pace(settings.requests_interval))
        yield WebhooksCollector(shop, *_pace(settings.webhooks_interval))


def _pace(interval: float) -> tuple[float, float]:
    """Interval and deadline."""
    return interval, min(_SHARE * interval, _LONGEST_RUN)
