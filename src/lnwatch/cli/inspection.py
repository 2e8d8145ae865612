"""Looks at every source once, side by side, and puts into sentences what is to be mended or known."""

import asyncio
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import groupby
from typing import Final

from lnwatch.cli.reach import Reach, doubtful_links
from lnwatch.clock import Clock
from lnwatch.config import ChannelConfig, Config, SourceConfig
from lnwatch.errors import ConfigError, SourceError
from lnwatch.executor.lnd import trouble_with
from lnwatch.fields import format_duration
from lnwatch.model.snapshot import TargetState
from lnwatch.net import Door
from lnwatch.notify import Desk
from lnwatch.sources import Checkup, Place, Scope, Source, state_after
from lnwatch.sources.btcpay.settings import BtcpaySettings
from lnwatch.sources.lnd.settings import LndSettings

CLOCK_TOLERANCE: Final = 30.0  # seconds
_SHARE_LOW: Final = 1 / 3  # of a certificate's lifetime
_CLOSING: Final = 5.0  # seconds that letting go of connections may take

_UNWELL: Final = {
    TargetState.LOCKED: "its wallet is locked",
    TargetState.HANGING: "it accepts connections and does not answer",
    TargetState.REJECTED: "it rejects us",
    TargetState.DOWN: "it can't be reached",
}


@dataclass(frozen=True, slots=True)
class Inspected:
    """One source and what was found there."""

    source: SourceConfig
    checkup: Checkup

    @property
    def name(self) -> str:
        """Where it is in sentences."""
        return f"{self.source.site}/{self.source.slug}"


@dataclass(frozen=True, slots=True)
class Inspection:
    """All sources and channels in the order of the configuration; sentences to mend, to know, and to note.

    A channel comes with the severities that it is told of.
    """

    inspected: tuple[Inspected, ...]
    channels: tuple[tuple[ChannelConfig, tuple[str, ...]], ...]
    problems: tuple[str, ...]
    warnings: tuple[str, ...]
    notes: tuple[str, ...]


async def inspect(config: Config, clock: Clock, seconds: float) -> Inspection:
    """Check every source of every site; none is given more than `seconds`, and none waits for another.

    Channels are opened, and sent nothing. Raises ConfigError where the way to the network can't be had.
    """
    door = Door.of(config.net, clock)
    sources = [source for site in config.sites.values() for source in site.sources]
    try:
        found = await asyncio.gather(*(_look(source, clock, door, seconds) for source in sources))
        closed = [text for channel in config.notify.values() for text in await _open(channel, clock, door)]
    finally:
        await door.close()
    return conclude(config, tuple(map(Inspected, sources, found)), closed, clock.now())


async def _open(channel: ChannelConfig, clock: Clock, door: Door) -> list[str]:
    """Why a channel can't be opened."""
    try:
        notifier = channel.kind.open(Desk(channel.slug, clock, door, ""), channel.settings)
    except ConfigError as error:
        return [str(problem) for problem in error.problems]
    await notifier.close()
    return []


async def _look(config: SourceConfig, clock: Clock, door: Door, seconds: float) -> Checkup:
    try:
        source = config.kind.open(Place(config.site, config.slug, clock, door), config.settings)
    except SourceError as error:
        return Checkup(reachable=False, state=state_after(error.reason), problems=(error.message,))
    try:
        async with asyncio.timeout(seconds):
            return await source.check()
    except TimeoutError:
        return Checkup(
            reachable=False,
            state=TargetState.HANGING,
            problems=(f"it did not answer everything within {format_duration(seconds)}",),
        )
    finally:
        await _close(source, min(seconds, _CLOSING))


async def _close(source: Source, seconds: float) -> None:
    try:
        async with asyncio.timeout(seconds):
            await source.close()
    except TimeoutError:
        return  # the process is about to end, and the connection with it


def conclude(config: Config, inspected: tuple[Inspected, ...], closed: Iterable[str], now: float) -> Inspection:
    """What the checkups mean, each alone and those of one site together. `now` in epoch seconds."""
    problems = [f"{each.name}: {text}" for each in inspected for text in _problems(each.checkup, now)]
    problems += [f"{each.name}: {text}" for each in inspected if (text := _hands(each.source))]
    for site, of_site in groupby(inspected, key=lambda each: each.source.site):
        problems += _mixed_networks(site, list(of_site))
    warnings = [f"{each.name}: {text}" for each in inspected for text in _warnings(each.checkup, now)]
    general = [str(each) for each in config.warnings if each.source is None]  # sources look at their own files
    reach = Reach.of(config)
    return Inspection(
        inspected=inspected,
        channels=tuple((channel, reach.gets(channel.slug)) for channel in config.notify.values()),
        problems=(*problems, *closed),
        warnings=(*general, *warnings, *reach.doubts()),
        notes=tuple(_notes(config)),
    )


