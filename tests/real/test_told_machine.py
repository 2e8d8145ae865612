"""The machine under it all: its clock is put forward, one of its disks fills."""

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests import moved_clock
from tests.audience import CALLED_OFF, ENDED, PAGED, TOLD, Audience, Heard
from tests.moved_clock import move
from tests.real.testbed.bed import Bed
from tests.real.testbed.daemon import SITE, Daemon, merged, quick, running, site_settings

pytestmark = pytest.mark.real

AHEAD = 600  # seconds
SOON = {"after": "2s"}
RULES = {
    "clock_skew": SOON,
    "clock_jump": {"recent_seconds": "5s"},
    "host_disk_low": SOON,
    "bitcoind_no_peers": {"after": "1d"},  # the bitcoind of the bed has none
}


@pytest.fixture(scope="module")
def offset(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """By how many seconds the clock under lnwatch is ahead."""
    file = tmp_path_factory.mktemp("clock") / "offset"
    move(file, 0)
    return file


@pytest.fixture(scope="module")
def disk(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A small disk of its own."""
    folder = tmp_path_factory.mktemp("disk")
    mount = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=16m", "tmpfs", folder], check=False, capture_output=True, text=True
    )
    if mount.returncode:
        pytest.skip(f"nobody but root may mount a disk: {mount.stderr.strip()}")
    yield folder
    subprocess.run(["umount", folder], check=True)


@pytest.fixture(scope="module")
def desk(
    bed: Bed, audience: Audience, offset: Path, disk: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Daemon]:
    """A daemon whose clock can be moved."""
    site = merged(site_settings(bed, quick()), {"host": {"here": {"paths": [disk]}}})
    settings = {"notify": audience.telling(), "rules": RULES}
    folder = tmp_path_factory.mktemp("told") / "lnwatch"
    program = (sys.executable, "-P", moved_clock.__file__, offset)
    with running(folder, site, settings, secrets=bed.secrets(), program=program) as daemon:
        for source in ("core", "ln1"):
            daemon.in_state(source, "up")
        yield daemon


def test_moved_clock(desk: Daemon, audience: Audience, offset: Path) -> None:
    """Our own clock is put forward, and back: each jump is told, and that the node disagrees, and nothing else."""
    jump, skew = ("clock_jump", "site:lnwatch"), ("clock_skew", "source:core")
    move(offset, AHEAD)
    audience.hears("lnwatch", {jump: Heard(ENDED)})
    audience.hears(SITE, {skew: Heard(TOLD)})
    assert "it went ahead by 10 min at once" in audience.said("lnwatch", jump)[0]
    assert "The clock of source:core (bitcoind) is 10 min behind lnwatch's" in audience.said(SITE, skew)[0]
    move(offset, 0)
    audience.hears(SITE, {skew: Heard(ENDED)})
    audience.hears("lnwatch", {jump: Heard((*ENDED, "reopened"))})


def test_disk_that_fills(desk: Daemon, audience: Audience, disk: Path) -> None:
    """A disk with less than a twentieth free is told, until there is room again."""
    before, case = audience.heard(SITE), ("host_disk_low", f"path:{disk}")
    ballast = disk / "ballast"
    ballast.write_bytes(bytes(16_200_000))
    audience.hears(SITE, before | {case: Heard(TOLD, PAGED)})
    ballast.unlink()
    audience.hears(SITE, before | {case: Heard(ENDED, CALLED_OFF)})
