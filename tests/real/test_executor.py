"""The hands on a real LND: a peer that is called once, whatever kills us, and a route that is only asked for."""

import asyncio
import json
import shutil
import signal
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from pydantic import SecretStr

from lnwatch.clock import SystemClock
from lnwatch.domain.book import Book
from lnwatch.executor.executor import Executor
from lnwatch.executor.hands import FutileError
from lnwatch.executor.lnd import CONNECT_PEER, trouble_with
from lnwatch.executor.opening import Hired, Workplace
from lnwatch.executor.settings import BLOCK
from lnwatch.model.action import Action, Outcome, Proposal, ProposalRecord, Receipt
from lnwatch.model.money import Msat
from lnwatch.net import Door
from lnwatch.sources import Place
from lnwatch.sources.lnd.channels import short_id
from lnwatch.sources.lnd.settings import LndSettings
from lnwatch.store import LedgerSettings, open_ledger
from tests.domain.proposals import call, move
from tests.executor.killed import LIVES, STEPS
from tests.executor.test_kill import ENDS
from tests.real.testbed.bed import Bed
from tests.real.testbed.daemon import SITE, node_settings, quick, running
from tests.real.testbed.lnd import Lnd
from tests.real.testbed.waiting import until

pytestmark = [pytest.mark.real, pytest.mark.timeout(180)]

PATIENT = ("--minbackoff=20m", "--maxbackoff=30m")  # nobody calls back while a test looks


class Triangle(Bed):
    """Three nodes, each with a channel to both others; the hub announces where it can be called."""

    def start(self) -> None:
        """As the bed, and one channel more."""
        self.merchant.process.argv += PATIENT
        self.hub.process.argv += [*PATIENT, f"--externalip={self.hub.peer_address}"]
        super().start()
        self.introduce(self.merchant, self.customer)
        self.merchant.open_channel(self.customer, 2_000_000)
        self.confirm()
        self.channels_active(self.merchant, 3)
        until("the hub announces its address", lambda: self.known(self.hub)["addresses"], timeout=40)
        until("gossip has every edge", lambda: len(self.merchant.get("/v1/graph")["edges"]) == 4, timeout=40)

    def known(self, node: Lnd) -> dict[str, object]:
        """What gossip says of a node."""
        found: dict[str, object] = self.merchant.get(f"/v1/graph/node/{node.key}")["node"]
        return found

    def connected(self, node: Lnd) -> bool:
        """Whether the merchant is connected to it."""
        return any(peer["pub_key"] == node.key for peer in self.merchant.get("/v1/peers")["peers"])

    def part(self) -> None:
        """The merchant and the hub lose each other."""
        if self.connected(self.hub):
            self.merchant.ask("DELETE", f"/v1/peers/{self.hub.key}")
        until("they are parted", lambda: not self.connected(self.hub))

    def draft(self) -> Proposal:
        """Call the hub."""
        subject = f"peer:{self.hub.key}"
        return call(subject=subject, touches=(subject,), parameters={"public_key": self.hub.key}, added={})


@pytest.fixture(scope="module")
def triangle(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Triangle]:
    """One for the whole module."""
    bed = Triangle(tmp_path_factory.mktemp("triangle"))
    try:
        bed.start()
        yield bed
    finally:
        bed.close()
    shutil.rmtree(bed.folder)


def equip(triangle: Triangle, folder: Path) -> Workplace:
    """What the executor is given: the read-only macaroon to look, one of its own to act."""
    merchant = triangle.merchant
    macaroon = merchant.bake(folder / "hands.macaroon", CONNECT_PEER.path)
    macaroon.chmod(0o600)
    block = {
        "address": merchant.address,
        "tls_cert_file": str(merchant.certificate),
        "macaroon_file": str(merchant.macaroon()),
    }
    (folder / "node.json").write_text(json.dumps(block))
    clock = SystemClock()
    return Workplace(Place("main", "ln1", clock, Door(clock=clock)), LndSettings.model_validate(block), macaroon)


