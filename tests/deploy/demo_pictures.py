"""Takes the pictures of the demo for README: `python -m tests.deploy.demo_pictures` (needs Chromium and a font for 🔴).

One is lnwatch's first page while LND is locked, the other the demo's own page with what people were told of it. With a
folder as its argument it takes both there instead, dark and narrow ones too, and those of the page when all is well.
"""

import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterable
from contextlib import suppress
from pathlib import Path

import httpx

from tests.real.testbed.ports import free_port
from tests.requirements import require

PICTURES = Path(__file__).parents[2] / "docs"
_LNWATCH = (sys.executable, "-m", "lnwatch")
_PATIENCE = 900  # seconds: a busy machine takes its time


_LIGHT = ("", 1_180, "1")
_SORTS = (_LIGHT, ("-dark", 1_180, "0"), ("-narrow", 500, "1"))  # its name's end, width, Chromium's word for the scheme


def pictures(folder: Path, into: Path | None) -> None:
    """Run a demo, let LND lock itself, and take all that are wanted."""
    port, desk = free_port(), free_port()
    home = ("--folder", str(folder / "demo"))
    demo = subprocess.Popen([*_LNWATCH, "demo", *home, "--port", str(port), "--desk-port", str(desk)])
    page, told = f"http://127.0.0.1:{port}", f"http://127.0.0.1:{desk}"
    try:
        _wait((folder / "demo" / "demo.json").exists)
        if into is not None:
            _shoot(f"{page}/", into, "demo-well", 2_600, _SORTS)
        subprocess.run([*_LNWATCH, "demo", "incident", "lnd-locked", "--for", "5m", *home], check=True)
        _wait(lambda: "lightning_locked" in httpx.get(f"{told}/told").text)
        time.sleep(5)
        sorts = (_LIGHT,) if into is None else _SORTS
        _shoot(f"{page}/", into or PICTURES, "demo-page", 1_600, sorts)
        _shoot(f"{told}/", into or PICTURES, "demo-told", 800, sorts)
    finally:
        demo.terminate()
        demo.wait(_PATIENCE)


def _wait(reached: Callable[[], bool]) -> None:
    end = time.monotonic() + _PATIENCE
    while time.monotonic() < end:
        with suppress(httpx.HTTPError):
            if reached():
                return
        time.sleep(0.5)
    raise TimeoutError("it did not come to that")


def _shoot(url: str, folder: Path, name: str, height: int, sorts: Iterable[tuple[str, int, str]]) -> None:
    for end, width, scheme in sorts:
        flags = ["--headless", "--no-sandbox", "--hide-scrollbars", f"--blink-settings=preferredColorScheme={scheme}"]
        size, picture = f"--window-size={width},{height}", folder / f"{name}{end}.png"
        command = [str(require("chromium")), *flags, size, f"--screenshot={picture}", url]
        subprocess.run(command, check=True, capture_output=True, timeout=300)


if __name__ == "__main__":
    with tempfile.TemporaryDirectory(prefix="lnwatch-pictures-") as temporary:
        pictures(Path(temporary), Path(sys.argv[1]) if len(sys.argv) > 1 else None)
