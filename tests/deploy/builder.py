"""Carries a Dockerfile out where there is no builder: every stage is an overlay over this machine, every RUN a chroot.

It stands in for the base image with this machine's own Debian and Python, and is otherwise no more lenient than a
builder: the context holds only what .dockerignore lets through, a stage sees only what was copied into it, and RUN
gets only the environment that ENV and ARG set (beside the package client's own settings).

Needs root, and runs in a mount namespace of its own, so that nothing stays mounted: `unshare --mount --pid --fork`.
"""

import fnmatch
import importlib.util
import os
import shutil
import subprocess
import sys
import time
from dataclasses import dataclass, field
from pathlib import Path

from tests.deploy.dockerfile import Instruction, parse, substitute

# A package client finds its proxy and its certificates in these, in a real build by build arguments.
_CLIENT = ("PIP_CERT", "PIP_INDEX_URL", "PIP_DEFAULT_TIMEOUT", "HTTP_PROXY", "HTTPS_PROXY", "NO_PROXY", "SSL_CERT_FILE")
CHROOT = "/usr/sbin/chroot"  # by its whole path: a stage has a PATH of its own
_BASE_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"


@dataclass(slots=True)
class Stage:
    """One FROM: `root` is what a container would see as `/`, `layer` what was added to the base."""

    name: str
    root: Path
    layer: Path
    env: dict[str, str] = field(default_factory=lambda: {"PATH": _BASE_PATH})
    workdir: str = "/"
    user: str = "0:0"
    volumes: list[str] = field(default_factory=list)
    entrypoint: list[str] = field(default_factory=list)
    command: list[str] = field(default_factory=list)
    health: list[str] = field(default_factory=list)
    exposed: list[str] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Step:
    """What one instruction took and left: seconds, and bytes that the layer grew by."""

    instruction: str
    seconds: float
    grew: int


def occupied(folder: Path) -> int:
    """Bytes of the files below a folder, as an image's size counts them."""
    return sum(path.lstat().st_size for path in folder.rglob("*") if not path.is_dir() or path.is_symlink())


def mount(*arguments: str) -> None:
    """Attach a file system. Raises CalledProcessError."""
    subprocess.run(["mount", *arguments], check=True, capture_output=True, text=True)


