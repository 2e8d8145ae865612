"""A whole daemon through a scenario, as the command runs it."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = pytest.mark.timeout(300)
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
told = ["slack", "pagerduty"]

[[opens]]
rule = "bitcoind_down"
hurt_from = "20s"
hurt_until = "200s"
within = "170s"
"""


def test_the_daemon_is_judged(tmp_path: Path) -> None:
    """What went wrong is caught and told; what the truth has and did not happen is missed, and the command says so."""
    file, report = tmp_path / "locked.toml", tmp_path / "report.json"
    file.write_text(LOCKED)
    command = [sys.executable, "-m", "lnwatch", "simulate", "--scenario", str(file), "--report", str(report)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=280, check=False)
    assert done.returncode == 1, done.stderr
    caught, missed = json.loads(report.read_text())["locked"]["caught"]
    assert (caught["rule"], caught["well"], caught["untold"]) == ("lightning_locked", True, [])
    assert 60 <= caught["opened"] <= 170
    assert (missed["rule"], missed["well"], missed["opened"]) == ("bitcoind_down", False, None)
    assert "lightning_locked after" in done.stdout
    assert "bitcoind_down missed" in done.stdout
