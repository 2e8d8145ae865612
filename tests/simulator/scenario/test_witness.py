from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

import pytest

from lnwatch.simulator.btcpay import Invoice
from lnwatch.simulator.demo.people import People
from lnwatch.simulator.scenario.causes import CAUSES, How, Place
from lnwatch.simulator.scenario.witness import Witness
from lnwatch.simulator.world import shops
from lnwatch.simulator.world.events import (
    BlockMined,
    CoinsSent,
    CoinsTakenBack,
    Event,
    HtlcsAdded,
    InvoiceMade,
    PeerWent,
    Reorganised,
)
from lnwatch.simulator.world.hostclock import HostClock
from lnwatch.simulator.world.stage import Stage

NOW = 1_795_000_000.0  # always the same world
DAY = 86_400
MINUTE = 60.0
QUIRKS = {"PaidLate": "paid_late", "PaidPartial": "paid_partial", "PaidOver": "paid_over"}


class Past:
    """Some days of a busy shop, and a witness of them."""

    def __init__(self, folder: Path, days: float) -> None:
        self.now = NOW
        self.begin = self.now - days * DAY
        self.stage = Stage(shops("witness", int(self.begin * 1_000), games=800), folder)
        self.witness = Witness(self.stage, self.begin)
        self.sent: list[CoinsSent] = []
        self.stage.listeners.append(lambda _, event: self.sent.append(event) if isinstance(event, CoinsSent) else None)

    async def live(self) -> list[Invoice]:
        async with self.stage.opened():
            await self.stage.live_through(self.now, lambda _: None)
        return list(self.stage.btcpay.core.invoices.values())

    def coins(self, invoice: str) -> list[str]:
        """The transactions that pay an invoice of the world."""
        return [each.tx for each in self.sent if each.invoice == invoice]

    def explains(self, rule: str, invoice: Invoice) -> bool:
        return self.witness.explains(rule, f"invoice:{invoice.id}", self.now)

    def peer(self, name: str, minutes_ago: float, *, online: bool) -> None:
        self.witness.hear(int((self.now - minutes_ago * MINUTE) * 1_000), PeerWent(name, online))


async def test_customers_explain_their_own_payments(tmp_path: Path) -> None:
    """A payment that BTCPay calls wrong follows from what a customer did; none that was right, and nothing else."""
    past = Past(tmp_path, 2)
    invoices = await past.live()
    for additional, rule in QUIRKS.items():
        found = [each for each in invoices if each.additional == additional]
        assert found
        assert all(past.explains(rule, each) for each in found), rule
    right = _right(invoices)
    assert len(right) > 300
    assert not [each.id for each in right for rule in QUIRKS.values() if past.explains(rule, each)]
    assert not any(past.explains(rule, each) for each in right for rule in ("bitcoind_down", "paid_not_settled"))


