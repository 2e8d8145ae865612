"""Proves the image where no builder exists: builds every stage of the Dockerfile and runs it as a container would.

    sudo .venv/bin/python -m tests.deploy.image

Prints what each step took and left, and what the running image showed, as one JSON object. It mounts only in a
mount namespace of its own, and needs root for it.
"""

import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import IO

from tests.deploy.builder import CHROOT, Builder, Stage, Step, mount, occupied
from tests.real.testbed.ports import free_port

ROOT = Path(__file__).parents[2]
NAMESPACE = ("unshare", "--mount", "--pid", "--fork", "--kill-child")
PATIENCE = 60  # seconds for a first start
_CONFIG = """\
[site.main.bitcoind.core]
url = "http://127.0.0.1:1"
cookie_file = "/data/none"

[site.main.host.here]
"""


@dataclass(frozen=True, slots=True)
class Proof:
    """What the finished image showed. Sizes in bytes; the base image comes on top of `grew`."""

    steps: tuple[Step, ...]
    grew: int
    user: str
    version: str
    writable: tuple[str, ...]
    health_before: int
    health_while_running: int
    seconds_to_health: float
    stopped_with: int
    stopped_in: float
    left_in_data: tuple[str, ...]
    log: str


def prove(work: Path) -> Proof:
    """Build, seal, run. Raises CalledProcessError where a step of the Dockerfile fails."""
    builder = Builder(ROOT, work)
    stage = builder.build((ROOT / "Dockerfile").read_text())
    grew = occupied(stage.layer)
    _seal(stage)
    container = _Container(stage)
    version = container.run([*stage.entrypoint, "--version"])
    found = container.run(["find", "/", "-xdev", "-type", "f,d", "-writable"])
    before = container.run(stage.health).returncode
    log = work / "log"
    with log.open("w") as output:
        started = time.monotonic()
        daemon = container.start([*stage.entrypoint, *stage.command], output)
        health = _wait_for_health(container, stage.health, daemon)
        healthy_after = time.monotonic() - started
        stopped = time.monotonic()
        daemon.terminate()
        code = daemon.wait(PATIENCE)
    return Proof(
        steps=tuple(builder.steps),
        grew=grew,
        user=container.run(["id", "-u"]).stdout.strip(),
        version=version.stdout.strip(),
        writable=tuple(sorted({*found.stdout.splitlines()} - {*stage.volumes})),
        health_before=before,
        health_while_running=health,
        seconds_to_health=healthy_after,
        stopped_with=code,
        stopped_in=time.monotonic() - stopped,
        left_in_data=tuple(_contents(stage.root / "data")),
        log=log.read_text(),
    )


def _seal(stage: Stage) -> None:
    """Add what compose.yaml mounts, and make the root read-only."""
    config = stage.root / "etc/lnwatch/lnwatch.toml"
    config.parent.mkdir(exist_ok=True)
    config.write_text(_CONFIG)
    mount("-o", "remount,ro", str(stage.root))
    for volume in stage.volumes:
        place = stage.root / volume.lstrip("/")
        was = place.stat()  # a fresh volume takes over the owner and the mode of the folder in the image
        options = f"uid={was.st_uid},gid={was.st_gid},mode={was.st_mode & 0o7777:o}"
        mount("-t", "tmpfs", "-o", options, "volume", str(place))


class _Container:
    """Starts programs in a stage as its user, with no capability and no way to gain one."""

    def __init__(self, stage: Stage) -> None:
        user, group = stage.user.split(":")
        drop = ["--clear-groups", "--no-new-privs", "--inh-caps=-all", "--bounding-set=-all"]
        self._enter = [CHROOT, str(stage.root), "setpriv", f"--reuid={user}", f"--regid={group}", *drop]
        self._enter += ["/usr/bin/env", "--chdir", stage.workdir]
        self._env = stage.env | {"LNWATCH_WEB__LISTEN": f"127.0.0.1:{free_port()}"}

    def run(self, command: Sequence[str]) -> "subprocess.CompletedProcess[str]":
        """Run one to its end."""
        return subprocess.run(
            [*self._enter, *command],
            env=self._env,
            check=False,
            capture_output=True,
            text=True,
            stdin=subprocess.DEVNULL,
            timeout=PATIENCE,
        )

    def start(self, command: Sequence[str], output: IO[str]) -> "subprocess.Popen[bytes]":
        """Start one and leave it running, its words to `output`."""
        argv = [*self._enter, *command]
        return subprocess.Popen(argv, env=self._env, stdin=subprocess.DEVNULL, stdout=output, stderr=output)


def _wait_for_health(container: _Container, check: Sequence[str], daemon: "subprocess.Popen[bytes]") -> int:
    deadline = time.monotonic() + PATIENCE
    code = 1
    while code != 0 and daemon.poll() is None and time.monotonic() < deadline:
        time.sleep(0.2)
        code = container.run(check).returncode
    return code


def _contents(folder: Path) -> list[str]:
    return sorted(f"{path.relative_to(folder)} {path.stat().st_mode & 0o777:04o}" for path in folder.rglob("*"))


def main() -> int:
    """Enter a mount namespace and prove in there."""
    if "--inside" in sys.argv:
        proof = prove(Path(sys.argv[-1]))
        json.dump(asdict(proof), sys.stdout, indent=2)
        return 0
    with tempfile.TemporaryDirectory(prefix="lnwatch-image-") as work:
        inside = [sys.executable, "-m", "tests.deploy.image", "--inside", work]
        return subprocess.run([*NAMESPACE, *inside], check=False, cwd=ROOT).returncode


if __name__ == "__main__":
    sys.exit(main())
