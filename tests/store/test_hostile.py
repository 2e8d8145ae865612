"""Nothing that a foreign system may say keeps a batch out of the ledger."""

from dataclasses import replace

import pytest

from lnwatch.model.chain import Block
from lnwatch.model.money import Msat
from lnwatch.model.snapshot import StreamGap, TargetState
from lnwatch.store import Item, Ledger, LedgerSettings, StateChange
from tests.store.stories import NODE, NOW, SITE, birth, entry, forward, htlc_event, invoice, payment, rows, settled

NUL, HALF = "a\0b", "a\ud800b"


@pytest.mark.parametrize("words", [NUL, HALF, "\N{BITCOIN SIGN}" * 10_000, "'; DROP TABLE cursor; --", "%s %(x)s :y"])
async def test_words(ledger: Ledger, settings: LedgerSettings, words: str) -> None:
    """Text of any kind is stored, and told again it is the same row."""
    told: list[Item] = [
        entry(payment(failure=words, destination=words), htlc_event(detail=words)),
        entry(settled("aa"), StreamGap("s", NOW, NOW + 1.0, words), cursors={"live": words}),
        StateChange(SITE, NODE, NOW, TargetState.DOWN, words, words),
    ]
    await ledger.append([birth(), *told])
    await ledger.append(told)
    assert (await ledger.totals())[SITE, NODE].received_msat == 250_000
    assert [row["detail"] for row in rows(settings, "htlc_event")] == [
        words.replace("\0", "\ufffd").replace("\ud800", "?")
    ]
    assert len(rows(settings, "target_state")) == 1
    assert await ledger.memory(SITE, NODE).cursor("live") == words.replace("\0", "\ufffd").replace("\ud800", "?")


@pytest.mark.parametrize("figure", [2**63, 2**64 - 1, -(2**63), 10**30])
async def test_figures(ledger: Ledger, settings: LedgerSettings, figure: int) -> None:
    """A figure beyond 64 bits is stored as the nearest that fits, and is no money."""
    told = entry(
        settled("aa", paid=figure, add_index=figure, settle_index=figure),
        invoice("bb", value_msat=Msat(figure), expires_at=figure, created_at=figure),
        htlc_event(htlc_in=figure, amount_msat=Msat(figure)),
        forward(htlc_in=figure, fee_msat=Msat(figure), amount_out_msat=Msat(figure)),
        Block(figure % 1_000, "b", "a", figure, NOW, ()),
    )
    await ledger.append([birth(), told])
    await ledger.append([told, told])
    assert (await ledger.totals())[SITE, NODE].received_msat == 0
    assert len(rows(settings, "htlc_event")) == 1
    bounds = {abs(row["add_index"]) for row in rows(settings, "lightning_invoice") if row["payment_hash"] == "aa"}
    assert bounds == {2**63 - 1}
    assert all(isinstance(row["sum"], int) for row in rows(settings, "bucket"))


async def test_sums_stay_whole(ledger: Ledger, settings: LedgerSettings) -> None:
    """All bitcoin there are, paid again and again, is still a whole number, which ends where 64 bits end."""
    everything = 21_000_000 * 100_000_000_000
    await ledger.append([birth()])
    for number in range(7):
        await ledger.append([entry(settled(f"{number}", paid=everything))])
        assert (await ledger.totals())[SITE, NODE].received_msat == min((number + 1) * everything, 2**63 - 1)
        assert {(type(row["sum"]), row["n"]) for row in rows(settings, "bucket")} == {(int, number + 1)}


async def test_times_from_another_age(ledger: Ledger, settings: LedgerSettings) -> None:
    """Invoices of any time are stored."""
    await ledger.append([birth(), entry(settled("aa", final_at=10**15), replace(settled("bb"), created_at=-5))])
    assert [row["final_at"] for row in rows(settings, "lightning_invoice")] == [10**15, NOW - 5]
