"""A `docker` that lists and shows the containers of a btcpayserver-docker, and does nothing else.

As reference and Docker's manual have it: `ps` filters by label, `inspect --format` fills in `{{json .Path}}`.
What else it is asked, it refuses, and each call is written down.
"""

import json
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tests.secrets import COOKIE, RPC_PASSWORD

_SCRIPT = """#!{python}
import json, re, sys
from pathlib import Path

here = Path(__file__).parent
with (here / "calls").open("a") as calls:
    calls.write(json.dumps(sys.argv[1:]) + "\\n")
told = json.loads((here / "containers.json").read_text())
arguments = sys.argv[1:]
if told.get("error"):
    sys.stderr.write(told["error"] + "\\n")
    sys.exit(1)


def value(container, path):
    for part in path.split("."):
        container = container[part]
    return container


if arguments[:3] == ["ps", "--all", "--quiet"] and arguments[3] == "--filter" and len(arguments) == 5:
    name, _, wanted = arguments[4].removeprefix("label=").partition("=")
    for identity, container in told["containers"].items():
        if container["Config"]["Labels"].get(name) == wanted:
            print(identity)
elif arguments[:4] == ["inspect", "--type", "container", "--format"]:
    for identity in arguments[5:]:
        container = told["containers"][identity]
        fill = lambda found: json.dumps(value(container, found[1]))
        print(re.sub(r"{{{{json [.]([A-Za-z.]+)}}}}", fill, arguments[4]))
else:
    sys.stderr.write("refused: " + " ".join(arguments) + "\\n")
    sys.exit(64)
"""
# What the fragments of btcpayserver-docker give a service: container name, image, volumes by the place in it.
_SERVICES: Mapping[str, tuple[str, str, Mapping[str, str]]] = {
    "btcpayserver": (
        "generated_btcpayserver_1",
        "btcpayserver/btcpayserver:2.4.1",
        {"btcpay_datadir": "/datadir", "nbxplorer_datadir": "/root/.nbxplorer"},
    ),
    "nbxplorer": ("generated_nbxplorer_1", "nicolasdorier/nbxplorer:2.6.8", {"nbxplorer_datadir": "/datadir"}),
    "bitcoind": ("btcpayserver_bitcoind", "btcpayserver/bitcoin:31.0", {"bitcoin_datadir": "/data"}),
    "postgres": ("generated_postgres_1", "btcpayserver/postgres:13.13", {"postgres_datadir": "/var/lib/postgresql"}),
    "lnd_bitcoin": (
        "btcpayserver_lnd_bitcoin",
        "btcpayserver/lnd:v0.21.2-beta",
        {"lnd_bitcoin_datadir": "/data", "bitcoin_datadir": "/deps/.bitcoin"},
    ),
    "clightning_bitcoin": (
        "btcpayserver_clightning_bitcoin",
        "btcpayserver/lightning:v26.06.1",
        {"clightning_bitcoin_datadir": "/root/.lightning"},
    ),
}


@dataclass(slots=True)
class DockerDouble:
    """A machine with such an installation: `base` is the folder of the checkout, `bin` is to be first on PATH."""

    base: Path
    bin: Path
    lightning: str | None = "lnd_bitcoin"
    network: str = "mainnet"
    host: str = "pay.example.org"
    error: str = ""
    labels: dict[str, str] = field(default_factory=dict)  # in place of the usual ones
    states: dict[str, str] = field(default_factory=dict)

    @property
    def compose_file(self) -> Path:
        return self.base / "btcpayserver-docker/Generated/docker-compose.generated.yml"

    @property
    def calls(self) -> list[list[str]]:
        return [json.loads(line) for line in (self.bin / "calls").read_text().splitlines()]

    def install(self) -> None:
        """Write everything down."""
        self.compose_file.parent.mkdir(parents=True, exist_ok=True)
        self.compose_file.write_text("services: {}\n")
        lines = (f'BTCPAY_HOST="{self.host}"', f"NBITCOIN_NETWORK={self.network}", f"SMTP_PASSWORD={RPC_PASSWORD}")
        (self.base / ".env").write_text("\n".join(lines) + "\n")
        self.bin.mkdir(exist_ok=True)
        docker = self.bin / "docker"
        docker.write_text(_SCRIPT.format(python=sys.executable))
        docker.chmod(0o755)
        self.tell()

    def tell(self) -> None:
        """Let Docker know the containers as they are now."""
        services = ["btcpayserver", "nbxplorer", "bitcoind", "postgres", *([self.lightning] if self.lightning else [])]
        containers = {f"{number:064x}": self._container(service) for number, service in enumerate(services)}
        (self.bin / "containers.json").write_text(json.dumps({"error": self.error, "containers": containers}))

    def _container(self, service: str) -> dict[str, Any]:
        name, image, volumes = _SERVICES[service]
        labels = {
            "com.docker.compose.project": "generated",
            "com.docker.compose.service": service,
            "com.docker.compose.project.config_files": str(self.compose_file),
            "com.docker.compose.project.working_dir": str(self.compose_file.parent),
        }
        return {
            "Name": f"/{name}",
            "State": {"Status": self.states.get(service, "running")},
            "Config": {"Image": image, "Env": [f"SECRET={COOKIE}"], "Labels": labels | self.labels},
            "Mounts": [
                {
                    "Type": "volume",
                    "Name": f"generated_{volume}",
                    "Source": f"/var/lib/docker/volumes/generated_{volume}/_data",
                    "Destination": place,
                    "RW": True,
                }
                for volume, place in volumes.items()
            ],
            "NetworkSettings": {"Networks": {"generated_default": {"IPAddress": "172.18.0.5"}}},
        }
