"""Legs of a payment's way: what each took where it can be seen, and why it can't be."""

from dataclasses import replace
from typing import Any

import pytest

from lnwatch.domain.fate import fate_of
from lnwatch.domain.legs import legs_of, unseen_legs
from lnwatch.model.lightning import InvoiceHtlc, InvoiceState
from lnwatch.model.merchant import DeliveryStatus, PaymentStatus, WebhookDelivery
from lnwatch.model.money import Msat
from lnwatch.model.order import InvoiceStory, Leg, LegTime, Rail
from tests.domain.stories import (
    BEGIN,
    CHAIN,
    EXPIRED,
    LN,
    NEW,
    SETTLED,
    at_node,
    hook,
    in_chain,
    marked,
    payment,
    story,
)

ACCEPT, SETTLE, WEBHOOK, CONFIRMED = Leg.ACCEPT_SETTLE, Leg.SETTLE_BTCPAY, Leg.BTCPAY_WEBHOOK, Leg.SEEN_CONFIRMED
PAID = payment(LN, at=10)
HASH = PAID.payment.payment_hash or ""
ON_CHAIN = payment(CHAIN, at=10)


def delivery(
    hook_id: str, told: float, ended: float | None, status: DeliveryStatus = DeliveryStatus.SUCCESS
) -> WebhookDelivery:
    """A try to tell that the invoice is settled, `told` and `ended` in seconds after BEGIN."""
    event = hook("InvoiceSettled", 12, webhook_id=hook_id)
    end = None if ended is None else int(BEGIN + ended)
    return WebhookDelivery("shop", hook_id, f"{hook_id} {told:g}", status, int(BEGIN + told), end, 200, event)


def seen(**known: Any) -> InvoiceStory:  # noqa: ANN401 - fields of InvoiceStory
    """A settled Lightning invoice of which that is known."""
    return story("a", SETTLED, PAID, of_story=known)


def times(held: InvoiceStory) -> dict[Leg, float]:
    """The seconds that each leg took."""
    return {leg.leg: leg.seconds for leg in legs_of(fate_of(held))}


def part(accepted: float, settled: float = 10) -> InvoiceHtlc:
    """A part that arrived and was taken so many seconds after BEGIN."""
    moments = int(BEGIN + accepted), int(BEGIN + settled)
    return InvoiceHtlc("800001x12x1", 1, Msat(1), *moments, settled=True, canceled=False)


HOOKS = (hook("InvoicePaymentSettled", 12, PAID), hook("InvoiceReceivedPayment", 13, PAID))


def test_all_legs_of_a_lightning_payment() -> None:
    """From the HTLC to the shop, each with the moment at which it ended."""
    held = seen(node=at_node(HASH), hooks=HOOKS, deliveries=(delivery("hook", 12, 15),))
    assert legs_of(fate_of(held)) == (
        LegTime("a", ACCEPT, Rail.LIGHTNING, BEGIN + 10, 1.0),
        LegTime("a", SETTLE, Rail.LIGHTNING, BEGIN + 12, 2.0),
        LegTime("a", WEBHOOK, Rail.LIGHTNING, BEGIN + 15, 3.0),
    )
    assert unseen_legs(fate_of(held)) == ()


def test_a_payment_in_parts_is_accepted_with_its_last() -> None:
    """Waiting for the rest is not the merchant's time."""
    assert times(seen(node=at_node(HASH, htlcs=(part(2), part(8), part(5)))))[ACCEPT] == 2


@pytest.mark.parametrize(
    ("known", "unseen"),
    [
        ({}, {ACCEPT, SETTLE, WEBHOOK}),
        ({"node": at_node(HASH, htlcs=())}, {ACCEPT, SETTLE, WEBHOOK}),
        ({"node": at_node(HASH, state=InvoiceState.OPEN), "hooks": HOOKS}, {ACCEPT, SETTLE, WEBHOOK}),
        ({"node": at_node(HASH)}, {SETTLE, WEBHOOK}),
        ({"hooks": HOOKS}, {ACCEPT, SETTLE, WEBHOOK}),
        ({"node": at_node(HASH), "hooks": HOOKS}, {WEBHOOK}),
        ({"deliveries": (delivery("hook", 12, None),)}, {ACCEPT, SETTLE, WEBHOOK}),
        ({"deliveries": (delivery("hook", 12, 13, DeliveryStatus.FAILED),)}, {ACCEPT, SETTLE, WEBHOOK}),
        ({"deliveries": (delivery("hook", 12, 13),)}, {ACCEPT, SETTLE}),
    ],
)
def test_what_cannot_be_measured_says_so(known: dict[str, Any], unseen: set[Leg]) -> None:
    """No node, no webhook, no permission: each missing leg has its reason, and no figure is made up."""
    held = seen(**known)
    missing = dict(unseen_legs(fate_of(held)))
    assert set(missing) == unseen
    assert all(missing.values())
    assert set(times(held)) == {ACCEPT, SETTLE, WEBHOOK} - unseen


