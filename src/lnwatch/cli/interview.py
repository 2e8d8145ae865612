"""Asks a person on a terminal what there is; what flags have told already is not asked again."""

from collections.abc import Callable, Container
from dataclasses import replace
from pathlib import Path
from typing import Any

import typer
from pydantic import SecretStr, ValidationError

from lnwatch.cli.options import absolute, address, page, public_url, server, stores
from lnwatch.cli.plan import Plan, Slack
from lnwatch.cli.surroundings import Bitcoind, Btcpay, Lnd, Nbxplorer
from lnwatch.fields import Settings
from lnwatch.notify.pagerduty import PagerDutySettings
from lnwatch.notify.slack import SlackSettings
from lnwatch.sources.btcpay.settings import BtcpaySettings

_NONE = "-"
Secrets = dict[Path, SecretStr]


def interview(plan: Plan, told: Container[str], folder: Path) -> tuple[Plan, Secrets]:
    """The plan with a person's answers, and what they typed that is secret, by the file in `folder` it belongs in.

    `told` names what is settled: `bitcoind`, `lnd`, `nbxplorer`, `btcpay`, `checkout`, `slack`, `pagerduty`,
    `public_url`, `listen`, `data_dir`.
    What the plan holds is the default. Raises typer.Abort on Ctrl-C.
    """
    typed: Secrets = {}
    if "bitcoind" not in told:
        plan = replace(plan, bitcoind=_bitcoind(plan.bitcoind, folder / "core.password", typed))
    if "lnd" not in told:
        plan = replace(plan, lnd=_lnd(plan.lnd))
    if "nbxplorer" not in told:
        plan = replace(plan, nbxplorer=_nbxplorer(plan.nbxplorer))
    if "btcpay" not in told:
        plan = replace(plan, btcpay=_btcpay(folder / "btcpay.key", typed))
    if "checkout" not in told:
        plan = replace(plan, checkout=_optional("Address at which customers pay", page))
    plan = _telling(plan, told, folder, typed)
    if "listen" not in told:
        plan = replace(plan, listen=typer.prompt("Listen on (HOST:PORT)", default=plan.listen, value_proc=address))
    if "data_dir" not in told:
        plan = replace(plan, data_dir=_path("Keep the ledger in", plan.data_dir) or plan.data_dir)
    return plan, typed


def _telling(plan: Plan, told: Container[str], folder: Path, typed: Secrets) -> Plan:
    """The plan with who is told."""
    if "slack" not in told:
        plan = replace(plan, slack=_slack(folder, typed))
    if "pagerduty" not in told:
        plan = replace(plan, pagerduty=_pagerduty(folder / "pagerduty.key", typed))
    if "public_url" not in told and (plan.slack is not None or plan.pagerduty is not None):
        plan = replace(plan, public_url=_optional("Address of the status page for those who are told", public_url))
    return plan


def _slack(folder: Path, typed: Secrets) -> Slack | None:
    if not typer.confirm("Tell of trouble in Slack?", default=False):
        return None
    question = "  Address of an incoming webhook (https://...), or a bot's token (xoxb-...), typed unseen"
    secret = typer.prompt(question, hide_input=True, value_proc=_slack_secret)
    if not secret.startswith("xox"):
        typed[folder / "slack.webhook"] = SecretStr(secret)
        return Slack(webhook=folder / "slack.webhook")

    def channel(text: str) -> str:
        return _accepted(SlackSettings, "channel_id", text.strip(), bot_token=secret)

    typed[folder / "slack.token"] = SecretStr(secret)
    return Slack(token=folder / "slack.token", channel=typer.prompt("  Id of the channel", value_proc=channel))


def _slack_secret(text: str) -> str:
    text = text.strip()
    return text if text.startswith("xox") else _accepted(SlackSettings, "webhook_url", text)


