"""What stands on this machine already: the files that bitcoind and LND write, where they usually write them."""

import os
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

_PORTS = {"": 8332, "signet": 38332, "testnet4": 48332, "testnet3": 18332, "regtest": 18443}
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


def homes() -> tuple[Path, ...]:
    """Where the folders of nodes are looked for: our own home, and those of the users that run nodes."""
    usual = [Path("/home/bitcoin"), Path("/home/lnd"), Path("/var/lib/bitcoind"), Path("/var/lib/lnd")]
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
