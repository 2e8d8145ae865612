"""What a site is measured by follows its orders as they stand, however they came there."""

import asyncio
import random
import sqlite3
from collections.abc import Iterable, Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import SecretStr
from structlog.testing import capture_logs

from lnwatch.domain.tally import contribution
from lnwatch.measures import DEMAND_EVERY, KPIS_AT_FIRST, KPIS_EVERY, LOOK_EVERY, Measured, Measures, Scene
from lnwatch.model.kpi import CanPay, Kpi, KpiFigure, PayabilitySpan
from lnwatch.model.money import msat
from lnwatch.model.order import Order, Outcome, Rail
from lnwatch.model.silence import Silence, SilenceKind
from lnwatch.model.view import View
from lnwatch.store import Group, GroupChange, Kept, Ledger, LedgerSettings, open_ledger
from lnwatch.store.orders.values import Taken
from tests import assessments as build
from tests.domain.plainly import DAY, HOUR, STORES, Plainly, purchases
from tests.domain.purchases import NOW, failed, order
from tests.manual_clock import ManualClock

SITE = "main"
SCENE = Scene(SITE, NOW, {"ln1": "lnd"}, {"ln1": STORES})


def change(of: Order) -> GroupChange:
    """The order, alone in its group, as it stands now."""
    kept = Kept(of, contribution(of), None)
    return GroupChange(Group(SITE, of.store, f"invoice:{of.id}"), Taken(touches=0, newest=0, cut=False), (kept,))


def measures(ledger: Ledger, clock: ManualClock) -> Measures:
    return Measures(ledger, clock, {SITE: Measured(STORES)}, lambda _site, _store: "ln1")


async def reckoned(lives: Iterable[Sequence[Order]], chance: random.Random) -> tuple[KpiFigure, ...]:
    """The KPIs over a ledger that saw every order live its life, all lives mixed."""
    with TemporaryDirectory() as folder:
        clock = ManualClock(NOW)
        ledger = await open_ledger(LedgerSettings(), Path(folder), clock)
        left = [list(life) for life in lives]
        while left := [life for life in left if life]:
            turn = chance.sample(left, chance.randint(1, len(left)))
            await ledger.orders.commit([change(life.pop(0)) for life in turn])
        found = await measures(ledger, clock).kpis(SCENE)
        await ledger.close()
        return found


@st.composite
def lives(draw: st.DrawFn) -> list[list[Order]]:
    """Orders, each as it was seen open, then final, then corrected."""
    found = []
    for number, last in enumerate(draw(st.lists(purchases(), max_size=12))):
        named = replace(last, id=f"inv{number}")
        first = replace(named, outcome=Outcome.OPEN, rail=Rail.NONE, final_at=None, settled_at=None, legs=())
        before = replace(named, outcome=draw(st.sampled_from([Outcome.UNEXPLAINED, Outcome.FAILED])), refunded_at=None)
        steps = draw(st.sampled_from([(), (first,), (before,), (first, before), (first, before, before)]))
        found.append([*steps, named])
    return found


@settings(max_examples=12)
@given(lives(), st.randoms(use_true_random=False))
def test_corrections_leave_what_the_last_state_says(told: list[list[Order]], chance: random.Random) -> None:
    """Over a real ledger: whatever came first, every figure is that of the orders as they stand in the end."""
    orders = [life[-1] for life in told]
    for figure in asyncio.run(reckoned(told, chance)):
        if figure.kpi is not Kpi.UPTIME:
            plainly = Plainly(orders, NOW, figure.store, figure.rail, figure.window)
            assert (figure.events, figure.bad) == getattr(plainly, figure.kpi.value)(), figure


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock(NOW)


@pytest.fixture
def view() -> View:
    return replace(build.view(build.lightning_target()), at=NOW)


@pytest.fixture(params=["sqlite", "postgresql"])
def place(request: pytest.FixtureRequest) -> LedgerSettings:
    """Both backends: sums of theirs are not of one type."""
    if request.param == "sqlite":
        return LedgerSettings()
    return LedgerSettings(url=SecretStr(request.getfixturevalue("postgres_url")))


async def opened(folder: Path, clock: ManualClock, place: LedgerSettings | None = None) -> Ledger:
    return await open_ledger(place or LedgerSettings(), folder, clock)


async def test_time_in_which_nobody_looked_is_unknown(tmp_path: Path, clock: ManualClock) -> None:
    """Half an hour in which lnwatch was away and five announced minutes leave the SLI."""
    first = await opened(tmp_path, ManualClock(NOW - HOUR))
    spans = [PayabilitySpan("shop", Rail.LIGHTNING, NOW - 2 * DAY, CanPay.YES)]
    spans.append(PayabilitySpan("shop", Rail.LIGHTNING, NOW - 900, CanPay.NO))
    await first.orders.note_payability(SITE, spans)
    await first.put_silence(Silence("m", SilenceKind.MAINTENANCE, "anna", "cables", NOW - 600, NOW - 300))
    await first.close()
    ledger = await opened(tmp_path, ManualClock(NOW - 1_800))
    kpis = await measures(ledger, clock).kpis(SCENE)
    await ledger.close()
    found = {(each.store, each.rail, each.window): each for each in kpis if each.kpi is Kpi.UPTIME and not each.source}
    hour = found["shop", Rail.LIGHTNING, HOUR]
    assert (hour.events, hour.bad) == (1_500, 600)
    assert found["bar", Rail.LIGHTNING, HOUR].events == 0


