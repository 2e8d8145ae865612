"""`lnwatch notify`: try the channels of delivery."""

import asyncio
import os
import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated

import typer

from lnwatch.cli.options import AsJson, ConfigFile, help_alone
from lnwatch.cli.output import say, say_json, say_table
from lnwatch.cli.reach import doubtful_links
from lnwatch.cli.shell import MEND
from lnwatch.clock import Clock, SystemClock
from lnwatch.config import ChannelConfig, Config, load
from lnwatch.config.nearest import instead
from lnwatch.errors import ConfigError, ConfigProblem
from lnwatch.fields import format_duration
from lnwatch.net import Door
from lnwatch.notify import DeliveryError, Desk, Notifier
from lnwatch.notify._delivery import DEADLINE
from lnwatch.notify._trial import trial
from lnwatch.redaction import redact

app = typer.Typer(help="Try the channels of delivery.", rich_markup_mode=None, invoke_without_command=True)
app.callback()(help_alone)


@dataclass(frozen=True, slots=True)
class _Tried:
    """One channel, whether its service took the test, and in which words."""

    channel: ChannelConfig
    taken: bool
    answer: str


@app.command(name="test")
def try_channels(
    channel: Annotated[str | None, typer.Argument(metavar="CHANNEL", help="One alone; otherwise all.")] = None,
    config: ConfigFile = None,
    *,
    as_json: AsJson = False,
) -> None:
    """Send a marked test, print the answers.

    To one channel or to all, the way that cases go. Ends with 0 where every service took it, 1 where one did not,
    2 where the configuration is wrong.
    """
    loaded = load(config, os.environ)
    tried = asyncio.run(_try(loaded, _chosen(loaded, channel), SystemClock()))
    _tell(loaded, tried, as_json=as_json)
    if not all(each.taken for each in tried):
        raise typer.Exit(MEND)


def _chosen(config: Config, name: str | None) -> list[ChannelConfig]:
    if not config.notify:
        remedy = "configure one first, such as `[notify.slack.ops]`"
        raise ConfigError(ConfigProblem("notify", "no channel of delivery", remedy))
    if name is None:
        return list(config.notify.values())
    if name not in config.notify:
        raise typer.BadParameter(f"{name} is not configured; {instead(name, config.notify)}", param_hint="CHANNEL")
    return [config.notify[name]]


async def _try(config: Config, channels: Sequence[ChannelConfig], clock: Clock) -> list[_Tried]:
    """Test all side by side. Raises ConfigError, with nothing sent, where one of them can't be opened."""
    door = Door.of(config.net, clock)
    # A name of its own for each run, so that no receiver takes the second test for a repetition of the first.
    name = secrets.token_hex(8)
    try:
        notifiers = [each.kind.open(Desk(each.slug, clock, door, name), each.settings) for each in channels]
        sendings = (
            _send(channel, notifier, config.web.link_base, clock.now())
            for channel, notifier in zip(channels, notifiers, strict=True)
        )
        return list(await asyncio.gather(*sendings))
    finally:
        await door.close()


async def _send(channel: ChannelConfig, notifier: Notifier, link_base: str, now: float) -> _Tried:
    try:
        async with asyncio.timeout(DEADLINE):
            receipt = await notifier.send(trial(channel.slug, link_base, now))
    except DeliveryError as error:
        return _Tried(channel, taken=False, answer=f"{error.failure}: {error.message}")
    except TimeoutError:
        return _Tried(channel, taken=False, answer=f"timeout: no answer within {format_duration(DEADLINE)}")
    finally:
        await notifier.close()
    return _Tried(channel, taken=True, answer=receipt.answer)


def _tell(config: Config, tried: Sequence[_Tried], *, as_json: bool) -> None:
    rows = [(each.channel.slug, each.channel.kind.kind, each.taken, redact(each.answer)) for each in tried]
    warnings = list(doubtful_links(config))
    if as_json:
        channels = [
            {"channel": slug, "kind": kind, "taken": taken, "answer": answer} for slug, kind, taken, answer in rows
        ]
        say_json({"ok": all(each.taken for each in tried), "channels": channels, "warnings": warnings})
        return
    said = [(slug, kind, "yes" if taken else "no", answer) for slug, kind, taken, answer in rows]
    say_table(("channel", "kind", "taken", "answer"), said)
    for warning in warnings:
        say(f"warning: {warning}")
