"""A hook of one BTCPay Server, what it would be told, and a shelf in the place of the ledger."""

import asyncio
import hashlib
import hmac
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
from prometheus_client import CollectorRegistry

from lnwatch.clock import Clock
from lnwatch.errors import LedgerError, LedgerTrouble, SourceError
from lnwatch.model.merchant import WebhookEvent
from lnwatch.net import Door
from lnwatch.sources import Place
from lnwatch.sources.btcpay import SOURCE, Btcpay
from lnwatch.web.app import create_app
from lnwatch.web.hooks import Hook, HookDesk, Keeper
from lnwatch.web.settings import WebSettings
from tests import assessments as build
from tests.manual_clock import ManualClock
from tests.web.casebook import Shelf
from tests.web.stage import Canned

SECRET = "of-the-webhook-alone"
STORE = "C8H1yvN6ZamjevMuWkHJcPvnWH8RsCHegqKu1oZRy3ES"
PATH = "/hooks/btcpay/main/pay"
METRIC = "lnwatch_webhook_events_total"


def body_of(**fields: object) -> bytes:
    """A webhook as BTCPay writes it; a field that is None is left out."""
    told: dict[str, object] = {
        "deliveryId": "D1",
        "webhookId": "W1",
        "originalDeliveryId": "D1",
        "isRedelivery": False,
        "type": "InvoiceSettled",
        "timestamp": 1_795_556_809,
        "storeId": STORE,
        "invoiceId": "AFbQnkumKyEKRpA7Xf6bj2",
        "metadata": {"orderId": "order-1"},
        "manuallyMarked": False,
        "overPaid": False,
    }
    kept = {key: value for key, value in {**told, **fields}.items() if value is not None}
    return json.dumps(kept, indent=2, ensure_ascii=False).encode()


def signature(body: bytes, secret: str = SECRET) -> str:
    return "sha256=" + hmac.new(secret.encode(), body, hashlib.sha256).hexdigest()


@dataclass
class Rack:
    """Keeps bodies by delivery, in memory; while `broken` it takes none."""

    bodies: dict[str, bytes] = field(default_factory=dict)
    broken: bool = False

    async def put(self, site: str, source: str, delivery: str, at: float, body: bytes) -> bool:
        await asyncio.sleep(0)  # others come meanwhile
        if self.broken:
            raise LedgerError(LedgerTrouble.FULL, "the disk is full")
        assert (site, source) == ("main", "pay")
        assert at == build.NOW
        fresh = delivery not in self.bodies
        self.bodies.setdefault(delivery, body)
        return fresh


def open_source(clock: Clock, settings: Mapping[str, Any], folder: Path = Path()) -> Btcpay:
    """A source that is never asked for anything."""
    values = {"url": "http://127.0.0.1:1", "api_key": "0" * 40, "stores": {"shop": STORE}, **settings}
    parsed = SOURCE.settings.model_validate(values, context={"directory": folder})
    source = SOURCE.open(Place("main", "pay", clock, Door(clock=clock)), parsed)
    assert isinstance(source, Btcpay)
    return source


class Porch:
    """The application with one hook; `heard` is what it passed on."""

    def __init__(
        self, keeper: Keeper | None = None, clock: Clock | None = None, folder: Path = Path(), **settings: object
    ) -> None:
        self.clock = clock or ManualClock(build.NOW)
        self.rack = Rack()
        self.heard: list[WebhookEvent] = []
        self.proved: list[SourceError | None] = []
        self.registry = CollectorRegistry()
        source = open_source(self.clock, settings or {"webhook_secret": SECRET}, folder)
        assert source.signs is not None
        hook = Hook("main", "pay", source, source.signs, self.heard.append, self._prove)
        desk = HookDesk({("main", "pay"): hook}, keeper or self.rack, self.clock, self.registry)
        web = WebSettings.model_validate({"listen": "0.0.0.0:8735", "token": "a-token-for-programs"})
        told = (web, Canned(), build.merchant, Shelf(), self.clock, self.registry, desk)
        self.app = create_app(*told)

    async def send(
        self, body: bytes, sent: str | None = None, *, path: str = PATH, method: str = "POST", **headers: str
    ) -> httpx.Response:
        """As BTCPay does, rightly signed unless another signature is given."""
        transport = httpx.ASGITransport(self.app)
        async with httpx.AsyncClient(transport=transport, base_url="http://desk.example") as client:
            shown = signature(body) if sent is None else sent
            given = {"Content-Type": "application/json", "BTCPay-Sig": shown} | headers
            raw = [(name.encode(), text.encode("latin-1")) for name, text in given.items()]
            return await client.request(method, path, content=body, headers=raw)

    def _prove(self, at: float, error: SourceError | None) -> None:
        assert at <= self.clock.now()
        self.proved.append(error)

    def counted(self) -> dict[str, float]:
        """What was counted, zeros left out."""
        samples = [each for metric in self.registry.collect() for each in metric.samples if each.name == METRIC]
        assert all((each.labels["site"], each.labels["name"]) == ("main", "pay") for each in samples)
        return {each.labels["result"]: each.value for each in samples if each.value}
