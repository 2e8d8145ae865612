"""The demo as a whole: a past is lived through, then a merchant's life goes on beside a daemon that watches it."""

import asyncio
import random
import signal
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import Final

import httpx

from lnwatch.clock import SystemClock
from lnwatch.simulator.demo import programs
from lnwatch.simulator.demo.desk import DemoDesk
from lnwatch.simulator.demo.house import DemoError, House, Pace, configure, listens, occupied
from lnwatch.simulator.demo.incidents import INCIDENTS, Cast
from lnwatch.simulator.demo.people import People
from lnwatch.simulator.demo.programs import Programs
from lnwatch.simulator.ports import free_port
from lnwatch.simulator.world.spec import shops
from lnwatch.simulator.world.stage import Stage

Say = Callable[[str], None]

_DAY: Final = 86_400
_ORDERS: Final = {"corner": 5, "books": 60, "games": 200}
_SHOWN: Final = f'kpi="payment_success",store="{max(_ORDERS, key=lambda name: _ORDERS[name])}"'
_READY_WITHIN: Final = 90  # seconds
_NOW_AND_THEN: Final = (15 * 60, 40 * 60)  # seconds between incidents that come by themselves
_BY_THEMSELVES: Final = ("peer-offline", "webhooks-fail", "lnd-locked", "paid-unseen")
_LASTS: Final = 180.0
_LIMITS: Final = {"paid_not_settled": {"grace_seconds": "30s"}}  # who looks on waits less long than a merchant


class _Stop(Exception):  # noqa: N818 - not an error: how a signal leaves the TaskGroup
    """The demo was asked to end."""


