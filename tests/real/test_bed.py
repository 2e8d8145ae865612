"""The bed itself: what the other tests build on."""

import pytest

from tests.real.testbed.bed import Bed

pytestmark = pytest.mark.real


def test_channels_stand(bed: Bed) -> None:
    """After its start the bed has inbound and outbound at the merchant, and the peer sees three channels."""
    by_side = {channel["initiator"]: channel for channel in bed.merchant.channels()}
    assert set(by_side) == {True, False}
    assert int(by_side[False]["capacity"]) == 5_000_000
    assert int(by_side[False]["remote_balance"]) > 4_000_000  # other tests may have been paid over it before
    assert len(bed.hub.channels()) == 3


def test_one_hop_payment(bed: Bed) -> None:
    """The peer pays the merchant over their own channel."""
    invoice = bed.merchant.add_invoice(10_000)
    bed.pay(invoice["payment_request"], bed.hub)
    assert bed.merchant.invoice(invoice["r_hash"])["state"] == "SETTLED"


def test_two_hop_payment(bed: Bed) -> None:
    """The customer pays the merchant through the peer, who earns a fee."""
    invoice = bed.merchant.add_invoice(20_000)
    payment = bed.customer.pay(invoice["payment_request"])
    assert payment["status"] == "SUCCEEDED"
    assert int(payment["fee_msat"]) > 0


def test_hold_invoice_holds(bed: Bed) -> None:
    """A hold invoice is accepted, keeps its HTLC, and is settled by its preimage alone."""
    held = bed.hold_invoice(5_000)
    with bed.paying(held.request):
        bed.accepted(held)
        bed.merchant.settle(held.preimage)
    assert bed.merchant.invoice(held.payment_hash)["state"] == "SETTLED"


def test_reorganisation(bed: Bed) -> None:
    """Blocks can be taken back and others mined instead; every node follows."""
    bed.mine(2)
    lost = bed.bitcoind.ask("getbestblockhash")
    bed.reorganise(2)
    assert bed.bitcoind.ask("getblockheader", lost)["confirmations"] == -1
    assert {node.info()["block_height"] for node in bed.nodes} == {bed.bitcoind.height}
