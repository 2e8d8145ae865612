"""The clock of a machine that is watched is wrong: its answers bear the date that tells."""

from pathlib import Path

from lnwatch.simulator.lnd.node import Scale
from tests.audience import ENDED, TOLD, Heard
from tests.moved_clock import MovedClock, move
from tests.real.testbed.daemon import SITE, running
from tests.real.testbed.waiting import until
from tests.system.world import World


def settings(world: World) -> dict[str, object]:
    """Who is told, and after a second."""
    return {"notify": world.telling(), "rules": {"clock_skew": {"after": "1s"}}}


def test_date_of_another_time(tmp_path: Path) -> None:
    """A bitcoind that is a quarter of an hour late is told with the difference, until its clock is set right."""
    offset, case = tmp_path / "offset", ("clock_skew", "source:core")
    move(offset, -900)
    world = World(tmp_path, Scale(channels=1, invoices=0))
    world.chain.clock = MovedClock(offset)
    world.chain.mine(3)
    with world.running(), running(tmp_path / "lnwatch", world.settings(), settings(world)) as daemon:
        until("all is up", lambda: daemon.state_of("core") == "up")
        world.hears(SITE, {case: Heard(TOLD)})
        (message,) = world.said(SITE, case)
        assert "The clock of source:core (bitcoind) is 15 min behind lnwatch's (limit 30 s)" in message
        move(offset, 0)
        world.hears(SITE, {case: Heard(ENDED)})
