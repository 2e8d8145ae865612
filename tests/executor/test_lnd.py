"""Hands on a double of LND: what they ask, what they do, and what they refuse to be given."""

import time
from collections.abc import AsyncIterator
from dataclasses import dataclass, replace
from pathlib import Path

import pytest

from lnwatch.errors import FailureReason, SourceError
from lnwatch.executor.hands import FutileError, Hands
from lnwatch.executor.lnd import GRANT, trouble_with
from lnwatch.executor.opening import Hired, Workplace
from lnwatch.model.action import MOVES_MONEY, Action, Outcome, Proposal, Receipt
from lnwatch.model.money import Msat
from lnwatch.net import Door
from lnwatch.simulator.lnd import READONLY, LndDouble, Node
from lnwatch.simulator.lnd.node import Scale
from lnwatch.simulator.lnd.peers import announced
from lnwatch.sources import Place
from lnwatch.sources.lnd.channels import short_id
from lnwatch.sources.lnd.settings import LndSettings
from tests.domain.proposals import call, move
from tests.sources.lnd.bench import ShiftedClock

HOSTS = ("198.51.100.1:9735", "198.51.100.2:9735", "198.51.100.3:9735")


@dataclass
class Workbench:
    """A node with two peers, and every pair of hands for it."""

    double: LndDouble
    hired: Hired

    @property
    def node(self) -> Node:
        return self.double.node

    @property
    def peer(self) -> str:
        return self.node.channels[0].remote_pubkey

    def hands(self, action: Action = Action.CONNECT_PEER) -> Hands:
        return self.hired.crew["main", "ln1", action][0]

    def draft(self) -> Proposal:
        subject = f"peer:{self.peer}"
        return call(subject=subject, touches=(subject,), parameters={"public_key": self.peer}, added={})

    async def do(self) -> Receipt:
        ready = await self.hands().prepare(self.draft())
        return await self.hands().act(ready, self.hands().intend(ready))

    def circular(self, **changes: object) -> Proposal:
        source, target = self.node.channels[0], self.node.channels[4]
        source.active, source.local_balance, target.remote_balance = True, 3_000_000, 4_000_000
        parameters = {
            "public_key": self.node.public_key,
            "source_channel": short_id(source.chan_id),
            "source_peer": source.remote_pubkey,
            "target_channel": short_id(target.chan_id),
            "target_peer": target.remote_pubkey,
        }
        return replace(move(parameters=parameters, fee_limit_msat=Msat(200_000)), **changes)  # type: ignore[arg-type]  # fields


@pytest.fixture
async def bench(tmp_path: Path) -> AsyncIterator[Workbench]:
    """The peer is gone, and announces three addresses."""
    clock = ShiftedClock()
    node = Node(now=time.time, scale=Scale(channels=5))
    double = LndDouble(node, tmp_path)
    await double.start()
    hands = tmp_path / "hands.macaroon"
    hands.write_bytes(node.bakery.bake([GRANT]))
    hands.chmod(0o600)
    settings = LndSettings(
        address=double.address, tls_cert_file=str(double.certificate), macaroon_file=str(double.macaroon)
    )
    place = Place("main", "ln1", clock, Door(clock=clock))
    bench = Workbench(double, Hired([Workplace(place, settings, hands)], dry_run=False))
    node.gossip[bench.peer] = announced(bench.peer, *HOSTS)
    node.lose(bench.peer)
    yield bench
    await bench.hired.close()
    await double.stop()


async def test_called_until_it_answers(bench: Workbench) -> None:
    """One address after the other, as the peer announced them; its channels come back."""
    bench.node.doors[HOSTS[1]] = bench.peer
    assert await bench.do() == Receipt(Outcome.DONE, f"connected at {HOSTS[1]}")
    assert bench.double.calls["/lnrpc.Lightning/ConnectPeer"] == 2
    assert bench.node.channels[0].active