def live(url: str, folder: Path, peer: str, wanted: str) -> int:
    """One life of a process that considers the call; its exit status."""
    done = LIVES.run([url, str(folder), peer, wanted])
    assert done.returncode in {0, -signal.SIGKILL}, done.stderr
    return done.returncode


async def the_record(url: str, folder: Path) -> ProposalRecord:
    """The one proposal that the journal knows; nothing in it is left open."""
    ledger = await open_ledger(LedgerSettings(url=SecretStr(url)), folder, SystemClock())
    book = Book().after(await ledger.journal.read())
    await ledger.close()
    assert not book.unsettled
    (record,) = book.records.values()
    return record


@pytest.mark.parametrize("step", ["", *STEPS])
def test_killed_at_each_step(triangle: Triangle, tmp_path: Path, step: str) -> None:
    """Wherever it dies, the next life learns from LND what was done, and does nothing twice."""
    triangle.part()
    equip(triangle, tmp_path)
    url = f"sqlite:///{tmp_path / 'ledger.sqlite3'}"
    assert live(url, tmp_path, triangle.hub.key, step) == (-signal.SIGKILL if step else 0)
    if step in {"act after", "Receipt before"}:
        until("the peer is there", lambda: triangle.connected(triangle.hub))
    assert live(url, tmp_path, triangle.hub.key, "") == 0
    asked, state = ENDS[step]
    record = asyncio.run(the_record(url, tmp_path))
    assert record.state == state
    assert record.receipt is not None
    if asked:
        until("the hub is connected again", lambda: triangle.connected(triangle.hub))
        until("its channels are back", lambda: all(channel["active"] for channel in triangle.merchant.channels()))
    else:
        time.sleep(1)
        assert not triangle.connected(triangle.hub)


def test_the_whole_daemon_calls_a_peer(triangle: Triangle, tmp_path: Path) -> None:
    """A peer that was disconnected is connected again by lnwatch itself, once, and with it its channels."""
    triangle.merchant.connect(triangle.hub)
    until("they are connected", lambda: triangle.connected(triangle.hub))
    until("every channel is active", lambda: all(channel["active"] for channel in triangle.merchant.channels()))
    hands = equip(triangle, tmp_path).hands_macaroon
    node = {**node_settings(triangle.merchant, quick("peers")), "hands_macaroon_file": hands}
    wanted = {"peer_reconnect": {"offline_seconds": "1s"}, "channel_rebalance": {"enabled": False}}
    settings = {"executor": {"dry_run": False, "automations": wanted}}
    done = {"site": SITE, "action": "connect_peer", "outcome": "done"}
    with running(tmp_path / "lnwatch", {"lnd": {"ln1": node}}, settings) as daemon:
        daemon.in_state("ln1", "up")
        assert daemon.scrape().value("lnwatch_actions_total", **done) == 0
        triangle.part()
        until("it is told", lambda: daemon.scrape().value("lnwatch_actions_total", **done) == 1, timeout=60)
        until("its channels are back", lambda: all(channel["active"] for channel in triangle.merchant.channels()))
        (told,) = json.loads(daemon.command("proposals", "--json").stdout)["proposals"]
        assert (told["subject"], told["outcome"]) == (
            f"peer:{triangle.hub.key}",
            f"connected at {triangle.hub.peer_address}",
        )
        assert json.loads(daemon.command("journal", "--json").stdout)["rows"] == 3


async def test_words_of_a_real_node(triangle: Triangle, tmp_path: Path) -> None:
    """What LND says when a peer is there already, is not there, or is somebody else, is understood."""
    hired = Hired([equip(triangle, tmp_path)], dry_run=False)
    hands = hired.crew["main", "ln1", Action.CONNECT_PEER][0]
    triangle.merchant.connect(triangle.hub)
    until("they are connected", lambda: triangle.connected(triangle.hub))
    ready = await hands.prepare(triangle.draft())
    intent = hands.intend(ready)
    assert ready.added == {"addresses": triangle.hub.peer_address}
    assert await hands.act(ready, intent) == Receipt(Outcome.DONE, "it was connected already")
    assert (await hands.look_up(ready, intent)).outcome is Outcome.DONE
    triangle.part()
    assert (await hands.look_up(ready, intent)).outcome is Outcome.FAILED
    elsewhere = replace(ready, added={"addresses": f"127.0.0.1:1 {triangle.customer.peer_address}"})
    receipt = await hands.act(elsewhere, intent)
    assert receipt.outcome is Outcome.FAILED
    assert "connection refused" in receipt.words
    assert "EOF" in receipt.words
    with pytest.raises(FutileError, match="announces no address"):
        await hands.prepare(replace(triangle.draft(), parameters={"public_key": triangle.customer.key}))
    with pytest.raises(FutileError, match="Gossip does not know"):
        await hands.prepare(replace(triangle.draft(), parameters={"public_key": "02" + "11" * 32}))
    await hired.close()


