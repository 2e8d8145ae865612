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
from lnwatch.simulator.demo.leash import leashed

_PATIENCE: Final = 15  # seconds for a process to end by itself
_SHOWN: Final = 300  # characters of a line
_SCRAPED_EVERY: Final = "5s"
_ALERTS: Final = "alerts"  # beside the configuration of Prometheus


class Programs:
    """What runs beside us, until `close`."""

    def __init__(self, folder: Path) -> None:
        """Nothing runs."""
        self._folder = folder
        self._running: dict[str, asyncio.subprocess.Process] = {}

    async def start(self, name: str, command: Sequence[str]) -> asyncio.subprocess.Process:
        """Run it in a session of its own, so that Ctrl-C reaches us alone; what it says goes to a file.

        It ends with us, however we end.
        """
        with (self._folder / f"{name}.log").open("wb") as log:
            starting = asyncio.ensure_future(
                asyncio.create_subprocess_exec(
                    *leashed(command), stdin=asyncio.subprocess.PIPE, stdout=log, stderr=log, start_new_session=True
                )
            )
            try:
                await asyncio.shield(starting)
            finally:  # who is stopped meanwhile still has to end it
                self._running[name] = await starting
        return self._running[name]

    async def run(self, name: str, command: Sequence[str]) -> int:
        """Run it to its end; its status."""
        status = await (await self.start(name, command)).wait()
        del self._running[name]
        return status

    def tail(self, name: str) -> str:
        """The beginning of the last line that it wrote."""
        lines = (self._folder / f"{name}.log").read_text(errors="replace").strip().splitlines()
        return lines[-1][:_SHOWN] if lines else "it said nothing"

    async def close(self) -> None:
        """End all, politely first."""
        living = [process for process in self._running.values() if process.returncode is None]
        for process in living:
            with contextlib.suppress(ProcessLookupError):
                process.send_signal(signal.SIGTERM)
        for process in living:
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(process.wait(), _PATIENCE)
            with contextlib.suppress(ProcessLookupError, PermissionError):  # the latter of what is gone, on macOS
                os.killpg(process.pid, signal.SIGKILL)
            await process.wait()
        self._running.clear()


def daemon(house: House) -> Sequence[str]:
    """How lnwatch is run."""
    return (sys.executable, "-m", "lnwatch", "run", "--config", str(house.config))


def alerts(house: House) -> Sequence[str]:
    """How the alerts are made that Prometheus is to watch over."""
    output = house.folder / _ALERTS
    return (sys.executable, "-m", "lnwatch", "alerts", "build", "--config", str(house.config), "--output", str(output))


def prometheus(house: House, port: int) -> Sequence[str] | None:
    """How Prometheus is run beside it, with the alerts; None where it is not installed."""
    found = shutil.which("prometheus")
    if found is None:
        return None
    config = house.folder / "prometheus.yml"
    jobs = "".join(
        f"- job_name: {job}\n  metrics_path: {path}\n  static_configs: [{{targets: ['127.0.0.1:{house.port}']}}]\n"
        for job, path in (("lnwatch", "/metrics"), ("lnwatch-channels", "/metrics/channels"))
    )
    every = f"global: {{scrape_interval: {_SCRAPED_EVERY}, evaluation_interval: {_SCRAPED_EVERY}}}\n"
    config.write_text(f"{every}rule_files: ['{_ALERTS}/*.rules.yml']\nscrape_configs:\n{jobs}")
    return (
        found,
        f"--config.file={config}",
        f"--storage.tsdb.path={house.folder / 'prometheus'}",
        f"--web.listen-address=127.0.0.1:{port}",
        "--log.level=warn",
    )
