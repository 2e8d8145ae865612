"""A PostgreSQL of the tests' own: Debian's server on a free port of this machine, one per session.

`postgres_server` is the running cluster, `postgres_url` the URL of an empty database in it. Where the
server is absent the test is skipped, or fails where the real stack is required.
"""

import itertools
import os
import pwd
import secrets
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import psycopg
import pytest

from lnwatch.simulator.ports import free_port
from tests.requirements import require

USER = "lnwatch"


@dataclass(slots=True)
class PostgresServer:
    """A cluster in a folder; `start`, `stop` and the signals are for tests of outages."""

    programs: Path
    folder: Path
    port: int
    password: str = field(default_factory=lambda: secrets.token_hex(8))
    _process: subprocess.Popen[bytes] | None = None
    _numbers: Iterator[int] = field(default_factory=itertools.count)
    _template: str = ""

    def create(self) -> None:
        """Make the cluster. It is thrown away, so nothing waits for the disk."""
        self.folder.mkdir()
        if (owner := _owner()) is not None:
            shutil.chown(self.folder, owner)
        secret = self.folder / "password"
        secret.write_text(self.password)
        secret.chmod(0o644)
        self._run(
            "initdb",
            *("--pgdata", self._data, "--username", USER, "--pwfile", secret),
            *("--auth", "scram-sha-256", "--encoding", "UTF8", "--no-locale", "--no-sync"),
        )

    def start(self) -> None:
        """Start, and wait until it answers."""
        settings = {
            "listen_addresses": "127.0.0.1",
            "port": self.port,
            "unix_socket_directories": self.folder,
            "fsync": "off",
            "full_page_writes": "off",
            "max_connections": 40,
            "shared_buffers": "32MB",
        }
        options = [f"--{name}={value}" for name, value in settings.items()]
        # It dies with the tests, however they die.
        watched = ["setpriv", "--pdeathsig", "QUIT"] if shutil.which("setpriv") else []
        with (self.folder / "log").open("ab") as log:
            self._process = subprocess.Popen(
                [*watched, self.programs / "postgres", "-D", self._data, *options],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                user=_owner(),
                cwd=self.folder,
            )
        for _ in range(600):
            try:
                psycopg.connect(self.url("postgres")).close()
            except psycopg.OperationalError:
                if self._process.poll() is not None:
                    break
                time.sleep(0.05)
            else:
                return
        pytest.fail(f"PostgreSQL did not start: {(self.folder / 'log').read_text()[-2_000:]}", pytrace=False)

    def stop(self) -> None:
        """Stop at once, as a crash would."""
        if self._process is not None:
            self._process.send_signal(signal.SIGQUIT)
            self._process.wait(timeout=30)
            self._process = None

    def freeze(self) -> None:
        """Every process of the cluster stands still; sockets stay open."""
        self._signal(signal.SIGSTOP)

    def thaw(self) -> None:
        """They go on."""
        self._signal(signal.SIGCONT)

    def database(self, template: str = "template1") -> str:
        """The URL of a new database: an empty one, or a copy of another."""
        name = f"ledger_{next(self._numbers)}"
        with psycopg.connect(self.url("postgres"), autocommit=True) as connection:
            connection.execute(f"CREATE DATABASE {name} TEMPLATE {template}")
        return self.url(name)

    def template(self, fill: Callable[[str], None]) -> str:
        """The name of a database to copy, which `fill` filled by its URL, once."""
        if not self._template:
            url = self.database()
            fill(url)
            self._template = url.rpartition("/")[2]
        return self._template

    def url(self, database: str) -> str:
        """With user and password."""
        return f"postgresql://{USER}:{self.password}@127.0.0.1:{self.port}/{database}"

    @property
    def _data(self) -> Path:
        return self.folder / "data"

    def _signal(self, number: signal.Signals) -> None:
        assert self._process is not None
        leader = self._process.pid
        children = subprocess.run(
            ["ps", "-o", "pid=", "--ppid", str(leader)], check=False, capture_output=True, text=True
        )
        for process in (leader, *map(int, children.stdout.split())):
            os.kill(process, number)

    def _run(self, program: str, *arguments: str | Path) -> None:
        subprocess.run(
            [self.programs / program, *arguments],
            check=True,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            user=_owner(),
            cwd=self.folder,
            timeout=60,
        )


def _owner() -> str | None:
    """Who runs the server: it refuses to run as root."""
    if os.geteuid() != 0:
        return None
    return "postgres" if any(user.pw_name == "postgres" for user in pwd.getpwall()) else "nobody"


@pytest.fixture(scope="session")
def postgres_server() -> Iterator[PostgresServer]:
    """A running cluster for the whole session."""
    programs = require("postgres")
    # Not below pytest's own folder, which only its owner may enter: the server runs as somebody else.
    with tempfile.TemporaryDirectory(prefix="lnwatch-postgres-") as folder:
        Path(folder).chmod(0o755)
        server = PostgresServer(programs, Path(folder) / "cluster", free_port())
        server.create()
        server.start()
        try:
            yield server
        finally:
            server.stop()


@pytest.fixture
def postgres_url(postgres_server: PostgresServer) -> str:
    """The URL of an empty database, with user and password."""
    return postgres_server.database()
