"""Days of shops as lnwatch's own source reads them, held against BTCPay's own description of its answers."""

import re
from collections import Counter
from pathlib import Path

import httpx

from lnwatch.clock import SystemClock
from lnwatch.net import Door
from lnwatch.simulator.btcpay import Exchange
from lnwatch.simulator.world import shops
from lnwatch.simulator.world.stage import Stage
from lnwatch.sources import Place
from lnwatch.sources.btcpay import SOURCE, Btcpay
from tests.simulator.btcpay.openapi import document
from tests.sources.btcpay.bed import Ledger

DAYS = 4
READ_BY_THE_SOURCE = {
    "api-keys/current",
    "server/info",
    "stores/S",
    "stores/S/invoices",
    "stores/S/invoices/I",
    "stores/S/payment-methods",
    "stores/S/payment-methods/BTC-CHAIN/wallet",
    "stores/S/payment-requests",
    "stores/S/payouts",
    "stores/S/pull-payments",
    "stores/S/rates",
    "stores/S/webhooks",
}
READ_BY_OTHERS = {
    "stores/S/invoices/I/payment-methods",
    "stores/S/lightning/BTC/balance",
    "stores/S/lightning/BTC/channels",
    "stores/S/lightning/BTC/info",
    "stores/S/lightning/BTC/invoices",
    "stores/S/lightning/BTC/payments",
    "stores/S/payment-methods/BTC-CHAIN/wallet/transactions",
    "stores/S/payment-methods/BTC-CHAIN/wallet/utxos",
}
EVERY = 9  # of the invoices one in so many is looked at alone


def shown(exchange: Exchange, stage: Stage) -> str:
    """Its path without ids."""
    path = exchange.path.removeprefix("/api/v1/")
    for store in stage.stores.values():
        path = path.replace(f"stores/{store.id}", "stores/S")
    return re.sub(r"/invoices/[^/]+", "/invoices/I", path)


async def drain(source: Btcpay) -> Ledger:
    """Run every collector until none of them asks for more."""
    ledger = Ledger()
    for collector in source.collectors:
        for _ in range(200):
            reading = await collector.collect(ledger)
            ledger.take(reading)
            if not reading.more:
                break
        else:
            raise AssertionError(f"{collector.name} asks for more for ever")
    return ledger


async def read_the_rest(stage: Stage) -> None:
    """What the source does not ask, and others may: single invoices as they stand, the node, the wallet."""
    core = stage.btcpay.core
    async with httpx.AsyncClient(
        base_url=stage.btcpay.url, headers={"Authorization": f"token {owner(stage)}"}
    ) as client:
        paths = [f"/api/v1/stores/{each.store}/invoices/{each.id}" for each in list(core.invoices.values())[::EVERY]]
        others = [path.removeprefix("stores/S") for path in READ_BY_OTHERS if "/I/" not in path]
        paths += [f"{path}/payment-methods" for path in paths]
        paths += [f"/api/v1/stores/{store.id}{path}" for store in stage.stores.values() for path in others]
        for path in paths:
            (await client.get(path)).raise_for_status()


def owner(stage: Stage) -> str:
    """A key that may do everything."""
    credentials = stage.btcpay.core.credentials
    return credentials.key("0" * 40, stage.btcpay.owner, "owner", "unrestricted").secret


async def test_every_answer_is_as_documented(tmp_path: Path) -> None:
    """All that the source asks of days of two shops, and what it gets, has the shape that BTCPay documents."""
    documented = document()
    clock = SystemClock()
    now = clock.now()
    stage = Stage(shops("greenfield", int((now - DAYS * 86_400) * 1_000), books=60, games=150), tmp_path)
    async with stage.opened():
        await stage.live_through(now, lambda _: None)
        block = {
            "url": stage.btcpay.url,
            "api_key": stage.key,
            "stores": {name: store.id for name, store in stage.stores.items()},
        }
        source = SOURCE.open(Place("main", "btcpay", clock, Door(clock=clock)), SOURCE.settings.model_validate(block))
        assert isinstance(source, Btcpay)
        core = stage.btcpay.core
        checkup = await source.check()
        ledger = await drain(source)
        for store in stage.stores.values():  # the newest one of each, by a webhook's word
            newest = max(core.invoices.values(), key=lambda each: (each.store == store.id, each.created_at))
            assert source.hint(store.id, newest.id)
        await drain(source)
        await source.close()
        await read_the_rest(stage)
    exchanges = stage.btcpay.exchanges
    faults = Counter(fault for each in exchanges for fault in documented.faults(each))
    assert faults == Counter()
    assert {each.status for each in exchanges} == {200}
    assert {shown(each, stage) for each in exchanges} == READ_BY_THE_SOURCE | READ_BY_OTHERS
    known = [each for each in exchanges if documented.operation(each.method, each.path) is not None]
    assert len(known) == len(exchanges)
    assert len(ledger.invoices) == len(core.invoices) > 500
    assert checkup.problems == ()
