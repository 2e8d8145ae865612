"""A kind of source whose checkup is written in its settings."""

import asyncio
from collections.abc import Sequence
from typing import Literal

from pydantic import Field, SecretStr

from lnwatch.errors import FailureReason, SourceError
from lnwatch.fields import Duration, FilePath, Settings
from lnwatch.model.chain import Network
from lnwatch.model.snapshot import TargetState
from lnwatch.sources import Checkup, Collector, Cost, Place, Scope, SourceKind, Stream


class StandinSettings(Settings):
    state: TargetState = TargetState.UP
    reachable: bool = True
    supported: bool | None = True
    version: str = "1.0"
    network: Network | None = Network.MAIN
    scope: Scope = Scope.ENOUGH
    missing: tuple[tuple[str, str], ...] = ()
    tls_days: int | None = None
    tls_share: float | None = None
    clock_offset: float | None = None
    synced: bool | None = True
    problems: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()
    fails: Literal["open", "hang", "hang at the end"] | None = None
    wait: Duration = Field("0s", validate_default=True)
    password: SecretStr | None = None
    password_file: FilePath | None = None


class Standin:
    collectors: Sequence[Collector] = ()
    streams: Sequence[Stream] = ()
    tls_expires_at = None

    def __init__(self, place: Place, settings: StandinSettings) -> None:
        if settings.fails == "open":
            raise SourceError(FailureReason.CREDENTIAL_UNREADABLE, "can't read /nowhere: no such file")
        self.cost = Cost()
        self._place = place
        self._settings = settings

    async def check(self) -> Checkup:
        if self._settings.fails == "hang":
            await asyncio.Event().wait()
        said = self._settings
        days = said.tls_days
        return Checkup(
            reachable=said.reachable,
            state=said.state,
            version=said.version,
            supported=said.supported,
            network=said.network,
            scope=said.scope,
            missing=said.missing,
            tls_expires_at=None if days is None else self._place.clock.now() + days * 86_400 + 5_400,
            tls_lifetime_left=said.tls_share,
            clock_offset=said.clock_offset,
            synced=said.synced,
            problems=said.problems,
            warnings=said.warnings,
        )

    async def close(self) -> None:
        if self._settings.fails == "hang at the end":
            await asyncio.Event().wait()


SOURCE = SourceKind("standin", StandinSettings, Standin)
