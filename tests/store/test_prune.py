import pytest

from lnwatch.model.chain import Reorganisation
from lnwatch.model.lightning import ChannelChange, ChannelEvent, Channels, InvoiceState, PaymentState
from lnwatch.model.liquidity import NodeLiquidity
from lnwatch.model.money import Msat
from lnwatch.model.snapshot import Event, StreamGap, TargetState
from lnwatch.store import Ledger, LedgerSettings, LiquidityChange, StateChange, prune
from tests.store.stories import (
    NODE,
    NOW,
    SITE,
    birth,
    block,
    buckets,
    channel,
    entry,
    forward,
    htlc_event,
    invoice,
    payment,
    rows,
    settled,
)

DAY = 86_400
LATER = NOW + 400 * DAY


async def test_nothing_is_too_old(ledger: Ledger) -> None:
    """What is younger than its retention stays."""
    await ledger.append([birth(), entry(settled("aa"), forward(), htlc_event(), payment(), block(100))])
    assert set((await ledger.prune(NOW + DAY)).values()) == {0}


async def test_five_minute_buckets(ledger: Ledger, settings: LedgerSettings) -> None:
    """Windows of 5 minutes go after 8 days, hours stay, and a late telling does not bring them back."""
    await ledger.append([birth(), entry(settled("aa"))])
    last = NOW - 300 + 8 * DAY
    assert (await ledger.prune(last - 1))["bucket"] == 0
    assert (await ledger.prune(last))["bucket"] == 1
    await ledger.append([entry(settled("bb"), at=last)])
    assert buckets(settings) == {("lightning_invoice_settled", 3_600, NOW - 3_600): (2, 500_000)}


async def test_finals_go_and_open_ones_stay(ledger: Ledger, settings: LedgerSettings) -> None:
    """Final invoices and payments go after their retention, by their final time; what is open stays, and so do sums."""
    gone: list[Event] = [settled("aa"), payment("cc", PaymentState.FAILED, NOW - 1.0)]
    stay: list[Event] = [invoice("bb"), payment("dd"), settled("ee", final_at=NOW)]
    await ledger.append([birth(), entry(*gone, *stay)])
    before = await ledger.totals()
    removed = await ledger.prune(LATER)
    assert (removed["lightning_invoice"], removed["lightning_payment"]) == (1, 1)
    assert {row["payment_hash"] for row in rows(settings, "lightning_invoice")} == {"bb", "ee"}
    assert {row["payment_hash"] for row in rows(settings, "lightning_payment")} == {"dd"}
    assert await ledger.totals() == before
    assert len(buckets(settings)) == 3


async def test_events_go(ledger: Ledger, settings: LedgerSettings) -> None:
    """Lines of streams, forwards, gaps and reorganisations go after their retention."""
    old = NOW - 1.0
    told: list[Event] = [
        forward(old),
        htlc_event(old),
        ChannelEvent(old, "f0:1", ChannelChange.OPEN),
        StreamGap("htlcs", old - 9, old, "not connected"),
        Reorganisation(old, 1, 100, "a101", "b101"),
    ]
    young: list[Event] = [forward(NOW + 1.0), htlc_event(NOW + 1.0), StreamGap("htlcs", old, NOW + 1.0, "")]
    await ledger.append([birth(), entry(*told, *young)])
    removed = await ledger.prune(LATER)
    tables = ("forward", "htlc_event", "channel_event", "stream_gap", "reorganisation")
    assert {table: removed[table] for table in tables} == dict.fromkeys(tables, 1)
    assert [len(rows(settings, table)) for table in tables] == [1, 1, 0, 1, 0]


async def test_state_in_force_stays(ledger: Ledger, settings: LedgerSettings) -> None:
    """Of states and balances the row that was in force at the edge of retention stays, and all later ones."""
    told = [
        StateChange(SITE, NODE, NOW - at, state, "", "")
        for at, state in ((30, TargetState.UP), (20, TargetState.DOWN), (10, TargetState.UP), (-10, TargetState.DOWN))
    ]
    await ledger.append([*told, StateChange(SITE, "core", NOW - 99, TargetState.UP, "", "")])
    assert (await ledger.prune(LATER))["target_state"] == 2
    assert [(row["source"], row["at"]) for row in rows(settings, "target_state")] == [
        ("core", NOW - 99),
        (NODE, NOW - 10),
        (NODE, NOW + 10),
    ]


async def test_channel_rows(ledger: Ledger, settings: LedgerSettings) -> None:
    """Hours of channels go after 90 days; each channel keeps the state in force."""
    for at, active in ((-20, True), (-10, False)):
        listed = Channels((channel(active=active), channel("f1:0")))
        liquidity = NodeLiquidity(NOW + at, Msat(at + 30), Msat(0), Msat(0), Msat(0), {})
        await ledger.append([LiquidityChange(SITE, NODE, NOW + at, liquidity, listed)])
    assert (await ledger.prune(NOW + 90 * DAY - 3_600))["channel_hour"] == 0
    removed = await ledger.prune(LATER)
    assert (removed["channel_hour"], removed["channel_state"], removed["liquidity_change"]) == (2, 1, 1)
    assert [(row["point"], row["at"]) for row in rows(settings, "channel_state")] == [
        ("f0:1", NOW - 10),
        ("f1:0", NOW - 20),
    ]


async def test_watch_list(ledger: Ledger, settings: LedgerSettings) -> None:
    """What never confirmed is given up after 90 days, what did is kept as long as other rows."""
    await ledger.watch(SITE, ["never", "soon"], NOW)
    await ledger.append([entry(block(100, txids=("soon",)))])
    assert (await ledger.prune(NOW + 90 * DAY + 1))["watched_transaction"] == 1
    assert [row["txid"] for row in rows(settings, "watched_transaction")] == ["soon"]
    assert (await ledger.prune(LATER + 1))["watched_transaction"] == 1


async def test_blocks(ledger: Ledger, settings: LedgerSettings) -> None:
    """Of each source the newest 2,100 blocks stay, however old."""
    await ledger.append([entry(*(block(height) for height in range(2_200)), source="core")])
    await ledger.append([entry(*(block(height) for height in range(50)), source="other")])
    assert (await ledger.prune(NOW))["block"] == 100
    heights = [row["height"] for row in rows(settings, "block") if row["source"] == "core"]
    assert (min(heights), max(heights)) == (100, 2_199)


async def test_inbox(ledger: Ledger) -> None:
    """What was answered long ago goes; what nobody answered stays."""
    first, second = [await ledger.inbox_put("prune", {}, NOW) for _ in range(2)]
    await ledger.inbox_answer(first, {}, NOW)
    assert (await ledger.prune(LATER + 1))["inbox"] == 1
    assert [each.id for each in await ledger.inbox_pending(9)] == [second]


async def test_many_rows(ledger: Ledger, monkeypatch: pytest.MonkeyPatch) -> None:
    """More rows than one look finds are all removed."""
    monkeypatch.setattr(prune, "FOUND", 700)  # rows enough for 20,000 would take long
    await ledger.append([birth(), entry(*(settled(f"{number:064x}") for number in range(1_500)))])
    assert (await ledger.prune(LATER))["lightning_invoice"] == 1_500
    assert (await ledger.totals())[SITE, NODE].outcomes[InvoiceState.SETTLED] == 1_500
