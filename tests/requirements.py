"""What some tests need beyond Python: found, or the test is skipped with the command that brings it.

With LNWATCH_REQUIRE_REAL=1 what is absent is a failure, never a skip.
"""

import os
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest


def _own(name: str) -> str:
    """What the variable says. It is renamed at once, for lnwatch refuses names with its prefix that it does not know,
    and kept, for the tests are shared among processes that start later."""
    if (said := os.environ.pop(f"LNWATCH_{name}", None)) is not None:
        os.environ[f"TESTS_OF_LNWATCH_{name}"] = said
    return os.environ.get(f"TESTS_OF_LNWATCH_{name}", "")


_OWN = {name: _own(name) for name in ("REQUIRE_REAL", "CACHE", "LND", "RELAYED")}
REQUIRED = _OWN["REQUIRE_REAL"] not in {"", "0"}
RELAYED = bool(_OWN["RELAYED"])  # the LND under test needs help with the bitcoind of the bed

RECIPE = Path(__file__).parent / "real" / "stack" / "build.sh"
_ADMINISTRATION = "/usr/local/sbin:/usr/sbin:/sbin"


def _program(*names: str) -> Callable[[], Path | None]:
    def find() -> Path | None:
        found = [shutil.which(name) or shutil.which(name, path=_ADMINISTRATION) for name in names]
        return next((Path(path) for path in found if path), None)

    return find


def _stack() -> Path | None:
    """Folder of the bitcoind, lnd and lncli that the recipe built for the present pins."""
    environment = {**os.environ, **({"LNWATCH_CACHE": _OWN["CACHE"]} if _OWN["CACHE"] else {})}
    told = subprocess.run([RECIPE, "--where"], check=True, capture_output=True, text=True, env=environment)
    folder = Path(told.stdout.strip())
    return folder if all((folder / name).exists() for name in ("bitcoind", "lnd", "lncli")) else None


def _lnd() -> Path | None:
    """The LND under test: that of the stack, or another release in the folder that LNWATCH_LND names."""
    folder = Path(_OWN["LND"]) if _OWN["LND"] else _stack()
    return folder / "lnd" if folder else None


def _postgres() -> Path | None:
    """Folder of PostgreSQL's server programs, which Debian keeps off PATH; the newest one."""
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"), key=lambda path: int(path.parts[-3]))
    if found:
        return found[-1].parent
    initdb = shutil.which("initdb")
    return Path(initdb).resolve().parent if initdb else None


_BUILD = "the real stack is not built: run tests/real/stack/build.sh"
_FINDERS: dict[str, tuple[Callable[[], Path | None], str]] = {
    "stack": (_stack, _BUILD),
    "lnd": (_lnd, _BUILD),
    "postgres": (_postgres, "PostgreSQL's server is absent: apt-get install postgresql"),
    "prometheus": (_program("prometheus"), "Prometheus is absent: apt-get install prometheus"),
    "promtool": (_program("promtool"), "promtool is absent: apt-get install prometheus"),
    "alertmanager": (
        _program("alertmanager", "prometheus-alertmanager"),
        "Alertmanager is absent: apt-get install prometheus-alertmanager",
    ),
    "amtool": (_program("amtool"), "amtool is absent: apt-get install prometheus-alertmanager"),
    "chromium": (_program("chromium", "chromium-browser"), "Chromium is absent: apt-get install chromium"),
}
_found: dict[str, Path | None] = {}


def require(name: str) -> Path:
    """The path of a program (for `stack` and `postgres` of a folder), or the end of this test."""
    find, remedy = _FINDERS[name]
    if name not in _found:
        _found[name] = find()
    path = _found[name]
    if path is None:
        if REQUIRED:
            pytest.fail(remedy, pytrace=False)
        pytest.skip(remedy)
    return path
