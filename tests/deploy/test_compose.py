"""compose.yaml: hardened, pinned, closed to the world, and true to the files beside it."""

import re
import subprocess
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from tests.deploy.documents import DEPLOY, read

COMPOSE = read("compose.yaml")
SERVICES: Mapping[str, Any] = COMPOSE["services"]
ROOT = DEPLOY.parent


@pytest.mark.parametrize("name", SERVICES)
def test_every_service_is_hardened(name: str) -> None:
    """Each service has a read-only root, no capability, no way to gain one, a limit of processes and of logs."""
    service = SERVICES[name]
    assert service["read_only"] is True
    assert service["cap_drop"] == ["ALL"]
    assert "cap_add" not in service
    assert service["security_opt"] == ["no-new-privileges:true"]
    assert service["pids_limit"] > 0
    assert service["logging"]["options"]["max-size"]
    assert not {"privileged", "network_mode", "pid", "devices"} & service.keys()


@pytest.mark.parametrize("name", SERVICES)
def test_every_image_is_pinned(name: str) -> None:
    """Each image bears the tag of one release, not of a line of releases."""
    tag = SERVICES[name]["image"].rpartition(":")[2]
    assert re.fullmatch(r"v?\d+\.\d+(\.\d+)?(-[a-z]+)?", tag)


@pytest.mark.parametrize("name", SERVICES)
def test_no_port_is_open_to_the_world(name: str) -> None:
    """Ports are published on loopback alone, and the ledger's not at all."""
    ports = SERVICES[name].get("ports", [])
    assert all(port.startswith("127.0.0.1:") for port in ports)
    assert bool(ports) == (name != "postgres")


@pytest.mark.parametrize("name", [name for name in SERVICES if name != "lnwatch"])
def test_every_service_is_watched(name: str) -> None:
    """Each service has a health check; lnwatch's own stands in its image."""
    assert SERVICES[name]["healthcheck"]["test"][0] == "CMD"


def test_secrets_come_from_files() -> None:
    """No password stands in an environment: what is secret is named as a file below /run/secrets that is mounted."""
    for service in SERVICES.values():
        for key, value in service.get("environment", {}).items():
            if re.search(r"PASSWORD|TOKEN|URL_FILE|SECRET", key):
                assert key.endswith("_FILE")
                assert value.removeprefix("/run/secrets/") in service["secrets"]
        assert set(service.get("secrets", [])) <= COMPOSE["secrets"].keys()


def test_only_lnwatch_reaches_the_ledger() -> None:
    """The ledger's network leads nowhere and has two members."""
    assert COMPOSE["networks"]["ledger"] == {"internal": True}
    assert {name for name, service in SERVICES.items() if "ledger" in service["networks"]} == {"lnwatch", "postgres"}
    assert SERVICES["postgres"]["networks"] == ["ledger"]


def test_what_it_mounts_exists() -> None:
    """Every file that is mounted is here, but what the operator writes."""
    written_by_the_operator = {"./lnwatch.toml", "./credentials"}
    for service in SERVICES.values():
        for volume in service.get("volumes", []):
            source = volume["source"] if isinstance(volume, dict) else volume.split(":")[0]
            if source.startswith(".") and source not in written_by_the_operator:
                assert (DEPLOY / source).exists()
            elif not source.startswith("."):
                assert source in COMPOSE["volumes"]


def test_the_secrets_are_made_once(tmp_path: Path) -> None:
    """The script makes every secret that compose.yaml names, in a closed folder, and never makes one anew."""
    script = tmp_path / "make-secrets.sh"
    script.write_bytes((DEPLOY / "make-secrets.sh").read_bytes())
    contents = []
    for _ in range(2):
        subprocess.run(["sh", script], check=True, capture_output=True)
        contents.append({path.name: path.read_text() for path in (tmp_path / "secrets").iterdir()})
    assert contents[0] == contents[1]
    assert contents[0].keys() == COMPOSE["secrets"].keys()
    assert len(set(contents[0].values())) == len(contents[0])
    assert all(len(value) >= 32 for value in contents[0].values())
    assert contents[0]["postgres_password"] in contents[0]["ledger_url"]
    assert (tmp_path / "secrets").stat().st_mode & 0o777 == 0o700


def test_the_image_has_the_version_of_the_package() -> None:
    """The tag of our own image is the version that the package has."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())
    version = re.search(r'__version__ = "(.+)"', (ROOT / project["tool"]["hatch"]["version"]["path"]).read_text())
    assert version is not None
    assert SERVICES["lnwatch"]["image"] == f"lnwatch:{version[1]}"
