"""A shop with 1,000 orders an hour, in real time: whether lnwatch keeps up with it, and what that costs."""

import asyncio
import random
import sys
import time
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import httpx
from pydantic import SecretStr

from bench.backfill import value
from bench.exporters import await_health
from bench.process import Program
from lnwatch.clock import SystemClock
from lnwatch.simulator.demo.house import House, Pace, configure
from lnwatch.simulator.demo.people import People
from lnwatch.simulator.ports import free_port
from lnwatch.simulator.world import shops
from lnwatch.simulator.world.demand import Demand
from lnwatch.simulator.world.stage import Stage
from lnwatch.store import LedgerSettings, export

AN_HOUR = 1_000  # orders
_PAST = 3_600  # seconds that the shop has been there
_SETTLE = 30.0  # seconds between the end of history and the window
_PATIENCE = 300.0  # seconds for anything to come up, or to be caught up with
_PACE = Pace(often="15s", answer="10s", invoices="15s", slow="60s", tells_after="")  # as the defaults are


@dataclass(frozen=True, slots=True)
class Kept:
    """Orders an hour that came; CPU seconds a minute; megabytes; what an assessment took, in milliseconds; how many
    invoices the ledger lacked at the end, or had otherwise than BTCPay, and the seconds until there were none."""

    orders: float
    cpu: float
    resident: float
    assessment: float
    behind: int
    caught_up: float


class _Even(Demand):
    """As many customers at every hour of the week."""

    def rate(self, at: int) -> float:  # noqa: ARG002 - the same at all times
        """Customers a millisecond."""
        return AN_HOUR / 3_600_000 * self.boost


def keep_up(folder: Path, window: float, url: str = "") -> Kept:
    """Watch the shop for `window` seconds, over the PostgreSQL at `url` or a new SQLite file."""
    folder.mkdir()
    return asyncio.run(_keep_up(folder, window, LedgerSettings(url=SecretStr(url)) if url else LedgerSettings()))


async def _keep_up(folder: Path, window: float, ledger: LedgerSettings) -> Kept:
    clock = SystemClock()
    begin = int((clock.now() - _PAST) * 1_000)
    stage = Stage(shops("busy", begin, games=24.0 * AN_HOUR), folder)
    shop = stage.world.shops["games"]
    shop.demand = _Even(shop.spec, begin, random.Random(AN_HOUR))
    people, house = People(clock), House(folder, free_port(), 0)
    async with stage.opened(), people.opened():
        await stage.live_through(clock.now(), lambda _: None)
        configure(house, stage, people, _PACE)
        if ledger.url is not None:
            with house.config.open("a") as config:
                config.write(f'\n[ledger]\nurl = "{ledger.url.get_secret_value()}"\n')
        living = asyncio.create_task(stage.run(clock.now()))
        with Program(["-m", "lnwatch", "run", "--config", str(house.config)], folder / "log") as program:
            await asyncio.to_thread(await_health, program, house.page)
            await _history_read(house)
            await asyncio.sleep(_SETTLE)
            kept = await _measured(stage, program, house, window)
            living.cancel()
            with suppress(asyncio.CancelledError):
                await living
            behind, caught_up = await _catch_up(stage, ledger, folder / "data")
    return Kept(*kept, behind, caught_up)


async def _page(house: House) -> str:
    async with httpx.AsyncClient(timeout=30) as client:
        return (await client.get(f"{house.page}/metrics")).raise_for_status().text


async def _history_read(house: House) -> None:
    deadline = time.monotonic() + _PATIENCE
    while time.monotonic() < deadline:
        lines = (await _page(house)).splitlines()
        read = [line for line in lines if line.startswith("lnwatch_backfill_finished{")]
        if read and all(line.endswith(" 1") for line in read):
            return
        await asyncio.sleep(1)
    raise TimeoutError("history was not read")


async def _measured(stage: Stage, program: Program, house: House, window: float) -> tuple[float, float, float, float]:
    """Orders an hour, CPU seconds a minute, megabytes, milliseconds of an assessment."""
    shop, began, used = stage.world.shops["games"], time.monotonic(), program.use()
    orders, before = shop.orders, await _page(house)
    await asyncio.sleep(window)
    took, now, after = time.monotonic() - began, program.use(), await _page(house)
    made, spent = (
        value(after, name) - value(before, name)
        for name in ("lnwatch_assessments_total", "lnwatch_assessment_seconds_total")
    )
    return (shop.orders - orders) * 3_600 / took, (now.cpu - used.cpu) * 60 / took, now.resident, spent / made * 1_000


async def _catch_up(stage: Stage, ledger: LedgerSettings, data: Path) -> tuple[int, float]:
    """How much the ledger lacks now that nobody comes any more, and for how many seconds."""
    began, first = time.monotonic(), None
    while True:
        stored = await asyncio.to_thread(_statuses, ledger, data)
        behind = sum(stored.get(each.id) != each.status.lower() for each in stage.btcpay.core.invoices.values())
        first = behind if first is None else first
        if not behind:
            return first, time.monotonic() - began
        if time.monotonic() - began > _PATIENCE:
            raise TimeoutError(f"{behind} invoices are not in the ledger as BTCPay has them")
        await asyncio.sleep(0.5)


def _statuses(ledger: LedgerSettings, data: Path) -> Mapping[str, str]:
    return {str(row["id"]): str(row["status"]) for row in export(ledger, data, "merchant_invoice")}


if __name__ == "__main__":
    print(keep_up(Path(sys.argv[1]), float(sys.argv[2]), *sys.argv[3:]))
