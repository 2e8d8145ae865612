"""lnwatch.service: understood by systemd, hardened, and in step with the defaults of the configuration."""

import shutil
import subprocess
from pathlib import Path

import pytest

from lnwatch.config.schema import DaemonSettings
from tests.deploy.documents import DEPLOY, unit

SYSTEMD = shutil.which("systemd-analyze")
needs_systemd = pytest.mark.skipif(SYSTEMD is None, reason="systemd-analyze is absent: apt-get install systemd")
UNIT = list(unit("lnwatch.service"))


def value(key: str) -> str:
    """The last value of a key."""
    return next(found for name, found in reversed(UNIT) if name == key)


@pytest.fixture
def installed(tmp_path: Path) -> Path:
    """The unit with a program that is there, so that systemd judges everything else."""
    path = tmp_path / "lnwatch.service"
    path.write_text((DEPLOY / "lnwatch.service").read_text().replace(value("ExecStart").split()[0], "/bin/true"))
    return path


def analyse(*words: "str | Path") -> "subprocess.CompletedProcess[str]":
    """Run systemd-analyze."""
    return subprocess.run([str(SYSTEMD), *words], check=False, capture_output=True, text=True, timeout=60)


@needs_systemd
def test_systemd_has_nothing_to_say(installed: Path) -> None:
    """`systemd-analyze verify` finds no key that it does not know and no value that it can't use."""
    done = analyse("verify", installed)
    complaints = [line for line in done.stderr.splitlines() if "lnwatch" in line]
    assert complaints == []


@needs_systemd
def test_it_is_hardly_exposed(installed: Path) -> None:
    """`systemd-analyze security` gives at most 1.5 of 10 points of exposure."""
    done = analyse("security", "--offline=yes", "--threshold=15", installed)
    assert done.returncode == 0, done.stdout.splitlines()[-1]


def test_it_keeps_its_data_where_the_default_is() -> None:
    """The state directory that systemd makes is the default `data_dir`, and closed to others."""
    assert Path("/var/lib", value("StateDirectory")) == DaemonSettings().data_dir
    assert value("StateDirectoryMode") == "0700"
    assert value("UMask") == "0077"


def test_a_wrong_configuration_is_not_tried_again() -> None:
    """It comes back after every end but that of a configuration that can't be used, which is exit status 2."""
    assert value("Restart") == "always"
    assert value("RestartPreventExitStatus") == "2"
