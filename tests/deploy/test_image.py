"""The image, built and run by the steps of the Dockerfile itself."""

import json
import os
import subprocess
import sys
from collections.abc import Mapping
from typing import Any

import pytest

from tests.deploy.dockerfile import parse, substitute
from tests.deploy.image import NAMESPACE, ROOT
from tests.requirements import REQUIRED

Proof = Mapping[str, Any]


def _unable() -> str:
    """Why the proof can't run here; empty where it can."""
    if sys.version_info[:2] != (3, 11):
        return "the locks of the image are proved on its own Python, 3.11"
    if os.geteuid() != 0:
        return "building an image takes root"
    tried = subprocess.run([*NAMESPACE, "true"], check=False, capture_output=True, text=True)
    return "" if tried.returncode == 0 else f"no mount namespace here: {tried.stderr.strip()}"


@pytest.fixture(scope="module")
def proof() -> Proof:
    """The image, built once."""
    if reason := _unable():
        (pytest.fail if REQUIRED else pytest.skip)(reason)
    command = [sys.executable, "-m", "tests.deploy.image"]
    done = subprocess.run(command, cwd=ROOT, check=False, capture_output=True, text=True, timeout=900)
    assert done.returncode == 0, done.stderr[-4000:]
    found: Proof = json.loads(done.stdout)
    return found


@pytest.mark.timeout(960)
def test_every_step_of_the_dockerfile_succeeds(proof: Proof) -> None:
    """Each instruction was carried out, and the finished image tells its version."""
    steps = [step["instruction"].split()[0] for step in proof["steps"]]
    assert steps == [instruction.keyword for instruction in parse((ROOT / "Dockerfile").read_text())]
    assert proof["version"].startswith("lnwatch ")


def test_it_runs_without_rights(proof: Proof) -> None:
    """It runs as user 10001 with a read-only root, and nothing but /data can be written."""
    assert proof["user"] == "10001"
    assert proof["writable"] == []


def test_the_health_check_tells_the_truth(proof: Proof) -> None:
    """The check fails while nothing runs and passes while the daemon does; SIGTERM ends that with status 0."""
    assert proof["health_before"] != 0
    assert proof["health_while_running"] == 0, proof["log"][-4000:]
    assert proof["stopped_with"] == 0, proof["log"][-4000:]


def test_what_is_kept_is_private(proof: Proof) -> None:
    """The ledger lies in the volume and is closed to others."""
    assert "ledger.sqlite3 0600" in proof["left_in_data"]
    assert all(entry.endswith("00") for entry in proof["left_in_data"])


def test_it_stays_small(proof: Proof) -> None:
    """What the image adds to its base is no more than 120 MB, so that the whole stays near 200."""
    assert proof["grew"] < 120_000_000


def test_hashes_are_required_of_every_package() -> None:
    """No instruction installs from an index without hashes, and the base is a tag of a full version."""
    instructions = parse((ROOT / "Dockerfile").read_text())
    commands = [command.strip() for one in instructions if one.keyword == "RUN" for command in one.text.split("&&")]
    installs = [command for command in commands if command.startswith("pip ")]
    assert len(installs) == 4
    assert all("--require-hashes" in command or "--no-index" in command for command in installs)
    base = next(one.pairs()["PYTHON_IMAGE"] for one in instructions if one.keyword == "ARG")
    assert base.split(":")[1].split("-")[0].count(".") == 2


def test_the_reader_refuses_what_it_does_not_know() -> None:
    """An instruction that the proof can't carry out is an error, never skipped."""
    with pytest.raises(ValueError, match="SHELL"):
        parse('SHELL ["/bin/bash"]')


def test_the_reader_joins_lines_and_finds_flags() -> None:
    """Comments go, continued lines are one, flags stand apart, JSON forms are split as written."""
    one, two = parse('# no\nCOPY --from=build \\\n  /a /b\nCMD ["run", "a b"]\n')
    assert (one.keyword, dict(one.flags), one.words()) == ("COPY", {"from": "build"}, ["/a", "/b"])
    assert two.words() == ["run", "a b"]
    assert substitute("${A}/$B", {"A": "x", "B": "y"}) == "x/y"
