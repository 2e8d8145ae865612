"""Nodes that are killed, hang, are locked or freeze: what is told of each, how often, and that it ends by itself.

All of it goes wrong at the same time, each in a site of its own: what LND does by itself takes it minutes.
"""

import time
from collections.abc import Iterator
from dataclasses import dataclass, replace

import pytest

from tests.audience import CALLED_OFF, ENDED, PAGED, TOLD, Audience, Case, Heard
from tests.real.testbed.bed import Bed, HoldInvoice
from tests.real.testbed.bitcoin import Bitcoind
from tests.real.testbed.daemon import SITE, Daemon, merged, node_settings, quick, running, site_settings
from tests.real.testbed.lnd import Lnd

pytestmark = [pytest.mark.real, pytest.mark.timeout(300)]

BRANCH, HUB = "branch", "hub"
WITHIN = 90.0  # seconds from the death of a node to the messages, with every rule as it is by default
FROZEN_FOR = 100.0  # seconds until LND has noticed that a peer does not answer: it asks once a minute
UNANSWERED_FOR = 90.0  # seconds until LND has noticed that bitcoind does not answer, and ends itself

# By default LND is patient with its bitcoind for some minutes more.
HASTY = (
    "--healthcheck.chainbackend.interval=1m",
    "--healthcheck.chainbackend.attempts=2",
    "--healthcheck.chainbackend.timeout=2s",
    "--healthcheck.chainbackend.backoff=10s",
)
LONELY = {"bitcoind_no_peers": {"after": "1d"}}  # no bitcoind of the bed has any
SOON = {"after": "3s"}


@dataclass(frozen=True)
class Branch:
    """A second merchant: a bitcoind of its own, and a node whose wallet is locked after each start."""

    chain: Bitcoind
    vault: Lnd


@dataclass(frozen=True)
class Scene:
    """When it went wrong, and the payment that was held then."""

    at: float
    held: HoldInvoice
    htlc: str

    def payment(self, way: str) -> Case:
        """The case about the payment on its way in or out."""
        channel, _, index = self.htlc.rpartition("/")
        return "htlc_near_expiry", f"htlc:{channel}/{way}/{index}"

    @property
    def invoice(self) -> Case:
        """The case about the held invoice."""
        return "invoice_held", f"invoice:{self.held.payment_hash}"


@pytest.fixture(scope="module")
def branch(bed: Bed, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Branch]:
    folder = tmp_path_factory.mktemp(BRANCH)
    chain = Bitcoind(folder / "chain")
    vault = Lnd(folder / "vault", chain, wallet=True, flags=HASTY)
    try:
        chain.start()
        chain.mine(1)
        vault.start()
        vault.in_state("NON_EXISTING")
        vault.create_wallet()
        vault.ready()
        yield Branch(chain, vault)
    finally:
        vault.close()
        chain.close()


@pytest.fixture(scope="module")
def desk(bed: Bed, branch: Branch, audience: Audience, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Daemon]:
    """Three sites: the merchant with every rule as it is by default, the branch, and the merchant's peer."""
    pace = quick("invoices") | {"timeout": "1s"}
    chain = {"url": branch.chain.url, "cookie_file": branch.chain.cookie, "interval": "2s", "deadline": "1500ms"}
    # With such an LND the end of the one follows that of the other sooner than where they restart together.
    soon = {
        "bitcoind_down": SOON,
        "lightning_locked": SOON,
        "lightning_down": {"after": "10s"},
        "restart_overrun": {"together_seconds": "5s"},
    }
    merchant = merged(site_settings(bed, pace), {"rules": LONELY})
    others = {
        BRANCH: {
            "bitcoind": {"cellar": chain},
            "lnd": {"vault": node_settings(branch.vault, pace)},
            "rules": soon | LONELY,
        },
        HUB: {"lnd": {"hub": node_settings(bed.hub, pace)}, "rules": {"channel_inactive": SOON}},
    }
    settings = {"site": others, "notify": audience.telling()}
    folder = tmp_path_factory.mktemp("told") / "lnwatch"
    with running(folder, merchant, settings, secrets=bed.secrets()) as daemon:
        for site, source in ((SITE, "core"), (SITE, "ln1"), (BRANCH, "cellar"), (BRANCH, "vault"), (HUB, "hub")):
            daemon.in_state(source, "up", site)
        yield daemon


