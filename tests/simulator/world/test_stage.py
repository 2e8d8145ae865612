import asyncio
import base64
from collections import Counter
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from decimal import Decimal
from pathlib import Path
from typing import Any

import httpx
import pytest

from lnwatch.simulator.btcpay import Invoice
from lnwatch.simulator.btcpay.invoice import Payment
from lnwatch.simulator.lnd.invoices import SETTLED
from lnwatch.simulator.world import shops
from lnwatch.simulator.world.events import Bought, Event, HtlcsSettled, InvoiceMade
from lnwatch.simulator.world.stage import Stage

NOW = 1_795_000_000.0  # always the same world
DAY = 86_400


class Watched(Stage):
    """A stage, with what happened in its world."""

    events: list[Event]

    def _hear(self, at: int, event: Event) -> None:
        self.__dict__.setdefault("events", []).append(event)
        super()._hear(at, event)

    def of(self, kind: type[Event]) -> list[Any]:
        return [each for each in self.events if isinstance(each, kind)]


def silent(_: float) -> None:
    """Nobody looks at how far it is."""


@asynccontextmanager
async def lived(folder: Path, days: float, **orders: float) -> AsyncIterator[Watched]:
    """A stage after some days of its past."""
    stage = Watched(shops("stage", int((NOW - days * DAY) * 1_000), **orders), folder)
    async with stage.opened():
        await stage.live_through(NOW, silent)
        yield stage


async def test_the_past_is_there_on_every_socket(tmp_path: Path) -> None:
    """What the world's customers did is what BTCPay lists, LND holds and bitcoind has in its blocks."""
    async with lived(tmp_path, 2, books=60, games=120) as stage, httpx.AsyncClient() as client:
        store = stage.stores["books"]
        url = f"{stage.btcpay.url}/api/v1/stores/{store.id}/invoices"
        answer = await client.get(url, headers={"Authorization": f"token {stage.key}"})
        listed = answer.json()
        assert len(listed) == sum(each.store == "books" for each in stage.of(InvoiceMade))
        states = Counter(each["status"] for each in listed)
        bought = sum(each.store == "books" for each in stage.of(Bought))
        assert states["Settled"] == pytest.approx(bought, abs=6)
        assert states["Expired"] > 10
        node = [stage.node.invoices.get(index) for index in range(1, stage.node.invoices.last_index + 1)]
        settled = [each for each in node if each is not None and each.state == SETTLED]
        assert len(settled) == len(stage.of(HtlcsSettled))
        cookie = (tmp_path / ".cookie").read_bytes()
        asked = {"id": 1, "method": "getblockcount", "params": []}
        login = {"Authorization": f"Basic {base64.b64encode(cookie).decode()}"}
        height = (await client.post(stage.bitcoind.url, json=asked, headers=login)).json()["result"]
        assert height == stage.world.scene.market.height == stage.node.height == stage.indexer.sync_height