def _hands(source: SourceConfig) -> str:
    """Why this node's hands would not act, though they were given a macaroon."""
    file = source.settings.hands_macaroon_file if isinstance(source.settings, LndSettings) else None
    return trouble_with(file) if file is not None else ""


def _problems(checkup: Checkup, now: float) -> Iterator[str]:
    yield from checkup.problems
    if not checkup.problems and checkup.state in _UNWELL:
        yield _UNWELL[checkup.state]
    for permission, cost in checkup.missing:
        yield f"the credential lacks {permission}: {cost}"
    if checkup.scope is Scope.TOO_LITTLE and not checkup.missing and not checkup.problems:
        yield "the credential lacks a permission"
    if checkup.tls_expires_at is not None and checkup.tls_expires_at <= now and not _tells(checkup, "certificate"):
        yield "its TLS certificate has expired"


def _warnings(checkup: Checkup, now: float) -> Iterator[str]:
    yield from checkup.warnings
    if checkup.supported is False and not _tells(checkup, checkup.version):
        yield f"version {checkup.version} is not one that lnwatch was tested with"
    if checkup.scope is Scope.TOO_MUCH and not checkup.warnings:
        yield "the credential may do more than read: give lnwatch one that can't"
    if checkup.state in (TargetState.STARTING, TargetState.SYNCING):
        yield f"it is {checkup.state}: figures come when it is done"
    elif checkup.synced is False:
        yield "it has not caught up with its chain: figures are late until it has"
    offset = checkup.clock_offset
    if offset is not None and abs(offset) > CLOCK_TOLERANCE:
        yield f"its clock is {abs(offset):.0f} s {'ahead of' if offset > 0 else 'behind'} ours: one of the two is wrong"
    share = checkup.tls_lifetime_left
    if share is not None and 0 < share < _SHARE_LOW and not _tells(checkup, "certificate"):
        yield f"its TLS certificate ends in {lifetime_left(checkup, now)}: renew it"


def _tells(checkup: Checkup, word: str) -> bool:
    """Whether the source has said something about it already, with more knowledge than we have here."""
    return any(word in text for text in (*checkup.problems, *checkup.warnings))


def lifetime_left(checkup: Checkup, now: float) -> str:
    """How long the certificate lasts, in whole days or hours; empty without TLS."""
    if checkup.tls_expires_at is None:
        return ""
    seconds = checkup.tls_expires_at - now
    if seconds <= 0:
        return "expired"
    if seconds < 3_600:
        return "less than 1 h"
    return f"{seconds // 86_400:.0f} d" if seconds >= 86_400 else f"{seconds // 3_600:.0f} h"


def _mixed_networks(site: str, of_site: list[Inspected]) -> Iterator[str]:
    networks = {each.source.slug: each.checkup.network for each in of_site if each.checkup.network is not None}
    if len(set(networks.values())) > 1:
        told = ", ".join(f"{slug} on {network}" for slug, network in networks.items())
        yield f"{site}: its sources are on different chains: {told}; a site is one chain"


def _notes(config: Config) -> Iterator[str]:
    yield from _acting(config)
    if not config.notify:
        yield "nobody is told of anything: configure a channel of delivery, such as `[notify.slack.ops]`"
        yield from doubtful_links(config)
    elif not config.dead_man.configured:
        yield "nobody would hear that lnwatch itself fell silent: set dead_man.ping_url_file"


def _acting(config: Config) -> Iterator[str]:
    """At which nodes something is done, or would be."""
    sources = [source for site in config.sites.values() for source in site.sources]
    handy = [
        source
        for source in sources
        if isinstance(source.settings, LndSettings) and source.settings.hands_macaroon_file is not None
    ]
    for source in handy:
        where = f"{source.site}/{source.slug}"
        if config.executor.dry_run:
            yield f"{where}: there are hands to call peers, and a dry run that keeps them still: executor.dry_run"
        else:
            yield f"{where}: lnwatch may have this node call peers, and do nothing else with it"
    if not handy and not config.executor.dry_run and not any(_asked(each) for each in sources):
        yield "nothing is done anywhere: `executor.dry_run` is off, but no node has a `hands_macaroon_file`"


def _asked(source: SourceConfig) -> bool:
    """Whether it is a BTCPay Server that may be asked to tell what happens."""
    return isinstance(source.settings, BtcpaySettings) and source.settings.signs is not None