@pytest.fixture(scope="module")
def scene(bed: Bed, branch: Branch, desk: Daemon, audience: Audience) -> Iterator[Scene]:
    """A payment is held that expires soon, and is told of; then everything goes wrong at once."""
    held = bed.hold_invoice(5_000, blocks=30)
    bed.hub.call(bed.customer)  # a peer that called would be taken for one behind Tor
    with bed.paying(held.request, bed.hub, timeout=600):
        try:
            bed.accepted(held)
            (channel,) = (each for each in bed.merchant.channels() if each["pending_htlcs"])
            (htlc,) = channel["pending_htlcs"]
            scene = Scene(time.monotonic(), held, f"{channel['channel_point']}/{htlc['htlc_index']}")
            audience.hears(SITE, {scene.payment("in"): Heard(TOLD), scene.invoice: Heard(TOLD, PAGED)})
            bed.channels_active(bed.hub, 3)
            bed.customer.process.freeze()
            branch.chain.stop()
            bed.merchant.process.kill()
            yield replace(scene, at=time.monotonic())
        finally:
            bed.customer.process.thaw()
            if not bed.merchant.process.running:
                bed.merchant.start()
                bed.merchant.ready()
            if bed.merchant.invoice(held.payment_hash)["state"] == "ACCEPTED":
                bed.merchant.settle(held.preimage)


def test_killed_node(bed: Bed, audience: Audience, scene: Scene) -> None:
    """A node that is killed is told once, within 90 s; what was open before is neither ended nor told again."""
    down = ("lightning_down", "node:ln1")
    before = {scene.payment("in"): Heard(TOLD), scene.invoice: Heard(TOLD, PAGED)}
    assert audience.heard(SITE) == before
    audience.hears(SITE, before | {down: Heard(TOLD, PAGED)}, timeout=WITHIN - (time.monotonic() - scene.at))
    (message,) = audience.said(SITE, down)
    assert "node:ln1" in message
    assert "/runbooks/lightning_down" in message
    bed.merchant.start()
    bed.merchant.ready()
    audience.hears(SITE, before | {down: Heard(ENDED, CALLED_OFF)})
    bed.hub.connect(bed.merchant)
    bed.merchant.settle(scene.held.preimage)
    whole = Heard(ENDED, CALLED_OFF)
    audience.hears(SITE, {scene.payment("in"): Heard(ENDED), scene.invoice: whole, down: whole})


def test_killed_and_frozen_peer(bed: Bed, audience: Audience, scene: Scene) -> None:
    """The channels of a peer that is killed are told at once, that of a frozen one when its node has noticed."""
    points = {each["remote_pubkey"]: each["channel_point"] for each in bed.hub.channels()}
    killed = {
        ("channel_inactive", f"channel:{each['channel_point']}"): Heard(ENDED)
        for each in bed.hub.channels()
        if each["remote_pubkey"] == bed.merchant.key
    }
    assert len(killed) == 2
    frozen = ("channel_inactive", f"channel:{points[bed.customer.key]}")
    before = killed | {scene.payment("out"): Heard(ENDED)}
    left = FROZEN_FOR - (time.monotonic() - scene.at)
    audience.hears(HUB, before | {frozen: Heard(TOLD, PAGED)}, timeout=max(left, 10))
    bed.customer.process.thaw()
    audience.hears(HUB, before | {frozen: Heard(ENDED, CALLED_OFF)})


def test_stopped_bitcoind_and_locked_node(branch: Branch, desk: Daemon, audience: Audience, scene: Scene) -> None:
    """Without bitcoind its node hangs, then ends itself: bitcoind alone is told. Locked it is told as locked."""
    chain, locked = ("bitcoind_down", "source:cellar"), ("lightning_locked", "node:vault")
    branch.vault.process.wait(max(UNANSWERED_FOR - (time.monotonic() - scene.at), 10))
    desk.in_state("vault", "down", BRANCH)
    assert desk.scrape().value("lnwatch_findings", site=BRANCH, rule="lightning_down", severity="critical") == 1
    assert audience.heard(BRANCH) == {chain: Heard(TOLD, PAGED)}
    branch.chain.start()
    branch.vault.start()
    branch.vault.in_state("LOCKED")
    whole = Heard(ENDED, CALLED_OFF)
    audience.hears(BRANCH, {chain: whole, locked: Heard(TOLD, PAGED)})
    branch.vault.unlock()
    branch.chain.mine(1)
    branch.vault.ready()
    audience.hears(BRANCH, {chain: whole, locked: whole})


def test_nothing_more(audience: Audience, scene: Scene) -> None:
    """In the end every case is over, and there were no others."""
    told = {site: audience.heard(site) for site in (SITE, BRANCH, HUB)}
    assert {site: len(cases) for site, cases in told.items()} == {SITE: 3, BRANCH: 2, HUB: 4}
    assert {heard.slack for cases in told.values() for heard in cases.values()} == {ENDED}