def test_a_delivery_counts_from_its_first_success() -> None:
    """Retries are part of the wait; of several receivers the one that was told last counts."""
    first = (delivery("hook", 12, 13, DeliveryStatus.HTTP_ERROR), delivery("hook", 22, 23), delivery("hook", 90, 91))
    assert times(seen(deliveries=first))[WEBHOOK] == 11
    assert times(seen(deliveries=(*first, delivery("ours", 12, 12))))[WEBHOOK] == 11


@pytest.mark.parametrize("identity", ["0" * 64, "f" * 64])
@pytest.mark.parametrize(("received", "confirmed"), [(10, 10), (10, 9), (10, 11), (9, 10)])
def test_an_overpayment_in_the_same_second_takes_no_leg_away(identity: str, received: float, confirmed: float) -> None:
    """Paid over Lightning and again on the chain, in a block of that second: Lightning paid it, whatever the ids."""
    again = payment(CHAIN, at=received, id=f"{identity}-0", txid=identity)
    known = {"node": at_node(HASH), "hooks": HOOKS, "deliveries": (delivery("hook", 12, 15),)}
    held = story("a", SETTLED, PAID, again, of_story={**known, "chain": in_chain(again, confirmed)})
    assert fate_of(held).rail is Rail.LIGHTNING
    assert legs_of(fate_of(held)) == legs_of(fate_of(seen(**known)))


@pytest.mark.parametrize(
    ("chain", "seconds", "blocks"),
    [
        (in_chain(ON_CHAIN, 600), 590, 2),
        (in_chain(ON_CHAIN, 600, seen=7), 593, 2),
        (in_chain(ON_CHAIN, 600, seen=20), 590, 2),  # BTCPay saw it before our node did
        (in_chain(ON_CHAIN, 5), 0, 2),  # a miner's clock that is behind
    ],
)
def test_the_chain_is_measured_in_blocks_and_seconds(chain: dict[str, Any], seconds: float, blocks: int) -> None:
    """From whoever saw it first to its block."""
    (leg,) = legs_of(fate_of(story("a", SETTLED, ON_CHAIN, of_story={"chain": chain})))
    assert (leg.leg, leg.rail, leg.seconds, leg.blocks) == (CONFIRMED, Rail.ONCHAIN, seconds, blocks)


def test_blocks_are_not_counted_from_nowhere() -> None:
    """Where the height is not known at which it was seen, the seconds alone are told."""
    chain = {txid: replace(side, seen_height=None) for txid, side in in_chain(ON_CHAIN, 600).items()}
    (leg,) = legs_of(fate_of(story("a", SETTLED, ON_CHAIN, of_story={"chain": chain})))
    assert (leg.seconds, leg.blocks) == (590, None)


def test_an_unconfirmed_payment_says_so() -> None:
    """The block to BTCPay can't be told at all: a miner's clock is no measure."""
    fate = fate_of(story("a", SETTLED, ON_CHAIN, of_story={"chain": in_chain(ON_CHAIN, None)}))
    assert legs_of(fate) == ()
    assert [leg for leg, _ in unseen_legs(fate)] == [CONFIRMED, SETTLE, WEBHOOK]


@pytest.mark.parametrize(
    "held",
    [
        story("a", NEW),
        story("a", EXPIRED, PAID),
        story("a", SETTLED, **marked()),
        story("a", SETTLED, euros="0"),
        story("a", NEW, payment(CHAIN, status=PaymentStatus.INVALID)),
    ],
)
def test_what_no_payment_settled_has_no_legs(held: InvoiceStory) -> None:
    """A mark by hand is no latency, and the customer's time to think is not ours."""
    assert (legs_of(fate_of(held)), unseen_legs(fate_of(held))) == ((), ())
