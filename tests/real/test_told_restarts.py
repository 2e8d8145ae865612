"""Everything restarts together, as in an upgrade: nobody is told while that takes no longer than it may."""

import json
from collections.abc import Iterator

import pytest

from tests.audience import CALLED_OFF, ENDED, PAGED, TOLD, Audience, Heard
from tests.real.testbed.bed import Bed
from tests.real.testbed.daemon import SITE, Daemon, merged, quick, running, site_settings

pytestmark = pytest.mark.real

HASTY = "hasty"
SOON = {"after": "5s"}
RULES = {"bitcoind_down": SOON, "lightning_down": SOON, "bitcoind_no_peers": {"after": "1d"}}
CASE = ("restart_overrun", f"site:{HASTY}")


@pytest.fixture(scope="module")
def desk(bed: Bed, audience: Audience, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Daemon]:
    """The same merchant as two sites: one as it is by default, one for which eight seconds are too long."""
    site = merged(site_settings(bed, quick()), {"rules": RULES})
    hasty = merged(site, {"rules": {"restart_overrun": {"grace_seconds": "8s"}}})
    settings = {"site": {HASTY: hasty}, "notify": audience.telling()}
    folder = tmp_path_factory.mktemp("told") / "lnwatch"
    with running(folder, site, settings, secrets=bed.secrets()) as daemon:
        yield daemon


def all_up(desk: Daemon) -> None:
    """Wait until both sites see all of their sources up."""
    for site in (SITE, HASTY):
        for source in ("core", "ln1"):
            desk.in_state(source, "up", site=site)


def severities(desk: Daemon, site: str) -> dict[str, str]:
    """How grave the cases of a site are that are open, by their rules; what was so from the start aside."""
    told = desk.command("cases", "--site", site, "--json")
    assert told.returncode == 0, told.stderr
    return {case["rule"]: case["severity"] for case in json.loads(told.stdout)["cases"] if case["state"] == "open"}


def test_joint_restart(bed: Bed, desk: Daemon, audience: Audience) -> None:
    """Within its grace a restart is an info case and no message; the page comes when the grace is overrun."""
    all_up(desk)
    bed.merchant.process.kill()
    bed.bitcoind.stop()
    try:
        audience.hears(HASTY, {CASE: Heard(TOLD, PAGED)})
        assert severities(desk, SITE)["restart_overrun"] == "info"
        assert {"bitcoind_down", "lightning_down"} <= severities(desk, SITE).keys()  # open, and nobody is told
    finally:
        bed.bitcoind.start()
        bed.bitcoind.mine(1)
        bed.merchant.start()
        bed.merchant.ready()
    all_up(desk)
    audience.hears(HASTY, {CASE: Heard(ENDED, CALLED_OFF)})
    assert severities(desk, SITE).keys().isdisjoint({"restart_overrun", "bitcoind_down", "lightning_down"})
    assert audience.heard(SITE) == {}
