"""What a View needs of the past."""

import asyncio
import itertools
from collections.abc import Sequence
from dataclasses import replace
from decimal import Decimal
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given
from hypothesis import settings as examples
from hypothesis import strategies as st
from sqlalchemy import delete

from lnwatch.errors import LedgerError
from lnwatch.model.chain import FeeEstimate, Reorganisation
from lnwatch.model.lightning import ChannelChange, ChannelEvent, InvoiceState, Watchtower
from lnwatch.model.snapshot import Event, StreamGap, TargetState
from lnwatch.model.view import Baseline, Happening, StateSpan
from lnwatch.store import Item, Ledger, LedgerSettings, Past, StateChange, open_ledger, tables
from lnwatch.store.past.keeper import PastKeeper
from tests.manual_clock import ManualClock
from tests.store.stories import NODE, NOW, SITE, block, entry, invoice, settled
from tests.store.test_channels import CLOSED
from tests.store.test_snapshots import CORE, NODE_STATUS

HOUR, DAY = 3_600, 86_400
ACCEPTED = InvoiceState.ACCEPTED
TOWER = Watchtower(True, 9, 7, 0, 1, 0)


def line(at: float = NOW - 5, point: str = "f0:1", change: ChannelChange = ChannelChange.INACTIVE) -> ChannelEvent:
    return ChannelEvent(at, point, change)


def reorganisation(at: float = NOW - 9.5) -> Reorganisation:
    return Reorganisation(at, 2, 103, "a105", "b105")


def gap(end: float, start: float = NOW - 3 * DAY) -> StreamGap:
    return StreamGap("htlcs", start, end, "not connected")


def state(at: float, state: TargetState = TargetState.UP, source: str = NODE, version: str = "0.21.2") -> StateChange:
    return StateChange(SITE, source, at, state, "", version)


async def test_events_of_a_day(ledger: Ledger) -> None:
    """A View has what happened within a day, oldest first, each by the source that told it; blocks are no news."""
    other = line(NOW - 2)
    await ledger.append(
        [
            entry(line(), reorganisation(), gap(NOW - DAY), block(105)),
            entry(line(NOW - DAY - 0.5), reorganisation(NOW - DAY - 1), gap(NOW - DAY - 1, NOW - 9 * DAY)),
            entry(other, source="ln2"),
            entry(line(NOW - 1), site="elsewhere"),
        ]
    )
    assert (await ledger.past(SITE, NOW)).events == (
        Happening(NODE, NOW - DAY, gap(NOW - DAY)),
        Happening(NODE, NOW - 9.5, reorganisation()),
        Happening(NODE, NOW - 5, line()),
        Happening("ln2", NOW - 2, other),
    )
    assert await ledger.past("nowhere", NOW) == Past()


async def test_closed_channels_of_a_month(ledger: Ledger) -> None:
    """A channel that closed is news for 30 days since lnwatch read of it; what was closed at its birth is none."""
    old, first = replace(CLOSED, point="f1:0"), replace(CLOSED, point="f2:0")
    swept = replace(CLOSED, settled_msat=CLOSED.capacity_msat)
    await ledger.append([entry(first, at=NOW - 9), entry(old, first, at=NOW - 8, history=True)])
    await ledger.append([entry(CLOSED, at=NOW)])
    await ledger.append([entry(swept, old, at=NOW + DAY)])  # told again, after a restart
    expected = (Happening(NODE, NOW - 9, first), Happening(NODE, NOW, swept))
    assert (await ledger.past(SITE, NOW + 30 * DAY - 9)).events == expected
    assert (await ledger.past(SITE, NOW + 30 * DAY)).events == expected[1:]
    assert (await ledger.past(SITE, NOW + 30 * DAY + 1)).events == ()


async def test_states(ledger: Ledger) -> None:
    """Each source's states of a day are there, and the one that was in force before."""
    told = [
        state(NOW - 9 * DAY, TargetState.STARTING),
        state(NOW - 2 * DAY),
        state(NOW - 60, TargetState.DOWN),
        state(NOW - 3 * DAY, source="core", version="31.0"),
        state(NOW - 5, source="new"),
    ]
    await ledger.append(told)
    spans = [StateSpan(each.source, each.at, each.state, each.version) for each in told]
    assert (await ledger.past(SITE, NOW)).states == (spans[3], spans[1], spans[2], spans[4])
    assert (await ledger.past(SITE, NOW - 60 + DAY)).states == (spans[3], spans[1], spans[2], spans[4])
    await ledger.append([entry(line(NOW))])
    assert (await ledger.past(SITE, NOW - 60 + DAY)).states == (spans[3], spans[1], spans[2], spans[4])
    assert (await ledger.past(SITE, NOW - 59 + DAY)).states == (spans[3], spans[2], spans[4])


