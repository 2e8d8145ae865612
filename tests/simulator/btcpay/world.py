"""A whole small world on a clock that stands still: chain, indexer, BTCPay, a receiver of webhooks, and a client."""

import asyncio
import hashlib
import hmac
import json
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx

from lnwatch.clock import Clock
from lnwatch.simulator.bitcoind import Chain
from lnwatch.simulator.btcpay import BtcpayDouble, Invoice, SimulatedCoins, SimulatedLightning, Store
from lnwatch.simulator.nbxplorer import Indexer, NbxplorerDouble
from lnwatch.simulator.webhook_receiver import Receiver, Reply, Request
from tests.manual_clock import ManualClock
from tests.simulator.btcpay.openapi import Json, undocumented

RECORDED = Path(__file__).parents[2] / "recorded" / "btcpay-2.4.1"
SECRET = "s3cret-of-the-hook"


def recording(name: str) -> Json:
    """A file of the recordings."""
    return json.loads((RECORDED / f"{name}.json").read_text())


class Hook(Receiver):
    """Receives webhooks and answers by `statuses`, one an attempt, 200 after them."""

    def __init__(self, clock: Clock) -> None:
        super().__init__(clock)
        self.statuses: list[int] = []
        self.location: str | None = None

    def answer(self, request: Request) -> Reply:
        status = self.statuses.pop(0) if self.statuses and request.method == "POST" else 200
        return Reply(status, headers={"Location": self.location} if self.location and status == 302 else {})

    @property
    def bodies(self) -> list[dict[str, Any]]:
        """What came, in order; each is signed, or this fails."""
        for request in self.received:
            signed = hmac.new(SECRET.encode(), request.body, hashlib.sha256).hexdigest()
            assert request.method != "POST" or request.headers["btcpay-sig"] == f"sha256={signed}"
        return [json.loads(request.body) for request in self.received if request.method == "POST"]


@dataclass
class World:
    clock: ManualClock
    chain: Chain
    indexer: Indexer
    nbxplorer: NbxplorerDouble
    btcpay: BtcpayDouble
    store: Store
    hook: Hook
    client: httpx.AsyncClient
    owner: str = ""
    monitor: str = ""
    began: float = field(default=0.0)

    @property
    def coins(self) -> SimulatedCoins:
        assert isinstance(self.store.coins, SimulatedCoins)
        return self.store.coins

    @property
    def node(self) -> SimulatedLightning:
        assert isinstance(self.store.lightning, SimulatedLightning)
        return self.store.lightning

    @property
    def base(self) -> str:
        return f"/api/v1/stores/{self.store.id}"

    def invoice(self, invoice_id: str) -> Invoice:
        return self.btcpay.core.invoices[invoice_id]

    async def call(
        self,
        method: str,
        path: str,
        body: object = None,
        query: Mapping[str, Any] | None = None,
        authorization: str | None = "owner",
    ) -> httpx.Response:
        """Ask the API, by default as the owner; `monitor` is the read-only key, anything else the header itself."""
        header = {"owner": f"token {self.owner}", "monitor": f"token {self.monitor}"}.get(
            authorization or "", authorization
        )
        content = body if isinstance(body, bytes) else None if body is None else json.dumps(body).encode()
        headers = {"Content-Type": "application/json"} if content is not None else {}
        if header is not None:
            headers["Authorization"] = header
        return await self.client.request(
            method, self.btcpay.url + path, content=content, params=query or {}, headers=headers
        )

    async def create(self, **fields: Json) -> Invoice:
        """An invoice over 10 EUR, unless said otherwise."""
        answer = await self.call("POST", f"{self.base}/invoices", {"amount": "10.00", "currency": "EUR"} | fields)
        assert answer.status_code == 200, answer.text
        await self.btcpay.settle()
        return self.invoice(answer.json()["id"])

    async def register(self, **fields: Json) -> str:
        """The receiver as a webhook; its id."""
        body = {"url": f"{self.hook.url}/hook", "enabled": True, "automaticRedelivery": True, "secret": SECRET}
        answer = await self.call("POST", f"{self.base}/webhooks", body | fields)
        assert answer.status_code == 200, answer.text
        return str(answer.json()["id"])

    async def pass_time(self, seconds: float) -> None:
        """Let time pass, and everything that it brings with it."""
        await self.clock.advance(seconds)
        await self.btcpay.settle()

    async def until(self, t: float) -> None:
        """Let time pass until `t` seconds after the beginning."""
        await self.pass_time(max(0.0, self.began + t - self.clock.now()))

    @property
    def types(self) -> list[str]:
        """The types of the webhooks that came."""
        return [body["type"] for body in self.hook.bodies]


@asynccontextmanager
async def world(now: float = 1_795_556_776.0, height: int = 116) -> AsyncIterator[World]:
    """A new one."""
    clock = ManualClock(now)
    chain = Chain(clock)
    chain.mine(height)
    indexer = Indexer(clock, chain)
    nbxplorer, hook = NbxplorerDouble(indexer), Hook(clock)
    btcpay = BtcpayDouble(clock, indexer)
    store = btcpay.add_store()
    async with nbxplorer, hook, btcpay, httpx.AsyncClient(timeout=60) as client:
        made = World(clock, chain, indexer, nbxplorer, btcpay, store, hook, client, began=now)
        made.owner = btcpay.add_key(store, "canmodifystoresettings", label="owner").secret
        made.monitor = btcpay.add_key(store).secret
        await btcpay.settle()
        yield made
        undocumented(btcpay.exchanges)


async def in_time(world: World, call: "asyncio.Future[httpx.Response]", limit: float) -> httpx.Response | None:
    """An answer, or None where the clock went `limit` seconds on without one."""
    for step in range(int(limit * 2)):
        done, _ = await asyncio.wait({call}, timeout=0.03 if step else 0.5)
        if done:
            return call.result()
        await world.clock.advance(0.5)
    call.cancel()
    await asyncio.gather(call, return_exceptions=True)
    return None
