"""Whether the shop is told: a store's webhooks and what became of their deliveries, where the key may ask."""

import json
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final
from urllib.parse import urlsplit

from pydantic import TypeAdapter

from lnwatch.errors import SourceError
from lnwatch.model.btcpay import Webhook, Webhooks
from lnwatch.model.merchant import DeliveryStatus, WebhookDelivery, WebhookEvent
from lnwatch.model.snapshot import Event, Reading
from lnwatch.sources import Memory
from lnwatch.sources.btcpay import words
from lnwatch.sources.btcpay.answers import DeliveryAnswer, EventAnswer, WebhookAnswer
from lnwatch.sources.btcpay.desk import Shop
from lnwatch.sources.btcpay.errors import AbsentError
from lnwatch.sources.btcpay.pages import OF_ONE_INVOICE
from lnwatch.sources.btcpay.permissions import WEBHOOKS
from lnwatch.sources.btcpay.webhook_events import read_event

HOOKS: Final = TypeAdapter(tuple[WebhookAnswer, ...])
DELIVERIES: Final = TypeAdapter(tuple[DeliveryAnswer, ...])
_BODY: Final = TypeAdapter(EventAnswer)
COUNT: Final = 200  # newest deliveries of one webhook: without a count BTCPay gives all of 60 days
BODIES: Final = 40  # that one run reads; a failed delivery's goes first
NEWEST: Final = 20  # deliveries of one webhook that tell how it fares now
_KNOWN: Final = 2 * COUNT


@dataclass(slots=True)
class WebhooksCollector:
    """Facts of the store's webhooks; their deliveries as events, each with what it told.

    The cursor holds the ids of the newest deliveries that are in the ledger, by webhook.
    """

    shop: Shop
    interval: float
    deadline: float

    @property
    def name(self) -> str:
        """One for each store."""
        return f"webhooks_{self.shop.slug}"

    async def collect(self, memory: Memory) -> Reading:
        """Read once; a key that may not see webhooks is no failure. Raises SourceError."""
        if self.shop.server.grants is None or self.shop.lacks(WEBHOOKS):
            return Reading(facts=Webhooks(self.shop.slug, None))
        stored = await memory.cursor(self.name)
        known: dict[str, list[str]] = json.loads(stored) if stored else {}
        what = f"the webhooks of store {self.shop.slug}"
        hooks: list[Webhook] = []
        events: list[Event] = []
        left = BODIES
        ids: dict[str, list[str]] = {}
        try:
            for hook in (await self.shop.server.client.ask(self.shop.path("webhooks"), HOOKS, what)).value:
                deliveries = await self._deliveries(hook.id)
                hooks.append(read_webhook(self.shop.slug, hook, deliveries))
                fresh = [each for each in deliveries if each.id not in known.get(hook.id, ())]
                # What went wrong matters first; what there is no room for comes with the next run.
                fresh.sort(key=lambda each: (each.status == "HttpSuccess", -each.timestamp))
                taken, left = fresh[:left], left - len(fresh[:left])
                for delivery in taken:
                    events += await self._told(hook.id, delivery)
                told = [each.id for each in taken]
                ids[hook.id] = (told + known.get(hook.id, []))[:_KNOWN]
        except SourceError as error:
            raise await self.shop.explained(error, WEBHOOKS) from error
        facts = Webhooks(self.shop.slug, tuple(hooks))
        return Reading(facts=facts, events=tuple(events), cursors={self.name: json.dumps(ids)}, more=left == 0)

    async def _deliveries(self, hook: str) -> Sequence[DeliveryAnswer]:
        path = self.shop.path(f"webhooks/{hook}/deliveries")
        what = f"the webhook deliveries of store {self.shop.slug}"
        return (await self.shop.server.client.ask(path, DELIVERIES, what, query={"count": COUNT})).value

    async def _told(self, hook: str, delivery: DeliveryAnswer) -> Iterable[Event]:
        """The delivery, and what it told, which is a hint like any webhook that reached us."""
        event = await self._body(hook, delivery.id)
        found = read_delivery(self.shop.slug, hook, delivery, event)
        return (found,) if event is None else (found, event)

    async def _body(self, hook: str, delivery: str) -> WebhookEvent | None:
        path = self.shop.path(f"webhooks/{hook}/deliveries/{delivery}/request")
        try:
            told = await self.shop.server.client.ask(path, _BODY, "the body of a webhook", single=True)
        except SourceError as error:
            if error.reason not in OF_ONE_INVOICE and not isinstance(error, AbsentError):
                raise
            return None  # pruned after 60 days
        return read_event(told.value, self.shop.sight(told.at))


def read_webhook(slug: str, answer: WebhookAnswer, deliveries: Sequence[DeliveryAnswer]) -> Webhook:
    """The webhook in our terms, without the path of its address."""
    counts = Counter(_status(each) for each in deliveries)
    return Webhook(
        id=answer.id,
        host=urlsplit(answer.url.get_secret_value()).hostname or "",
        enabled=answer.enabled,
        redelivers=answer.automatic_redelivery,
        recent=tuple((status, counts[status]) for status in DeliveryStatus),
        newest=tuple(read_delivery(slug, answer.id, each, None) for each in deliveries[:NEWEST]),
    )


def read_delivery(slug: str, hook: str, answer: DeliveryAnswer, event: WebhookEvent | None) -> WebhookDelivery:
    """The delivery in our terms."""
    return WebhookDelivery(
        store=slug,
        webhook_id=hook,
        id=answer.id,
        status=_status(answer),
        listed_at=answer.timestamp,
        delivered_at=answer.delivery_time,
        http_code=answer.http_code,
        event=event,
    )


def _status(answer: DeliveryAnswer) -> DeliveryStatus:
    return words.DELIVERY.get(answer.status, DeliveryStatus.UNKNOWN)
