"""`lnwatch init --btcpay-docker`: what Docker tells becomes a configuration, without a secret in it."""

import os
import tomllib
from pathlib import Path

import pytest
import yaml  # type: ignore[import-untyped]  # comes with apprise, without types of its own

from lnwatch.cli.btcpay_docker import KEY_FILE
from lnwatch.config.template import example
from tests.cli.commands import invoke
from tests.cli.docker import DockerDouble
from tests.cli.terminal import Terminal
from tests.secrets import leaked

VOLUMES = "/var/lib/docker/volumes"


@pytest.fixture
def docker(folder: Path, monkeypatch: pytest.MonkeyPatch) -> DockerDouble:
    double = DockerDouble(folder / "root", folder / "bin")
    double.install()
    monkeypatch.setenv("PATH", f"{double.bin}{os.pathsep}{os.environ['PATH']}")
    return double


def written(folder: Path) -> dict[str, dict[str, object]]:
    """The sources of the one site by their names."""
    site = tomllib.loads((folder / "lnwatch.toml").read_text())["site"]["main"]
    return {name: values for kind in site.values() for name, values in kind.items()}


def test_an_installation_is_found(folder: Path, docker: DockerDouble) -> None:
    """Addresses are those in its network, credentials are paths, and the checkout is the public name."""
    result = invoke("init", "--btcpay-docker")
    assert result.exit_code == 0, result.output
    found = written(folder)
    assert set(found) == {"core", "ln1", "nbx", "checkout", "here"}
    assert found["core"] == {
        "url": "http://bitcoind:43782",
        "user": "lnwatch",
        "password_file": "/credentials/core.password",
    }
    assert found["ln1"] == {
        "address": "lnd_bitcoin:10009",
        "tls_cert_file": "/btcpay/lnd/tls.cert",
        "macaroon_file": "/btcpay/lnd/readonly.macaroon",
    }
    assert found["nbx"] == {"url": "http://nbxplorer:32838", "cookie_file": "/btcpay/nbxplorer/.cookie"}
    assert found["checkout"] == {"url": "https://pay.example.org/"}
    assert tomllib.loads((folder / "lnwatch.toml").read_text())["data_dir"] == "/data"


def test_stores_are_named(folder: Path, docker: DockerDouble) -> None:
    """Docker does not know them; with one by its name BTCPay Server is watched from inside its network."""
    invoke("init", "--btcpay-docker")
    result = invoke("init", "--btcpay-docker", "--btcpay-store", "shop=C8H1", "--force")
    assert result.exit_code == 0
    assert "make an API key" in result.stdout
    assert "--btcpay-store" not in result.stdout
    assert written(folder)["shop"] == {
        "url": "http://btcpayserver:49392",
        "api_key_file": "/credentials/btcpay.key",
        "stores": {"shop": "C8H1"},
    }


def test_its_volumes_are_shown_sparingly(folder: Path, docker: DockerDouble) -> None:
    """The container joins the network and sees, read only, what it needs: no wallet, no macaroon that spends."""
    invoke("init", "--btcpay-docker")
    compose = yaml.safe_load((folder / "btcpay.compose.yaml").read_text())
    assert compose["networks"] == {"btcpay": {"external": True, "name": "generated_default"}}
    (service,) = compose["services"].values()
    assert service["networks"] == ["btcpay"]
    assert {bind["source"]: bind["target"] for bind in service["volumes"]} == {
        f"{VOLUMES}/generated_nbxplorer_datadir/_data/Main": "/btcpay/nbxplorer",
        f"{VOLUMES}/generated_lnd_bitcoin_datadir/_data/tls.cert": "/btcpay/lnd/tls.cert",
        f"{VOLUMES}/generated_lnd_bitcoin_datadir/_data/readonly.macaroon": "/btcpay/lnd/readonly.macaroon",
    }
    for bind in service["volumes"]:
        assert (bind["type"], bind["read_only"], bind["bind"]) == ("bind", True, {"create_host_path": False})


def test_docker_is_only_asked(folder: Path, docker: DockerDouble) -> None:
    """It lists and shows; no environment of a container is among what it is asked for, and no secret leaves it."""
    result = invoke("init", "--btcpay-docker")
    listed, shown = docker.calls
    assert listed == ["ps", "--all", "--quiet", "--filter", "label=com.docker.compose.project=generated"]
    assert shown[0] == "inspect"
    assert "Env" not in " ".join(shown)
    assert not leaked(result.output + "".join(path.read_text() for path in folder.iterdir() if path.is_file()))


def test_it_says_what_it_found(folder: Path, docker: DockerDouble) -> None:
    """Versions and states, what is left to do, and how to try it."""
    docker.states = {"nbxplorer": "exited"}
    docker.tell()
    told = invoke("init", "--btcpay-docker").stdout.splitlines()
    compose = folder / "btcpay.compose.yaml"
    start = f"docker compose -f deploy/compose.yaml -f {compose}"
    assert told == [
        f"wrote {folder}/lnwatch.toml",
        f"wrote {compose}: it joins the network of BTCPay Server and shows lnwatch what it reads there",
        f"found BTCPay Server by {docker.compose_file}, on mainnet, in the network generated_default:",
        "  bitcoind: btcpayserver/bitcoin:31.0, running",
        "  btcpayserver: btcpayserver/btcpayserver:2.4.1, running",
        "  lnd_bitcoin: btcpayserver/lnd:v0.21.2-beta, running",
        "  nbxplorer: nicolasdorier/nbxplorer:2.6.8, exited",
        "  postgres: btcpayserver/postgres:13.13, running",
        "give bitcoind a user `lnwatch` (README, step 4), and put its password into deploy/credentials/core.password",
        f"make an API key in BTCPay Server (README, step 2), and put it into deploy{KEY_FILE}",
        "until its stores are named, BTCPay Server itself is not watched; the id is in the store's settings:",
        "  lnwatch init --btcpay-docker --btcpay-store NAME=ID --force",
        "the channel backup lies beside LND's wallet and is not shown to lnwatch: its age is not watched",
        f"with this configuration as deploy/lnwatch.toml, try it: {start} run --rm lnwatch check",
    ]


