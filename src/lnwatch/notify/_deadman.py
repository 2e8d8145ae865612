"""The dead man's switch: a ping after each whole good cycle; whoever receives it rings when it stays away."""

from typing import Annotated, Self

import structlog
from pydantic import AfterValidator, Field, SecretStr, model_validator

from lnwatch.clock import Clock
from lnwatch.credentials import Credential
from lnwatch.fields import Duration, FilePath, Settings
from lnwatch.net import Door
from lnwatch.notify import DeliveryError
from lnwatch.notify._wire import Wire, checked_url, secret_url, status_failure

log = structlog.get_logger()


class DeadManSettings(Settings):
    """Where to ping, in the manner of healthchecks.io, and how often at most.

    Pings stay away while cycles are not good. `tell_failure` also says so at once, by `/fail` after the
    address: only for a receiver that knows it.
    """

    ping_url: Annotated[SecretStr | None, AfterValidator(checked_url)] = None
    ping_url_file: FilePath | None = None
    interval: Duration = Field("60s", validate_default=True)
    tell_failure: bool = False

    @model_validator(mode="after")
    def _coherent(self) -> Self:
        if self.ping_url is not None and self.ping_url_file is not None:
            raise ValueError("set `ping_url` or `ping_url_file`, not both")
        if self.interval < 10:
            raise ValueError("`interval` is at least `10s`: receivers drop what comes more often")
        if self.tell_failure and not self.configured:
            raise ValueError("`tell_failure` needs `ping_url_file` or `ping_url`")
        return self

    @property
    def configured(self) -> bool:
        """Whether there is somebody to ping."""
        return self.ping_url is not None or self.ping_url_file is not None


class DeadMan:
    """The switch of one daemon. Does nothing where it is not configured."""

    def __init__(self, settings: DeadManSettings, clock: Clock, door: Door) -> None:
        self._settings = settings
        self._clock = clock
        self._url = Credential(settings.ping_url, settings.ping_url_file)
        self._wire = Wire(door)
        self._told: tuple[bool, float] | None = None
        self._busy = False
        self.trouble = ""  # why the last ping did not arrive, for pages; empty while all is well

    async def ping(self, ok: bool) -> bool:  # noqa: FBT001 - the one thing that a cycle has to say
        """After a cycle: whether a ping left and was taken. Never raises, and never runs twice at a time."""
        if not self._settings.configured or self._busy or not self._due(ok=ok):
            return False
        self._busy = True
        try:
            await self._send("" if ok else "/fail")
        except DeliveryError as error:
            if error.message != self.trouble:
                log.warning("the dead man's switch could not be reached", error=error.message)
            self.trouble = error.message
            return False
        finally:
            self._busy = False
        self._told, self.trouble = (ok, self._clock.monotonic()), ""
        return True

    async def close(self) -> None:
        """Let go of the connection."""
        await self._wire.close()

    def _due(self, *, ok: bool) -> bool:
        if not ok and not self._settings.tell_failure:
            return False
        if self._told is None or self._told[0] != ok:
            return True
        return self._clock.monotonic() - self._told[1] >= self._settings.interval

    async def _send(self, suffix: str) -> None:
        base, mark, query = secret_url(self._url, "the address to ping").partition("?")
        answer = await self._wire.post(f"{base.rstrip('/')}{suffix}{mark}{query}", b"", {})
        if not 200 <= answer.status < 300:
            raise status_failure(answer)
