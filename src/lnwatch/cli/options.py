"""Options that several verbs take, and how what is typed is read."""

from collections.abc import Iterable
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any

import typer
from pydantic import ValidationError

from lnwatch.config.blocks import trouble_with
from lnwatch.fields import parse_duration, resolve_path
from lnwatch.sources.btcpay.settings import BtcpaySettings
from lnwatch.sources.probe.settings import ProbeSettings
from lnwatch.web.settings import WebSettings, split_address

ConfigFile = Annotated[
    Path | None,
    typer.Option(
        "--config",
        "-c",
        metavar="FILE",
        help="The configuration; otherwise LNWATCH_CONFIG, ./lnwatch.toml or /etc/lnwatch/lnwatch.toml.",
        show_default=False,
    ),
]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON, for programs.")]


def help_alone(context: typer.Context) -> None:
    """Print the help where a command with verbs is called without one."""
    if context.invoked_subcommand is None:
        typer.echo(context.get_help())


def seconds(text: str) -> float:
    """A duration on the command line, in seconds."""
    try:
        return parse_duration(text)
    except ValueError as error:
        raise typer.BadParameter(str(error)) from error


def since_when(text: str, now: float) -> float:
    """Seconds since the epoch of `7d` (before `now`), `2026-01-31` or `2026-01-31T12:00`, in UTC unless it says."""
    try:
        return now - parse_duration(text)
    except ValueError:
        pass
    try:
        moment = datetime.fromisoformat(text)
    except ValueError as error:
        message = "write how long ago (`7d`, `12h`) or a date (`2026-01-31`, `2026-01-31T12:00`)"
        raise typer.BadParameter(message, param_hint="--since") from error
    return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp()


def absolute(text: str) -> Path:
    """A path on the command line, from where we are."""
    try:
        return resolve_path(text, Path.cwd())
    except ValueError as error:
        raise typer.BadParameter(str(error)) from error


def site_name(text: str) -> str:
    """The name of a site on the command line."""
    if trouble := trouble_with(text):
        raise typer.BadParameter(trouble)
    return text


def address(text: str) -> str:
    """HOST:PORT on the command line."""
    try:
        split_address(text)
    except ValueError as error:
        raise typer.BadParameter(str(error)) from error
    return text


def page(text: str) -> str:
    """The address of a page that is to be visited, on the command line."""
    try:
        settings = ProbeSettings(url=text.strip())
    except ValidationError as error:
        raise typer.BadParameter(error.errors()[0]["msg"].removeprefix("Value error, ")) from error
    return settings.url


def server(text: str) -> str:
    """The address of a BTCPay Server on the command line."""
    return _btcpay(url=text.strip()).url


def stores(texts: Iterable[str]) -> tuple[tuple[str, str], ...]:
    """Stores of a BTCPay Server on the command line, each NAME=ID."""
    pairs = [text.partition("=")[::2] for text in texts]
    if not pairs:
        return ()
    return tuple(_btcpay(stores={name.strip(): identity.strip() for name, identity in pairs}).stores.items())


def _btcpay(**given: Any) -> BtcpaySettings:  # noqa: ANN401 - of each field its own
    """Settings of which some are given. Raises BadParameter in their words."""
    usual = {"url": "https://pay.example.org", "api_key": "0" * 40, "stores": {"shop": "0"}}
    try:
        return BtcpaySettings(**usual | given)
    except ValidationError as error:
        raise typer.BadParameter(error.errors()[0]["msg"].removeprefix("Value error, ")) from error


def public_url(text: str) -> str:
    """The base of links on the command line."""
    try:
        return WebSettings(public_url=text).link_base
    except ValidationError as error:
        raise typer.BadParameter(error.errors()[0]["msg"].removeprefix("Value error, ")) from error
