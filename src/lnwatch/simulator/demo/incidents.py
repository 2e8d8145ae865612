"""What can go wrong in the demo: each has a name, a sentence, and what is seen of it."""

from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Final

from lnwatch.simulator.demo.people import People
from lnwatch.simulator.scenario.causes import CAUSES, How, Place
from lnwatch.simulator.world.hostclock import HostClock
from lnwatch.simulator.world.stage import Stage

_TOLD_WITHIN: Final = 75  # seconds after Slack is back
_TILL_EXPIRY: Final = 45  # seconds


@dataclass(frozen=True, slots=True)
class Cast:
    """Whom an incident happens to, and how many seconds it lasts."""

    stage: Stage
    people: People
    lasts: float

    async def wait(self, seconds: float | None = None) -> None:
        """Until it is over, or for so long."""
        await self.stage.clock.sleep(self.lasts if seconds is None else seconds)


@dataclass(frozen=True, slots=True)
class Incident:
    """`rules` are those that are to open a case; `happen` raises LookupError where it can't be just now."""

    sentence: str
    rules: tuple[str, ...]
    happen: Callable[[Cast], Awaitable[None]]


@asynccontextmanager
async def _wrong(cast: Cast, name: str) -> AsyncIterator[None]:
    """One of the causes that scenarios know."""
    kind, how = CAUSES[name], How(lasts=cast.lasts)
    place = Place(cast.stage, cast.people, HostClock(cast.stage.clock))
    with kind.in_world(cast.stage.world, how):
        async with kind.on_stage(place, how):
            yield


def _cause(name: str) -> Callable[[Cast], Awaitable[None]]:
    """Nothing but that."""

    async def happen(cast: Cast) -> None:
        async with _wrong(cast, name):
            await cast.wait()

    return happen


async def _peer_offline(cast: Cast) -> None:
    network, upkeep = cast.stage.world.scene.network, cast.stage.world.upkeep
    main = max(
        network.peers, key=lambda name: sum(c.inbound for c in network.channels.values() if c.peer.spec.name == name)
    )
    upkeep.go(main, online=False)
    await cast.wait()
    upkeep.go(main, online=True)


async def _paid_unseen(cast: Cast) -> None:
    stage = cast.stage
    store = next(iter(stage.stores.values()))
    invoice = await stage.play.sell(store, cents=2_500, expires_in=_TILL_EXPIRY)
    await cast.wait(5)
    for way in stage.ways:
        way.cut_off()
    try:
        await cast.wait(5)
        stage.play.pay_now(invoice)
        await cast.wait(_TILL_EXPIRY)
    finally:
        for way in stage.ways:
            way.reconnect()
    await cast.wait()
    stage.btcpay.core.mark(invoice, "Settled")


async def _webhooks_fail(cast: Cast) -> None:
    cast.people.shop.broken = True
    store = next(iter(cast.stage.stores.values()))
    for _ in range(3):
        await cast.stage.play.sell(store, cents=1_500, expires_in=900)
    await cast.wait()
    cast.people.shop.broken = False


async def _slack_down(cast: Cast) -> None:
    async with _wrong(cast, "lnd_locked"):
        await cast.people.slack.stop()
        await cast.wait()
        await cast.people.slack.start()
        await cast.wait(_TOLD_WITHIN)


INCIDENTS: Final[Mapping[str, Incident]] = {
    "bitcoind-down": Incident("bitcoind is stopped", ("bitcoind_down",), _cause("bitcoind_down")),
    "lnd-locked": Incident("LND was restarted and waits for its password", ("lightning_locked",), _cause("lnd_locked")),
    "lnd-hangs": Incident("LND takes connections and never answers", ("lightning_down",), _cause("lnd_hangs")),
    "btcpay-down": Incident("BTCPay Server is stopped", ("btcpay_down",), _cause("btcpay_down")),
    "nbxplorer-hangs": Incident(
        "NBXplorer hangs, and BTCPay goes on saying that it is synchronized",
        ("nbxplorer_down",),
        _cause("nbxplorer_hangs"),
    ),
    "peer-offline": Incident("the peer with most inbound is offline", ("channel_inactive",), _peer_offline),
    "paid-unseen": Incident(
        "a customer pays while BTCPay can't hear its node, and the invoice expires; later support accepts the order",
        ("paid_not_settled",),
        _paid_unseen,
    ),
    "webhooks-fail": Incident(
        "the shop answers BTCPay's webhooks with errors", ("shop_webhooks_failing",), _webhooks_fail
    ),
    "slack-down": Incident(
        "Slack can't be reached while LND is locked: it is told once it is back", ("lightning_locked",), _slack_down
    ),
}
