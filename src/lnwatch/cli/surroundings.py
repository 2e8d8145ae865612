"""What stands on this machine already: the files that bitcoind, LND and NBXplorer write, where they usually do."""

import os
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

_PORTS = {"": 8332, "signet": 38332, "testnet4": 48332, "testnet3": 18332, "regtest": 18443}
_INDEXED = {"Main": 24444, "TestNet": 24445, "RegTest": 24446}  # folders of NBXplorer and its ports
_CHAINS = ("mainnet", "signet", "testnet4", "testnet", "regtest")


@dataclass(frozen=True, slots=True)
class Bitcoind:
    """How to reach a bitcoind: by its cookie, or as a user."""

    url: str = "http://127.0.0.1:8332"
    cookie: Path | None = None
    user: str | None = None
    password_file: Path | None = None


@dataclass(frozen=True, slots=True)
class Lnd:
    """How to reach an LND, and where its channel backup lies."""

    address: str = "127.0.0.1:10009"
    tls_cert: Path | None = None
    macaroon: Path | None = None
    backup: Path | None = None


@dataclass(frozen=True, slots=True)
class Nbxplorer:
    """How to reach an NBXplorer; no cookie where it asks for none."""

    url: str = "http://127.0.0.1:24444"
    cookie: Path | None = None


@dataclass(frozen=True, slots=True)
class Btcpay:
    """How to reach a BTCPay Server: the file with its API key, and the ids of its stores by name."""

    url: str = ""
    key_file: Path | None = None
    stores: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What was found; `checkout` is the public address at which customers pay; `btcpay` lacks its stores."""

    bitcoind: Bitcoind | None
    lnd: Lnd | None
    nbxplorer: Nbxplorer | None
    checkout: str | None = None
    btcpay: Btcpay | None = None


def look_around() -> Surroundings:
    """Everything on this machine that lies where it usually does."""
    places = homes()
    return Surroundings(find_bitcoind(places), find_lnd(places), find_nbxplorer(places))


def homes() -> tuple[Path, ...]:
    """Where the folders of nodes are looked for: our own home, and those of the users that run nodes."""
    usual = [Path("/home") / user for user in ("bitcoin", "lnd", "nbxplorer")]
    usual += [Path("/var/lib") / name for name in ("bitcoind", "lnd", "nbxplorer")]
    own = os.environ.get("HOME")
    return (Path(own), *usual) if own else tuple(usual)


def find_bitcoind(places: tuple[Path, ...]) -> Bitcoind | None:
    """The first bitcoind whose cookie is there; its chain tells the port."""
    for folder in _folders(places, ".bitcoin", "Library/Application Support/Bitcoin"):
        for chain, port in _PORTS.items():
            cookie = folder / chain / ".cookie"
            if _there(cookie):
                return Bitcoind(f"http://127.0.0.1:{port}", cookie)
    return None


def find_lnd(places: tuple[Path, ...]) -> Lnd | None:
    """The first LND whose certificate is there, with the read-only macaroon of its chain."""
    for folder in _folders(places, ".lnd", "Library/Application Support/Lnd"):
        certificate = folder / "tls.cert"
        if not _there(certificate):
            continue
        networks = [folder / "data/chain/bitcoin" / chain for chain in _CHAINS]
        network = next((each for each in networks if _there(each / "readonly.macaroon")), networks[0])
        backup = network / "channel.backup"
        return Lnd(
            tls_cert=certificate, macaroon=network / "readonly.macaroon", backup=backup if _there(backup) else None
        )
    return None


def find_nbxplorer(places: tuple[Path, ...]) -> Nbxplorer | None:
    """The first NBXplorer whose cookie is there; its chain tells the port."""
    for folder in _folders(places, ".nbxplorer"):
        for chain, port in _INDEXED.items():
            cookie = folder / chain / ".cookie"
            if _there(cookie):
                return Nbxplorer(f"http://127.0.0.1:{port}", cookie)
    return None


def disks(folders: Iterable[Path]) -> list[Path]:
    """The root, and those folders that lie on other disks, one of each; what is not there yet counts as its parent."""
    found: dict[int, Path] = {}
    for folder in (Path("/"), *folders):
        there = next(each for each in (folder, *folder.parents) if _there(each))
        found.setdefault(there.stat().st_dev, there)
    return list(found.values())


def data_dir() -> Path:
    """Where the ledger goes: the system's place for root, else the user's."""
    if os.geteuid() == 0:
        return Path("/var/lib/lnwatch")
    state = os.environ.get("XDG_STATE_HOME")
    return (Path(state) if state else Path(os.environ.get("HOME", ".")) / ".local/state").absolute() / "lnwatch"


def _folders(places: tuple[Path, ...], *names: str) -> Iterator[Path]:
    for place in places:
        yield from (place / name for name in names)
        yield place


def _there(path: Path) -> bool:
    try:
        return path.exists()
    except OSError:  # a folder that we may not look into
        return False
