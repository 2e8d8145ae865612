"""Plays a recorded fault on the double: the same things are broken at the same seconds, the same poller looks on."""

import asyncio
from collections import defaultdict
from collections.abc import Awaitable, Callable
from typing import Any

import httpx

from lnwatch.simulator.btcpay import Invoice
from tests.simulator.btcpay.likeness import Likeness
from tests.simulator.btcpay.world import World, in_time, recording

_PATIENCE = 8.0  # seconds that the recorder's poller waited
_STEPS = 20  # of waiting for an answer before time goes on without it
_CREATION = 60.0  # and its shop
NEW_YORK = -18_000  # seconds from UTC
Seen = tuple[int | None, Any]

# When the broken thing took effect, where the recorder wrote it down only once its command had returned.
BEGAN = {
    ("nbxplorer-killed", "NBXplorer stopped"): 4.0,
    ("nbxplorer-killed", "NBXplorer started"): 100.0,
    ("btcpay-restarted", "BTCPay stopped"): 3.0,
    ("btcpay-restarted", "start command returned"): 14.9,
    ("paid-while-btcpay-is-down", "BTCPay stopped"): 3.9,
    ("restart-delays-expiry", "BTCPay restarted"): 0.9,
    ("paid-at-the-node-expired-in-btcpay", "the node restarted and is out of BTCPay's reach"): 0.9,
}
# What the recorder did and did not write down.
UNWRITTEN = {
    "host-not-in-utc": (
        {"t": -0.1, "action": "BTCPay stopped"},
        {"t": 4.9, "action": "BTCPay started"},
        {"t": 31.6, "action": "1 blocks mined", "height": 136},
        {"t": 31.7, "action": "BTCPay stopped"},
    )
}


