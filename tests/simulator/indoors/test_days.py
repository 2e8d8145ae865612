"""A scenario of hours through a daemon that needs no sockets, as the command runs it."""

from pathlib import Path

import pytest

from tests.simulator.simulate import simulate

pytestmark = pytest.mark.timeout(300)
AWAY = """\
about = "BTCPay Server is away for an hour"
seed = "days"
begin = 2026-03-03T14:00:00Z
history = "6h"
lasts = "3h"
way = "facts"
stores = { books = 60 }

[[causes]]
what = "btcpay_down"
at = "1h"
lasts = "1h"

[[opens]]
rule = "btcpay_down"
subject = "source:pay"
hurt_from = "1h"
hurt_until = "2h"
within = "20m"
told = ["slack", "pagerduty"]
"""


def test_hours_are_lived_through_without_sockets(tmp_path: Path) -> None:
    """What goes wrong is caught at the daemon's next looks, told on every channel, and ends when it is mended."""
    file = tmp_path / "away.toml"
    file.write_text(AWAY)
    done, verdict = simulate(file, tmp_path / "report.json")
    (caught,) = verdict["caught"]
    assert (caught["well"], caught["untold"]) == (True, []), done.stdout
    assert 300 <= caught["opened"] <= 1_200
    assert 0 <= caught["ended"] <= 1_200