async def test_a_view_is_filled_now_and_then(
    tmp_path: Path, clock: ManualClock, view: View, place: LedgerSettings
) -> None:
    """KPIs once a minute but for the first, demand every ten, before the first ticket each minute; the rest waits."""
    ledger = await opened(tmp_path, clock, place)
    measure = measures(ledger, clock)
    await measure.reckon(view)
    seen = [measure.fill(view)]
    await ledger.orders.commit([change(order(created_at=int(NOW) - 2 * DAY))])
    steps = (KPIS_AT_FIRST / 2, KPIS_AT_FIRST / 2, KPIS_EVERY - KPIS_AT_FIRST, KPIS_EVERY / 2, DEMAND_EVERY)
    for later in steps:
        await clock.advance(later)
        later_view = replace(view, at=clock.now())
        await measure.reckon(later_view)
        seen.append(measure.fill(later_view))
        await ledger.orders.commit([change(order(id=f"i{len(seen)}", created_at=int(NOW) - 2 * DAY))])
    await ledger.close()
    orders = [next(each.events for each in one.kpis if each.kpi is Kpi.PAYMENT_SUCCESS) for one in seen]
    assert orders == [0, 0, 2, 2, 4, 5]
    assert [one.demand["ln1"].tickets for one in seen] == [0, 0, 0, 3, 3, 5]


async def test_demand_over_all_stores_of_a_node(tmp_path: Path, clock: ManualClock, place: LedgerSettings) -> None:
    """Attempted and lost orders of 30 days, of both stores, with their tickets and parts."""
    ledger = await opened(tmp_path, clock, place)
    wanted = [
        of
        for day in range(1, 31)
        for store in STORES
        for of in (
            order(id=f"{store}{day}", store=store, parts=2 if store == "bar" else 1),
            failed(Outcome.UNPAYABLE, id=f"lost{store}{day}", store=store),
        )
        for of in [replace(of, created_at=int(NOW) - day * DAY, final_at=NOW - day * DAY + 60)]
    ]
    wanted = [replace(of, settled_at=of.final_at if of.outcome is Outcome.SETTLED else None) for of in wanted]
    await ledger.orders.commit([change(each) for each in wanted])
    found = (await measures(ledger, clock).demand(SCENE))["ln1"]
    await ledger.close()
    assert (found.tickets, found.median_msat, found.parts_share) == (120, msat(20_000), 0.5)
    assert (found.daily_msat, found.days, found.sure) == (msat(80_000), 29, True)


async def test_a_site_without_stores_is_left_as_it_is(tmp_path: Path, clock: ManualClock, view: View) -> None:
    """There is nothing to measure."""
    ledger = await opened(tmp_path, clock)
    other = replace(view, site="other")
    measure = measures(ledger, clock)
    await measure.reckon(other)
    assert measure.fill(other) is other
    await ledger.close()


@contextmanager
def table_away(folder: Path, table: str) -> Iterator[None]:
    """Somebody else's program has renamed a table of the ledger, and gives it its name back."""
    with closing(sqlite3.connect(LedgerSettings().file(folder), isolation_level=None)) as connection:
        connection.execute(f"ALTER TABLE {table} RENAME TO away")
        yield
        connection.execute(f"ALTER TABLE away RENAME TO {table}")


async def test_a_trouble_is_told_once(tmp_path: Path, clock: ManualClock, view: View) -> None:
    """One line for each trouble, however long it lasts; what was known stays; once mended, it is told anew."""
    ledger = await opened(tmp_path, clock)
    await ledger.orders.commit([change(order(created_at=int(NOW) - 60))])
    measure = measures(ledger, clock)
    due = KPIS_EVERY + LOOK_EVERY
    with capture_logs() as told:
        running = asyncio.create_task(measure.run(lambda: [replace(view, at=clock.now())]))

        async def wait(seconds: float, rounds: int = 1) -> list[str]:
            """The lines of that time: what is read in it is read by threads."""
            before = len(told)
            for _ in range(rounds):
                await clock.advance(seconds)
                await asyncio.sleep(0.2)
            return [f"{line['log_level']} {line['event']}: {line['error']}" for line in told[before:]]

        assert await wait(LOOK_EVERY) == []
        known = measure.fill(view).kpis
        assert any(figure.events for figure in known)
        for _ in range(2):
            with table_away(tmp_path, "bucket"):
                (line,) = await wait(due, rounds=3)
                assert line.startswith("warning KPIs can't be reckoned: the ledger ")
                assert "no such table: bucket" in line
                assert measure.fill(view).kpis == known
            assert await wait(due, rounds=2) == []
        with table_away(tmp_path, "silence"):
            (other,) = await wait(due, rounds=3)
            assert "no such table: silence" in other
        running.cancel()
        await asyncio.wait([running])
    await ledger.close()