class Fault:
    """One fault. `seen` is what the poller saw of each source, only when it changed."""

    def __init__(self, world: World, name: str) -> None:
        self.world = world
        self.name = name
        steps = recording(f"faults/{name}")["steps"]
        self.actions = [*(step for step in steps if "action" in step), *UNWRITTEN.get(name, ())]
        self.actions.sort(key=self._at)
        self.asking = False
        self.ends = steps[-1]["t"]
        self.recorded: dict[str, list[Seen]] = defaultdict(list)
        for step in steps:
            if "seen" in step:
                self.recorded[step["seen"]].append((step["http_status"], step["response"]))
        self.seen: dict[str, list[Seen]] = defaultdict(list)
        self.when: dict[str, list[float]] = defaultdict(list)
        self.likeness = Likeness(0, 0, slack=float("inf"))
        self.invoices: list[Invoice] = []
        self.named: dict[str, Invoice] = {}

    async def play(self) -> None:
        """Look on while the actions are played."""
        while self._at(self.actions[0]) < 0:
            await self._act(self.actions.pop(0))
        self.asking = True
        looking = asyncio.create_task(self._look())
        try:
            for step in self.actions:
                await self._until(self._at(step))
                await self._act(step)
            await self._until(self.ends + 4)
        finally:
            looking.cancel()
            await asyncio.gather(looking, return_exceptions=True)

    def _at(self, step: dict[str, Any]) -> float:
        began = float(BEGAN.get((self.name, step["action"]), step["t"]))
        # Creations that took long were written down when they were given up.
        return began - (float(step["seconds"]) if step["action"] == "create an invoice" else 0.0)

    async def _until(self, t: float) -> None:
        await self._let_look()
        while (left := self.world.began + t - self.world.clock.now()) > 0:
            await self.world.clock.advance(min(self._pace(), left))
            await self._let_look()

    def _pace(self) -> float:
        """Seconds between looks: one while much happens, then two."""
        return 1.0 if self.world.clock.now() < self.world.began + 10 else 2.0

    async def _let_look(self) -> None:
        for _ in range(_STEPS):
            if not self.asking:
                return
            await asyncio.sleep(0.002)

    # -- the poller -------------------------------------------------------------------------------------------

    async def _look(self) -> None:
        sources = {
            "health": lambda: self.world.call("GET", "/api/v1/health", authorization=None),
            "server-info": lambda: self.world.call("GET", "/api/v1/server/info"),
            "nbxplorer-status": lambda: self.world.client.get(f"{self.world.nbxplorer.url}/v1/cryptos/BTC/status"),
            "lightning-info": lambda: self.world.call("GET", f"{self.world.base}/lightning/BTC/info"),
            "invoices": lambda: self.world.call("GET", f"{self.world.base}/invoices", query={"take": "1"}),
        }
        while True:
            self.asking = True
            for source, ask in sources.items():
                seen = await self._ask(ask)
                if source == "nbxplorer-status" and isinstance(seen[1], dict):
                    seen = seen[0], _recorded_part(seen[1])
                if source == "invoices" and isinstance(seen[1], list):
                    seen = seen[0], "one invoice"
                if not self.seen[source] or self.seen[source][-1] != seen:
                    self.seen[source].append(seen)
                    self.when[source].append(self.world.clock.now() - self.world.began)
            self.asking = False
            await self.world.clock.sleep(self._pace())

    async def _ask(self, ask: Callable[[], Awaitable[httpx.Response]]) -> Seen:
        asking = asyncio.ensure_future(ask())
        limit = asyncio.ensure_future(self.world.clock.sleep(_PATIENCE))
        await asyncio.wait({asking, limit}, return_when=asyncio.FIRST_COMPLETED)
        try:
            if not asking.done():
                return None, "TimeoutError: timed out"
            answer = asking.result()
            return answer.status_code, answer.json() if answer.content else ""
        except httpx.HTTPError as error:
            refused = isinstance(error, httpx.ConnectError)
            return None, "ConnectionRefusedError: [Errno 111] Connection refused" if refused else repr(error)
        finally:
            for task in (asking, limit):
                task.cancel()
            await asyncio.gather(asking, limit, return_exceptions=True)

    # -- what was done ----------------------------------------------------------------------------------------

    async def _act(self, step: dict[str, Any]) -> None:
        action = step["action"]
        if action == "create an invoice":
            await self._create(step)
        elif action == "customer pays over Lightning":
            self.world.btcpay.pay_over_lightning(self._invoice(step))
        elif action == "invoice is":
            await self._compare_invoice(step)
        elif action == "times":
            await self._compare_times(step)
        elif "response" in step:
            await self._compare_views(step)
        elif action.endswith("blocks mined"):
            assert self.world.coins.mine(int(action.split()[0])) == step["height"]
        else:
            await self._break(action)

    async def _break(self, action: str) -> None:
        world = self.world
        plain: dict[str, Callable[[], None]] = {
            "NBXplorer frozen": world.indexer.freeze,
            "PostgreSQL stopped": world.btcpay.postgresql.freeze,
            "PostgreSQL started": world.btcpay.postgresql.thaw,
            "Lightning node stopped": world.node.stop,
            "Lightning node started": world.node.start,
            "Lightning node frozen": world.node.gate.freeze,
            "Lightning node thawed": world.node.gate.thaw,
            "the node is back in reach": world.node.reconnect,
            "BTCPay frozen": world.btcpay.gate.freeze,
            "BTCPay thawed": world.btcpay.gate.thaw,
        }
        slow: dict[str, Callable[[], Awaitable[None]]] = {
            "NBXplorer stopped": world.nbxplorer.stop,
            "NBXplorer started": world.nbxplorer.start,
            "NBXplorer thawed": self._thaw,
            "BTCPay stopped": world.btcpay.stop,
            "BTCPay started": world.btcpay.start,
            "start command returned": world.btcpay.start,
            "BTCPay restarted": self._restart,
            "the node restarted and is out of BTCPay's reach": self._cut_off,
        }
        if action in plain:
            plain[action]()
        else:
            await slow[action]()

    async def _thaw(self) -> None:
        """While the poller waits for an answer, as when it was recorded."""
        for _ in range(_STEPS):
            if not self.asking:
                await self.world.clock.advance(0.25)
        self.world.indexer.thaw()

    async def _restart(self) -> None:
        await self.world.btcpay.stop()
        await self._until(4.9)
        await self.world.btcpay.start()

    async def _cut_off(self) -> None:
        self.world.node.cut_off()
        await self._until(1.2)
        await self._until(1.3)
        self.world.node.cut_off("Cannot assign requested address")

    def _invoice(self, step: dict[str, Any]) -> Invoice:
        return self.named[step["invoice"]] if "invoice" in step else self.invoices[-1]

    async def _create(self, step: dict[str, Any]) -> None:
        short = {"expirationMinutes": 1, "monitoringMinutes": 60}
        first = not self.invoices and self.name.startswith(("paid-", "restart-"))
        body = {"amount": "1.00", "currency": "EUR"} | ({"checkout": short} if first else {})
        began = self.world.clock.now()
        call = asyncio.ensure_future(self.world.call("POST", f"{self.world.base}/invoices", body))
        answer = await in_time(self.world, call, _CREATION)
        took = self.world.clock.now() - began
        assert abs(took - step["seconds"]) <= 1.5, f"creation took {took} s, {step['seconds']} were recorded"
        assert (None if answer is None else answer.status_code) == step["http_status"]
        if answer is not None:
            assert answer.json()["checkout"]["paymentMethods"] == step["payment_methods"]
            made = self.world.invoice(answer.json()["id"])
            self.invoices.append(made)
            self.named[step["invoice"]] = made
            if self.name == "host-not-in-utc" and len(self.invoices) == 2:
                self.world.btcpay.pay_on_chain(made, relay=4)

    async def _compare_invoice(self, step: dict[str, Any]) -> None:
        answer = await self.world.call("GET", f"{self.world.base}/invoices/{self._invoice(step).id}")
        ours = {name: answer.json()[name] for name in ("status", "additionalStatus", "paidAmount")}
        assert ours == {name: step[name] for name in ours}, f"at {step['t']}"

    async def _compare_times(self, step: dict[str, Any]) -> None:
        made = self.invoices.pop(0)
        path = f"{self.world.base}/invoices/{made.id}"
        invoice = (await self.world.call("GET", path)).json()
        methods = (await self.world.call("GET", f"{path}/payment-methods")).json()
        received = [payment["receivedDate"] for method in methods for payment in method["payments"]]
        assert invoice["status"] == step["status"]
        assert len(received) == len(step["receivedDates"])
        for ours, theirs in zip(received, step["receivedDates"], strict=True):
            assert abs((ours - invoice["createdTime"]) - (theirs - step["createdTime"])) <= 2

    async def _compare_views(self, step: dict[str, Any]) -> None:
        made = self.invoices[-1]
        if step["action"] == "BTCPay's payment methods":
            query = {"onlyAccountedPayments": "false"}
            ours = await self.world.call("GET", f"{self.world.base}/invoices/{made.id}/payment-methods", query=query)
            self.likeness.compare(step["response"], ours.json(), step["action"])
            return
        payment_hash = made.prompts[0].details["paymentHash"]
        if step["action"] == "the node's invoice":
            found = await self.world.node.find(payment_hash)
            assert found is not None
            assert found.paid_at is not None
            assert found.received_msat == step["response"][0]["amount_received_msat"]
            return
        answer = await self.world.call("GET", f"{self.world.base}/lightning/BTC/invoices")
        mine = [each for each in answer.json() if each["paymentHash"] == payment_hash]
        self.likeness.compare(step["response"], mine, step["action"])


def _recorded_part(status: dict[str, Any]) -> dict[str, Any]:
    """What the recorder kept of NBXplorer's status."""
    core = status["bitcoinStatus"]
    kept = {name: status[name] for name in ("isFullySynched", "chainHeight", "syncHeight")}
    kept["bitcoinStatus"] = None if core is None else {name: core[name] for name in ("blocks", "headers", "isSynched")}
    return kept | {"networkType": status["networkType"]}