class Builder:
    """Builds the stages of one Dockerfile under `work`; `steps` tells what each instruction took."""

    def __init__(self, context: Path, work: Path) -> None:
        self.work = work
        self.context = work / "context"
        self.base = work / "base"
        self.stages: list[Stage] = []
        self.steps: list[Step] = []
        self._arguments: dict[str, str] = {}
        work.mkdir(parents=True, exist_ok=True)
        mount("-t", "tmpfs", "-o", "mode=0755", "stages", str(work))
        _fill_context(context, self.context)
        _base_image(self.base)

    def build(self, text: str) -> Stage:
        """Carry every instruction out and return the last stage."""
        for instruction in parse(text):
            layer = self.stages[-1].layer if self.stages else self.context
            before, started = occupied(layer), time.monotonic()
            getattr(self, f"_{instruction.keyword.lower()}")(instruction)
            grew = occupied(self.stages[-1].layer) - before if self.stages and layer == self.stages[-1].layer else 0
            self.steps.append(Step(f"{instruction.keyword} {instruction.text}", time.monotonic() - started, grew))
        return self.stages[-1]

    def _arg(self, instruction: Instruction) -> None:
        self._arguments |= instruction.pairs()

    def _from(self, instruction: Instruction) -> None:
        substitute(instruction.text, self._arguments)
        name = instruction.text.partition(" AS ")[2] or str(len(self.stages))
        layer, inner, root = (self.work / f"{name}-{part}" for part in ("layer", "inner", "root"))
        for folder in (layer, inner, root):
            folder.mkdir()
        mount("-t", "overlay", "-o", f"lowerdir={self.base}:/,upperdir={layer},workdir={inner}", "stage", str(root))
        for shared in ("proc", "dev", "sys"):
            mount("--rbind", f"/{shared}", str(root / shared))
        subprocess.run([CHROOT, str(root), "/sbin/ldconfig"], check=True)
        self.stages.append(Stage(name, root, layer))

    def _copy(self, instruction: Instruction) -> None:
        stage, (*sources, target) = self.stages[-1], instruction.words()
        origin = self.context
        if "from" in instruction.flags:
            origin = next(one.root for one in self.stages if one.name == instruction.flags["from"])
        place = stage.root / str(Path(stage.workdir, target)).lstrip("/")
        for pattern in sources:
            found = list(origin.glob(pattern.lstrip("/")))
            if not found:
                raise FileNotFoundError(f"COPY {pattern}: not in the context; does .dockerignore let it through?")
            for source in found:
                if source.is_dir():
                    shutil.copytree(source, place, symlinks=True, dirs_exist_ok=True)
                else:
                    shutil.copy2(source, place / source.name if target.endswith("/") else place)

    def _run(self, instruction: Instruction) -> None:
        stage = self.stages[-1]
        if stage.user != "0:0":
            raise ValueError("the proof runs RUN as root alone: put USER behind it")
        client = {key: value for key, value in os.environ.items() if key.upper() in _CLIENT}
        subprocess.run(
            [CHROOT, str(stage.root), "/usr/bin/env", "--chdir", stage.workdir, "/bin/sh", "-c", instruction.text],
            env=stage.env | client,
            check=True,
            stdin=subprocess.DEVNULL,
            stdout=sys.stderr,
        )

    def _env(self, instruction: Instruction) -> None:
        stage = self.stages[-1]
        known = self._arguments | stage.env
        stage.env |= {key: substitute(value, known) for key, value in instruction.pairs().items()}

    def _workdir(self, instruction: Instruction) -> None:
        stage = self.stages[-1]
        stage.workdir = instruction.text
        (stage.root / instruction.text.lstrip("/")).mkdir(parents=True, exist_ok=True)

    def _user(self, instruction: Instruction) -> None:
        self.stages[-1].user = instruction.text

    def _volume(self, instruction: Instruction) -> None:
        self.stages[-1].volumes += instruction.words()

    def _expose(self, instruction: Instruction) -> None:
        self.stages[-1].exposed += instruction.words()

    def _entrypoint(self, instruction: Instruction) -> None:
        self.stages[-1].entrypoint = instruction.words()

    def _cmd(self, instruction: Instruction) -> None:
        self.stages[-1].command = instruction.words()

    def _healthcheck(self, instruction: Instruction) -> None:
        form = Instruction("CMD", {}, instruction.text.removeprefix("CMD").strip())
        self.stages[-1].health = form.words()

    def _label(self, instruction: Instruction) -> None:
        """Labels change nothing that runs."""


def _fill_context(source: Path, target: Path) -> None:
    """Copy what .dockerignore lets through: later lines win, `!` lets in again, as a builder reads it."""
    rules = [line for line in (source / ".dockerignore").read_text().splitlines() if line and line[0] != "#"]
    for where, folders, files in os.walk(source):
        folders[:] = [name for name in folders if name not in {".git", ".venv"}]
        for name in files:
            path = Path(where, name).relative_to(source)
            if _ignored(path, rules):
                continue
            (target / path).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(source / path, target / path)


def _ignored(path: Path, rules: list[str]) -> bool:
    ancestors = [str(one) for one in (path, *path.parents)][:-1]
    ignored = False
    for rule in rules:
        pattern = rule.removeprefix("!").removeprefix("**/")
        anywhere = pattern != rule.removeprefix("!")
        if any(fnmatch.fnmatch(Path(one).name if anywhere else one, pattern) for one in ancestors):
            ignored = not rule.startswith("!")
    return ignored


def _base_image(base: Path) -> None:
    """Lay out the running interpreter as the base image has it: Python and pip alone, under /usr/local."""
    home, local = Path(sys.base_prefix), base / "usr/local"
    library = f"lib/python{sys.version_info.major}.{sys.version_info.minor}"
    strangers = shutil.ignore_patterns("test", "*-packages", "__pycache__", "EXTERNALLY-MANAGED")
    shutil.copytree(home / library, local / library, symlinks=True, ignore=strangers)
    pip = importlib.util.find_spec("pip")
    if pip is None or pip.origin is None:
        raise ModuleNotFoundError("the base image has pip, and this environment has none to lend")
    shutil.copytree(Path(pip.origin).parent, local / library / "site-packages/pip")
    for shared in (home / "lib").glob("libpython*.so*"):
        shutil.copy2(shared, local / "lib")
    programs = local / "bin"
    programs.mkdir()
    shutil.copy2((home / "bin/python3").resolve(), programs / "python3")
    (programs / "python").symlink_to("python3")
    (programs / "pip").write_text('#!/bin/sh\nexec /usr/local/bin/python -m pip "$@"\n')
    (programs / "pip").chmod(0o755)
