"""Looks at every source once, side by side, and puts into sentences what is to be mended or known."""

import asyncio
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import groupby
from typing import Final
from urllib.parse import urlsplit

from lnwatch.clock import Clock
from lnwatch.config import Config, SourceConfig
from lnwatch.errors import SourceError
from lnwatch.fields import format_duration
from lnwatch.model.snapshot import TargetState
from lnwatch.net import Door
from lnwatch.sources import Checkup, Place, Scope, Source, state_after
from lnwatch.web.settings import is_loopback

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
    """All sources in the order of the configuration; sentences to mend, to know, and to note."""

    inspected: tuple[Inspected, ...]
    problems: tuple[str, ...]
    warnings: tuple[str, ...]
    notes: tuple[str, ...]


async def inspect(config: Config, clock: Clock, seconds: float) -> Inspection:
    """Check every source of every site; none is given more than `seconds`, and none waits for another.

    Raises ConfigError where the way to the network can't be had.
    """
    door = Door.of(config.net, clock)
    sources = [source for site in config.sites.values() for source in site.sources]
    try:
        found = await asyncio.gather(*(_look(source, clock, door, seconds) for source in sources))
    finally:
        await door.close()
    return conclude(config, tuple(map(Inspected, sources, found)), clock.now())


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


def conclude(config: Config, inspected: tuple[Inspected, ...], now: float) -> Inspection:
    """What the checkups mean, each alone and those of one site together. `now` in epoch seconds."""
    problems = [f"{each.name}: {text}" for each in inspected for text in _problems(each.checkup, now)]
    for site, of_site in groupby(inspected, key=lambda each: each.source.site):
        problems += _mixed_networks(site, list(of_site))
    warnings = [f"{each.name}: {text}" for each in inspected for text in _warnings(each.checkup, now)]
    general = [str(each) for each in config.warnings if each.source is None]  # sources look at their own files
    return Inspection(inspected, tuple(problems), (*general, *warnings), tuple(_notes(config)))


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
    host = urlsplit(config.web.link_base).hostname or ""
    if is_loopback(host):
        yield f"links will begin with {config.web.link_base}, which only this machine can open: set web.public_url"