async def test_held(ledger: Ledger) -> None:
    """Invoices that were paid and not settled are there by node, until they are final."""
    told = [invoice("aa", ACCEPTED, add_index=2), invoice("bb", ACCEPTED), invoice("cc"), settled("dd")]
    await ledger.append([entry(*told), entry(invoice("ee", ACCEPTED), source="ln2")])
    assert (await ledger.past(SITE, NOW)).held == {NODE: (told[1], told[0]), "ln2": (invoice("ee", ACCEPTED),)}
    await ledger.append([entry(settled("aa", NOW - 1, add_index=2))])
    assert (await ledger.past(SITE, NOW)).held[NODE] == (told[1],)
    await ledger.append([entry(settled("bb", NOW - 1))])
    assert NODE not in (await ledger.past(SITE, NOW)).held


async def test_baselines(ledger: Ledger) -> None:
    """A source's own normal is the median of the hours that are over: of a week, and for the fee of a month."""
    hours_ago = ((1, 0.5, "2", 4), (2, 0.1, "3.5", 0), (6 * 24, 0.2, "9", 2), (8 * 24, 9.0, "1", 99))
    told = []
    for hours, seconds, fee, pending in hours_ago:
        core = replace(CORE, rpc_seconds=seconds, fees=(FeeEstimate(2, Decimal(fee)),))
        at = NOW - hours * HOUR + 5
        told += [
            entry(facts=core, source="core", collector="status", at=at),
            entry(facts=replace(core, rpc_seconds=seconds * 3), source="core", collector="status", at=at + 15),
            entry(facts=replace(TOWER, pending_backups=pending), collector="watchtower", at=at),
        ]
    told.sort(key=lambda each: each.at)
    running = entry(facts=replace(NODE_STATUS, rpc_seconds=7.0), collector="node", at=NOW + 5)
    off = entry(facts=replace(TOWER, enabled=False), source="ln2", collector="watchtower", at=NOW - HOUR)
    await ledger.append([*told, running, off])
    usual = (await ledger.past(SITE, NOW + 9)).baselines
    assert {key: (round(each.median, 9), each.samples) for key, each in usual.items()} == {
        ("core", "rpc_seconds"): (0.4, 3),
        ("core", "next_block_fee"): (2.75, 4),
        (NODE, "watchtower_pending"): (2.0, 3),
    }
    assert (await ledger.past(SITE, NOW + HOUR)).baselines[NODE, "rpc_seconds"] == Baseline(7.0, 1)


async def test_a_late_figure(ledger: Ledger) -> None:
    """A figure of an hour that is over, told late, still counts."""
    slow, quick = (replace(NODE_STATUS, rpc_seconds=seconds) for seconds in (4.0, 2.0))
    await ledger.append([entry(facts=slow, collector="node", at=NOW - 60)])
    assert (await ledger.past(SITE, NOW + 1)).baselines == {(NODE, "rpc_seconds"): Baseline(4.0, 1)}
    await ledger.append([entry(facts=quick, collector="node", at=NOW - 30)])
    assert (await ledger.past(SITE, NOW + 1)).baselines == {(NODE, "rpc_seconds"): Baseline(3.0, 1)}


async def test_the_same_object(ledger: Ledger) -> None:
    """While nothing changes nothing is read, and the answer is the very same object."""
    await ledger.append([entry(line(), invoice()), state(NOW - 60)])
    before = await ledger.past(SITE, NOW)
    await ledger.append([entry(line(), invoice("bb"), settled("cc")), entry(line(NOW - 1), site="elsewhere")])
    ledger._workers.database._reader.dispose()
    ledger._workers._readers.shutdown()  # whoever would read now breaks
    assert await ledger.past(SITE, NOW + HOUR - 1) is before
    with pytest.raises(RuntimeError):
        await ledger.past("elsewhere", NOW)


