"""What can go wrong in the demo: each has a name, a sentence, and what is seen of it."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Final

from lnwatch.grpc_stubs import simulated_lnd_pb2 as sim
from lnwatch.simulator.demo.people import People
from lnwatch.simulator.world.stage import Stage

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
    """`rules` are those that are to open a case."""

    sentence: str
    rules: tuple[str, ...]
    happen: Callable[[Cast], Awaitable[None]]


async def _bitcoind_down(cast: Cast) -> None:
    await cast.stage.bitcoind.stop()
    cast.stage.indexer.bitcoind.running = False
    await cast.wait()
    cast.stage.indexer.bitcoind.running = True
    await cast.stage.bitcoind.start()


async def _lnd_locked(cast: Cast) -> None:
    stage = cast.stage
    await stage.lnd.stop()
    stage.node.enter(sim.LOCKED)
    stage.node_gate.running = False
    for way in stage.ways:
        way.listener = None
    await stage.lnd.start()
    await cast.wait()
    stage.node.enter(sim.SERVER_ACTIVE)
    stage.node_gate.running = True


async def _lnd_hangs(cast: Cast) -> None:
    cast.stage.lnd.faults.hanging.add("*")
    cast.stage.node_gate.freeze()
    await cast.wait()
    cast.stage.node_gate.thaw()
    cast.stage.lnd.faults.hanging.clear()


async def _btcpay_down(cast: Cast) -> None:
    await cast.stage.btcpay.stop()
    await cast.wait()
    await cast.stage.btcpay.start()


async def _nbxplorer_hangs(cast: Cast) -> None:
    cast.stage.indexer.freeze()
    await cast.wait()
    cast.stage.indexer.thaw()


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
    await cast.wait(5)
    stage.play.pay_now(invoice)
    await cast.wait(_TILL_EXPIRY)
    for way in stage.ways:
        way.reconnect()


async def _webhooks_fail(cast: Cast) -> None:
    cast.people.shop.broken = True
    store = next(iter(cast.stage.stores.values()))
    for _ in range(3):
        await cast.stage.play.sell(store, cents=1_500, expires_in=900)
    await cast.wait()
    cast.people.shop.broken = False


async def _slack_down(cast: Cast) -> None:
    await cast.people.slack.stop()
    await _lnd_locked(cast)
    await cast.people.slack.start()


INCIDENTS: Final[Mapping[str, Incident]] = {
    "bitcoind-down": Incident("bitcoind is stopped", ("bitcoind_down",), _bitcoind_down),
    "lnd-locked": Incident("LND was restarted and waits for its password", ("lightning_locked",), _lnd_locked),
    "lnd-hangs": Incident("LND takes connections and never answers", ("lightning_down",), _lnd_hangs),
    "btcpay-down": Incident("BTCPay Server is stopped", ("btcpay_down",), _btcpay_down),
    "nbxplorer-hangs": Incident(
        "NBXplorer hangs, and BTCPay goes on saying that it is synchronized", ("nbxplorer_down",), _nbxplorer_hangs
    ),
    "peer-offline": Incident("the peer with most inbound is offline", ("channel_inactive",), _peer_offline),
    "paid-unseen": Incident(
        "a customer pays while BTCPay can't hear its node; then the invoice expires",
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
