"""Asks a person on a terminal what there is; what flags have told already is not asked again."""

from collections.abc import Container
from dataclasses import replace
from pathlib import Path

import typer
from pydantic import SecretStr

from lnwatch.cli.options import absolute, address
from lnwatch.cli.plan import Plan
from lnwatch.cli.surroundings import Bitcoind, Lnd

_NONE = "-"


def interview(plan: Plan, told: Container[str], password_file: Path) -> tuple[Plan, SecretStr | None]:
    """The plan with a person's answers, and the password of bitcoind where one was typed.

    `told` names what is settled: `bitcoind`, `lnd`, `listen`, `data_dir`. What the plan holds is the
    default. A typed password is to be written to `password_file`. Raises typer.Abort on Ctrl-C.
    """
    password = None
    if "bitcoind" not in told:
        bitcoind, password = _bitcoind(plan.bitcoind, password_file)
        plan = replace(plan, bitcoind=bitcoind)
    if "lnd" not in told:
        plan = replace(plan, lnd=_lnd(plan.lnd))
    if "listen" not in told:
        plan = replace(plan, listen=typer.prompt("Listen on (HOST:PORT)", default=plan.listen, value_proc=address))
    if "data_dir" not in told:
        plan = replace(plan, data_dir=_path("Keep the ledger in", plan.data_dir) or plan.data_dir)
    return plan, password


def _bitcoind(found: Bitcoind | None, password_file: Path) -> tuple[Bitcoind | None, SecretStr | None]:
    if not typer.confirm("Is there a Bitcoin Core to watch?", default=found is not None):
        return None, None
    default = found or Bitcoind()
    url = typer.prompt("  Address of its RPC", default=default.url)
    cookie = _path("  Its cookie file", default.cookie, none="for user and password")
    if cookie is not None:
        return Bitcoind(url, cookie), None
    user = typer.prompt("  User")
    password = SecretStr(typer.prompt("  Password", hide_input=True))
    return Bitcoind(url, user=user, password_file=password_file), password


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
