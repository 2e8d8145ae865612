"""E-mail, Telegram, Matrix, ntfy and some 180 more, through apprise (the extra `apprise`).

apprise makes its own connections: our proxy and our limits on answers do not hold for them.
"""

import asyncio
import importlib
import logging
from concurrent.futures import ThreadPoolExecutor
from contextvars import ContextVar
from types import ModuleType
from typing import Any, Self

from pydantic import Field, SecretStr, model_validator

from lnwatch.credentials import Credential
from lnwatch.errors import ConfigError, ConfigProblem
from lnwatch.fields import Duration, FilePath
from lnwatch.model.case import CaseState
from lnwatch.model.message import Message, Receipt
from lnwatch.model.rule import Severity
from lnwatch.notify import DeliveryError, Desk, Failure, NotifierKind
from lnwatch.notify._format import cut, render
from lnwatch.notify._wire import secret_text
from lnwatch.notify._wording import Wording
from lnwatch.redaction import redact

_BODY = 8_000  # characters; each service cuts further where it must
_WORKERS = 2  # one may hang while the next message goes out
_KINDS = {Severity.CRITICAL: "failure", Severity.WARNING: "warning", Severity.INFO: "info"}


class AppriseSettings(Wording):
    """One channel: the URL by which apprise knows it, such as `mailtos://…` or `tgram://…`, or a file with it."""

    url: SecretStr | None = None
    url_file: FilePath | None = None
    deadline: Duration = Field("30s", validate_default=True)

    @model_validator(mode="after")
    def _one_url(self) -> Self:
        if (self.url is None) == (self.url_file is None):
            raise ValueError("set exactly one of `url_file` and `url`")
        if not 1 <= self.deadline <= 40:
            raise ValueError("`deadline` is from `1s` to `40s`: what takes longer would be sent twice")
        return self


class LongTail:
    """One URL of apprise; its blocking calls run in threads of our own."""

    def __init__(self, desk: Desk, settings: AppriseSettings) -> None:
        """Raises ConfigError where the package is missing."""
        self._apprise = _package(desk.channel)
        self._url = Credential(settings.url, settings.url_file)
        self._deadline = settings.deadline
        self._wording: Wording = settings
        self._threads = ThreadPoolExecutor(_WORKERS, thread_name_prefix=f"apprise-{desk.channel}")

    async def send(self, message: Message) -> Receipt:
        """Tell. apprise says no more than whether it worked. Raises DeliveryError."""
        url = secret_text(self._url, "apprise's URL")
        said = render(message)
        title, text = self._wording.words(message, said, f"{said.icon} {said.title}", _BODY)
        notice = message.notices[-1]
        done = notice.state in (CaseState.RESOLVED, CaseState.CLOSED) and not message.digest
        arguments = {
            "title": title,
            "body": text,
            "notify_type": "success" if done else _KINDS[max((each.severity for each in message.notices), key=_rank)],
            "body_format": "text",
        }
        loop = asyncio.get_running_loop()
        try:
            async with asyncio.timeout(self._deadline):
                sent, why = await loop.run_in_executor(self._threads, _notify, self._apprise, url, arguments)
        except TimeoutError as error:
            message_text = f"apprise did not come back within {self._deadline:g} s"
            raise DeliveryError(Failure.TIMEOUT, message_text) from error
        if sent is None:
            raise DeliveryError(Failure.INVALID, "this is no URL that apprise knows; see its list of services")
        if not sent:
            raise DeliveryError(Failure.SERVER, f"apprise could not deliver: {why or 'it does not say why'}")
        return Receipt("apprise: sent")

    async def find(self, message: Message) -> str | None:  # noqa: ARG002 - the contract's argument
        """Nothing: apprise sends and forgets."""
        return None

    async def close(self) -> None:
        """Let go of the threads; one that hangs ends by apprise's own time limits."""
        self._threads.shutdown(wait=False, cancel_futures=True)


class _Ear(logging.Handler):
    """Keeps what apprise warns of in one sending: its log is the only place where it gives reasons."""

    def __init__(self) -> None:
        super().__init__(logging.WARNING)
        self.said: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        if _listening.get(None) is self:
            self.said.append(record.getMessage())


# Carried into the threads in which apprise does its work, while other channels do theirs.
_listening: ContextVar[_Ear] = ContextVar("listening")


def _rank(severity: Severity) -> int:
    return severity.rank


def _package(channel: str) -> ModuleType:
    try:
        return importlib.import_module("apprise")
    except ImportError as error:
        remedy = "install it with `pip install 'lnwatch[apprise]'`, or take the channel out"
        raise ConfigError(ConfigProblem(f"notify.apprise.{channel}", "no package `apprise`", remedy)) from error


def _notify(package: ModuleType, url: str, arguments: dict[str, Any]) -> tuple[bool | None, str]:
    """Runs in a thread. Whether it was sent (None: the URL is none of apprise's), and what apprise said."""
    sender = package.Apprise()
    if not sender.add(url):
        return None, ""
    ear, logger = _Ear(), logging.getLogger("apprise")
    logger.addHandler(ear)
    mark = _listening.set(ear)
    try:
        sent = bool(sender.notify(**arguments))
    finally:
        _listening.reset(mark)
        logger.removeHandler(ear)
    return sent, cut(redact(" ".join(ear.said)), 300)


NOTIFIER = NotifierKind(kind="apprise", settings=AppriseSettings, open=LongTail, per_minute=20, burst=5)