async def test_a_btcpay_that_was_away_explains_what_it_calls_late(tmp_path: Path) -> None:
    """It was paid in time while BTCPay was stopped, which came back when it was over; what was not is not explained."""
    usual = Past(tmp_path, 1)
    heard: list[tuple[int, Event]] = []
    usual.stage.listeners.append(lambda at, event: heard.append((at, event)))
    await usual.live()
    soon = list(_paid_soon(heard))
    paid, expires = soon[len(soon) // 2]
    past = Past(tmp_path, 1)
    stage, stopped = past.stage, CAUSES["btcpay_down"]
    place = Place(stage, People(stage.clock), HostClock(stage.clock))
    async with stage.opened():
        await stage.live_through(paid - 0.5, lambda _: None)
        with stopped.in_world(stage.world, How()):
            async with stopped.on_stage(place, How()):
                await stage.live_through(expires + 1, lambda _: None)
        await stage.live_through(expires + 60, lambda _: None)
    made = stage.btcpay.core.invoices.values()
    missed = [each for each in made if each.additional == "PaidLate"]
    assert [each.payments[0].received_at for each in missed if each.payments[0].received_at < each.expires_at]
    assert all(past.explains("paid_late", each) for each in missed)
    assert len(_right(made)) > 100
    assert not any(past.explains("paid_late", each) for each in _right(made))


def _right(invoices: Iterable[Invoice]) -> list[Invoice]:
    """Those that were paid as they should be, once: what comes for one of them later, BTCPay calls nothing."""
    settled = (each for each in invoices if (each.status, each.additional) == ("Settled", "None") and not each.top_up)
    return [each for each in settled if len(each.payments) == 1]


def _paid_soon(heard: Sequence[tuple[int, Event]]) -> Iterator[tuple[float, float]]:
    """When the BOLT11 of an invoice was paid that was on the customer's screen, and when the invoice would expire."""
    made = {event.invoice: (at, event) for at, event in heard if isinstance(event, InvoiceMade)}
    for at, event in heard:
        if isinstance(event, HtlcsAdded) and event.whole and event.method == "BTC-LN":
            shown, invoice = made[event.invoice]
            if shown + 1_000 < at and invoice.cents:
                yield at / 1_000, invoice.expires / 1_000


async def test_coins_that_fell_back_explain_a_regression(tmp_path: Path) -> None:
    """Coins that were spent elsewhere, a block that lost or came a day too late; but not what arrived and stayed."""
    past = Past(tmp_path, 1)
    invoices = await past.live()
    settled = [each for each in invoices if each.status == "Settled"]
    before = [each for each in settled if past.explains("invoice_regressed", each)]
    world = {made.id: name for name, made in past.stage.play.invoices.items()}
    of_chain = {each.id: tx for each in settled for tx in past.coins(world.get(each.id, ""))}
    stayed = [each for each in settled if each.id in of_chain and each not in before]
    assert len(stayed) > 5
    past.witness.hear(int(past.now * 1_000), CoinsTakenBack(of_chain[stayed[0].id]))
    past.witness.hear(int(past.now * 1_000), Reorganised(1, (of_chain[stayed[1].id],)))
    past.witness.hear(int((past.now + 1.1 * DAY) * 1_000), BlockMined(1, (of_chain[stayed[2].id],)))
    assert [past.explains("invoice_regressed", each) for each in stayed[:4]] == [True, True, True, False]


@pytest.mark.parametrize(
    ("coins", "parts", "partial"),
    [
        ((1_000,), (), False),
        ((600, 400), (), True),
        ((600,), (), True),
        ((), (1_000,), False),
        ((), (500, 500), False),
        ((), (900,), True),
        ((), (), False),
    ],
)
def test_a_price_in_several_coins_is_not_quite_paid(
    tmp_path: Path, coins: tuple[int, ...], parts: tuple[int, ...], partial: bool
) -> None:
    """For each further transaction BTCPay asks for a network fee; for the parts of a Lightning payment it does not."""
    past = Past(tmp_path, 1)
    now = int(past.now * 1_000)
    made = InvoiceMade("i1", "o1", "games", "order", "A-1", 100, 1_000, now + 900_000, ("BTC-CHAIN", "BTC-LN"))
    past.witness.hear(now, made)
    for number, msat in enumerate(coins):
        past.witness.hear(now + number, CoinsSent(f"t{number}", "i1", msat, 5.0, replaceable=False))
    if parts:
        past.witness.hear(now, HtlcsAdded("i1", tuple(enumerate(parts)), whole=sum(parts) == 1_000))
    assert past.witness.explains("paid_partial", "order:games/A-1", past.now) is partial


@pytest.mark.parametrize(
    ("moves", "away"),
    [
        ([], False),
        ([(20, False)], True),
        ([(20, False), (5, True)], False),
        ([(20, False), (0.2, True)], True),
        ([(5, False)], False),
    ],
)
def test_a_peer_that_is_away_explains_its_channels(tmp_path: Path, moves: list[tuple[float, bool]], away: bool) -> None:
    """For as long as it was away, once that was longer than a rule waits; and no other peer's."""
    past = Past(tmp_path, 1)
    name, other = list(past.stage.world.scene.network.peers)[:2]
    for minutes, online in moves:
        past.peer(name, minutes, online=online)
    points = {each.peer_alias: each.channel_point for each in past.stage.node.channels}
    assert past.witness.explains("channel_inactive", f"channel:{points[name]}", past.now) is away
    assert not past.witness.explains("channel_inactive", f"channel:{points[other]}", past.now)


def test_coming_and_going_explains_a_flapping_peer(tmp_path: Path) -> None:
    """Where it is often within the hour."""
    past = Past(tmp_path, 1)
    name = next(iter(past.stage.world.scene.network.peers))
    subject = f"peer:{past.stage.side.key(name)}"
    for number in range(10):
        past.peer(name, 100 - number, online=bool(number % 2))
    assert not past.witness.explains("peer_flapping", subject, past.now)
    for number in range(10):
        past.peer(name, 50 - number, online=bool(number % 2))
    assert past.witness.explains("peer_flapping", subject, past.now)
