"""What `lnwatch init` is going to write: the answers of a person or of flags, as values of the template."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import typer

from lnwatch.cli.surroundings import Bitcoind, Lnd, disks
from lnwatch.config.redaction import quoted
from lnwatch.config.template import Answers
from lnwatch.web.settings import is_loopback


@dataclass(frozen=True, slots=True)
class Plan:
    """One site on one machine. Paths are absolute; None is what is not there or not to be watched."""

    site: str
    data_dir: Path
    listen: str
    bitcoind: Bitcoind | None
    lnd: Lnd | None
    token_file: Path | None = None

    def answers(self) -> Answers:
        """The same for the template."""
        values: dict[str, str | None] = {
            "data_dir": quoted(str(self.data_dir)),
            "web.listen": quoted(self.listen),
        }
        if self.token_file is not None:
            values["web.token_file"] = quoted(str(self.token_file))
        if self.bitcoind is not None:
            values |= _bitcoind(self.bitcoind)
        if self.lnd is not None:
            values |= _lnd(self.lnd)
        values |= self._host()
        wanted = {"host": self, "bitcoind": self.bitcoind, "lnd": self.lnd}
        return Answers(self.site, frozenset(kind for kind, what in wanted.items() if what is not None), values)

    def _host(self) -> dict[str, str | None]:
        """The disks that fill up when something goes wrong, and the nodes that run here."""
        cookie = self.bitcoind.cookie if self.bitcoind is not None else None
        certificate = self.lnd.tls_cert if self.lnd is not None else None
        folders = [path.parent for path in (self.data_dir, cookie, certificate) if path is not None]
        here = {
            "bitcoind": self.bitcoind is not None and is_loopback(urlsplit(self.bitcoind.url).hostname or ""),
            "lnd": self.lnd is not None and is_loopback(self.lnd.address.rpartition(":")[0]),
        }
        return {
            "site.main.host.here.paths": _list(str(path) for path in disks(folders)),
            "site.main.host.here.processes": _list(name for name, is_here in here.items() if is_here),
        }


def merge_bitcoind(wanted: bool | None, flags: Mapping[str, Any], found: Bitcoind | None) -> Bitcoind | None:  # noqa: FBT001 - the flag itself
    """What the flags say of bitcoind, over what was found here. Raises BadParameter where they leave a gap."""
    given = _given("bitcoind", wanted, flags)
    if wanted is False or not (wanted or given):
        return None if wanted is False else found
    node = found or Bitcoind()
    if "user" in given:
        node = replace(node, cookie=None)
    node = replace(node, **given)
    if node.user is None and node.cookie is None:
        raise typer.BadParameter("no cookie was found here: give its path, or a user", param_hint="--bitcoind-cookie")
    if node.user is not None and (node.cookie is not None or node.password_file is None):
        hint = "--bitcoind-user"
        raise typer.BadParameter("goes with --bitcoind-password-file, and without a cookie", param_hint=hint)
    return node


def merge_lnd(wanted: bool | None, flags: Mapping[str, Any], found: Lnd | None) -> Lnd | None:  # noqa: FBT001 - the flag itself
    """What the flags say of LND, over what was found here. Raises BadParameter where they leave a gap."""
    given = _given("lnd", wanted, flags)
    if wanted is False or not (wanted or given):
        return None if wanted is False else found
    node = replace(found or Lnd(), **given)
    if node.macaroon is None:
        raise typer.BadParameter("no macaroon was found here: give its path", param_hint="--lnd-macaroon")
    return node


def _given(kind: str, wanted: bool | None, flags: Mapping[str, Any]) -> dict[str, Any]:  # noqa: FBT001 - the flag itself
    given = {name: value for name, value in flags.items() if value is not None}
    if wanted is False and given:
        raise typer.BadParameter(f"contradicts the other flags of {kind}", param_hint=f"--no-{kind}")
    return given


def _bitcoind(node: Bitcoind) -> dict[str, str | None]:
    base = "site.main.bitcoind.core."
    values: dict[str, str | None] = {f"{base}url": quoted(node.url), f"{base}cookie_file": _path(node.cookie)}
    if node.user is not None:
        values |= {f"{base}user": quoted(node.user), f"{base}password_file": _path(node.password_file)}
    return values


def _lnd(node: Lnd) -> dict[str, str | None]:
    base = "site.main.lnd.ln1."
    return {
        f"{base}address": quoted(node.address),
        f"{base}tls_cert_file": _path(node.tls_cert),
        f"{base}macaroon_file": _path(node.macaroon),
        f"{base}backup_file": _path(node.backup),
    }


def _path(path: Path | None) -> str | None:
    return None if path is None else quoted(str(path))


def _list(texts: Iterable[str]) -> str:
    return f"[{', '.join(map(quoted, texts))}]"
