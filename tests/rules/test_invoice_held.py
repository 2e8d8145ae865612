"""Rule `invoice_held`: payments that arrived and are neither settled nor cancelled."""

import pytest

from lnwatch.model.lightning import InvoiceHtlc, InvoiceState, LightningInvoice
from lnwatch.model.money import Msat, msat
from lnwatch.model.snapshot import TargetState
from lnwatch.model.view import TargetView, View
from lnwatch.rules.invoice_held import RULE
from tests.assessments import HEIGHT, NOW
from tests.rules.views import failing, judged, make_target, make_view, stale, with_collector

HASH = "ab" * 32
SUBJECT = f"invoice:{HASH}"
NODE = with_collector(make_target("lnd"), "invoices")


def part(age: float = 60.0, blocks: int = 100, *, settled: bool = False, canceled: bool = False) -> InvoiceHtlc:
    accepted = int(NOW - age)
    return InvoiceHtlc("800001x12x1", 1, msat(25_000), accepted, 0, settled, canceled, HEIGHT + blocks)


def invoice(*parts: InvoiceHtlc) -> LightningInvoice:
    return LightningInvoice(
        payment_hash=HASH,
        add_index=1,
        settle_index=0,
        state=InvoiceState.ACCEPTED,
        value_msat=msat(50_000),
        paid_msat=Msat(0),
        created_at=int(NOW) - 900,
        expires_at=int(NOW) + 2_700,
        final_at=None,
        keysend=False,
        amp=False,
        private=False,
        htlcs=parts,
    )


def holding(*parts: InvoiceHtlc, node: TargetView = NODE) -> View:
    return make_view(node, held={"ln1": (invoice(*parts),)})


def test_found_when_held_too_long() -> None:
    """The amount, how long, and when it expires; the first part counts."""
    finding = judged(RULE, holding(part(720), part(30, 90)), NODE).only
    assert finding.subject == SUBJECT
    assert finding.sentence == (
        "Invoice abababababab… of node:ln1 was paid with 50,000 sat, but is not settled: it has been held for 12 min "
        "(limit 10 min) and expires in 90 blocks, about 15 h (limit 36 blocks)."
    )
    assert finding.facts == {
        "amount": "50,000 sat",
        "parts": "2",
        "accepted": "2027-01-15 07:48:00 UTC",
        "expiry height": "900,090",
    }


@pytest.mark.parametrize(("age", "found"), [(599, False), (600, True), (601, True)])
def test_ten_minutes_are_the_limit(age: float, found: bool) -> None:
    """Ten minutes are ten minutes."""
    assert bool(judged(RULE, holding(part(age)), NODE).found) is found


@pytest.mark.parametrize(("blocks", "found"), [(36, False), (35, True), (0, True), (-2, True)])
def test_fewer_than_36_blocks_are_the_limit(blocks: int, found: bool) -> None:
    """A fresh one that has little time left does not wait for its ten minutes."""
    assert bool(judged(RULE, holding(part(5, blocks)), NODE).found) is found


def test_one_that_is_past_its_expiry_is_said_to_be() -> None:
    """Expired is not about to expire."""
    assert "and expired 2 blocks ago" in judged(RULE, holding(part(5, -2)), NODE).only.sentence
    assert "and expires with the present block" in judged(RULE, holding(part(5, 0)), NODE).only.sentence


def test_parts_that_were_given_back_do_not_count() -> None:
    """A first try that failed is not what is held now."""
    assert judged(RULE, holding(part(5_000, 3, canceled=True), part(30)), NODE).clear


def test_coming_near_the_expiry_is_new_evidence() -> None:
    """One that was closed by hand as usual here comes back when it gets dangerous."""
    long, near = (judged(RULE, holding(part(900, blocks)), NODE).only.evidence for blocks in (100, 20))
    assert long != near


def test_quiet_without_held_invoices() -> None:
    """None is held, or another node holds it."""
    assert judged(RULE, make_view(NODE), NODE).clear
    assert judged(RULE, make_view(NODE, held={"ln2": (invoice(part(900)),)}), NODE).clear


@pytest.mark.parametrize(
    "node",
    [
        pytest.param(stale(NODE, "invoices"), id="not read lately"),
        pytest.param(make_target("lnd"), id="never read"),
        pytest.param(failing(NODE, TargetState.DOWN), id="node away"),
    ],
)
def test_unknown_while_invoices_are_not_read(node: TargetView) -> None:
    """It may have been settled since, and it may not."""
    assert list(judged(RULE, holding(part(900), node=node), node).unknown) == [None]


def test_without_the_height_the_time_still_counts() -> None:
    """Held too long is found without a height; within its time it can't be cleared."""
    blind = stale(NODE, "node")
    long = judged(RULE, holding(part(900), node=blind), blind).only
    assert long.sentence.endswith("it has been held for 15 min (limit 10 min).")
    assert list(judged(RULE, holding(part(60), node=blind), blind).unknown) == [SUBJECT]


def test_unknown_without_its_parts() -> None:
    """Since when it is held stands in its parts."""
    assert list(judged(RULE, holding(), NODE).unknown) == [SUBJECT]


def test_nonsense_is_refused() -> None:
    """No time at all would find each payment."""
    with pytest.raises(ValueError, match="`held_seconds` must be above 0"):
        RULE.thresholds(held_seconds=0)
