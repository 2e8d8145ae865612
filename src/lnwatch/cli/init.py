"""`lnwatch init`: write the configuration, from flags or by asking, without copying a secret into it."""

import secrets
import sys
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Annotated

import typer

from lnwatch.cli.btcpay_docker import FLAG, Installation, find_installation
from lnwatch.cli.interview import interview
from lnwatch.cli.options import absolute, address, page, public_url, server, site_name
from lnwatch.cli.output import complain, say
from lnwatch.cli.plan import Plan, merge_bitcoind, merge_btcpay, merge_lnd, merge_nbxplorer, merge_slack
from lnwatch.cli.surroundings import Surroundings, data_dir, look_around
from lnwatch.config import load
from lnwatch.config.template import example, render
from lnwatch.files import write_file, write_secret
from lnwatch.web.settings import DEFAULT_LISTEN, is_loopback, split_address

TOKEN_FILE = "web.token"  # noqa: S105 - the name of a file
COMPOSE_FILE = "btcpay.compose.yaml"
_DATA = Path("/data")  # in lnwatch's container
_OF_DOCKER = {"bitcoind", "lnd", "nbxplorer", "btcpay", "checkout", "listen", "data_dir"}


def _path(text: str) -> typer.models.OptionInfo:
    option: typer.models.OptionInfo = typer.Option(parser=absolute, metavar="PATH", help=text)
    return option


def _text(metavar: str, text: str, parser: Callable[[str], str] | None = None) -> typer.models.OptionInfo:
    option: typer.models.OptionInfo = typer.Option(metavar=metavar, parser=parser, help=text)
    return option


def _show_example(wanted: bool) -> None:  # noqa: FBT001 - the flag itself
    if wanted:
        sys.stdout.write(example())
        raise typer.Exit


_Output = Annotated[
    Path | None, typer.Option("--output", "-o", parser=absolute, metavar="FILE", help="Otherwise ./lnwatch.toml.")
]
_Site = Annotated[str, typer.Option(parser=site_name, metavar="NAME", help="The shop's name in metrics.")]
_DataDir = Annotated[
    Path | None, typer.Option("--data-dir", parser=absolute, metavar="DIR", help="Where the ledger is kept.")
]
_Public = Annotated[
    str | None,
    typer.Option("--public-url", parser=public_url, metavar="URL", help="What links begin with."),
]
_Bitcoind = Annotated[bool | None, typer.Option("--bitcoind/--no-bitcoind", help="Watch Bitcoin Core.")]
_Lnd = Annotated[bool | None, typer.Option("--lnd/--no-lnd", help="Watch LND.")]
_Nbxplorer = Annotated[bool | None, typer.Option("--nbxplorer/--no-nbxplorer", help="Watch NBXplorer.")]
_Stores = Annotated[
    list[str] | None, typer.Option("--btcpay-store", metavar="NAME=ID", help="A store of it; may be given often.")
]
_Example = Annotated[
    bool,
    typer.Option("--example", callback=_show_example, is_eager=True, help="Print the example of the documentation."),
]
_Docker = Annotated[bool, typer.Option(FLAG, help="Take what btcpayserver-docker runs here, for lnwatch beside it.")]


