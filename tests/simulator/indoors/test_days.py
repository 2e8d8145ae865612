"""A scenario of hours through a daemon that needs no sockets, as the command runs it."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

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
within = "40m"
told = ["slack", "pagerduty"]
"""


def test_hours_are_lived_through_without_sockets(tmp_path: Path) -> None:
    """What goes wrong is caught at the daemon's next looks, told on every channel, and ends when it is mended."""
    file, report = tmp_path / "away.toml", tmp_path / "report.json"
    file.write_text(AWAY)
    command = [sys.executable, "-m", "lnwatch", "simulate", "--scenario", str(file), "--report", str(report)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=280, check=False)
    (caught,) = json.loads(report.read_text())["away"]["caught"]
    assert (caught["well"], caught["untold"]) == (True, []), done.stdout
    assert 600 <= caught["opened"] <= 2_400
    assert 0 <= caught["ended"] <= 2_400
