"""The demo's other processes: the daemon, and Prometheus where it is installed."""

import asyncio
import contextlib
import os
import shutil
import signal
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from lnwatch.simulator.demo.house import House

_PATIENCE: Final = 15  # seconds for a process to end by itself
_SHOWN: Final = 300  # characters of a line
_SCRAPED_EVERY: Final = "5s"


class Programs:
    """What runs beside us, until `close`."""

    def __init__(self, folder: Path) -> None:
        """Nothing runs."""
        self._folder = folder
        self._running: dict[str, asyncio.subprocess.Process] = {}

    async def start(self, name: str, command: Sequence[str]) -> asyncio.subprocess.Process:
        """Run it in a session of its own, so that Ctrl-C reaches us alone; what it says goes to a file."""
        with (self._folder / f"{name}.log").open("wb") as log:
            process = await asyncio.create_subprocess_exec(
                *command, stdin=asyncio.subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True
            )
        self._running[name] = process
        return process

    def tail(self, name: str) -> str:
        """The beginning of the last line that it wrote."""
        lines = (self._folder / f"{name}.log").read_text(errors="replace").strip().splitlines()
        return lines[-1][:_SHOWN] if lines else "it said nothing"

    async def close(self) -> None:
        """End all, politely first."""
        for process in self._running.values():
            with contextlib.suppress(ProcessLookupError):
                process.send_signal(signal.SIGTERM)
        for process in self._running.values():
            try:
                await asyncio.wait_for(process.wait(), _PATIENCE)
            except TimeoutError:
                with contextlib.suppress(ProcessLookupError):
                    os.killpg(process.pid, signal.SIGKILL)
                await process.wait()
        self._running.clear()


def daemon(house: House) -> Sequence[str]:
    """How lnwatch is run."""
    return (sys.executable, "-m", "lnwatch", "run", "--config", str(house.config))


def prometheus(house: House, port: int) -> Sequence[str] | None:
    """How Prometheus is run beside it; None where it is not installed."""
    found = shutil.which("prometheus")
    if found is None:
        return None
    config = house.folder / "prometheus.yml"
    jobs = "".join(
        f"- job_name: {job}\n  metrics_path: {path}\n  static_configs: [{{targets: ['127.0.0.1:{house.port}']}}]\n"
        for job, path in (("lnwatch", "/metrics"), ("lnwatch-channels", "/metrics/channels"))
    )
    config.write_text(f"global: {{scrape_interval: {_SCRAPED_EVERY}}}\nscrape_configs:\n{jobs}")
    return (
        found,
        f"--config.file={config}",
        f"--storage.tsdb.path={house.folder / 'prometheus'}",
        f"--web.listen-address=127.0.0.1:{port}",
        "--log.level=warn",
    )