async def test_balances_are_the_worlds(tmp_path: Path) -> None:
    """Each channel of LND shows what the world's has, all of its money is somewhere, and nothing hangs in it."""
    async with lived(tmp_path, 3, games=200) as stage:
        shown = {each.peer_alias: [] for each in stage.node.channels}  # type: dict[str, list[int]]
        for each in stage.node.channels:
            shown[each.peer_alias].append(each.local_balance)
            assert each.local_balance + each.remote_balance + each.unsettled_balance == each.capacity - 3_470
            assert each.unsettled_balance == sum(htlc.amount for htlc in each.pending_htlcs)
        channels = stage.world.scene.network.channels.values()
        for peer, local in shown.items():
            assert sorted(local) == sorted(one.local // 1_000 for one in channels if one.peer.spec.name == peer)
        assert stage.world.missing == 0


async def test_what_btcpay_asks_is_what_the_world_pays(tmp_path: Path) -> None:
    """An invoice that was paid over Lightning is paid exactly, whatever the rate was."""
    async with lived(tmp_path, 1, games=300) as stage:
        invoices = [each for each in stage.btcpay.core.invoices.values() if each.status == "Settled"]
        paid = [each for each in invoices if [part.method for part in each.payments] == ["BTC-LN"] and not each.top_up]
        assert len(paid) > 50
        over = [each for each in paid if each.payments[0].value != amount_of(each)]
        assert over == []


async def test_who_sends_the_rest_has_paid(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The network fee that BTCPay asks for a second transaction is sent to the satoshi, also of fees such as 8.29."""
    monkeypatch.setattr("lnwatch.simulator.world.chain._LEAST_FEE", 8.29)
    async with lived(tmp_path, 6, games=800) as stage:
        bought = {event.order for event in stage.of(Bought)}
        made = [stage.play.invoices[event.invoice] for event in stage.of(InvoiceMade) if event.order in bought]
        topped = [each for each in made if [part.method for part in each.payments] == ["BTC-CHAIN", "BTC-CHAIN"]]
        right = [each for each in topped if all(_in_time(each, part) for part in each.payments)]
        assert len(right) > 3
        assert [each.missing() for each in right if each.missing() > 0] == []


def _in_time(invoice: Invoice, payment: Payment) -> bool:
    return payment.accounted and payment.received_at < invoice.expires_at


def amount_of(invoice: Invoice) -> Decimal:
    """What its BOLT11 asked for."""
    prompt = invoice.prompt("BTC-LN")
    assert prompt is not None
    return invoice.account(prompt).amount


async def test_life_goes_on_by_the_machines_time(tmp_path: Path) -> None:
    """After the past customers come by the clock on the wall, pay, and are settled."""
    async with lived(tmp_path, 0.2, games=200) as stage:
        before = len(stage.btcpay.core.invoices)
        stage.world.shops["games"].demand.boost = 2_000.0
        stage.world.causes.staying = 2.0
        task = asyncio.create_task(stage.run())
        await until(lambda: len(stage.btcpay.core.invoices) > before + 3, stage, task)
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


async def until(reached: Callable[[], bool], stage: Watched, task: "asyncio.Task[None]") -> None:
    """Have customers come until it is so."""
    for _ in range(300):
        if reached():
            return
        assert not task.done(), task.exception()
        stage.world.serve(stage.world.shops["games"])
        await asyncio.sleep(0.1)
    raise AssertionError("it did not come to that")


@pytest.mark.parametrize(
    ("broken", "cause"),
    [("btcpay", "checkout"), ("indexer", "checkout"), ("node", "node"), ("reach", "known")],
)
async def test_who_is_away_stands_in_the_way(tmp_path: Path, broken: str, cause: str) -> None:
    """What is stopped or hangs on the sockets is what the world's customers run into, and only as long as it lasts."""
    async with lived(tmp_path, 0.05, corner=5) as stage:
        gates = {"btcpay": stage.btcpay.gate, "indexer": stage.indexer.gate, "node": stage.node_gate}
        gate = gates.get(broken, stage.reach)
        stage.look()
        assert getattr(stage.world.causes, cause)
        gate.freeze()
        stage.look()
        assert not getattr(stage.world.causes, cause)
        gate.thaw()
        stage.look()
        assert getattr(stage.world.causes, cause)


async def test_a_payment_that_btcpay_does_not_hear_of(tmp_path: Path) -> None:
    """Cut off from its node until the invoice expired, BTCPay never learns of what the node took."""
    async with lived(tmp_path, 0.05, corner=5) as stage:
        store = stage.stores["corner"]
        invoice = await stage.play.sell(store, cents=2_000, expires_in=60)
        for way in stage.ways:
            way.cut_off()
        stage.play.pay_now(invoice)
        await stage.clock.reach(stage.clock.now() + 90)
        for way in stage.ways:
            way.reconnect()
        await stage.clock.reach(stage.clock.now() + 200)
        assert (invoice.status, invoice.payments) == ("Expired", [])
        prompt = invoice.prompt("BTC-LN")
        assert prompt is not None
        found = await stage.ways[0].find(str(prompt.details["paymentHash"]))
        assert found is not None
        assert found.paid_at is not None
        assert stage.world.missing == 0


async def test_a_forced_closing_is_told_as_lnd_tells_it(tmp_path: Path) -> None:
    """First it waits in limbo until its height, then it stands among the closed."""
    async with lived(tmp_path, 0.3, games=100) as stage:
        stage.world.upkeep.close(0, forced=True)
        await stage.live_through(stage.clock.now() + 60, silent)
        (waiting,) = stage.node.pending.pending_force_closing_channels
        assert waiting.blocks_til_maturity > 0
        assert stage.node.closed == []
        for _ in range(145):
            stage.world.mine()
        await stage.live_through(stage.clock.now() + 60, silent)
        assert list(stage.node.pending.pending_force_closing_channels) == []
        assert [each.close_type for each in stage.node.closed] == [2]


async def test_a_reorganisation_goes_through_all_of_them(tmp_path: Path) -> None:
    """After it bitcoind, NBXplorer and LND stand one block higher on the other branch, and nothing paid is lost."""
    async with lived(tmp_path, 0.5, games=200) as stage:
        height, tip = stage.chain.tip.height, stage.chain.tip.hash
        stage.world.reorganise(3)
        await stage.live_through(stage.clock.now() + 60, silent)
        assert stage.chain.tip.height == stage.node.height == stage.indexer.sync_height == height + 1
        assert tip not in {each.hash for each in stage.chain.active}
        assert stage.world.missing == 0
