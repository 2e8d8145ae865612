"""What `lnwatch init` is going to write: the answers of a person or of flags, as values of the template."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import typer

from lnwatch.cli.options import stores
from lnwatch.cli.surroundings import Bitcoind, Btcpay, Lnd, Nbxplorer, disks
from lnwatch.config.redaction import quoted
from lnwatch.config.template import Answers
from lnwatch.web.settings import is_loopback


@dataclass(frozen=True, slots=True)
class Slack:
    """Where its secret lies: the address of an incoming webhook, or a bot's token that goes with a channel."""

    webhook: Path | None = None
    token: Path | None = None
    channel: str | None = None


@dataclass(frozen=True, slots=True)
class Plan:
    """One site on one machine. Paths are absolute; None is what is not there, not to be watched or not to be told.

    `checkout` is the public address at which customers pay, `pagerduty` the file with the key of an integration.
    """

    site: str
    data_dir: Path
    listen: str
    bitcoind: Bitcoind | None
    lnd: Lnd | None
    nbxplorer: Nbxplorer | None = None
    btcpay: Btcpay | None = None
    checkout: str | None = None
    token_file: Path | None = None
    public_url: str | None = None
    slack: Slack | None = None
    pagerduty: Path | None = None

    def answers(self) -> Answers:
        """The same for the template."""
        values: dict[str, str | None] = {
            "data_dir": quoted(str(self.data_dir)),
            "web.listen": quoted(self.listen),
        }
        if self.token_file is not None:
            values["web.token_file"] = quoted(str(self.token_file))
        if self.public_url is not None:
            values["web.public_url"] = quoted(self.public_url)
        if self.slack is not None:
            values |= _slack(self.slack)
        if self.pagerduty is not None:
            values["notify.pagerduty.oncall.routing_key_file"] = quoted(str(self.pagerduty))
        if self.bitcoind is not None:
            values |= _bitcoind(self.bitcoind)
        if self.lnd is not None:
            values |= _lnd(self.lnd)
        if self.nbxplorer is not None:
            base = "site.main.nbxplorer.nbx."
            values |= {f"{base}url": quoted(self.nbxplorer.url), f"{base}cookie_file": _path(self.nbxplorer.cookie)}
        if self.btcpay is not None:
            values |= _btcpay(self.btcpay)
        if self.checkout is not None:
            values["site.main.probe.checkout.url"] = quoted(self.checkout)
        values |= self._host()
        wanted = {
            "host": self,
            "bitcoind": self.bitcoind,
            "lnd": self.lnd,
            "nbxplorer": self.nbxplorer,
            "btcpay": self.btcpay,
            "probe": self.checkout,
        }
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


def merge_nbxplorer(
    wanted: bool | None,  # noqa: FBT001 - the flag itself
    flags: Mapping[str, Any],
    found: Nbxplorer | None,
) -> Nbxplorer | None:
    """What the flags say of NBXplorer, over what was found here. Raises BadParameter where they contradict."""
    given = _given("nbxplorer", wanted, flags)
    if wanted is False or not (wanted or given):
        return None if wanted is False else found
    return replace(found or Nbxplorer(), **given)


def merge_btcpay(flags: Mapping[str, Any], named: Iterable[str] | None, found: Btcpay | None) -> Btcpay | None:
    """What the flags say of BTCPay Server; nothing found is taken unasked, for its key and stores can't be found.

    `named` are its stores, each NAME=ID. Raises BadParameter where they leave a gap.
    """
    given = {name: value for name, value in flags.items() if value is not None}
    if not given and not named:
        return None
    server = replace(found or Btcpay(), **given, stores=stores(named or ()))
    for name, missing in (("url", not server.url), ("key-file", server.key_file is None), ("store", not server.stores)):
        if missing:
            words = "goes with --btcpay-url, --btcpay-key-file and --btcpay-store NAME=ID"
            raise typer.BadParameter(words, param_hint=f"--btcpay-{name}")
    return server


def merge_slack(flags: Mapping[str, Any]) -> Slack | None:
    """What the flags say of Slack. Raises BadParameter where they leave a gap."""
    given = {name: value for name, value in flags.items() if value is not None}
    if not given:
        return None
    if ("webhook" in given) == ("token" in given):
        hint = "--slack-webhook-file"
        raise typer.BadParameter("give the file of a webhook, or the one of a bot's token", param_hint=hint)
    if ("token" in given) != ("channel" in given):
        hint = "--slack-channel"
        raise typer.BadParameter("goes with --slack-token-file: a webhook knows its channel", param_hint=hint)
    return Slack(**given)


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


def _btcpay(server: Btcpay) -> dict[str, str | None]:
    base = "site.main.btcpay.shop."
    return {
        f"{base}url": quoted(server.url),
        f"{base}api_key_file": _path(server.key_file),
        f"{base}stores": f"{{ {', '.join(f'{name} = {quoted(identity)}' for name, identity in server.stores)} }}",
    }


def _slack(slack: Slack) -> dict[str, str | None]:
    base = "notify.slack.ops."
    values = {
        f"{base}webhook_url_file": _path(slack.webhook),
        f"{base}bot_token_file": _path(slack.token),
        f"{base}channel_id": quoted(slack.channel) if slack.channel is not None else None,
    }
    return {key: value for key, value in values.items() if value is not None}


def _path(path: Path | None) -> str | None:
    return None if path is None else quoted(str(path))


def _list(texts: Iterable[str]) -> str:
    return f"[{', '.join(map(quoted, texts))}]"
