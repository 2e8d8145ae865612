"""Takes the pictures of the demo for README: `python -m tests.deploy.demo_pictures` (needs Chromium).

One is lnwatch's first page while LND is locked, the other the demo's own page with what people were told of it.
"""

import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import httpx

from tests.real.testbed.ports import free_port
from tests.requirements import require

PICTURES = Path(__file__).parents[2] / "docs"
_LNWATCH = (sys.executable, "-m", "lnwatch")
_PATIENCE = 300  # seconds


def pictures(folder: Path) -> None:
    """Run a demo, let LND lock itself, and take both."""
    port, desk = free_port(), free_port()
    home = ("--folder", str(folder / "demo"))
    demo = subprocess.Popen([*_LNWATCH, "demo", *home, "--port", str(port), "--desk-port", str(desk)])
    page, told = f"http://127.0.0.1:{port}", f"http://127.0.0.1:{desk}"
    try:
        _wait((folder / "demo" / "demo.json").exists)
        subprocess.run([*_LNWATCH, "demo", "incident", "lnd-locked", "--for", "5m", *home], check=True)
        _wait(lambda: "lightning_locked" in httpx.get(f"{told}/told").text)
        time.sleep(5)
        _shoot(f"{page}/", "demo-page.png", 1_600)
        _shoot(f"{told}/", "demo-told.png", 800)
    finally:
        demo.terminate()
        demo.wait(60)


def _wait(reached: Callable[[], bool]) -> None:
    end = time.monotonic() + _PATIENCE
    while time.monotonic() < end:
        with suppress(httpx.HTTPError):
            if reached():
                return
        time.sleep(0.5)
    raise TimeoutError("it did not come to that")


def _shoot(url: str, name: str, height: int) -> None:
    flags = ["--headless", "--no-sandbox", "--hide-scrollbars", f"--window-size=1180,{height}"]
    command = [str(require("chromium")), *flags, f"--screenshot={PICTURES / name}", url]
    subprocess.run(command, check=True, capture_output=True, timeout=120)


if __name__ == "__main__":
    with tempfile.TemporaryDirectory(prefix="lnwatch-pictures-") as temporary:
        pictures(Path(temporary))
