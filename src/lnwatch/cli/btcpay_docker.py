"""An installation of btcpayserver-docker on this machine: found by Docker's own word, and how lnwatch joins it.

Docker is asked to list and to show, never to change. Of a container its environment is left out, for that
holds secrets; of the installation's `.env` two names alone are taken.
"""

import json
import re
import shutil
import subprocess
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Final

import typer
from pydantic import BaseModel, ConfigDict, TypeAdapter, ValidationError

from lnwatch.cli.surroundings import Bitcoind, Btcpay, Lnd, Nbxplorer, Surroundings

FLAG: Final = "--btcpay-docker"
PASSWORD_FILE: Final = Path("/credentials/core.password")  # where deploy/compose.yaml shows deploy/credentials
KEY_FILE: Final = Path("/credentials/btcpay.key")
_INSIDE: Final = PurePosixPath("/btcpay")  # where lnwatch's container sees what it may read
_PROJECT: Final = "generated"  # after the folder of the generated compose file
_CHAINS: Final = {"mainnet": "Main", "testnet": "TestNet", "regtest": "RegTest", "signet": "Signet"}
_PATIENCE: Final = 20.0  # seconds for one answer of Docker
_LABEL: Final = "com.docker.compose"
_SHOW: Final = (
    '{"name":{{json .Name}},"image":{{json .Config.Image}},"state":{{json .State.Status}},'
    '"labels":{{json .Config.Labels}},"mounts":{{json .Mounts}},"networks":{{json .NetworkSettings.Networks}}}'
)
_SETTING: Final = re.compile(r"""\s*(?:export\s+)?(BTCPAY_HOST|NBITCOIN_NETWORK)=["']?([A-Za-z0-9.:-]*)["']?\s*""")
_HOST: Final = re.compile(r"[A-Za-z0-9-]+(\.[A-Za-z0-9-]+)+")


class _Mount(BaseModel):
    model_config = ConfigDict(extra="ignore")

    Name: str = ""
    Source: str = ""


class _Shown(BaseModel):
    model_config = ConfigDict(extra="ignore")

    name: str
    image: str
    state: str
    labels: dict[str, str]
    mounts: list[_Mount]
    networks: dict[str, object]


_SHOWN: Final = TypeAdapter(_Shown)


@dataclass(frozen=True, slots=True)
class Container:
    """One container: where each of its volumes lies on this machine, and which networks it is in."""

    name: str
    image: str
    state: str
    volumes: Mapping[str, Path]
    networks: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Installation:
    """What was found: containers by service; `host` is the name that customers know, empty where it has none."""

    compose_file: Path
    network: str
    chain: str
    host: str
    containers: Mapping[str, Container]

    def surroundings(self) -> Surroundings:
        """What there is to watch, as lnwatch meets it from a container in the same network."""
        return Surroundings(
            bitcoind=Bitcoind("http://bitcoind:43782", user="lnwatch", password_file=PASSWORD_FILE)
            if "bitcoind" in self.containers
            else None,
            lnd=Lnd(
                "lnd_bitcoin:10009",
                tls_cert=Path(_INSIDE / "lnd/tls.cert"),
                macaroon=Path(_INSIDE / "lnd/readonly.macaroon"),
            )
            if "lnd_bitcoin" in self.containers
            else None,
            nbxplorer=Nbxplorer("http://nbxplorer:32838", Path(_INSIDE / "nbxplorer/.cookie"))
            if "nbxplorer" in self.containers
            else None,
            checkout=f"https://{self.host}/" if self.host else None,
            btcpay=Btcpay("http://btcpayserver:49392", KEY_FILE),
        )

    def compose(self, name: str) -> str:
        """What lnwatch's own compose file needs besides: the network, and of the volumes what it reads."""
        head = (
            f"# Written by `lnwatch init {FLAG}`: lnwatch joins BTCPay Server's network, and sees of its volumes what",
            "# stands here alone, read only.",
            "#",
            f"#   docker compose -f deploy/compose.yaml -f {name} up -d",
            "services:",
            "  lnwatch:",
            "    networks: [btcpay]",
        )
        binds = [
            f"      - {{type: bind, source: {json.dumps(str(source))}, target: {json.dumps(str(target))}, "
            "read_only: true, bind: {create_host_path: false}}"
            for source, target in self._shown()
        ]
        volumes = ["    volumes:", *binds] if binds else []
        tail = ("networks:", "  btcpay:", "    external: true", f"    name: {json.dumps(self.network)}", "")
        return "\n".join((*head, *volumes, *tail))

    def _shown(self) -> Iterator[tuple[Path, PurePosixPath]]:
        """Files and folders of its volumes with their places in lnwatch's container."""
        if (indexer := self._volume("nbxplorer", "nbxplorer_datadir")) is not None:
            yield indexer / _CHAINS[self.chain], _INSIDE / "nbxplorer"  # the folder: its cookie is replaced
        if (node := self._volume("lnd_bitcoin", "lnd_bitcoin_datadir")) is not None:
            for file in ("tls.cert", "readonly.macaroon"):  # and not the wallet that lies beside them
                yield node / file, _INSIDE / "lnd" / file

    def _volume(self, service: str, volume: str) -> Path | None:
        container = self.containers.get(service)
        return container.volumes.get(f"{_PROJECT}_{volume}") if container is not None else None

    def told(self, *, named: bool) -> Iterator[str]:
        """What was found, and what is left for a person to do; whether the stores are `named` already."""
        yield f"found BTCPay Server by {self.compose_file}, on {self.chain}, in the network {self.network}:"
        for service, container in sorted(self.containers.items()):
            yield f"  {service}: {container.image}, {container.state}"
        if "bitcoind" in self.containers:
            yield f"give bitcoind a user `lnwatch` (README, step 4), and put its password into deploy{PASSWORD_FILE}"
        yield f"make an API key in BTCPay Server (README, step 2), and put it into deploy{KEY_FILE}"
        if not named:
            yield "until its stores are named, BTCPay Server itself is not watched; the id is in the store's settings:"
            yield f"  lnwatch init {FLAG} --btcpay-store NAME=ID --force"
        if "lnd_bitcoin" in self.containers:
            yield "the channel backup lies beside LND's wallet and is not shown to lnwatch: its age is not watched"
        for service in ("clightning_bitcoin", "eclair_bitcoin", "phoenixd"):
            if service in self.containers:
                yield f"{service} is a Lightning node that lnwatch does not read yet"