async def test_nobody_answers(bench: Workbench) -> None:
    """A peer that is nowhere to be reached is a failure that says what was tried."""
    bench.node.doors[HOSTS[0]] = bench.node.channels[4].remote_pubkey
    receipt = await bench.do()
    assert receipt.outcome is Outcome.FAILED
    assert "198.51.100.1:9735: LND failed at ConnectPeer: EOF" in receipt.words
    assert "connection refused" in receipt.words


async def test_came_back_meanwhile(bench: Workbench) -> None:
    """A peer that is connected already is what was wanted."""
    ready = await bench.hands().prepare(bench.draft())
    bench.node.doors[HOSTS[0]] = bench.peer
    bench.node.connect(bench.peer, HOSTS[0])
    receipt = await bench.hands().act(ready, bench.hands().intend(ready))
    assert receipt == Receipt(Outcome.DONE, "it was connected already")


async def test_looked_up(bench: Workbench) -> None:
    """Connected or not is all that can be asked afterwards, and it is asked of the reading credential."""
    ready = await bench.hands().prepare(bench.draft())
    intent = bench.hands().intend(ready)
    assert (await bench.hands().look_up(ready, intent)).outcome is Outcome.FAILED
    bench.node.doors[HOSTS[0]] = bench.peer
    bench.node.connect(bench.peer, HOSTS[0])
    assert await bench.hands().look_up(ready, intent) == Receipt(Outcome.DONE, "it is connected", looked_up=True)
    assert bench.double.calls["/lnrpc.Lightning/ConnectPeer"] == 0


@pytest.mark.parametrize("gone", ["hands", "lookup"])
async def test_node_that_does_not_answer(bench: Workbench, gone: str) -> None:
    """Nobody knows what came of it then, and nobody says so."""
    ready = await bench.hands().prepare(bench.draft())
    intent = bench.hands().intend(ready)
    await bench.double.stop()
    with pytest.raises(SourceError) as told:
        await (bench.hands().act if gone == "hands" else bench.hands().look_up)(ready, intent)
    assert told.value.reason is FailureReason.REFUSED


@pytest.mark.parametrize(("known", "reason"), [(None, "unknown_peer"), (announced("03" + "cc" * 32), "no_address")])
async def test_no_address(bench: Workbench, known: object, reason: str) -> None:
    """A peer of whom no address is known can't be called, and that is said before anything is proposed."""
    del bench.node.gossip[bench.peer]
    if known is not None:
        bench.node.gossip[bench.peer] = announced(bench.peer)
    with pytest.raises(FutileError) as told:
        await bench.hands().prepare(bench.draft())
    assert told.value.reason == reason


async def test_revoked(bench: Workbench) -> None:
    """A macaroon that LND no longer takes did nothing."""
    ready = await bench.hands().prepare(bench.draft())
    bench.node.bakery.revoke("0")
    receipt = await bench.hands().act(ready, bench.hands().intend(ready))
    assert receipt.outcome is Outcome.FAILED
    assert receipt.words.startswith("not begun: ")


@pytest.mark.parametrize(
    ("rights", "mode", "words"),
    [
        ((GRANT,), 0o600, ""),
        ((GRANT,), 0o640, ""),
        ((GRANT,), 0o644, "everybody on this machine can read"),
        (("peers:write",), 0o600, "allows peers:write: hands get a macaroon for one call alone, `lncli bakemacaroon"),
        ((GRANT, "uri:/lnrpc.Lightning/SendPaymentSync"), 0o600, "allows uri:/lnrpc.Lightning/SendPaymentSync:"),
        (READONLY, 0o600, "hands get a macaroon for one call alone"),
    ],
)
async def test_macaroon_of_the_hands(bench: Workbench, rights: tuple[str, ...], mode: int, words: str) -> None:
    """It allows that one call and nothing else, and only its owner and group can read it; else nothing is done."""
    file = bench.double.directory / "hands.macaroon"
    file.write_bytes(bench.node.bakery.bake(rights))
    file.chmod(mode)
    assert words in trouble_with(file) if words else trouble_with(file) == ""
    bench.node.doors[HOSTS[0]] = bench.peer
    receipt = await bench.do()
    assert receipt.outcome is (Outcome.FAILED if words else Outcome.DONE)
    assert bench.double.calls["/lnrpc.Lightning/ConnectPeer"] == (0 if words else 1)


