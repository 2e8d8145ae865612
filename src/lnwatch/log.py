"""Logging: one pipeline for us and for the libraries, JSON lines where nobody looks on, no secrets anywhere."""

import logging
import sys
from types import TracebackType
from typing import Literal, TextIO

import structlog
from structlog.typing import EventDict, Processor, WrappedLogger

from lnwatch.fields import Settings
from lnwatch.redaction import redact, scrub

__all__ = ["LogSettings", "configure", "formatter", "redact"]

# These tell of every request or statement at info, which our own lines tell better.
_QUIET = ("alembic", "apscheduler", "asyncio", "grpc", "httpcore", "httpx", "sqlalchemy", "uvicorn", "uvicorn.error")
_SILENT = ("uvicorn.access",)


class _Handler(logging.StreamHandler[TextIO]):
    """Ours, so that a second `configure` finds the first one's."""


class LogSettings(Settings):
    """The block `[log]`. `auto` is `console` on a terminal and `json` elsewhere."""

    level: Literal["debug", "info", "warning", "error"] = "info"
    format: Literal["auto", "json", "console"] = "auto"


def configure(settings: LogSettings | None = None, stream: TextIO | None = None) -> None:
    """Send everything that is logged to `stream` (stderr), through one pipeline; may be called again."""
    settings = settings or LogSettings()
    stream = stream or sys.stderr
    level = logging.getLevelNamesMapping()[settings.level.upper()]
    colours = settings.format == "console" or (settings.format == "auto" and stream.isatty())
    handler = _Handler(stream)
    handler.setFormatter(formatter(console=colours, colors=stream.isatty()))
    _configure_structlog(level)
    _configure_libraries(level, handler)
    sys.excepthook = _log_crash


def formatter(*, console: bool = False, colors: bool = False) -> logging.Formatter:
    """Turns records, ours and those of libraries, into lines without secrets."""
    renderer: Processor = (
        structlog.dev.ConsoleRenderer(colors=colors, exception_formatter=structlog.dev.plain_traceback)
        if console
        else structlog.processors.JSONRenderer()
    )
    return structlog.stdlib.ProcessorFormatter(
        foreign_pre_chain=_shared(),
        processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, renderer],
    )


def redact_event(_logger: WrappedLogger, _method: str, event: EventDict) -> EventDict:
    """The processor: every value of a line at any depth, exception texts and tracebacks included."""
    meta = {name: event.pop(name) for name in ("_record", "_from_structlog") if name in event}
    clean: EventDict = {name: scrub(value, name) for name, value in event.items()}
    first: EventDict = {name: clean.pop(name) for name in ("timestamp", "level", "event") if name in clean}
    return {**first, **clean, **meta}


def _shared() -> list[Processor]:
    return [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.stdlib.add_logger_name,
        structlog.stdlib.PositionalArgumentsFormatter(),
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        structlog.processors.StackInfoRenderer(),
        structlog.processors.format_exc_info,
        redact_event,
    ]


def _configure_structlog(level: int) -> None:
    structlog.configure(
        processors=[*_shared(), structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        wrapper_class=structlog.make_filtering_bound_logger(level),
        logger_factory=structlog.stdlib.LoggerFactory(),
    )


def _configure_libraries(level: int, handler: logging.Handler) -> None:
    root = logging.getLogger()
    for old in [old for old in root.handlers if isinstance(old, _Handler)]:
        root.removeHandler(old)
    root.addHandler(handler)
    root.setLevel(level)
    for name in _QUIET:
        logging.getLogger(name).setLevel(max(level, logging.WARNING))
    for name in _SILENT:
        logging.getLogger(name).setLevel(logging.CRITICAL)
    logging.captureWarnings(capture=True)


def _log_crash(kind: type[BaseException], error: BaseException, traceback: TracebackType | None) -> None:
    """What ends the process goes through the same pipeline; Ctrl-C is no crash."""
    if issubclass(kind, KeyboardInterrupt):
        sys.__excepthook__(kind, error, traceback)
        return
    structlog.get_logger("lnwatch").critical("crashed", exc_info=(kind, error, traceback))
