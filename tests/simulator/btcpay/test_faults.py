"""The recorded faults, brought about on the double: what a poller sees, and what becomes of invoices."""

from decimal import Decimal

import pytest

from tests.simulator.btcpay.replay import first
from tests.simulator.btcpay.watching import NEW_YORK, Fault
from tests.simulator.btcpay.world import RECORDED, recording, world

FAULTS = sorted(path.stem for path in (RECORDED / "faults").iterdir())
# How long BTCPay ran before the recording began: what it last saw of NBXplorer is that old.
AGE = 8.5  # seconds


@pytest.mark.parametrize("name", FAULTS)
async def test_a_recorded_fault_looks_the_same(name: str) -> None:
    """Each source goes through the same answers as with a real BTCPay, and invoices end the same."""
    steps = recording(f"faults/{name}")["steps"]
    status = next(step["response"] for step in steps if step.get("seen") == "nbxplorer-status")
    async with world(height=status["chainHeight"]) as made:
        await made.create()
        rate = first(steps, "paymentMethodFeeRate")
        if rate is not None:
            made.coins.fees = {1: Decimal(str(rate))}
        if name == "host-not-in-utc":
            made.btcpay.core.utc_offset = NEW_YORK
        await made.pass_time(AGE)
        made.began = made.clock.now()
        fault = Fault(made, name)
        await fault.play()
    assert set(fault.recorded) == set(fault.seen)
    for source, recorded in fault.recorded.items():
        ours = fault.seen[source]
        assert [each[0] for each in ours] == [each[0] for each in recorded], f"{source}: {ours}"
        fault.likeness.compare([each[1] for each in recorded], [each[1] for each in ours], source)


async def test_the_death_of_nbxplorer_shows_within_a_minute() -> None:
    """Health says unsynchronised and info answers 500 no later than a poll of 60 s, and not at once."""
    async with world() as made:
        await made.nbxplorer.stop()
        first_look = await made.call("GET", "/api/v1/server/info")
        await made.pass_time(60)
        info, health = await made.call("GET", "/api/v1/server/info"), await made.call("GET", "/api/v1/health")
    assert first_look.status_code == 200
    assert (info.status_code, info.content) == (500, b"")
    assert (health.status_code, health.json()) == (200, {"synchronized": False})


async def test_a_dead_bitcoind_leaves_a_height_of_nothing() -> None:
    """NBXplorer answers chainHeight 0 at once, server info `available: false`, and BTC-CHAIN is left out."""
    async with world() as made:
        made.indexer.bitcoind.running = False
        status = await made.client.get(f"{made.nbxplorer.url}/v1/cryptos/BTC/status")
        await made.pass_time(60)
        info = (await made.call("GET", "/api/v1/server/info")).json()
        invoice = await made.create()
    seen = {name: status.json()[name] for name in ("chainHeight", "bitcoinStatus", "isFullySynched", "syncHeight")}
    assert seen == {"chainHeight": 0, "bitcoinStatus": None, "isFullySynched": False, "syncHeight": 116}
    assert (info["syncStatus"][0]["available"], info["syncStatus"][0]["nodeInformation"]) == (False, None)
    assert [prompt.method for prompt in invoice.prompts] == ["BTC-LN"]