def find_installation() -> Installation:
    """The one on this machine. Raises BadParameter where there is none, or it can't be looked at."""
    shown = list(_containers())
    containers = {
        service: Container(
            name=each.name.lstrip("/"),
            image=each.image,
            state=each.state,
            volumes={mount.Name: Path(mount.Source) for mount in each.mounts if mount.Name},
            networks=tuple(each.networks),
        )
        for each in shown
        if (service := each.labels.get(f"{_LABEL}.service"))
    }
    if "btcpayserver" not in containers:
        raise _trouble("Docker knows no container of a btcpayserver-docker here (running or not)")
    files = [each.labels.get(f"{_LABEL}.project.config_files", "").split(",")[0] for each in shown]
    compose_file = next((Path(file) for file in files if file), None)
    if compose_file is None:
        raise _trouble("Docker does not tell where the generated compose file lies")
    settings = _settings(compose_file)
    chain = settings.get("NBITCOIN_NETWORK") or "mainnet"
    if chain not in _CHAINS:
        raise _trouble(f"it is on a chain that lnwatch does not know: {chain}")
    host = settings.get("BTCPAY_HOST", "")
    networks = containers["btcpayserver"].networks
    return Installation(
        compose_file=compose_file,
        network=next((name for name in networks if name == f"{_PROJECT}_default"), next(iter(networks), "")),
        chain=chain,
        host=host if _HOST.fullmatch(host) else "",
        containers=containers,
    )


def _settings(compose_file: Path) -> dict[str, str]:
    """Two settings of the installation: its `.env` stands beside the checkout that the compose file lies in."""
    path = compose_file.parents[2] / ".env" if len(compose_file.parents) > 2 else compose_file.with_name(".env")
    if not _there(compose_file):
        raise _trouble(f"{compose_file}, by which Docker says that it was started, can't be seen: run this as root")
    try:
        lines = path.read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError as error:
        raise _trouble(f"can't read {path}: {(error.strerror or 'unknown error').lower()}; run this as root") from None
    return {found[1]: found[2] for line in lines if (found := _SETTING.fullmatch(line))}


def _there(path: Path) -> bool:
    try:
        return path.is_file()
    except OSError:  # a folder that we may not look into
        return False


def _containers() -> Iterator[_Shown]:
    ids = _docker("ps", "--all", "--quiet", "--filter", f"label={_LABEL}.project={_PROJECT}").split()
    if not ids:
        return
    for line in _docker("inspect", "--type", "container", "--format", _SHOW, *ids).splitlines():
        try:
            yield _SHOWN.validate_json(line)
        except ValidationError:
            raise _trouble("Docker shows its containers in a way that lnwatch does not know") from None


def _docker(*arguments: str) -> str:
    program = shutil.which("docker")
    if program is None:
        raise _trouble("there is no `docker` here: run it on the machine of BTCPay Server")
    try:
        done = subprocess.run(  # noqa: S603 - a fixed program with words of our own
            [program, *arguments], capture_output=True, text=True, timeout=_PATIENCE, check=False
        )
    except subprocess.TimeoutExpired:
        raise _trouble(f"Docker did not answer within {_PATIENCE:.0f} s") from None
    except OSError as error:
        raise _trouble(f"`docker` can't be run: {(error.strerror or 'unknown error').lower()}") from None
    if done.returncode != 0:
        words = " ".join(done.stderr.split())[:200] or f"exit status {done.returncode}"
        raise _trouble(f"Docker refuses: {words}")
    return done.stdout


def _trouble(words: str) -> typer.BadParameter:
    return typer.BadParameter(words, param_hint=FLAG)