def init(  # noqa: PLR0913, PLR0917 - the library makes a flag of each
    output: _Output = None,
    site: _Site = "main",
    data: _DataDir = None,
    listen: Annotated[str | None, _text("HOST:PORT", "Of the page and the metrics.", address)] = None,
    public: _Public = None,
    bitcoind: _Bitcoind = None,
    bitcoind_url: Annotated[str | None, _text("URL", "Of its RPC.")] = None,
    bitcoind_cookie: Annotated[Path | None, _path("Its cookie file.")] = None,
    bitcoind_user: Annotated[str | None, _text("NAME", "Its user, instead of the cookie.")] = None,
    bitcoind_password_file: Annotated[Path | None, _path("A file with that user's password.")] = None,
    lnd: _Lnd = None,
    lnd_address: Annotated[str | None, _text("HOST:PORT", "Of its gRPC.")] = None,
    lnd_tls_cert: Annotated[Path | None, _path("Its tls.cert.")] = None,
    lnd_macaroon: Annotated[Path | None, _path("Its readonly.macaroon.")] = None,
    lnd_backup: Annotated[Path | None, _path("Its channel.backup.")] = None,
    nbxplorer: _Nbxplorer = None,
    nbxplorer_url: Annotated[str | None, _text("URL", "Of its API.")] = None,
    nbxplorer_cookie: Annotated[Path | None, _path("Its cookie file.")] = None,
    btcpay_url: Annotated[str | None, _text("URL", "Where its users see it.", server)] = None,
    btcpay_key_file: Annotated[Path | None, _path("A file with an API key that may read.")] = None,
    btcpay_store: _Stores = None,
    checkout_url: Annotated[str | None, _text("URL", "Where customers pay: visited as they do.", page)] = None,
    slack_webhook_file: Annotated[Path | None, _path("Tell in Slack: a file with a webhook's address.")] = None,
    slack_token_file: Annotated[Path | None, _path("A file with a bot's token, instead.")] = None,
    slack_channel: Annotated[str | None, _text("ID", "Where the bot writes to.")] = None,
    pagerduty_key_file: Annotated[Path | None, _path("Page: a file with an integration's key.")] = None,
    *,
    btcpay_docker: _Docker = False,
    no_input: Annotated[bool, typer.Option("--no-input", help="Ask nothing, also on a terminal.")] = False,
    force: Annotated[bool, typer.Option("--force", help="Replace a file that is there.")] = False,
    _example: _Example = False,
) -> None:
    """Write a commented configuration without secrets: of flags, of what is found here, on a terminal of answers."""
    path = _place(output, force=force)
    installation, found = _found(btcpay_docker=btcpay_docker)
    core = {"url": bitcoind_url, "cookie": bitcoind_cookie}
    core |= {"user": bitcoind_user, "password_file": bitcoind_password_file}
    node = {"address": lnd_address, "tls_cert": lnd_tls_cert, "macaroon": lnd_macaroon, "backup": lnd_backup}
    plan = Plan(
        site=site,
        data_dir=data or (_DATA if btcpay_docker else data_dir()),
        listen=listen or DEFAULT_LISTEN,
        bitcoind=merge_bitcoind(bitcoind, core, found.bitcoind),
        lnd=merge_lnd(lnd, node, found.lnd),
        nbxplorer=merge_nbxplorer(nbxplorer, {"url": nbxplorer_url, "cookie": nbxplorer_cookie}, found.nbxplorer),
        btcpay=merge_btcpay({"url": btcpay_url, "key_file": btcpay_key_file}, btcpay_store, found.btcpay),
        checkout=checkout_url or found.checkout,
        public_url=public,
        slack=merge_slack({"webhook": slack_webhook_file, "token": slack_token_file, "channel": slack_channel}),
        pagerduty=pagerduty_key_file,
    )
    if sys.stdin.isatty() and not no_input:
        told = _told(bitcoind=[bitcoind, *core.values()], lnd=[lnd, *node.values()], data_dir=[data], listen=[listen])
        told |= _told(
            nbxplorer=[nbxplorer, nbxplorer_url, nbxplorer_cookie], checkout=[checkout_url], btcpay=[btcpay_url]
        )
        plan = _ask(plan, told | (_OF_DOCKER if btcpay_docker else set()), path)
    _write(_guarded(plan, path), path, installation)


def _found(*, btcpay_docker: bool) -> tuple[Installation | None, Surroundings]:
    if not btcpay_docker:
        return None, look_around()
    installation = find_installation()
    return installation, installation.surroundings()


def _place(output: Path | None, *, force: bool) -> Path:
    path = output or absolute("lnwatch.toml")
    if path.exists() and not force:
        raise typer.BadParameter(f"{path} is there already; --force replaces it", param_hint="--output")
    return path


def _told(**flags: Sequence[object]) -> set[str]:
    """What is settled: something that one of its flags was given for."""
    return {what for what, given in flags.items() if any(each is not None for each in given)}


def _ask(plan: Plan, told: set[str], path: Path) -> Plan:
    told |= _told(slack=[plan.slack], pagerduty=[plan.pagerduty], public_url=[plan.public_url])
    plan, typed = interview(plan, told, path.parent)
    for file, secret in typed.items():
        write_secret(file, secret.get_secret_value() + "\n")
        say(f"wrote {file}, which only its owner can read: give it to the user that runs lnwatch")
    return plan


def _guarded(plan: Plan, path: Path) -> Plan:
    """The plan with a token, where other machines are let in; one that is there stays as it is."""
    if is_loopback(split_address(plan.listen)[0]):
        return plan
    token_file = path.with_name(TOKEN_FILE)
    if not token_file.exists():
        write_secret(token_file, secrets.token_urlsafe(32) + "\n")
        say(f"wrote {token_file}: other machines show what is in it, Prometheus as its `credentials_file`")
    return replace(plan, token_file=token_file)


def _write(plan: Plan, path: Path, installation: Installation | None) -> None:
    if not (plan.bitcoind or plan.lnd or plan.nbxplorer or plan.btcpay or plan.checkout):
        raise typer.BadParameter(
            "no node was found here and none was named: try --bitcoind-cookie PATH or --lnd-macaroon PATH",
            param_hint="--bitcoind, --lnd",
        )
    write_file(path, render(plan.answers()))
    say(f"wrote {path}")
    if installation is not None:
        _join(installation, path, named=plan.btcpay is not None)
        return
    for warning in load(path, {}).warnings:
        complain(f"warning: {warning}")
    say(f"now try it: lnwatch check --config {path}")
    if plan.slack is not None or plan.pagerduty is not None:
        say(f"and whom it tells: lnwatch notify test --config {path}")


def _join(installation: Installation, path: Path, *, named: bool) -> None:
    """What lets lnwatch's container in; its paths are true there alone, so that nothing is loaded here."""
    compose = path.with_name(COMPOSE_FILE)
    write_file(compose, installation.compose(str(compose)))
    say(f"wrote {compose}: it joins the network of BTCPay Server and shows lnwatch what it reads there")
    for line in installation.told(named=named):
        say(line)
    files = f"docker compose -f deploy/compose.yaml -f {compose}"
    say(f"with this configuration as deploy/lnwatch.toml, try it: {files} run --rm lnwatch check")
