"""A PostgreSQL of the bench's own: Debian's server with its defaults, on a free port, gone at the end."""

import os
import pwd
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from lnwatch.simulator.ports import free_port


def programs() -> Path | None:
    """The folder of the newest installed server; None where there is none."""
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"), key=lambda path: int(path.parts[-3]))
    if found:
        return found[-1].parent
    initdb = shutil.which("initdb")
    return Path(initdb).resolve().parent if initdb else None


@contextmanager
def postgres(where: Path, folder: Path) -> Iterator[str]:
    """Run the server of `where` with its data in `folder`, and hand out the URL of an empty database."""
    folder.mkdir()
    user = None
    if os.geteuid() == 0:  # the server refuses to run as root
        user = "postgres"
        os.chown(folder, pwd.getpwnam(user).pw_uid, pwd.getpwnam(user).pw_gid)
    port, data = free_port(), folder / "data"

    def run(*command: str | Path) -> None:
        subprocess.run(command, check=True, capture_output=True, user=user, cwd=folder, timeout=120)

    run(where / "initdb", "-D", data, "-U", "bench", "--auth=trust", "--encoding=UTF8", "--no-locale")
    options = f"-c listen_addresses=127.0.0.1 -c port={port} -c unix_socket_directories={folder}"
    run(where / "pg_ctl", "-D", data, "-l", folder / "log", "-w", "-o", options, "start")
    try:
        yield f"postgresql://bench@127.0.0.1:{port}/postgres"
    finally:
        run(where / "pg_ctl", "-D", data, "-w", "-m", "immediate", "stop")