async def test_macaroon_that_may_do_more(triangle: Triangle, tmp_path: Path) -> None:
    """The admin macaroon is refused, and LND is not asked."""
    admin = tmp_path / "admin.macaroon"
    admin.write_bytes(triangle.merchant.macaroon("admin").read_bytes())
    admin.chmod(0o600)
    assert "hands get a macaroon for one call alone" in trouble_with(admin)
    triangle.part()
    hired = Hired([replace(equip(triangle, tmp_path), hands_macaroon=admin)], dry_run=False)
    hands = hired.crew["main", "ln1", Action.CONNECT_PEER][0]
    ready = await hands.prepare(triangle.draft())
    assert (await hands.act(ready, hands.intend(ready))).outcome is Outcome.FAILED
    assert not triangle.connected(triangle.hub)
    await hired.close()


def circular(triangle: Triangle, limit: int) -> Proposal:
    """Out to the customer, in from the hub."""
    channels = triangle.merchant.channels()
    out = next(each for each in channels if each["remote_pubkey"] == triangle.customer.key)
    back = next(each for each in channels if each["remote_pubkey"] == triangle.hub.key and not each["initiator"])
    parameters = {
        "public_key": triangle.merchant.key,
        "source_channel": short_id(int(out["chan_id"])),
        "source_peer": out["remote_pubkey"],
        "target_channel": short_id(int(back["chan_id"])),
        "target_peer": back["remote_pubkey"],
    }
    return move(parameters=parameters, fee_limit_msat=Msat(limit))


async def test_route_is_asked_for_and_nothing_is_paid(triangle: Triangle, tmp_path: Path) -> None:
    """A dry run learns the route and its fee, needs a person's yes, and ends without a payment or an invoice."""
    triangle.merchant.connect(triangle.hub)
    until("every channel is active", lambda: all(channel["active"] for channel in triangle.merchant.channels()))
    ledger = await open_ledger(LedgerSettings(path=tmp_path / "ledger.sqlite3"), tmp_path, SystemClock())
    hired = Hired([equip(triangle, tmp_path)], dry_run=False)
    settings = BLOCK.model_validate({"dry_run": False, "rebalance_channel": {"approval": "nobody"}})
    executor = Executor(ledger.journal, hired.crew, settings, SystemClock())
    await executor.restore()
    before = (triangle.merchant.get("/v1/payments")["payments"], triangle.merchant.invoices())
    wanted = circular(triangle, 150_000)
    await executor.consider([wanted])
    (record,) = executor.book.records.values()
    route = record.proposal.added["route"].split()
    assert (route[0], len(route)) == (wanted.parameters["source_channel"], 3)
    assert 0 < int(record.proposal.added["fee_msat"]) <= 150_000
    assert record.state == "rehearsed"
    assert before == (triangle.merchant.get("/v1/payments")["payments"], triangle.merchant.invoices())
    await executor.consider([replace(circular(triangle, 1), subject="channel:other")])
    assert [each.reason for each in executor.standing().nothing] == ["no_route"]
    too_much = replace(circular(triangle, 150_000), subject="channel:third", amount_msat=Msat(1_999_000_000))
    with pytest.raises(FutileError, match="can't send"):
        await hired.crew["main", "ln1", Action.REBALANCE_CHANNEL][0].prepare(too_much)
    await hired.close()
    await ledger.close()
