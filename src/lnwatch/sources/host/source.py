"""The machine as a source."""

import asyncio
import platform
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Final, TypeVar

from lnwatch.clock import Clock
from lnwatch.errors import FailureReason, SourceError
from lnwatch.model.host import HostStatus
from lnwatch.model.snapshot import Reading, TargetReport, TargetState
from lnwatch.sources import Checkup, Collector, Cost, Memory, Place, Scope, Stream
from lnwatch.sources.host import disks, machine, processes
from lnwatch.sources.host.disks import FileSystem, FillRates
from lnwatch.sources.host.probe import Probe
from lnwatch.sources.host.processes import Restarts
from lnwatch.sources.host.settings import HostSettings

T = TypeVar("T")

_DISKS: Final = "status.disks"
_PROCESSES: Final = "status.processes"
_PATIENCE: Final = 0.8  # of the deadline, after which a path that does not answer is given up


@dataclass(slots=True)
class _Seen:
    """File systems by path, and a sentence for each path that could not be asked."""

    file_systems: dict[str, FileSystem] = field(default_factory=dict)
    troubles: list[str] = field(default_factory=list)


class HostCollector:
    """The collector `status`."""

    name = "status"

    def __init__(self, settings: HostSettings, clock: Clock, cost: Cost) -> None:
        """Asks nothing yet."""
        self.interval = settings.interval
        self.deadline = settings.deadline
        self._clock = clock
        self._cost = cost
        self._names = settings.processes
        self._disks = {str(path): Probe(f"disk {path}", partial(disks.look, str(path))) for path in settings.paths}
        self._machine = Probe("machine", machine.look)
        self._processes = Probe("processes", partial(processes.find, settings.processes))
        self._rates: FillRates | None = None
        self._restarts: Restarts | None = None

    async def collect(self, memory: Memory) -> Reading:
        """Look at everything once; a path that fails is named and holds up nothing else. Raises SourceError."""
        if self._rates is None or self._restarts is None:
            self._rates = FillRates.load(await memory.cursor(_DISKS), self._disks)
            self._restarts = Restarts.load(await memory.cursor(_PROCESSES))
        rates, restarts = self._rates, self._restarts
        self._cost.calls += 1
        seen, found, running = await self.look()
        now = self._clock.now()
        cursors = {}
        if rates.keep(seen.file_systems, now):
            cursors[_DISKS] = rates.dump()
        if restarts.count(self._names, running):
            cursors[_PROCESSES] = restarts.dump()
        status = HostStatus(
            disks=tuple(
                disks.usage(path, each, rates.rate(path, each.used, now)) for path, each in seen.file_systems.items()
            ),
            memory_total=found.memory_total,
            memory_available=found.memory_available,
            load_1m=found.loads[0],
            load_5m=found.loads[1],
            load_15m=found.loads[2],
            cpus=found.cpus,
            boot_time=found.boot_time,
            processes=restarts.facts(self._names, running),
        )
        report = TargetReport(TargetState.UP, version(), supported=True, detail="; ".join(seen.troubles))
        return Reading(facts=status, target=report, cursors=cursors)

    async def look(self) -> tuple[_Seen, machine.Machine, dict[str, processes.Running]]:
        """File systems, machine and processes, side by side."""
        return await asyncio.gather(self._look_at_disks(), self._ask(self._machine), self._ask(self._processes))

    async def _look_at_disks(self) -> _Seen:
        seen = _Seen()
        answers = await asyncio.gather(*(self._ask_path(path, probe) for path, probe in self._disks.items()))
        for path, answer in zip(self._disks, answers, strict=True):
            if isinstance(answer, FileSystem):
                seen.file_systems[path] = answer
            else:
                seen.troubles.append(answer)
        return seen

    async def _ask_path(self, path: str, probe: Probe[FileSystem]) -> FileSystem | str:
        try:
            return await probe.ask(self.deadline * _PATIENCE)
        except TimeoutError:
            return f"{path} does not answer: is it on a network file system that went away?"
        except OSError as error:
            return f"{path} can't be looked at: {(error.strerror or 'unknown error').lower()}"

    async def _ask(self, probe: Probe[T]) -> T:
        try:
            return await probe.ask(self.deadline * _PATIENCE)
        except TimeoutError as error:
            raise SourceError(FailureReason.TIMEOUT, "the machine does not tell its state in time") from error
        except OSError as error:
            raise SourceError(FailureReason.FAILED, f"the machine does not tell its state: {error.strerror}") from error


class Host:
    """The source `host`."""

    streams: Sequence[Stream] = ()
    tls_expires_at: float | None = None

    def __init__(self, place: Place, settings: HostSettings) -> None:
        """Asks nothing yet."""
        self._settings = settings
        self._cost = Cost()
        self._status = HostCollector(settings, place.clock, self._cost)

    @property
    def collectors(self) -> Sequence[Collector]:
        """`status` alone."""
        return (self._status,)

    @property
    def cost(self) -> Cost:
        """Each look counts as a call; nothing comes over a network."""
        return self._cost

    async def check(self) -> Checkup:
        """Look at everything once."""
        try:
            seen, _, running = await self._status.look()
        except SourceError as error:
            return Checkup(reachable=True, state=TargetState.HANGING, version=version(), problems=(error.message,))
        absent = [name for name in self._settings.processes if name not in running]
        return Checkup(
            reachable=True,
            state=TargetState.UP,
            version=version(),
            supported=True,
            scope=Scope.ENOUGH,
            problems=tuple(seen.troubles),
            warnings=tuple(
                f"no process {name} is seen: it does not run, or in a container of its own" for name in absent
            ),
        )

    async def close(self) -> None:
        """Nothing to let go of: what hangs are daemon threads, which end with the process."""


def version() -> str:
    """The kernel by name and release."""
    return f"{platform.system()} {platform.release()}"