@pytest.mark.parametrize(("network", "chain"), [("testnet", "TestNet"), ("regtest", "RegTest"), ("signet", "Signet")])
def test_other_chains(folder: Path, docker: DockerDouble, network: str, chain: str) -> None:
    """NBXplorer keeps its cookie by the chain's name."""
    docker.network = network
    docker.install()
    assert invoke("init", "--btcpay-docker").exit_code == 0
    assert f"generated_nbxplorer_datadir/_data/{chain}" in (folder / "btcpay.compose.yaml").read_text()


def test_another_lightning_node(folder: Path, docker: DockerDouble) -> None:
    """What lnwatch does not read is named, and left out."""
    docker.lightning = "clightning_bitcoin"
    docker.tell()
    result = invoke("init", "--btcpay-docker")
    assert set(written(folder)) == {"core", "nbx", "checkout", "here"}
    assert "clightning_bitcoin is a Lightning node that lnwatch does not read yet\n" in result.stdout


@pytest.mark.parametrize("host", ["", "localhost", "raspberrypi", "pay example"])
def test_without_a_public_name(folder: Path, docker: DockerDouble, host: str) -> None:
    """What is no name in the world is no checkout to visit."""
    docker.host = host
    docker.install()
    assert invoke("init", "--btcpay-docker").exit_code == 0
    assert "checkout" not in written(folder)


def test_flags_beat_what_is_found(folder: Path, docker: DockerDouble) -> None:
    """One part can be another's."""
    result = invoke("init", "--btcpay-docker", "--no-lnd", "--checkout-url", "http://shop.onion/", "--site", "main")
    assert result.exit_code == 0, result.output
    found = written(folder)
    assert set(found) == {"core", "nbx", "checkout", "here"}
    assert found["checkout"] == {"url": "http://shop.onion/"}


def test_a_person_is_asked_for_the_rest_alone(folder: Path, docker: DockerDouble) -> None:
    """What Docker told is settled."""
    terminal = Terminal(folder, "init", "--btcpay-docker")
    questions = [("Tell of trouble in Slack? [y/N]: ", ""), ("Page by PagerDuty? [y/N]: ", "")]
    assert terminal.answer(questions) == 0, terminal.seen
    assert set(written(folder)) == {"core", "ln1", "nbx", "checkout", "here"}


def refused(docker: DockerDouble, case: str) -> str:
    """Break it, and say which words are due."""
    match case:
        case "refuses":
            docker.error = "permission denied while trying to connect to the Docker daemon socket"
            words = "Docker refuses: permission denied while trying to connect"
        case "nothing runs":
            docker.labels = {"com.docker.compose.project": "something"}
            words = "Docker knows no container of a btcpayserver-docker here"
        case "another project of that name":
            docker.labels = {"com.docker.compose.service": "web"}
            words = "Docker knows no container of a btcpayserver-docker here"
        case "no compose file":
            docker.compose_file.unlink()
            words = "can't be seen: run this as root"
        case "no settings":
            (docker.base / ".env").unlink()
            words = f"can't read {docker.base}/.env: no such file or directory"
        case "no place told":
            docker.labels = {"com.docker.compose.project.config_files": ""}
            words = "does not tell where the generated compose file lies"
        case _:
            (docker.base / ".env").write_text("NBITCOIN_NETWORK=liquid\n")
            words = "on a chain that lnwatch does not know: liquid"
    docker.tell()
    return words


@pytest.mark.parametrize(
    "case",
    [
        *("refuses", "nothing runs", "another project of that name", "no compose file", "no settings"),
        *("no place told", "another chain"),
    ],
)
def test_what_cannot_be_found(folder: Path, docker: DockerDouble, case: str) -> None:
    """One line says why, and nothing is written."""
    words = refused(docker, case)
    result = invoke("init", "--btcpay-docker")
    assert (result.exit_code, result.stdout) == (2, "")
    assert result.stderr.startswith("lnwatch: Invalid value for --btcpay-docker: ")
    assert words in result.stderr
    assert result.stderr.count("\n") == 1
    assert not (folder / "lnwatch.toml").exists()


def test_without_docker(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It has to be run where BTCPay Server runs."""
    monkeypatch.setenv("PATH", str(folder))
    result = invoke("init", "--btcpay-docker")
    assert result.exit_code == 2
    assert "there is no `docker` here" in result.stderr


def test_the_template_is_the_same(folder: Path, docker: DockerDouble) -> None:
    """What it writes differs from the example by its values alone, so that every key stays explained."""
    invoke("init", "--btcpay-docker")
    comments = [line for line in example().splitlines() if line.startswith("# ")]
    assert [line for line in (folder / "lnwatch.toml").read_text().splitlines() if line.startswith("# ")] == comments
