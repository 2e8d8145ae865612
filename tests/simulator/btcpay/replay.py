"""Plays a recorded story on the double: the same calls, the same customer, the same blocks, at the same seconds."""

import json
from decimal import Decimal
from typing import Any

import httpx
import pytest

from lnwatch.simulator.btcpay import Coin, PaymentError
from lnwatch.simulator.btcpay.encoding import bolt11_hash, bolt11_msat
from tests.simulator.btcpay.likeness import Likeness
from tests.simulator.btcpay.openapi import Json
from tests.simulator.btcpay.world import World, recording

_NEVER = 1e6  # seconds: seen with its block alone
_PATIENCE = 20  # seconds that a recorder waited for a status
_PROCESSORS = ("payout-processor-lightning-put", "payout-processor-chain-put")


def first(found: Json, name: str) -> Json:
    """The first value of a field anywhere in a document."""
    children = found.values() if isinstance(found, dict) else found if isinstance(found, list) else ()
    if isinstance(found, dict) and name in found:
        return found[name]
    return next((value for child in children if (value := first(child, name)) is not None), None)


class Story:
    """One story; `likeness` knows which of our ids stands for which recorded one, also from stories before."""

    def __init__(self, world: World, name: str, likeness: Likeness | None = None) -> None:
        self.world = world
        self.steps = recording(f"stories/{name}")["steps"]
        call = next(step for step in self.steps if "call" in step)
        at = first(self.steps, "createdTime") or first(self.steps, "startsAt")
        self.likeness = likeness or Likeness(at, int(world.clock.now()) + 1)
        self.world.began = at + self.likeness.shift + 0.1 - call["t"]
        self.came = len(world.hook.received)
        self.invoice: str = ""
        self.coin: Coin | None = None
        self.lnurl: dict[str, Any] = {}
        rate = first(self.steps, "paymentMethodFeeRate")
        if rate is not None:
            world.coins.fees = {1: Decimal(str(rate))}
        world.coins.relay = self._relay_of_payouts()
        store = call["call"].split("/")[4]
        self.likeness.bind(store, world.store.id)

    def _relay_of_payouts(self) -> float:
        """How long after its approval a payout was seen on its way."""
        approved = next((step["t"] for step in self.steps if step.get("body") == {"revision": 0}), None)
        on_its_way = (step["t"] for step in self.steps if step.get("webhook", {}).get("payoutState") == "InProgress")
        return 0.0 if approved is None else float(next(on_its_way)) - approved

    async def play(self) -> None:
        """All of it; every answer is compared as it comes, the webhooks at the end."""
        for step in self.steps:
            if "webhook" in step:
                continue
            await self.world.until(step["t"])
            if "call" in step:
                await self._call(step)
            else:
                await self._act(step)
            await self.world.btcpay.settle()
        await self.world.pass_time(1)
        recorded = [step["webhook"] for step in self.steps if "webhook" in step]
        ours = self.world.hook.bodies[self.came :]
        assert [each["type"] for each in ours] == [each["type"] for each in recorded]
        self.likeness.compare(recorded, ours, "webhooks")

    async def _call(self, step: dict[str, Any]) -> None:
        method, path = step["call"].split(" ")
        body = step.get("body")
        if body is not None and "destination" in body:
            self._customers_own(body["destination"])
        sent = None if body is None else json.loads(self.likeness.translate(json.dumps(body)))
        answer = await self.world.call(method, self.likeness.translate(path), sent, step.get("query"))
        self._same(step, answer, step["call"])
        response = step["response"]
        if isinstance(response, dict) and "checkout" in response:
            self.invoice = answer.json()["id"]
            spans = [
                (each["expirationTime"] - each["createdTime"], each["monitoringExpiration"] - each["expirationTime"])
                for each in (response, answer.json())
            ]
            assert spans[0] == spans[1]

    def _same(self, step: dict[str, Any], answer: httpx.Response, where: str) -> None:
        assert answer.status_code == step["http_status"], f"{where}: {answer.status_code} {answer.text}"
        ours = answer.json() if answer.content else ""
        self.likeness.compare(step["response"], ours, f"{step['t']} {where}")

    def _customers_own(self, destination: str) -> None:
        """A place of the customer's to be paid at."""
        if destination in self.likeness.ours:
            return
        if destination.startswith("lnbc"):
            self.likeness.bind(destination, self.world.node.elsewhere(bolt11_msat(destination) or 0))
        else:
            self.likeness.bind(destination, self.world.coins.foreign_address())

    async def _act(self, step: dict[str, Any]) -> None:
        action = step["action"]
        if action.endswith("block(s) mined"):
            self.world.coins.mine(int(action.split()[0]))
        elif action == "status seen":
            await self._wait_for(step)
        elif action == "customer sends on-chain":
            self._send(step)
        elif action.startswith("customer replaces it"):
            assert self.coin is not None
            self.world.coins.replace(self.coin.txid)
        elif action == "customer pays over Lightning":
            self._pay(self.likeness.translate(step["destination"]), step)
        elif action == "customer pays":
            self._pay(self.lnurl["pr"], step)
        elif action == "DELETE sent":
            answer = await self.world.call("DELETE", f"{self.world.base}/invoices/{self.invoice}")
            assert answer.status_code == 200
        elif action.startswith("wallet "):
            await self._scan(step)
        elif action == "BOLT11 decoded":
            made = (await self.world.node.invoices())[-1]
            assert made.expires_at - int(self.world.clock.now()) == step["expiry"]
        else:
            assert action in ("customer's node says", "customer makes a BOLT11", "a second refund of the same invoice")

    async def _wait_for(self, step: dict[str, Any]) -> None:
        invoice, wanted = self.world.invoice(self.invoice), (step["status"], step["additionalStatus"])
        for _ in range(_PATIENCE * 10):
            if (invoice.status, invoice.additional) == wanted:
                return
            await self.world.pass_time(0.1)
        pytest.fail(f"{step['t']}: {invoice.status}/{invoice.additional}, but {'/'.join(wanted)} was recorded")

    def _send(self, step: dict[str, Any]) -> None:
        relay = _NEVER
        for later in self.steps:
            told = later.get("webhook", {})
            if step["txid"] in told.get("payment", {}).get("id", ""):
                relay = later["t"] - step["t"] if told["type"] == "InvoiceReceivedPayment" else _NEVER
                break
        amount = Decimal(step["satoshis"]).scaleb(-8)
        self.coin = self.world.btcpay.pay_on_chain(self.world.invoice(self.invoice), amount, relay=relay)
        self.likeness.bind(step["txid"], self.coin.txid)

    def _pay(self, destination: str, step: dict[str, Any]) -> None:
        answer = self.steps[self.steps.index(step) + 1 :]
        said = next((each for each in answer if each.get("action") == "customer's node says"), {"status": "complete"})
        if said["status"] is None:
            with pytest.raises(PaymentError):
                self.world.node.receive(destination)
        else:
            self.world.node.receive(destination)

    async def _scan(self, step: dict[str, Any]) -> None:
        query = {}
        if "path" in step:
            self.lnurl["path"] = self.likeness.translate(step["path"])
        else:
            query = {"amount": str(self.lnurl["minSendable"])}
        answer = await self.world.call("GET", self.lnurl["path"], None, query, None)
        if query:
            self.likeness.bind(bolt11_hash(step["response"]["pr"]), bolt11_hash(answer.json()["pr"]))
        self._same(step, answer, step["action"])
        self.lnurl |= answer.json()


async def set_processors(world: World) -> None:
    """The payout processors, as the recorder set them."""
    for name in _PROCESSORS:
        recorded = recording(name)
        path = world.base + recorded["request"]["path"].partition("/payout-processors")[1]
        path += recorded["request"]["path"].partition("/payout-processors")[2]
        answer = await world.call("PUT", path, recorded["request"]["body"])
        assert answer.json() == recorded["response"]
