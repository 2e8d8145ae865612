"""What the world was like while an invoice was open, as the ledger knows it, over both backends."""

from dataclasses import replace
from pathlib import Path

from lnwatch.model.conditions import FailedHtlc, Receivable
from lnwatch.model.lightning import Channels, HtlcDirection, HtlcOutcome, InvoiceState
from lnwatch.model.liquidity import NodeLiquidity
from lnwatch.model.money import Msat
from lnwatch.model.snapshot import TargetState
from lnwatch.model.view import StateSpan
from lnwatch.store import Ledger, LedgerSettings, LiquidityChange, StateChange, open_ledger
from lnwatch.store.circumstances import Circumstances, Period
from tests.manual_clock import ManualClock
from tests.store.merchant_stories import birth_of_shop, lightning, shop_invoice, told
from tests.store.stories import BORN, NODE, NOW, SITE, birth, entry, htlc_event, invoice, settled

UP, DOWN = TargetState.UP, TargetState.DOWN
PERIOD = Period(SITE, NODE, (NODE, "core"), NOW - 600, NOW)


def change(at: float, state: TargetState, source: str = NODE, site: str = SITE) -> StateChange:
    return StateChange(site, source, at, state, "", "1")


def receivable(at: float, many: int, node: str = NODE) -> LiquidityChange:
    liquidity = NodeLiquidity(at, Msat(many), Msat(0), Msat(many), Msat(many), {})
    return LiquidityChange(SITE, node, at, liquidity, Channels(()))


async def test_states_in_a_period_and_the_one_before(ledger: Ledger) -> None:
    """What lasted already when it began is in it, what is over or comes later is not, nor what is elsewhere."""
    await ledger.append(
        [
            change(NOW - 2_000, DOWN),
            change(NOW - 1_000, UP),
            change(NOW - 300, DOWN),
            change(NOW + 5, UP),
            change(NOW - 5_000, UP, source="core"),
            change(NOW - 100, DOWN, source="other"),
            change(NOW - 100, DOWN, site="else"),
        ]
    )
    found = await ledger.circumstances.within(PERIOD)
    assert set(found.states) == {
        StateSpan(NODE, NOW - 1_000, UP, "1"),
        StateSpan(NODE, NOW - 300, DOWN, "1"),
        StateSpan("core", NOW - 5_000, UP, "1"),
    }
    assert await ledger.circumstances.within(replace(PERIOD, sources=())) == Circumstances()


async def test_what_could_be_received(ledger: Ledger) -> None:
    """A step for each change, with the one that was in force; none where no node is joined."""
    steps = [(-2_000, 9_000), (-900, 5_000), (-200, 1_000), (50, 2_000)]
    await ledger.append([birth()])
    for age, many in steps:
        await ledger.append([receivable(NOW + age, many)])
    await ledger.append([receivable(NOW - 100, 7, node="ln2")])
    found = await ledger.circumstances.within(PERIOD)
    assert found.receivable == (Receivable(NODE, NOW - 900, Msat(5_000)), Receivable(NODE, NOW - 200, Msat(1_000)))
    assert not (await ledger.circumstances.within(replace(PERIOD, node=None))).receivable


async def test_when_too_little_could_be_received(ledger: Ledger) -> None:
    """From the first row below the amount to the next that is not; what still lasts has no end."""
    await ledger.append([birth()])
    for age, many in ((-900, 5_000), (-800, 900), (-700, 800), (-600, 1_000), (-100, 1)):
        await ledger.append([receivable(NOW + age, many)])
    short = await ledger.circumstances.short_of(SITE, NODE, Msat(1_000), NOW - 1_000)
    assert list(short) == [(NOW - 800, NOW - 600), (NOW - 100, None)]
    assert not await ledger.circumstances.short_of(SITE, NODE, Msat(1), NOW - 1_000)


async def test_failed_receives_and_their_rivals(ledger: Ledger) -> None:
    """LND does not say which payment failed: how many invoices asked for that amount just then tells how sure it is."""
    amount = Msat(250_000)
    failed = htlc_event(at=NOW - 100.5, amount_msat=amount)
    others = (
        htlc_event(at=NOW - 90, outcome=HtlcOutcome.SETTLED, amount_msat=amount),
        htlc_event(at=NOW - 80, direction=HtlcDirection.FORWARD, channel_out="1x1x1", amount_msat=amount),
        htlc_event(at=NOW - 5_000, amount_msat=amount),
    )
    await ledger.append([birth(), entry(invoice("aa"), failed, *others)])
    (found,) = (await ledger.circumstances.within(PERIOD)).failed
    assert found == FailedHtlc(NODE, NOW - 100.5, "820000x1x0", amount, "INVOICE_NOT_OPEN", rivals=0)
    rivals = (
        invoice("bb", add_index=2),
        settled("cc", final_at=NOW - 50, add_index=3),  # was open then
        settled("dd", final_at=NOW - 200, add_index=4),  # was paid before
        invoice("ee", add_index=5, value_msat=Msat(900_000)),
        invoice("ff", add_index=6, created_at=NOW - 50),
        invoice("99", InvoiceState.CANCELED, final_at=NOW - 300, add_index=7),
    )
    await ledger.append([entry(*rivals)])
    (found,) = (await ledger.circumstances.within(PERIOD)).failed
    assert found.rivals == 2


async def test_the_node_that_invoices_name(ledger: Ledger) -> None:
    """The newest open or settled one counts; a store none of whose invoices names one has none."""
    old, new = "02" + "aa" * 32, "03" + "bb" * 32
    first = shop_invoice("i1", methods=(lightning(node=old),), created_at=NOW - 500)
    second = shop_invoice("i2", methods=(lightning(node=new, payment_hash="c3" * 32),), created_at=NOW - 400)
    await ledger.append([birth_of_shop(), told(first, second)])
    assert await ledger.circumstances.node_keys(SITE) == {"shop": new}
    assert await ledger.circumstances.node_keys("else") == {}


async def test_when_lnwatch_itself_was_away(settings: LedgerSettings, tmp_path: Path) -> None:
    """From its last proof of life to its next start; a start right after another is no absence."""
    clock = ManualClock(BORN)
    for pause in (100.0, 0.0, 50.0):
        ledger = await open_ledger(settings, tmp_path, clock)
        await clock.advance(10)
        await ledger.probe()
        await ledger.close()
        await clock.advance(pause)
    ledger = await open_ledger(settings, tmp_path, clock)
    assert await ledger.circumstances.absences(BORN) == ((BORN + 10, BORN + 110), (BORN + 130, BORN + 180))
    await ledger.close()