def _pagerduty(file: Path, typed: Secrets) -> Path | None:
    if not typer.confirm("Page by PagerDuty?", default=False):
        return None

    def key(text: str) -> str:
        return _accepted(PagerDutySettings, "routing_key", text.strip())

    question = "  Key of an Events API v2 integration (32 characters), typed unseen"
    typed[file] = SecretStr(typer.prompt(question, hide_input=True, value_proc=key))
    return file


def _optional(question: str, parser: Callable[[str], str]) -> str | None:
    """What the parser takes, None where there is none."""

    def read(text: str) -> str:
        return text if text == _NONE else parser(text)

    answer: str = typer.prompt(f"{question} ({_NONE} for none)", default=_NONE, value_proc=read)
    return None if answer == _NONE else answer


def _accepted(settings: type[Settings], key: str, text: str, **others: Any) -> str:  # noqa: ANN401 - other fields
    """The text, where the settings take it under `key`. Raises BadParameter in their words, which show no secret."""
    try:
        settings.model_validate({key: text, **others})
    except ValidationError as error:
        message = error.errors(include_input=False)[0]["msg"]
        raise typer.BadParameter(message.removeprefix("Value error, ")) from None
    return text


def _bitcoind(found: Bitcoind | None, password_file: Path, typed: Secrets) -> Bitcoind | None:
    if not typer.confirm("Is there a Bitcoin Core to watch?", default=found is not None):
        return None
    default = found or Bitcoind()
    url = typer.prompt("  Address of its RPC", default=default.url)
    cookie = _path("  Its cookie file", default.cookie, none="for user and password")
    if cookie is not None:
        return Bitcoind(url, cookie)
    user = typer.prompt("  User")
    typed[password_file] = SecretStr(typer.prompt("  Password", hide_input=True))
    return Bitcoind(url, user=user, password_file=password_file)


def _lnd(found: Lnd | None) -> Lnd | None:
    if not typer.confirm("Is there an LND to watch?", default=found is not None):
        return None
    default = found or Lnd()
    return Lnd(
        address=typer.prompt("  Address of its gRPC (HOST:PORT)", default=default.address),
        tls_cert=_path("  Its tls.cert", default.tls_cert, none="where a public authority signed"),
        macaroon=_path("  Its readonly.macaroon", default.macaroon),
        backup=_path("  Its channel.backup", default.backup, none="to leave it unwatched"),
    )


def _nbxplorer(found: Nbxplorer | None) -> Nbxplorer | None:
    if not typer.confirm("Is there an NBXplorer to watch?", default=found is not None):
        return None
    default = found or Nbxplorer()
    return Nbxplorer(
        url=typer.prompt("  Its address", default=default.url),
        cookie=_path("  Its cookie file", default.cookie, none="where it asks for none"),
    )


def _btcpay(key_file: Path, typed: Secrets) -> Btcpay | None:
    if not typer.confirm("Is there a BTCPay Server to watch?", default=False):
        return None
    url = typer.prompt("  Its address (https://...)", value_proc=server)

    def key(text: str) -> str:
        return _accepted(BtcpaySettings, "api_key", text.strip(), url=url, stores={"shop": "0"})

    question = "  An API key that may read, typed unseen"
    typed[key_file] = SecretStr(typer.prompt(question, hide_input=True, value_proc=key))
    named = typer.prompt("  Its stores, as NAME=ID and commas between", value_proc=lambda text: stores(text.split(",")))
    return Btcpay(url, key_file, named)


def _path(question: str, default: Path | None, none: str = "") -> Path | None:
    """An absolute path, None where the answer is `-` and that is allowed."""

    def read(text: str) -> Path | None:
        if text == _NONE and none:
            return None
        return absolute(text)

    hint = f" ({_NONE} {none})" if none else ""
    shown = str(default) if default is not None else (_NONE if none else None)
    answer: Path | None = typer.prompt(f"{question}{hint}", default=shown, value_proc=read)
    return answer