async def test_what_comes_while_it_is_read(ledger: Ledger) -> None:
    """What is stored while the past is read is not missed, whichever comes first."""
    for number in range(20):
        new = [entry(line(NOW - number), reorganisation(NOW - number), invoice(f"i{number}", ACCEPTED))]
        asked = asyncio.create_task(ledger.past(SITE, NOW + number * HOUR))
        for _ in range(number):
            await asyncio.sleep(0)
        await ledger.append(new)
        await asked
        past = await ledger.past(SITE, NOW + number * HOUR)
        assert {happening.event for happening in past.events} >= set(new[0].reading.events[:2])
        assert len(past.held[NODE]) == number + 1


async def test_after_trouble(ledger: Ledger) -> None:
    """After trouble everything is read again: the ledger may be another one."""
    await ledger.append([entry(line())])
    assert len((await ledger.past(SITE, NOW)).events) == 1
    await ledger._workers.write(lambda connection: connection.execute(delete(tables.channel_event)).rowcount)
    assert len((await ledger.past(SITE, NOW)).events) == 1, "nobody else removes what is of today"
    with pytest.raises(LedgerError):
        await ledger.append([entry(ChannelEvent(NOW, "f0:1", ChannelChange.OPEN), line(None))])  # type: ignore[arg-type]  # what a bug would do
    assert (await ledger.past(SITE, NOW)).events == ()


async def test_the_clock_goes_back(ledger: Ledger) -> None:
    """After the clock was set back, what had left the window is in it again."""
    await ledger.append([entry(line())])
    assert (await ledger.past(SITE, NOW + 2 * DAY)).events == ()
    assert len((await ledger.past(SITE, NOW)).events) == 1


_sites = itertools.count()
TIMES = st.sampled_from([NOW - 31 * DAY, NOW - DAY - 1, NOW - DAY, NOW - DAY + 300, NOW - 60, NOW - 5])
SOURCES = st.sampled_from(["ln1", "ln2"])
EVENTS: st.SearchStrategy[Event] = st.one_of(
    st.builds(line, TIMES, st.sampled_from(["f0:1", "f1:1"]), st.sampled_from(ChannelChange)),
    st.builds(reorganisation, TIMES),
    st.builds(lambda end, length: gap(end, end - length), TIMES, st.sampled_from([5, 60])),
    st.builds(lambda point: replace(CLOSED, point=point), st.sampled_from(["f0:1", "f1:1"])),
    st.builds(lambda name: invoice(name, ACCEPTED), st.sampled_from(["aa", "bb"])),
    st.builds(settled, st.sampled_from(["aa", "bb"])),
)
ITEMS = st.one_of(
    st.builds(
        lambda events, at, source, history: entry(*events, at=at, source=source, history=history),
        st.lists(EVENTS, max_size=3),
        TIMES,
        SOURCES,
        st.booleans(),
    ),
    st.builds(
        lambda seconds, at, source: entry(
            facts=replace(NODE_STATUS, rpc_seconds=seconds), at=at, source=source, collector="node"
        ),
        st.sampled_from([1.0, 2.0]),
        TIMES,
        SOURCES,
    ),
    st.builds(state, TIMES, st.sampled_from(TargetState), SOURCES),
)


@examples(
    max_examples=40,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(steps=st.lists(st.tuples(st.lists(ITEMS, max_size=3), st.sampled_from([0, 1, 299, 301, HOUR])), max_size=8))
def test_kept_up(settings: LedgerSettings, tmp_path: Path, steps: list[tuple[list[Item], int]]) -> None:
    """Kept up with what is appended, the past is what a ledger that is opened afresh reads."""
    site = f"s{next(_sites)}"
    asyncio.run(_compare(settings, tmp_path, [([replace(item, site=site) for item in told], n) for told, n in steps]))


async def _compare(settings: LedgerSettings, folder: Path, steps: Sequence[tuple[Sequence[Item], int]]) -> None:
    ledger, now = await open_ledger(settings, folder, ManualClock()), float(NOW)
    site = next((item.site for told, _ in steps for item in told), SITE)
    for told, seconds in steps:
        await ledger.append(told)
        now += seconds
        kept, fresh = await ledger.past(site, now), await PastKeeper(ledger._workers).past(site, now)
        assert sorted(kept.events, key=repr) == sorted(fresh.events, key=repr)
        assert [happening.at for happening in kept.events] == [happening.at for happening in fresh.events]
        assert (kept.states, kept.held, kept.baselines) == (fresh.states, fresh.held, fresh.baselines)
    await ledger.close()
