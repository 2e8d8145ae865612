"""`lnwatch run`: the daemon, in the foreground."""

import asyncio
import os

import structlog

from lnwatch import __version__
from lnwatch import log as logging
from lnwatch.cli.options import ConfigFile
from lnwatch.clock import SystemClock
from lnwatch.config import load

log = structlog.get_logger()


def run(config: ConfigFile = None) -> None:
    """Watch until told to stop (Ctrl-C, SIGTERM).

    What it has to tell goes to stderr, as lines of a log.
    """
    loaded = load(config, os.environ)
    from lnwatch.app import run as watch  # noqa: PLC0415 - every room: the other verbs do without

    logging.configure(loaded.log)
    log.info("starting", version=__version__, configuration=str(loaded.path or "environment"), sites=list(loaded.sites))
    for warning in loaded.warnings:
        log.warning("configuration", text=str(warning))
    asyncio.run(watch(loaded, SystemClock()))
