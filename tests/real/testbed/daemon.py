"""lnwatch itself, as a merchant starts it: a configuration file and one process."""

import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

import httpx

from tests.forks import COMMAND
from tests.real.testbed.bed import Bed
from tests.real.testbed.exposition import Exposition
from tests.real.testbed.ledger import LedgerFile
from tests.real.testbed.lnd import Lnd
from tests.real.testbed.ports import free_port
from tests.real.testbed.process import Process
from tests.real.testbed.waiting import until

COLLECTORS = (
    "policies",
    "pending",
    "peers",
    "wallet",
    "invoices",
    "payments",
    "forwards",
    "history",
    "closed",
    "watchtower",
    "backup",
)
LNWATCH = Path(sys.executable).with_name("lnwatch")
SITE = "main"
Table = Mapping[str, object]


def to_toml(table: Table, path: str = "") -> str:
    """A nested mapping as TOML: first its values, then its tables."""
    values = [f"{key} = {_value(value)}" for key, value in table.items() if not isinstance(value, Mapping)]
    header = [f"[{path}]"] if path and values else []
    inner = [
        to_toml(value, f"{path}.{key}" if path else key) for key, value in table.items() if isinstance(value, Mapping)
    ]
    return "\n".join([*header, *values, *inner]) + "\n"


def _value(value: object) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, (list, tuple)):
        return f"[{', '.join(_value(each) for each in value)}]"
    return str(value) if isinstance(value, int) else f"'{value}'"


def merged(base: Table, extra: Table) -> dict[str, object]:
    """`base` with the keys of `extra` put into it, tables into tables."""
    result = dict(base)
    for key, value in extra.items():
        old = result.get(key)
        result[key] = merged(old, value) if isinstance(old, Mapping) and isinstance(value, Mapping) else value
    return result


def quick(*collectors: str) -> dict[str, object]:
    """Intervals for tests: node and channels often; these collectors as often as lnwatch's own limit on slower
    questions lets them, two in 15 seconds; the others at the start and when something happened."""
    pace: dict[str, object] = {f"{name}_interval": "1h" for name in COLLECTORS}
    pace |= {f"{name}_interval": f"{8 * len(collectors)}s" for name in collectors}
    return pace | {"node_interval": "2s", "channels_interval": "2s"}


def node_settings(node: Lnd, pace: Table, *, macaroon: Path | None = None) -> dict[str, object]:
    """The block of a Lightning node."""
    return {
        "address": node.address,
        "tls_cert_file": node.certificate,
        "macaroon_file": macaroon or node.macaroon(),
        "backup_file": node.backup,
        **pace,
    }


def chain_settings(bed: Bed) -> dict[str, object]:
    """The block of bitcoind."""
    return {"url": bed.bitcoind.url, "cookie_file": bed.bitcoind.cookie, "interval": "2s", "deadline": "1500ms"}


def site_settings(bed: Bed, pace: Table) -> dict[str, object]:
    """A merchant's site: bitcoind `core`, the node `ln1`, and the machine `here`."""
    return {
        "bitcoind": {"core": chain_settings(bed)},
        "lnd": {"ln1": node_settings(bed.merchant, pace)},
        "host": {"here": {"interval": "2s", "deadline": "1500ms"}},
    }


class Daemon:
    """One lnwatch with its own folder; `settings` is laid over what every test needs, `program` runs it."""

    def __init__(
        self, folder: Path, site: Table, settings: Table | None = None, program: Sequence[str | Path] = (LNWATCH, "run")
    ) -> None:
        (folder / "data").mkdir(parents=True, mode=0o700)
        self.folder = folder
        self.port = free_port()
        base = {
            "data_dir": folder / "data",
            "web": {"listen": f"127.0.0.1:{self.port}"},
            "site": {SITE: site},
        }
        self.config = folder / "lnwatch.toml"
        self.config.write_text(to_toml(merged(base, settings or {})))
        self.config.chmod(0o600)
        self.process = Process("lnwatch", [*program, "--config", self.config], folder / "lnwatch.log")
        self.http = httpx.Client(base_url=f"http://127.0.0.1:{self.port}", timeout=10)

    def start(self, timeout: float = 30) -> None:
        """Start it and wait until its first cycle is done."""
        self.process.start()

        def ready() -> bool:
            self.process.check()
            return self.get("/readyz").is_success

        until("lnwatch is ready", ready, timeout=timeout)

    def restart(self) -> None:
        """Kill it where it stands, and bring it back."""
        self.process.kill()
        self.start()

    def get(self, path: str) -> httpx.Response:
        """One page."""
        try:
            return self.http.get(path)
        except httpx.TransportError as error:
            raise ConnectionError(f"lnwatch does not answer: {error}") from error

    def scrape(self, path: str = "/metrics") -> Exposition:
        """What it exposes now."""
        return Exposition(self.get(path).raise_for_status().text)

    @property
    def ledger(self) -> LedgerFile:
        """What it stored, where that is the SQLite file of its own folder."""
        return LedgerFile(self.folder / "data" / "ledger.sqlite3")

    def state_of(self, source: str, site: str = SITE) -> str:
        """The state of a source, as exported. Raises LookupError while it has none."""
        states = self.scrape().by("state", "lnwatch_target_state", site=site, source=source)
        (state,) = (state for state, value in states.items() if value == 1) if states else ("",)
        return state

    def in_state(self, source: str, state: str, site: str = SITE) -> None:
        """Wait until a source is in this state."""

        def reached() -> bool:
            found = self.state_of(source, site)
            assert found == state, f"{source} is {found}"
            return True

        until(f"{source} {state}", reached, timeout=90, pause=0.3)

    def command(self, *words: str | Path) -> subprocess.CompletedProcess[str]:
        """Run another command of lnwatch over the same configuration."""
        arguments = [str(part) for part in (*words, "--config", self.config)]
        return COMMAND.run(arguments, env={"COLUMNS": "240", "NO_COLOR": "1"}, cwd=self.folder)

    def close(self) -> None:
        """Stop it for good."""
        self.process.stop()
        self.http.close()


@contextmanager
def running(
    folder: Path,
    site: Table,
    settings: Table | None = None,
    *,
    secrets: Sequence[str] = (),
    program: Sequence[str | Path] = (LNWATCH, "run"),
) -> Iterator[Daemon]:
    """A daemon that is started here, ends in good order, and kept its secrets."""
    daemon = Daemon(folder, site, settings, program)
    try:
        daemon.start()
        yield daemon
        status = daemon.process.stop()
        output = daemon.process.output()
        assert status == 0, f"lnwatch ended with status {status}: {daemon.process.tail()}"
        assert "Traceback" not in output, output
        assert not [secret[:6] for secret in secrets if secret in output], "a secret stands in the log"
    finally:
        daemon.close()
