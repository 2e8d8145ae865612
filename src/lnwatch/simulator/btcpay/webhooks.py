"""Webhooks: registration, signed deliveries, one strictly sequential queue each, retries, and their list."""

import asyncio
import hashlib
import hmac
import itertools
import json
from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

import httpx

from lnwatch.clock import Clock
from lnwatch.simulator.btcpay.encoding import Ids

RETRIES: Final = (10, 60, *[600] * 6)  # seconds after the attempt before
_TIMEOUT: Final = 100  # seconds, of .NET's HTTP client
_TOO_LATE: Final = "The request was canceled due to the configured HttpClient.Timeout of 100 seconds elapsing."
_RETRIED: Final = frozenset({408, 429})
KEPT: Final = 60 * 86_400  # seconds that the body of a delivery is kept


@dataclass(slots=True)
class Delivery:
    """One attempt, done. `body` None once it was pruned."""

    id: str
    number: int
    timestamp: float  # when it should have gone out
    delivered_at: float
    http_code: int | None
    error: str | None
    status: str  # Failed, HttpError, HttpSuccess
    body: dict[str, Any] | None


@dataclass(slots=True)
class Webhook:
    """A registered receiver; `deliveries` oldest first."""

    id: str
    store: str
    url: str
    secret: str = field(repr=False)
    enabled: bool = True
    automatic_redelivery: bool = True
    everything: bool = True
    specific: tuple[str, ...] = ()
    deliveries: list[Delivery] = field(default_factory=list)

    def wants(self, kind: str) -> bool:
        """Whether it is told of a type of event."""
        return self.enabled and (self.everything or kind in self.specific)


@dataclass(frozen=True, slots=True)
class _Pending:
    """An attempt that is due."""

    body: dict[str, Any]
    timestamp: float
    number: int


class _Lane:
    """The queue of one webhook: the next event waits until this one is delivered or given up."""

    def __init__(self) -> None:
        self.waiting: deque[_Pending] = deque()
        self.wake = asyncio.Event()
        self.idle = True  # waits for an event
        self.put_off = False  # waits for the time of a retry
        self.task: asyncio.Task[None] | None = None

    @property
    def resting(self) -> bool:
        """Whether nothing goes out before time passes or an event comes."""
        return self.put_off or (self.idle and not self.waiting)


