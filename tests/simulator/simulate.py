"""The command `lnwatch simulate` with one scenario, as tests run it."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any


def simulate(scenario: str | Path, report: Path) -> "tuple[subprocess.CompletedProcess[str], dict[str, Any]]":
    """The command, and the one verdict that it wrote."""
    command = [sys.executable, "-m", "lnwatch", "simulate", "--scenario", str(scenario), "--report", str(report)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=580, check=False)
    assert report.exists(), done.stderr
    (verdict,) = json.loads(report.read_text()).values()
    return done, verdict
