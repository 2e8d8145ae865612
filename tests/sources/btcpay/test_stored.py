"""What the source brings goes into a real ledger: facts come back whole, and what it has no table for harms nothing."""

import math
from pathlib import Path

from pydantic import SecretStr

from lnwatch.model.btcpay import Invoices
from lnwatch.store import Entry, LedgerSettings, open_ledger
from lnwatch.store.facts import pack, unpack
from tests.sources.btcpay.bed import bed


async def test_readings_are_taken_by_the_ledger(tmp_path: Path) -> None:
    """Each collector's reading is stored with its cursors, also told twice; its facts come back as they were."""
    async with bed() as shop:
        made = shop.world
        await made.register()
        paid = await made.create()
        made.btcpay.pay_over_lightning(paid)
        made.btcpay.pay_on_chain(await made.create())
        await made.pass_time(5)
        key = made.btcpay.add_key(made.store, "canmodifystoresettings").secret
        shop.open(api_key=key, deliveries=True)
        ledger = await open_ledger(
            LedgerSettings(url=SecretStr(f"sqlite:///{tmp_path / 'l.sqlite3'}")), tmp_path, made.clock
        )
        try:
            memory = ledger.memory("main", "btcpay")
            for place, collector in enumerate(shop.source.collectors):
                reading = await collector.collect(memory)
                entry = Entry("main", "btcpay", False, collector.name, made.clock.now(), reading, place == 0)
                await ledger.append([entry])
                await ledger.append([entry])
                for name, value in reading.cursors.items():
                    assert await memory.cursor(name) == value
                if reading.facts is not None:
                    packed = pack(reading.facts)
                    assert packed is not None
                    assert unpack(type(reading.facts).__name__, packed) == reading.facts
            invoices = shop.collector("invoices_shop")
            for events in (1, 0):  # what settled right before birth is among the new ones, once
                await made.pass_time(60)
                reading = await invoices.collect(memory)
                assert isinstance(reading.facts, Invoices)
                assert len(reading.events) == events
                await ledger.append([Entry("main", "btcpay", False, invoices.name, made.clock.now(), reading, False)])
            assert await memory.born_at() == math.floor(made.clock.now() - 120)
        finally:
            await ledger.close()
