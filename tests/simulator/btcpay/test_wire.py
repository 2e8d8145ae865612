"""Faults on the wire of the double, and the seam for other wallets."""

import asyncio
from decimal import Decimal

import httpx
import pytest

from lnwatch.simulator.btcpay import Reply, SimulatedCoins, SimulatedLightning
from lnwatch.simulator.btcpay.encoding import bolt11_hash, bolt11_msat
from tests.simulator.btcpay.world import in_time, recording, world


async def test_garbage_and_broken_bodies_can_be_sent() -> None:
    """HTML for JSON, a body cut short, one that is too long, an answer of one's own."""
    async with world() as made:
        faults = made.btcpay.faults
        faults.garbage = b"<html>Bad Gateway</html>"
        html = await made.call("GET", "/api/v1/health")
        faults.garbage, faults.oversized = None, 10_000_000
        large = await made.call("GET", "/api/v1/health")
        faults.oversized, faults.truncated = 0, True
        with pytest.raises(httpx.RemoteProtocolError):
            await made.call("GET", "/api/v1/health")
        faults.truncated, faults.failing = False, {"/health": Reply(502)}
        failed, well = await made.call("GET", "/api/v1/health"), await made.call("GET", "/api/v1/server/info")
    assert html.text == "<html>Bad Gateway</html>"
    assert len(large.content) > 10_000_000
    assert (failed.status_code, well.status_code) == (502, 200)


async def test_the_api_can_be_slow() -> None:
    """By the clock of the simulation."""
    async with world() as made:
        made.btcpay.faults.latency = 20
        call = asyncio.ensure_future(made.call("GET", "/api/v1/health"))
        began = made.clock.now()
        answer = await in_time(made, call, 60)
    assert answer is not None
    assert 20 <= made.clock.now() - began < 23


async def test_a_store_can_have_wallets_of_its_own() -> None:
    """Whatever makes BOLT11 and addresses and tells of payments to them stands in for the simulated ones."""
    async with world() as made:
        node = SimulatedLightning(made.clock, lambda: 7, seed="mine")
        coins = SimulatedCoins(made.indexer, seed="mine")
        store = made.btcpay.add_store("mine", coins=coins, lightning=node)
        await made.btcpay.settle()
        key = made.btcpay.add_key(store, "canmodifyinvoices").secret
        body = {"amount": "10", "currency": "EUR"}
        answer = await made.call("POST", f"/api/v1/stores/{store.id}/invoices", body, authorization=f"token {key}")
        made.btcpay.pay_over_lightning(made.invoice(answer.json()["id"]))
        await made.btcpay.settle()
        await coins.close()
    assert made.invoice(answer.json()["id"]).status == "Settled"
    assert len(await node.invoices()) == 1


@pytest.mark.parametrize(("story", "satoshis"), [("01-lightning-paid", "0.0002"), ("20-refund-lightning", "0.0001")])
def test_real_bolt11_are_read(story: str, satoshis: str) -> None:
    """Amount and payment hash of a recorded invoice are found in it."""
    steps = recording(f"stories/{story}")["steps"]
    method = next(each["response"][0] for each in steps if each.get("call", "").endswith("/payment-methods"))
    assert bolt11_hash(method["destination"]) == method["additionalData"]["paymentHash"]
    assert bolt11_msat(method["destination"]) == int(Decimal(satoshis).scaleb(11))
