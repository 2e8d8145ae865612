from dataclasses import replace

import pytest

from lnwatch.model.lightning import PaymentState
from lnwatch.model.money import Msat
from lnwatch.store import Ledger, LedgerSettings
from tests.store.stories import BORN, NODE, NOW, SITE, birth, buckets, entry, forward, payment, rows

SUCCEEDED, FAILED = PaymentState.SUCCEEDED, PaymentState.FAILED
HOUR = (3_600, NOW - 3_600)


def hour(settings: LedgerSettings) -> dict[str, tuple[int, int]]:
    """The hour before NOW: n and sum by series."""
    return {name: sums for (name, *window), sums in buckets(settings).items() if tuple(window) == HOUR}


async def test_succeeded_counts_once(ledger: Ledger, settings: LedgerSettings) -> None:
    """A payment counts with its value and its fee when it succeeds, once, and its end stands."""
    await ledger.append([birth(), entry(payment(attempts=1))])
    assert await ledger.memory(SITE, NODE).open_payments(10) == (payment(attempts=1),)
    done = payment(state=SUCCEEDED, final_at=NOW - 1.5, attempts=2)
    await ledger.append([entry(done, done), entry(replace(done, state=FAILED))])
    await ledger.append([entry(done), entry(payment(attempts=9)), entry(replace(done, state=FAILED, attempts=9))])
    assert hour(settings) == {"lightning_payment_succeeded": (1, 90_000), "lightning_payment_fee": (1, 12)}
    assert [(row["state"], row["attempts"]) for row in rows(settings, "lightning_payment")] == [("succeeded", 2)]
    assert await ledger.memory(SITE, NODE).open_payments(10) == ()


async def test_failed_then_retried(ledger: Ledger, settings: LedgerSettings) -> None:
    """A retry has a higher index of the node: it begins anew, and both ends count."""
    failed = payment(state=FAILED, final_at=NOW - 9.0, failure="NO_ROUTE", index=4)
    again = payment(index=5)
    done = payment(index=5, state=SUCCEEDED, final_at=NOW - 2.0)
    await ledger.append([birth(), entry(failed)])
    await ledger.append([entry(again), entry(failed)])
    assert [row["state"] for row in rows(settings, "lightning_payment")] == ["in_flight"]
    await ledger.append([entry(done, failed, again)])
    assert [row["state"] for row in rows(settings, "lightning_payment")] == ["succeeded"]
    assert hour(settings) == {
        "lightning_payment_failed": (1, 0),
        "lightning_payment_succeeded": (1, 90_000),
        "lightning_payment_fee": (1, 12),
    }


async def test_later_attempts_are_kept(ledger: Ledger) -> None:
    """Of a payment in flight the newest telling stands, in whatever order they come."""
    await ledger.append([birth(), entry(payment(attempts=3)), entry(payment(attempts=1))])
    assert [each.attempts for each in await ledger.memory(SITE, NODE).open_payments(10)] == [3]


async def test_open_payments_by_index(ledger: Ledger) -> None:
    """Open payments come by rising index, at most as many as asked for."""
    told = [payment(f"c{number}", index=number, destination="02ab", failure=None) for number in (3, 1, 2)]
    await ledger.append([birth(), entry(*told)])
    memory = ledger.memory(SITE, NODE)
    assert [each.index for each in await memory.open_payments(2)] == [1, 2]
    assert await memory.open_payments(1) == (told[1],)


@pytest.mark.parametrize("history", [True, False])
async def test_payment_before_birth(ledger: Ledger, settings: LedgerSettings, history: bool) -> None:
    """A payment that ended before birth is a sum of history, once per page, and no row."""
    told = entry(payment(state=SUCCEEDED, final_at=BORN - 60.0), history=history, cursors={"p": "1"})
    await ledger.append([birth(), told, told])
    await ledger.append([told])
    assert rows(settings, "lightning_payment") == []
    sums = {name: value for (name, width, _), value in buckets(settings).items() if width == 3_600}
    expected = {"lightning_payment_succeeded": (1, 90_000), "lightning_payment_fee": (1, 12)}
    assert sums == (expected if history else {})


async def test_payment_without_a_final_time(ledger: Ledger, settings: LedgerSettings) -> None:
    """A payment whose end the node does not date ended when we were told."""
    await ledger.append([birth(), entry(payment(state=FAILED), at=NOW + 0.25)])
    assert [row["final_at"] for row in rows(settings, "lightning_payment")] == [NOW + 0.25]


async def test_forward_counts_once(ledger: Ledger, settings: LedgerSettings) -> None:
    """A forward counts with its row, once; its key is time, channel and HTLC."""
    await ledger.append([birth(), entry(forward(), forward(), forward(htlc_in=2))])
    await ledger.append([entry(forward()), entry(forward(at=NOW - 3.5, htlc_out=None))])
    assert hour(settings) == {"lightning_forward": (3, 30_000), "lightning_forward_fee": (3, 30)}
    stored = [(row["at"], row["htlc_in"], row["htlc_out"]) for row in rows(settings, "forward")]
    assert stored == [(NOW - 3.5, 1, None), (NOW - 3.25, 1, 4), (NOW - 3.25, 2, 4)]


@pytest.mark.parametrize("history", [True, False])
async def test_forward_before_birth(ledger: Ledger, settings: LedgerSettings, history: bool) -> None:
    """A forward from before birth is a sum of history, once per page, and no row."""
    told = entry(forward(at=BORN - 60.5), history=history, cursors={"f": "1"})
    await ledger.append([birth(), told])
    await ledger.append([told])
    assert rows(settings, "forward") == []
    sums = {name: value for (name, width, _), value in buckets(settings).items() if width == 3_600}
    assert sums == ({"lightning_forward": (1, 10_000), "lightning_forward_fee": (1, 10)} if history else {})


async def test_fee_without_value_is_no_reason_to_miscount(ledger: Ledger, settings: LedgerSettings) -> None:
    """An amount above all bitcoin there can be is counted as an event, and as no money."""
    absurd = payment(state=SUCCEEDED, final_at=NOW - 1.0, value_msat=Msat(2**63 - 1), fee_msat=Msat(2**64))
    await ledger.append([birth(), entry(absurd)])
    await ledger.append([entry(*(replace(absurd, payment_hash=f"d{number}") for number in range(5)))])
    assert hour(settings) == {"lightning_payment_succeeded": (6, 0), "lightning_payment_fee": (6, 0)}
