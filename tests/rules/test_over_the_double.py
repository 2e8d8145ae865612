"""The rules about BTCPay Server over a real socket: what breaks in the double is what they find, and nothing else."""

from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import pytest

from lnwatch.errors import SourceError
from lnwatch.model.rule import Finding, Rule
from lnwatch.model.snapshot import TargetState
from lnwatch.rules import btcpay_degraded, btcpay_down, rate_stale, refund_float_low, shop_webhooks_failing
from lnwatch.target import Target
from tests.rules.views import make_view
from tests.shops import shop
from tests.sources.btcpay.bed import Bed, bed

RULES: dict[str, Rule[Any]] = {
    rule.id: rule
    for rule in (
        btcpay_degraded.RULE,
        btcpay_down.RULE,
        rate_stale.RULE,
        refund_float_low.RULE,
        shop_webhooks_failing.RULE,
    )
}
OF_STORE = ("store_shop", "invoices_shop", "rates_shop", "balances_shop", "payouts_shop", "webhooks_shop")


class Watch:
    """One source as the daemon keeps it, on the world's clock; a collector that fails leaves its fault behind."""

    def __init__(self, place: Bed) -> None:
        self.bed = place
        self.target = Target(site="main", slug="btcpay", kind="btcpay", lightning=False, source=place.source)

    async def look(self) -> None:
        """Run every collector once; where the leading one fails it alone, for the others would wait as long."""
        for name in ("status", *OF_STORE):
            await self._run(name)
            if not self.target.records["status"].success:
                break

    async def _run(self, name: str) -> None:
        at, record = self.bed.world.clock.now(), self.target.records[name]
        try:
            (reading, *_) = await self.bed.run(name)
        except SourceError as error:
            record.failed(at, 0.0, error)
            if name == self.target.lead:
                self.target.failed_lead(at, error)
            return
        record.succeeded(at, 0.0)
        self.target.take(name, at, reading)
        if reading.target is not None:
            self.target.enter(at, reading.target)

    def found(self) -> dict[str, list[str]]:
        """Subjects by rule."""
        target = self.target.view()
        view = make_view(target, at=self.bed.world.clock.now(), shops=[shop()])
        told: dict[str, list[str]] = {}
        for name, rule in RULES.items():
            for answer in rule.judge(view, target, rule.thresholds()):
                if isinstance(answer, Finding):
                    told.setdefault(name, []).append(answer.subject)
        return told


@pytest.fixture
async def watch() -> AsyncIterator[Watch]:
    async with bed() as ready:
        made = ready.world
        await made.register()
        rights = ("canviewstoresettings", "canviewwallet", "webhooks.canmodifywebhooks")
        key = made.btcpay.add_key(made.store, *rights).secret
        ready.open(api_key=key, deliveries=True)
        await made.create()
        await made.pass_time(60)
        watched = Watch(ready)
        await watched.look()
        yield watched


async def nothing(_watch: Watch) -> None:
    """All stays well."""


async def database_gone(watch: Watch) -> None:
    watch.bed.world.btcpay.postgresql.freeze()


async def server_gone(watch: Watch) -> None:
    await watch.bed.world.btcpay.stop()


async def indexer_gone(watch: Watch) -> None:
    watch.bed.world.indexer.stop()
    await watch.bed.world.pass_time(61)


async def rate_gone(watch: Watch) -> None:
    watch.bed.world.store.rates["BTC_EUR"] = None


async def node_gone(watch: Watch) -> None:
    watch.bed.world.node.stop()
    await watch.bed.world.create()
    await watch.bed.world.pass_time(15)


async def shop_gone(watch: Watch) -> None:
    watch.bed.world.hook.statuses = [404, 404]
    await watch.bed.world.create()
    await watch.bed.world.create()


async def refund_due(watch: Watch) -> None:
    """A refund on the chain, of a wallet that is empty."""
    made = watch.bed.world
    invoice = await made.create()
    made.btcpay.pay_over_lightning(invoice)
    await made.pass_time(2)
    body = {"refundVariant": "RateThen", "payoutMethods": ["BTC-CHAIN"]}
    link = (await made.call("POST", f"{made.base}/invoices/{invoice.id}/refund", body)).json()["id"]
    claim = {"destination": "bcrt1q3070f2kyhm3e73aajn76m796v0ezx3qhgrxr34", "payoutMethodId": "BTC-CHAIN"}
    await made.call("POST", f"/api/v1/pull-payments/{link}/payouts", claim, authorization=None)


@pytest.mark.parametrize(
    ("breaks", "told"),
    [
        (nothing, {}),
        (database_gone, {"btcpay_down": ["source:btcpay"]}),
        (server_gone, {"btcpay_down": ["source:btcpay"]}),
        (indexer_gone, {"btcpay_degraded": ["source:btcpay"]}),
        (rate_gone, {"rate_stale": ["rate:EUR"]}),
        (node_gone, {"btcpay_degraded": ["store:shop"]}),
        (shop_gone, {"shop_webhooks_failing": ["store:shop"]}),
        (refund_due, {"refund_float_low": ["store:shop"]}),
    ],
)
async def test_what_breaks_is_found(
    watch: Watch, breaks: Callable[[Watch], Awaitable[None]], told: dict[str, list[str]]
) -> None:
    """One fault is one finding, of the one who has to mend it."""
    assert watch.found() == {}
    await breaks(watch)
    await watch.look()
    assert watch.found() == told


async def test_it_hangs_behind_a_health_that_is_well(watch: Watch) -> None:
    """The state is that of a server that hangs, and the sentence names what to look at."""
    await database_gone(watch)
    await watch.look()
    assert watch.target.state is TargetState.HANGING
    assert "PostgreSQL" in watch.target.detail
