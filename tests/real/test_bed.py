"""The bed itself: what the other tests build on."""

import pytest

from tests.real.testbed.bed import Bed
from tests.real.testbed.fees import RATES
from tests.real.testbed.waiting import until

pytestmark = pytest.mark.real

ANCHOR = 330  # satoshis that the opener sets aside for each side that has a balance, to raise the fee of a closing
FIGURES = (
    "capacity",
    "local_balance",
    "remote_balance",
    "commit_fee",
    "total_satoshis_received",
    "total_satoshis_sent",
)


def test_channels_stand(bed: Bed) -> None:
    """After its start the bed has inbound and outbound at the merchant, and the peer sees three channels."""
    by_side = {channel["initiator"]: channel for channel in bed.merchant.channels()}
    assert set(by_side) == {True, False}
    theirs = {name: int(by_side[False][name]) for name in FIGURES}
    assert theirs["capacity"] == 5_000_000
    paid = theirs["total_satoshis_received"] - theirs["total_satoshis_sent"]  # by other tests, over this channel
    reserved = theirs["commit_fee"] + (2 * ANCHOR if paid else ANCHOR)
    # Each figure drops what is no whole satoshi.
    assert theirs["local_balance"] == pytest.approx(paid, abs=1)
    assert theirs["remote_balance"] == pytest.approx(theirs["capacity"] - reserved - paid, abs=1)
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


def test_tower_guards_the_merchant(bed: Bed) -> None:
    """Each state that a payment replaces goes to the tower, and none stays behind."""
    before = bed.merchant.get("/v2/watchtower/client/stats")["num_backups"]
    bed.pay(bed.merchant.add_invoice(1_000)["payment_request"])

    def kept() -> bool:
        stats = bed.merchant.get("/v2/watchtower/client/stats")
        return bool(stats["num_backups"] > before and not stats["num_pending_backups"])

    until("the tower has it", kept)


def test_fees_can_be_taught(bed: Bed) -> None:
    """Once transactions that pay were mined, bitcoind estimates what they paid, for each target that lnwatch asks."""
    bed.teach_fees()
    answers = [bed.bitcoind.ask("estimatesmartfee", target, "economical") for target in (2, 6, 144)]
    paid = [round(answer["feerate"] * 100_000) for answer in answers]  # from bitcoin per 1,000 vB
    assert all(min(RATES) <= rate <= max(RATES) for rate in paid), paid
