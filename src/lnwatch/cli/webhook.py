"""`lnwatch webhook register`: have BTCPay tell lnwatch what happens, with an API key for this once."""

import asyncio
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Final

import typer

from lnwatch.cli.naming import By, own_name
from lnwatch.cli.options import AsJson, ConfigFile, absolute, help_alone, public_url
from lnwatch.cli.output import say, say_json
from lnwatch.cli.visit import Visit, visiting
from lnwatch.clock import SystemClock
from lnwatch.config import Config, load
from lnwatch.domain.wording import listing
from lnwatch.errors import InboxError
from lnwatch.executor.registration import hook_url
from lnwatch.model.action import Ground, ProposalState
from lnwatch.sources.btcpay import BtcpaySettings

PATIENCE: Final = 90.0  # seconds for what BTCPay has to say
_EVERY: Final = 1.0  # seconds between two questions
_OVER: Final = frozenset({ProposalState.DONE, ProposalState.REHEARSED})
_FAILED: Final = frozenset({ProposalState.FAILED, ProposalState.REJECTED, ProposalState.WITHDRAWN})
_FOR_PEOPLE: Final = frozenset({Ground.NEEDS_APPROVAL, Ground.NEEDS_SECOND, Ground.DELAYED})

app = typer.Typer(
    help="What BTCPay Server tells lnwatch by itself.", rich_markup_mode=None, invoke_without_command=True
)
app.callback()(help_alone)


@app.command()
def register(  # noqa: PLR0913, PLR0917 - what a person says, each by its name
    source: Annotated[
        str, typer.Argument(metavar="SOURCE", help="The BTCPay Server: its name, or SITE/NAME.", show_default=False)
    ],
    store: Annotated[str, typer.Argument(metavar="STORE", help="The name of the store.", show_default=False)],
    key_file: Annotated[
        Path,
        typer.Option(
            "--key-file",
            metavar="FILE",
            parser=absolute,
            help="An API key with btcpay.store.webhooks.canmodifywebhooks for the store, which the daemon reads once "
            "and forgets; nobody else may read the file.",
            show_default=False,
        ),
    ],
    url: Annotated[
        str | None,
        typer.Option(
            "--url",
            metavar="BASE",
            parser=public_url,
            help="Where BTCPay reaches lnwatch; otherwise `web.public_url`.",
            show_default=False,
        ),
    ] = None,
    by: By = None,
    config: ConfigFile = None,
    *,
    as_json: AsJson = False,
) -> None:
    """Register lnwatch as a webhook of a store: through the executor, as its settings allow; again it finds the first.

    Ends with 1 where nothing came of it; one line says why.
    """
    settings = load(config, os.environ)
    site, name = _meant(settings, source)
    asked = {
        "site": site,
        "source": name,
        "store": store,
        "url": hook_url(url or settings.web.link_base, site, name),
        "key_file": str(key_file),
        "actor": by or own_name(),
    }
    told = asyncio.run(_register(settings, asked))
    if as_json:
        say_json(dict(told))
        return
    say(f"{told['sentence']} {told['id']} {told['state']}: {_became(told)}")
    if told["state"] == ProposalState.DONE:
        say(f"Delete the key in BTCPay, and {key_file}: lnwatch has forgotten it.")


async def _register(config: Config, asked: Mapping[str, object]) -> Mapping[str, Any]:
    async with visiting(config, SystemClock()) as visit:
        await visit.ask("register_webhook", asked)
        return await _wait(visit, {"site": asked["site"], "store": asked["store"]})


async def _wait(visit: Visit, errand: Mapping[str, object]) -> Mapping[str, Any]:
    end = visit.clock.monotonic() + PATIENCE
    while True:
        told: Mapping[str, Any] = await visit.ask("registration", errand)
        if told["refused"]:
            raise InboxError(told["refused"])
        found = told["proposal"]
        if found is not None:
            if found["state"] in _FAILED:
                raise InboxError(f"{found['id']} {found['state']}: {_became(found)}")
            if found["state"] in _OVER or found["verdict"]["ground"] in _FOR_PEOPLE:
                return dict(found)
        if visit.clock.monotonic() > end:
            raise InboxError("it is begun, but nothing came of it yet: see `lnwatch proposals`")
        await visit.clock.sleep(_EVERY)


def _meant(config: Config, source: str) -> tuple[str, str]:
    """Site and name of the source. Raises InboxError where it is none, or several."""
    servers = [
        (site.slug, each.slug)
        for site in config.sites.values()
        for each in site.sources
        if isinstance(each.settings, BtcpaySettings)
    ]
    meant = [each for each in servers if source in (each[1], "/".join(each))]
    if len(meant) == 1:
        return meant[0]
    there = listing([f"`{'/'.join(each)}`" for each in servers], most=10) or "none"
    raise InboxError(f"`{source}` names {'several' if meant else 'no'} BTCPay Servers; there is {there}")


def _became(told: Mapping[str, Any]) -> str:
    return str(told["outcome"] or told["verdict"]["words"])
