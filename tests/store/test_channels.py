from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path

from lnwatch.model.lightning import (
    Channel,
    ChannelChange,
    ChannelEvent,
    Channels,
    ClosedChannel,
    CloseKind,
)
from lnwatch.model.liquidity import ChannelLiquidity, NodeLiquidity
from lnwatch.model.money import Msat
from lnwatch.model.snapshot import StreamGap
from lnwatch.store import Ledger, LedgerSettings, LiquidityChange, open_ledger
from tests.manual_clock import ManualClock
from tests.store.stories import NODE, NOW, SITE, channel, entry, htlc_event, rows

CLOSED = ClosedChannel("f0:1", "1x2x3", "02ab", CloseKind.LOCAL_FORCE, "c0", 105, Msat(9), Msat(5), Msat(4))


def change(at: float, channels: Iterable[Channel], inbound: int = 1_000) -> LiquidityChange:
    listed = tuple(channels)
    usable = {each.point: ChannelLiquidity(Msat(7), Msat(8), Msat(6)) for each in listed if each.active}
    liquidity = NodeLiquidity(at, Msat(inbound), Msat(2_000), Msat(500), Msat(900), usable)
    return LiquidityChange(SITE, NODE, at, liquidity, Channels(listed))


async def test_closed_channel(ledger: Ledger, settings: LedgerSettings) -> None:
    """A closed channel is kept as it was told last, with when lnwatch first read of it."""
    await ledger.append([entry(CLOSED, at=NOW)])
    swept = replace(CLOSED, settled_msat=Msat(9), time_locked_msat=Msat(0))
    await ledger.append([entry(CLOSED, swept, at=NOW + 60)])
    (row,) = rows(settings, "closed_channel")
    assert (row["settled_msat"], row["time_locked_msat"], row["seen_at"]) == (9, 0, NOW)
    assert (row["kind"], row["closing_txid"], row["close_height"]) == ("local_force", "c0", 105)


async def test_streams_lines_once(ledger: Ledger, settings: LedgerSettings) -> None:
    """Each line of the HTLC and channel streams is stored once; a channel that is not named is empty."""
    line = htlc_event()
    opened = ChannelEvent(NOW + 0.5, "f0:1", ChannelChange.OPEN)
    told = [entry(line, line, replace(line, htlc_in=4), opened), entry(line, opened)]
    await ledger.append(told)
    await ledger.append(told)
    stored = rows(settings, "htlc_event")
    assert [(row["htlc_in"], row["channel_out"], row["outcome"]) for row in stored] == [
        (3, "", "link_failed"),
        (4, "", "link_failed"),
    ]
    assert [(row["at"], row["change"]) for row in rows(settings, "channel_event")] == [(NOW + 0.5, "open")]


async def test_gap_is_the_longest(ledger: Ledger, settings: LedgerSettings) -> None:
    """Of two gaps that begin alike the longer one stands."""
    short, long = (StreamGap("htlcs", NOW, NOW + seconds, "not connected") for seconds in (5.0, 60.0))
    await ledger.append([entry(short), entry(long)])
    await ledger.append([entry(short, replace(short, start=NOW + 300.0, end=NOW + 301.0))])
    stored = [(row["start_at"], row["end_at"]) for row in rows(settings, "stream_gap")]
    assert stored == [(NOW, NOW + 60.0), (NOW + 300.0, NOW + 301.0)]


async def test_liquidity_row_per_change(ledger: Ledger, settings: LedgerSettings) -> None:
    """What a node could receive and send is a row only where it is not what it was."""
    first = change(NOW, [channel()])
    await ledger.append([first, change(NOW + 15, [channel()]), change(NOW + 30, [channel()], inbound=900)])
    await ledger.append([first, change(NOW + 45, [channel()], inbound=900)])
    stored = rows(settings, "liquidity_change")
    assert [(row["at"], row["inbound_msat"]) for row in stored] == [(NOW, 1_000), (NOW + 30, 900)]
    assert stored[0]["receivable_one_msat"] == 500
    assert stored[0]["receivable_many_msat"] == 900
    assert stored[0]["outbound_msat"] == 2_000


