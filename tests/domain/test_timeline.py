from itertools import pairwise

import pytest

from lnwatch.domain.orders import ReadUntil, regroup
from lnwatch.domain.timeline import Step, timeline
from lnwatch.model.order import InvoiceStory, Order
from tests.domain.recorded_stories import told
from tests.domain.stories import (
    BEGIN,
    EXPIRED,
    SETTLED,
    at_node,
    hash_of,
    hook,
    in_chain,
    marked,
    payment,
    refund,
    story,
)
from tests.domain.stories import CHAIN as ONCHAIN
from tests.sources.btcpay.recordings import FOLDER

# All but the one that has a payout alone.
STORIES = sorted(each.stem for each in (FOLDER / "stories").iterdir() if each.stem != "25-payout-cannot-be-paid")
LATER = ReadUntil(btcpay=BEGIN + 10**9, node=BEGIN + 10.0**9)


def orders(*stories: InvoiceStory) -> list[Order]:
    return [made.order for made in regroup(stories, (), read_until=LATER)]


def steps(*stories: InvoiceStory) -> list[tuple[float, str, str]]:
    """Of one order, by seconds after BEGIN."""
    (order,) = orders(*stories)
    return [(step.at - BEGIN, step.source, step.what) for step in timeline(order, stories)]


def test_over_lightning() -> None:
    """Who tells of what: BTCPay, the node, the webhook, and what follows, in the order in which it went."""
    paid = payment()
    hashed = str(paid.payment.payment_hash)
    whole = story("a", SETTLED, paid, of_story={"node": at_node(hashed), "hooks": (hook("InvoiceSettled", 11, paid),)})
    assert steps(whole) == [
        (0, "btcpay", "invoice over 10.00 EUR by btc-chain, btc-ln, expires after 15 min"),
        (0, "ln1", f"node's invoice over 20,000 sat ({hashed})"),
        (9, "ln1", f"HTLC of 20,000 sat accepted over channel 800001x12x1 ({hashed})"),
        (10, "ln1", f"node received 20,000 sat in 1 part ({hashed})"),
        (10, "btcpay", f"payment of 20,000 sat by btc-ln ({hashed}), settled now"),
        (10, "lnwatch", "order final: settled, rail lightning"),
        (11, "webhook", "InvoiceSettled, btc-ln settled"),
        (12, "btcpay", "settled"),
    ]


def test_on_the_chain() -> None:
    """The mempool, the block, and the refund with its own proof."""
    paid = payment(ONCHAIN)
    whole = story(
        "a", SETTLED, paid, of_story={"chain": in_chain(paid, 700, seen=9), "refunds": (refund("10", at=3_600),)}
    )
    told_ = [step for step in steps(whole) if step[1] in ("bitcoind", "btcpay")]
    assert told_ == [
        (0, "btcpay", "invoice over 10.00 EUR by btc-chain, btc-ln, expires after 15 min"),
        (9, "bitcoind", f"transaction {paid.payment.txid} in the mempool"),
        (10, "btcpay", f"payment of 20,000 sat by btc-chain ({paid.payment.id}), settled now"),
        (12, "btcpay", "settled"),
        (700, "bitcoind", f"transaction {paid.payment.txid} confirmed in block 902"),
        (3600, "btcpay", "refund link over 10.00 EUR"),
        (3600, "btcpay", "refund of 10.00 EUR claimed by btc-ln, completed now"),
    ]


def test_a_mark_keeps_what_stood_before() -> None:
    """What a person did is told as that, with the state that it covered."""
    assert (60, "btcpay", "marked by hand, settled now; before that it was new") in steps(
        story("a", SETTLED, **marked())
    )


def test_what_went_wrong_is_a_step() -> None:
    """Evidence and exceptions stand where they happened."""
    hashed = hash_of("bolt11 a")
    lost = story("a", EXPIRED, of_story={"node": at_node(hashed, at=600)})
    whats = [what for _, _, what in steps(lost)]
    assert any(what.startswith("evidence: ") for what in whats)
    assert any(what.startswith("paid_not_settled: ") for what in whats)
    assert "expired" in whats


def test_several_invoices_of_one_order() -> None:
    """Each step names its invoice; invoices of other orders are left out."""
    tries = (story("a", EXPIRED), story("b", SETTLED, payment(at=1_000), made=950), story("c", EXPIRED, made=90_000))
    first, second = orders(*tries)
    of_first = timeline(first, tries)
    assert {step.invoice for step in of_first} == {"a", "b", ""}
    assert {step.invoice for step in timeline(second, tries)} == {"c", ""}


@pytest.mark.parametrize("name", STORIES)
def test_the_recorded_ones(name: str) -> None:
    """Every recorded story is told whole: its steps in order, each webhook and payment once, no secret among them."""
    stories = told(name)
    for order in orders(*stories):
        mine = [each for each in stories if each.invoice.id in order.invoices]
        found: tuple[Step, ...] = timeline(order, stories)
        assert all(int(a.at) <= int(b.at) for a, b in pairwise(found))
        assert sum(step.source == "webhook" for step in found) == sum(len(each.hooks) for each in mine)
        assert sum(step.what.startswith("payment of ") for step in found) == sum(len(each.payments) for each in mine)
        assert not any("preimage" in step.what for step in found)
