"""How lnwatch tells of real nodes that die, hang and come back, one after the other."""

from collections.abc import Iterator

import pytest

from tests.real.testbed.bed import Bed
from tests.real.testbed.daemon import Daemon, quick, running, site_settings
from tests.real.testbed.truth import agree, node_figures
from tests.real.testbed.waiting import until

pytestmark = pytest.mark.real


@pytest.fixture(scope="module")
def desk(bed: Bed, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Daemon]:
    """A daemon that loses patience with a hanging LND after two seconds."""
    site = site_settings(bed, quick() | {"timeout": "1s"})
    with running(tmp_path_factory.mktemp("faults") / "lnwatch", site, secrets=bed.secrets()) as daemon:
        yield daemon


@pytest.fixture(autouse=True)
def _well(bed: Bed, desk: Daemon) -> None:
    in_state(desk, core="up", ln1="up")
    bed.whole()


def in_state(desk: Daemon, **states: str) -> None:
    """Wait until sources are in these states."""
    for source, state in states.items():
        desk.in_state(source, state)


def same(bed: Bed, desk: Daemon) -> None:
    """Wait until what is exported of the merchant's node is what it says."""
    agree(desk, lambda: node_figures(bed.merchant, "ln1"))


def usable_inbound(desk: Daemon) -> float:
    """What could be received, in satoshis."""
    return desk.scrape().value("lnwatch_lightning_usable_inbound_satoshis", node="ln1")


def test_killed_peer(bed: Bed, desk: Daemon) -> None:
    """A peer that dies takes its channels and the usable inbound with it, and brings them back."""
    until("there is inbound", lambda: usable_inbound(desk) > 0, timeout=60)
    bed.hub.process.kill()
    until("LND sees it", lambda: not any(channel["active"] for channel in bed.merchant.channels()))
    same(bed, desk)
    until("there is no inbound", lambda: usable_inbound(desk) == 0, timeout=60)
    bed.hub.start()
    bed.hub.ready()
    bed.whole()
    same(bed, desk)
    until("there is inbound again", lambda: usable_inbound(desk) > 0, timeout=60)


def test_frozen_peer(bed: Bed, desk: Daemon) -> None:
    """A peer that hangs stops nothing: lnwatch goes on telling what LND says of it, true or not."""
    bed.hub.process.freeze()
    try:
        bed.mine_for(bed.merchant, bed.customer)
        same(bed, desk)
        assert desk.state_of("ln1") == "up"
    finally:
        bed.hub.process.thaw()
    bed.in_step()
    same(bed, desk)


def test_stopped_bitcoind(bed: Bed, desk: Daemon) -> None:
    """Without bitcoind LND hangs: the one is told to be down, the other to hang; both recover with a block."""
    bed.bitcoind.stop()
    try:
        in_state(desk, core="down", ln1="hanging")
        exposition = desk.scrape()
        assert exposition.value("lnwatch_target_up", source="core") == 0
        assert exposition.value("lnwatch_target_up", source="ln1") == 0
    finally:
        bed.bitcoind.start()
    bed.bitcoind.mine(1)
    bed.in_step()
    in_state(desk, core="up", ln1="up")
    same(bed, desk)


def test_killed_node(bed: Bed, desk: Daemon) -> None:
    """A node that dies is down, its figures are not told again as if they were true, and it comes back."""
    bed.merchant.process.kill()
    in_state(desk, ln1="down")
    until("its height is dropped", lambda: not desk.scrape().has("lnwatch_lightning_block_height"), timeout=60)
    bed.merchant.start()
    bed.merchant.ready()
    in_state(desk, ln1="up")
    bed.whole()
    same(bed, desk)