async def test_balances_of_channels(ledger: Ledger, settings: LedgerSettings) -> None:
    """The sums of both sides are rows per change as well."""
    both = [channel("f0:1"), channel("f1:0")]
    moved = [both[0], replace(both[1], local_msat=Msat(1), remote_msat=Msat(2))]
    for at, channels in ((NOW, both), (NOW + 15, both), (NOW + 30, moved)):
        await ledger.append([change(at, channels)])
    stored = {(row["name"], row["at"]): row["amount_msat"] for row in rows(settings, "balance_change")}
    assert stored == {
        ("channels_local", NOW): 800_000_000,
        ("channels_local", NOW + 30): 400_000_001,
        ("channels_remote", NOW): 1_192_000_000,
        ("channels_remote", NOW + 30): 596_000_002,
    }


async def test_on_and_off(ledger: Ledger, settings: LedgerSettings) -> None:
    """A channel's row comes when it goes on or off, also across a restart and when told again."""
    told = [change(NOW + at, [channel("f0:1"), channel("f1:0", active=on)]) for at, on in ((0, True), (15, False))]
    told.append(change(NOW + 30, [channel("f0:1"), channel("f1:0", active=False)]))
    await ledger.append(told)
    await ledger.append(told)
    await ledger.append([change(NOW + 10, [channel("f1:0", active=True)])])
    stored = [(row["point"], row["at"], row["active"]) for row in rows(settings, "channel_state")]
    assert stored == [("f0:1", NOW, True), ("f1:0", NOW, True), ("f1:0", NOW + 15, False)]


async def test_on_and_off_after_a_restart(settings: LedgerSettings, clock: ManualClock, tmp_path: Path) -> None:
    """What was known before a restart is known after it: no row without a change."""
    for at, on in ((0, True), (15, True), (30, False)):
        ledger = await open_ledger(settings, tmp_path, clock)
        await ledger.append([change(NOW + at, [channel(active=on)])])
        await ledger.close()
    assert [(row["at"], row["active"]) for row in rows(settings, "channel_state")] == [(NOW, True), (NOW + 30, False)]
    assert len(rows(settings, "channel_hour")) == 1


async def test_first_look_of_an_hour(ledger: Ledger, settings: LedgerSettings) -> None:
    """Per channel there is one row an hour, of its first look; a channel that opens later gets its own."""
    await ledger.append([change(NOW + 5, [channel("f0:1")])])
    await ledger.append([change(NOW + 20, [channel("f0:1", local_msat=Msat(1)), channel("f1:0", active=False)])])
    await ledger.append([change(NOW + 3_600, [channel("f0:1", local_msat=Msat(2))])])
    await ledger.append([change(NOW + 40, [channel("f0:1", local_msat=Msat(3))])])
    stored = rows(settings, "channel_hour")
    assert [(row["hour"], row["point"], row["local_msat"]) for row in stored] == [
        (NOW, "f0:1", 400_000_000),
        (NOW, "f1:0", 400_000_000),
        (NOW + 3_600, "f0:1", 2),
    ]
    assert [(row["inbound_msat"], row["outbound_msat"], row["largest_in_msat"]) for row in stored[:2]] == [
        (7, 8, 6),
        (0, 0, 0),
    ]


async def test_a_state_that_waits_for_the_clock(ledger: Ledger, settings: LedgerSettings) -> None:
    """What went off while the clock was put back is written once it has caught up, though nothing else changed."""
    off = channel("f1:0", active=False)
    for at, one in ((0, channel("f1:0")), (-15, off), (0, off), (15, off), (30, off)):
        await ledger.append([change(NOW + at, [channel("f0:1"), one])])
    stored = [(row["point"], row["at"], row["active"]) for row in rows(settings, "channel_state")]
    assert stored == [("f0:1", NOW, True), ("f1:0", NOW, True), ("f1:0", NOW + 15, False)]


async def test_many_channels(ledger: Ledger, settings: LedgerSettings) -> None:
    """Thousands of channels are written in slices, each of them once."""
    listed = [channel(f"{number:064x}:0", channel_id=f"{number}x1x0") for number in range(2_500)]
    await ledger.append([change(NOW, listed)])
    await ledger.append([change(NOW + 15, [replace(each, active=False) for each in listed])])
    assert len(rows(settings, "channel_hour")) == 2_500
    stored = rows(settings, "channel_state")
    assert [row["active"] for row in stored] == [True, False] * 2_500