class Show:
    """One demo; `commands` are those that another shell may try."""

    def __init__(self, house: House, days: int, say: Say, commands: Sequence[str]) -> None:
        """Nothing runs yet."""
        self._house, self._days, self._say, self._commands = house, days, say, commands
        self._clock = SystemClock()
        began = self._clock.now() - days * _DAY
        self._stage = Stage(shops("demo", int(began * 1_000), **_ORDERS), house.folder)
        self._people = People(self._clock)
        self._desk = DemoDesk(self._clock, self._people, house, self._begin)
        self._programs = Programs(house.folder)
        self._happening: dict[str, asyncio.Task[None]] = {}

    async def run(self) -> None:
        """Until SIGINT, SIGTERM or SIGHUP. Raises DemoError."""
        try:
            async with asyncio.TaskGroup() as group:
                group.create_task(_until_signal())
                group.create_task(self._play())
        except* _Stop:
            self._say("stopping")
        except* DemoError as errors:
            raise _first(errors) from None
        finally:
            await self._programs.close()

    async def _play(self) -> None:
        async with self._stage.opened(), self._people.opened(), self._desk:
            self._say(f"{self._days} days of three shops are lived through: half a second each")
            await self._stage.live_through(self._clock.now(), lambda _: None)
            configure(self._house, self._stage, self._people, Pace(), _LIMITS)
            listens(self._house, self._stage, does=False)
            self._say("lnwatch reads them, as it would read yours: by what its sources tell")
            daemon = await self._programs.start("lnwatch", programs.daemon(self._house))
            async with asyncio.TaskGroup() as group:
                group.create_task(self._stage.run(self._clock.now()))
                group.create_task(self._watch(daemon))
                prometheus = group.create_task(self._prometheus())
                await self._await_page(lambda _: True)
                listens(self._house, self._stage, does=True)
                if not await self._await_page(_read_all):
                    self._say("this machine takes its time: lnwatch still reads what was, and its page fills meanwhile")
                self._house.state()
                self._greet(await prometheus)
                group.create_task(self._now_and_then())

    async def _watch(self, daemon: asyncio.subprocess.Process) -> None:
        await daemon.wait()
        raise DemoError(f"lnwatch ended by itself: {self._programs.tail('lnwatch')}")

    async def _await_page(self, shows: Callable[[str], bool]) -> bool:
        """Whether the daemon's metrics show it, as soon as they do, or in the end."""
        deadline = self._clock.monotonic() + _READY_WITHIN
        async with httpx.AsyncClient(timeout=10) as client:
            while self._clock.monotonic() < deadline:
                await self._clock.sleep(0.5)
                with suppress(httpx.HTTPError):
                    if shows((await client.get(f"{self._house.page}/metrics")).text):
                        return True
        return False

    async def _prometheus(self) -> str:
        """Where Prometheus runs with the alerts of lnwatch; empty where it is not installed."""
        port = free_port()
        command = programs.prometheus(self._house, port)
        if command is None:
            return ""
        if await self._programs.run("alerts", programs.alerts(self._house)):
            raise DemoError(f"the alerts could not be made: {self._programs.tail('alerts')}")
        await self._programs.start("prometheus", command)
        return f"http://127.0.0.1:{port}"

    def _greet(self, prometheus: str) -> None:
        for line in (
            f"lnwatch is at      {self._house.page}",
            f"who is told what   {self._house.desk}",
        ):
            self._say(line)
        if prometheus:
            self._say(f"Prometheus         {prometheus}")
        self._say("")
        self._say("Look at the first page: whether customers can pay, and how much of a day's orders was paid.")
        self._say("Let something go wrong with the buttons of the second page, or from another shell:")
        for command in self._commands:
            self._say(f"    {command}")
        self._say("Ctrl-C ends all of it.")

    # -- incidents --------------------------------------------------------------------------------------------

    def _begin(self, name: str, lasts: float) -> str:
        """Let it happen; what is wrong with that, or nothing."""
        if name not in INCIDENTS:
            return f"there is no incident {name}: choose among {', '.join(INCIDENTS)}"
        if self._happening:
            return f"{next(iter(self._happening))} is not over yet"
        if not 10 <= lasts <= 3_600:
            return "an incident lasts between 10 seconds and an hour"
        self._happening[name] = asyncio.get_running_loop().create_task(self._happen(name, lasts))
        return ""

    async def _happen(self, name: str, lasts: float) -> None:
        incident = INCIDENTS[name]
        self._desk.note(f"{name}: {incident.sentence}")
        self._say(f"{time.strftime('%H:%M:%S')} {name}: {incident.sentence}")
        try:
            await incident.happen(Cast(self._stage, self._people, lasts))
            end = f"{name} is over"
        except LookupError as error:
            end = f"{name} is over before it began: {error}"
        finally:
            del self._happening[name]
        self._desk.note(end)
        self._say(f"{time.strftime('%H:%M:%S')} {end}")

    async def _now_and_then(self) -> None:
        chance = random.Random("incidents")
        while True:
            await self._clock.sleep(chance.uniform(*_NOW_AND_THEN))
            self._begin(chance.choice(_BY_THEMSELVES), _LASTS)


def _first(errors: BaseException) -> BaseException:
    """The first one of a group, which may hold groups."""
    while isinstance(errors, BaseExceptionGroup):
        errors = errors.exceptions[0]
    return errors


def _read_all(exposed: str) -> bool:
    """Whether nothing is left to be read of what was before, and KPIs were reckoned of it, by an exposition."""
    lines = exposed.splitlines()
    finished = [line for line in lines if line.startswith("lnwatch_backfill_finished{")]
    answers = [line for line in lines if line.startswith("lnwatch_payability{") and line.endswith(" 1")]
    return (
        bool(finished and answers)
        and all(line.endswith(" 1") for line in finished)
        and not any('answer="unknown"' in line for line in answers)
        and any(line.startswith("lnwatch_kpi_ratio{") and _SHOWN in line for line in lines)
    )


async def _until_signal() -> None:
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        loop.add_signal_handler(number, stop.set)
    await stop.wait()
    raise _Stop


def show(house: House, days: int, say: Say, commands: Sequence[str]) -> None:
    """Run a demo to its end. Raises DemoError."""
    with occupied(house):
        asyncio.run(Show(house, days, say, commands).run())
