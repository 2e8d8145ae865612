"""A whole daemon through scenarios, as the command runs them."""

from pathlib import Path

import pytest

from tests.simulator.simulate import simulate

pytestmark = pytest.mark.timeout(600)
LOCKED = """\
about = "LND is locked"
seed = "short"
begin = 2026-03-03T14:00:00Z
history = "2h"
lasts = "5m"
stores = { books = 60 }

[[causes]]
what = "lnd_locked"
at = "20s"
lasts = "3m"

[[opens]]
rule = "lightning_locked"
subject = "node:node"
hurt_from = "20s"
hurt_until = "200s"
within = "170s"
told = ["slack", "pagerduty", "webhook"]

[[opens]]
rule = "bitcoind_down"
hurt_from = "20s"
hurt_until = "200s"
within = "170s"

[[opens]]
rule = "nothing_settles"
hurt_from = "20s"
hurt_until = "200s"
within = "170s"
"""
# One for each kind of source and of trouble, and two in which all have to keep silent.
TEN = (
    "01-bitcoind-down",
    "04-bitcoind-restarts",
    "05-reorganisation-of-three",
    "09-nbxplorer-hangs",
    "11-server-info-fails",
    "14-lnd-down",
    "18-macaroon-revoked",
    "24-force-closed",
    "29-checkout-unreachable",
    "38-upgrade",
)


def test_the_daemon_is_judged_and_twice_alike(tmp_path: Path) -> None:
    """Caught and told, missed, or no rule yet; a second run has the same events, cases, messages and times."""
    file = tmp_path / "locked.toml"
    file.write_text(LOCKED)
    done, verdict = simulate(file, tmp_path / "report.json")
    assert done.returncode == 1, done.stderr
    caught, missed, coming = verdict["caught"]
    assert (caught["rule"], caught["well"], caught["untold"]) == ("lightning_locked", True, [])
    assert 60 <= caught["opened"] <= 95
    assert (missed["rule"], missed["well"], missed["opened"]) == ("bitcoind_down", False, None)
    assert (coming["rule"], coming["well"], coming["built"]) == ("nothing_settles", True, False)
    assert (verdict["well"], verdict["false"], verdict["broken"]) == (False, [], "")
    for words in ("lightning_locked after", "bitcoind_down missed", "no rule yet: nothing_settles"):
        assert words in done.stdout
    _, twice = simulate(file, tmp_path / "again.json")
    assert twice == verdict


@pytest.mark.parametrize("name", TEN)
def test_ten_incidents(tmp_path: Path, name: str) -> None:
    """The daemon catches what it has to in time, tells who has to hear, and makes nothing up."""
    done, verdict = simulate(name, tmp_path / "report.json")
    assert (done.returncode, verdict["well"]) == (0, True), done.stdout