class Dispatcher:
    """Sends events to the webhooks of a store. What it holds is in memory alone: `stop` loses it.

    `fault` is what happens to them on their way: `duplicated`, `reordered` (the newest first), or `replayed`, each
    followed by the oldest one once more.
    """

    def __init__(self, clock: Clock, ids: Ids, version: str, awake: Callable[[], Any]) -> None:
        """`awake` waits until the process may run. With a `transport` nothing goes out on sockets."""
        self.clock = clock
        self.transport: httpx.AsyncBaseTransport | None = None
        self.webhooks: dict[str, Webhook] = {}
        self._ids = ids
        self._version = version
        self._awake = awake
        self.fault = ""
        self._lanes: dict[str, _Lane] = {}
        self._numbers = itertools.count()
        self._running = False
        self._client: httpx.AsyncClient | None = None

    @property
    def resting(self) -> bool:
        """Whether nothing goes out before time passes."""
        return all(lane.resting for lane in self._lanes.values())

    def start(self) -> None:
        """With empty queues."""
        self._running = True
        self._client = httpx.AsyncClient(
            transport=self.transport,
            timeout=None,  # noqa: S113 - timed on our clock
            follow_redirects=True,
        )

    async def stop(self) -> None:
        """Forget what was not delivered."""
        self._running = False
        lanes, self._lanes = list(self._lanes.values()), {}
        tasks = [lane.task for lane in lanes if lane.task is not None]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        if self._client is not None:
            await self._client.aclose()
            self._client = None

    def publish(self, store: str, kind: str, first: Mapping[str, Any], last: Mapping[str, Any]) -> None:
        """Queue an event for each webhook that wants it; fields stand before and after the common ones."""
        for webhook in self.webhooks.values():
            if self._running and webhook.store == store and webhook.wants(kind):
                now = self.clock.now()
                delivery = self._ids.make("delivery")
                body = {
                    **first,
                    "deliveryId": delivery,
                    "webhookId": webhook.id,
                    "originalDeliveryId": delivery,
                    "isRedelivery": False,
                    "type": kind,
                    "timestamp": int(now),
                    "storeId": store,
                    **last,
                }
                self._enqueue(webhook, _Pending(body, now, next(self._numbers)))

    async def drop(self, webhook: Webhook) -> None:
        """Delete it with its queue."""
        self.webhooks.pop(webhook.id, None)
        lane = self._lanes.pop(webhook.id, None)
        if lane is not None and lane.task is not None:
            lane.task.cancel()
            await asyncio.gather(lane.task, return_exceptions=True)

    def redeliver(self, webhook: Webhook, delivery: Delivery) -> str:
        """Once more, by hand; the id of the new delivery."""
        again = self._again(delivery.body or {})
        self._enqueue(webhook, again)
        return str(again.body["deliveryId"])

    def _again(self, body: Mapping[str, Any]) -> _Pending:
        fresh = {**body, "deliveryId": self._ids.make("delivery"), "isRedelivery": True}
        return _Pending(fresh, self.clock.now(), next(self._numbers))

    def _enqueue(self, webhook: Webhook, pending: _Pending) -> None:
        lane = self._lanes.setdefault(webhook.id, _Lane())
        lane.waiting.append(pending)
        lane.wake.set()
        if lane.task is None:
            lane.task = asyncio.get_running_loop().create_task(self._run(webhook, lane))

    async def _run(self, webhook: Webhook, lane: _Lane) -> None:
        while True:
            if not lane.waiting:
                lane.idle = True
                lane.wake.clear()
                await lane.wake.wait()
            lane.idle = False
            newest_first = self.fault == "reordered"
            await self._deliver(webhook, lane, lane.waiting.pop() if newest_first else lane.waiting.popleft())

    async def _deliver(self, webhook: Webhook, lane: _Lane, pending: _Pending) -> None:
        """One event with all its retries."""
        for wait in (*RETRIES, None):
            await self._awake()
            done = await self._attempt(webhook, pending)
            webhook.deliveries.append(done)
            final = done.http_code is not None and done.http_code < 500 and done.http_code not in _RETRIED
            if final or wait is None or not webhook.automatic_redelivery:
                return
            lane.put_off = True
            await self.clock.sleep(wait)
            lane.put_off = False
            pending = self._again(pending.body)

    async def _attempt(self, webhook: Webhook, pending: _Pending) -> Delivery:
        started = self.clock.now()
        send = asyncio.ensure_future(self._post(webhook, pending.body))
        limit = asyncio.ensure_future(self.clock.sleep(_TIMEOUT))
        code: int | None = None
        error: str | None = None
        try:
            await asyncio.wait({send, limit}, return_when=asyncio.FIRST_COMPLETED)
            if send.done():
                code = send.result()
            else:
                error = _TOO_LATE
        except httpx.HTTPError as failure:
            error = f"{failure} ({httpx.URL(webhook.url).netloc.decode()})"
        finally:
            for task in (send, limit):
                task.cancel()
            await asyncio.gather(send, limit, return_exceptions=True)
        status = "Failed" if code is None else "HttpSuccess" if 200 <= code < 300 else "HttpError"
        if status == "HttpError":
            error = f"HTTP Error Code {code}"
        delivery = str(pending.body["deliveryId"])
        return Delivery(delivery, pending.number, pending.timestamp, started, code, error, status, pending.body)

    async def _post(self, webhook: Webhook, body: Mapping[str, Any]) -> int:
        code = await self._send(webhook, body)
        if self.fault == "duplicated":
            await self._send(webhook, body)
        elif self.fault == "replayed" and webhook.deliveries and webhook.deliveries[0].body is not None:
            await self._send(webhook, webhook.deliveries[0].body)
        return code

    async def _send(self, webhook: Webhook, body: Mapping[str, Any]) -> int:
        content = json.dumps(body, indent=2, ensure_ascii=False).encode()
        if self._client is None:
            raise httpx.ConnectError("stopped")
        signed = hmac.new(webhook.secret.encode(), content, hashlib.sha256).hexdigest()
        headers = {
            "Content-Type": "application/json",
            "User-Agent": f"BTCPayServer/{self._version}",
            "BTCPay-Sig": f"sha256={signed}",
        }
        answered = await self._client.post(webhook.url, content=content, headers=headers)
        return answered.status_code


def listed(webhook: Webhook, count: int | None) -> list[Delivery]:
    """The newest first; all of them without a count."""
    ordered = sorted(webhook.deliveries, key=lambda each: (each.timestamp, each.number), reverse=True)
    return ordered[:count]


def prune(webhook: Webhook, now: float) -> None:
    """Drop the bodies of old deliveries, as a job does every six hours."""
    for delivery in webhook.deliveries:
        if delivery.timestamp < now - KEPT:
            delivery.body = None
