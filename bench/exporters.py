"""Starts the three programs of a run: the stand-in node, lnwatch, and the obvious exporter."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import grpc
import httpx

from bench.control import Node
from bench.process import Program
from lnwatch.simulator.ports import free_port

_PATIENCE = 60.0  # seconds for anything to come up


@dataclass(frozen=True, slots=True)
class StandIn:
    """A running node: where it listens, its credentials, and the line to its counts."""

    folder: Path
    node: Node

    @property
    def address(self) -> str:
        """Host and port of its gRPC."""
        return (self.folder / "address").read_text()


@dataclass(frozen=True, slots=True)
class Exporter:
    """A running exporter and where it answers."""

    program: Program
    base: str


@contextmanager
def stand_in(folder: Path, channels: int, invoices: int) -> Iterator[StandIn]:
    """Run the stand-in until the block ends."""
    folder.mkdir(parents=True)
    port = free_port()
    command = ["-m", "bench.node", str(folder), "--channels", str(channels), "--invoices", str(invoices)]
    with Program([*command, "--control", str(port)], folder / "log") as program:
        node = Node(port)
        _wait(program, lambda: bool(node.counts(1)) and (folder / "address").exists())
        yield StandIn(folder, node)
        node.close()


@contextmanager
def obvious(node: StandIn, *, graph: bool) -> Iterator[Exporter]:
    """Run the obvious exporter until the block ends."""
    port = free_port()
    command = ["-m", "bench.obvious", "--node", node.address, "--tls", str(node.folder / "tls.cert")]
    command += ["--macaroon", str(node.folder / "readonly.macaroon"), "--listen", str(port)]
    with Program(command + ([] if graph else ["--no-graph"]), node.folder / "obvious.log") as program:
        _wait(program, lambda: httpx.get(f"http://127.0.0.1:{port}/metrics", timeout=60).is_success)
        yield Exporter(program, f"http://127.0.0.1:{port}")


@contextmanager
def lnwatch(node: StandIn, folder: Path) -> Iterator[Exporter]:
    """Run the daemon until the block ends; its ledger stays in `folder`. It is up, not yet ready."""
    folder.mkdir(exist_ok=True)
    port = free_port()
    config = folder / "lnwatch.toml"
    config.write_text(_CONFIG.format(folder=folder, port=port, address=node.address, credentials=node.folder))
    with Program(["-m", "lnwatch", "run", "--config", str(config)], folder / "log") as program:
        await_health(program, f"http://127.0.0.1:{port}")
        yield Exporter(program, f"http://127.0.0.1:{port}")


def await_health(program: Program, base: str) -> None:
    """Wait until a daemon answers. Raises RuntimeError where it ends instead."""
    _wait(program, lambda: httpx.get(f"{base}/healthz", timeout=5).is_success)


_CONFIG = """\
data_dir = "{folder}"

[web]
listen = "127.0.0.1:{port}"

[site.main.lnd.ln1]
address = "{address}"
tls_cert_file = "{credentials}/tls.cert"
macaroon_file = "{credentials}/readonly.macaroon"
"""


def _wait(program: Program, up: Callable[[], bool]) -> None:
    deadline = time.monotonic() + _PATIENCE
    while True:
        program.alive()
        try:
            if up():
                return
        except (httpx.TransportError, grpc.RpcError):
            pass  # not up yet: the deadline decides
        if time.monotonic() > deadline:
            raise TimeoutError("it did not come up")
        time.sleep(0.1)
