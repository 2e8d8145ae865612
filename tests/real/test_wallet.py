"""A node whose wallet is locked is told apart from one that is down."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.real.testbed.bed import Bed
from tests.real.testbed.daemon import Daemon, node_settings, quick, running
from tests.real.testbed.lnd import Lnd
from tests.real.testbed.waiting import until

pytestmark = pytest.mark.real


@pytest.fixture
def vault(bed: Bed, tmp_path: Path) -> Iterator[Lnd]:
    """A node that waits for its password."""
    node = Lnd(tmp_path / "vault", bed.bitcoind, wallet=True)
    try:
        node.start()
        node.in_state("NON_EXISTING")
        node.create_wallet()
        node.ready()
        yield node
    finally:
        node.close()


def in_state(daemon: Daemon, state: str) -> None:
    """Wait until the node is in this state."""
    until(f"the node is {state}", lambda: daemon.state_of("vault") == state, timeout=60, pause=0.3)


def test_locked_is_not_down(vault: Lnd, tmp_path: Path) -> None:
    """After a restart the node is locked until somebody unlocks it; killed it is down."""
    site = {"lnd": {"vault": node_settings(vault, quick())}}
    with running(tmp_path / "lnwatch", site) as daemon:
        in_state(daemon, "up")
        vault.process.kill()
        in_state(daemon, "down")
        vault.start()
        vault.in_state("LOCKED")
        in_state(daemon, "locked")
        assert daemon.scrape().value("lnwatch_target_up", source="vault") == 0
        assert "unlock" in daemon.get("/").text
        vault.unlock()
        vault.ready()
        in_state(daemon, "up")