def test_macaroon_that_is_none(tmp_path: Path) -> None:
    """A file that is missing, or something else, is named with what to do."""
    file = tmp_path / "hands.macaroon"
    assert "No such file" in trouble_with(file)
    assert f"`lncli bakemacaroon --save_to {file} {GRANT}`" in trouble_with(file)
    file.write_bytes(b"junk")
    file.chmod(0o600)
    assert "not one of LND's" in trouble_with(file)


async def test_route_of_a_dry_run(bench: Workbench) -> None:
    """One question adds the route and its fee; nothing is paid, whatever the settings say."""
    hands = bench.hands(Action.REBALANCE_CHANNEL)
    ready = await hands.prepare(bench.circular())
    source, target = (short_id(bench.node.channels[number].chan_id) for number in (0, 4))
    route = ready.added["route"].split()
    assert (route[0], route[-1], ready.added["fee_msat"]) == (source, target, "152000")
    assert bench.double.calls["/lnrpc.Lightning/QueryRoutes"] == 1
    receipt = await hands.act(ready, hands.intend(ready))
    assert receipt.outcome is Outcome.REHEARSED
    assert "nothing was done; it would have been rebalance_channel" in receipt.words
    assert (await hands.look_up(ready, hands.intend(ready))).outcome is Outcome.REHEARSED


@pytest.mark.parametrize(
    ("changes", "reason"),
    [({"fee_limit_msat": Msat(151_999)}, "no_route"), ({"amount_msat": Msat(3_000_000_001)}, "no_balance")],
)
async def test_no_route(bench: Workbench, changes: dict[str, object], reason: str) -> None:
    """Where LND knows no way within the limit, it is said why nothing is proposed."""
    with pytest.raises(FutileError) as told:
        await bench.hands(Action.REBALANCE_CHANNEL).prepare(bench.circular(**changes))
    assert told.value.reason == reason


async def test_release_that_can_t_be_told_the_way(bench: Workbench) -> None:
    """LND 0.19 skips the field that names the channel to leave by: its answer is not taken for that way."""
    bench.node.release = "0.19.3"
    draft = bench.circular()
    bench.node.channels[0].active = False
    bench.node.channels[1].local_balance = 3_000_000
    bench.node.channels[1].active = True
    with pytest.raises(FutileError, match=r"it takes 0\.20"):
        await bench.hands(Action.REBALANCE_CHANNEL).prepare(draft)


@pytest.mark.parametrize(("dry_run", "macaroon"), [(True, True), (False, False), (True, False)])
async def test_dry_unless_both_say_so(bench: Workbench, dry_run: bool, macaroon: bool) -> None:
    """Real hands take both their own macaroon and `dry_run = false`; there are none for what moves money."""
    settings = LndSettings(address=bench.double.address, macaroon_file=str(bench.double.macaroon))
    place = Place("main", "ln1", ShiftedClock(), Door(clock=ShiftedClock()))
    file = bench.double.directory / "hands.macaroon" if macaroon else None
    hired = Hired([Workplace(place, settings, file)], dry_run=dry_run)
    assert {hands[0].name for hands in hired.crew.values()} == {"dry_run"}
    await hired.close()
    live = [key[2] for key, hands in bench.hired.crew.items() if hands[0].name != "dry_run"]
    assert live == [Action.CONNECT_PEER]
    assert not MOVES_MONEY.intersection(live)
    assert all(
        [each.name for each in hands] == ["dry_run"] for key, hands in bench.hired.crew.items() if key[2] in MOVES_MONEY
    )
