import pytest

from lnwatch.model.merchant import Method
from lnwatch.store import Ledger
from lnwatch.store.orders.bolt11 import payment_hash_of
from tests.store.merchant_stories import (
    ADDRESS,
    HASH,
    TXID,
    birth_of_shop,
    kept,
    lightning,
    onchain,
    paid_onchain,
    payout,
    refund_link,
    settle,
    shop_invoice,
    take,
    told,
)

# The example of a donation of any amount in BOLT 11.
DONATION = (
    "lnbc1pvjluezsp5zyg3zyg3zyg3zyg3zyg3zyg3zyg3zyg3zyg3zyg3zyg3zyg3zygspp5qqqsyqcyq5rqwzqfqqqsyqcyq5rqwzqfqqqsyqcyq5rqwz"
    "qfqypqdpl2pkx2ctnv5sxxmmwwd5kgetjypeh2ursdae8g6twvus8g6rfwvs8qun0dfjkxaq9qrsgq357wnc5r2ueh7ck6q93dj32dlqnls087fxdwk8"
    "qakdyafkq3yap9us6v52vjjsrvywa6rt52cm9r9zqt8r2t7mlcwspyetp5h2tztugp9lfyql"
)
DONATION_HASH = "0001020304050607080900010203040506070809000102030405060708090102"


def test_payment_hash_of_bolt11() -> None:
    """The payment hash of a BOLT11 invoice is found; a damaged one, or anything else, has none."""
    assert payment_hash_of(DONATION) == DONATION_HASH
    assert payment_hash_of(DONATION.upper()) == DONATION_HASH
    damaged = DONATION[:-1] + "q"
    assert {payment_hash_of(text) for text in (damaged, "", "ln1", "lnbc1", ADDRESS, HASH, "lnbc1pvjluez")} == {None}


@pytest.mark.parametrize(
    "words",
    [
        "i1",
        " shop/order 7 ",
        DONATION_HASH,
        DONATION_HASH.upper(),
        DONATION,
        f"LIGHTNING:{DONATION.upper()}",
        TXID,
        f"{TXID}-1",
        ADDRESS,
        f"bitcoin:{ADDRESS}?amount=0.1",
        "d4" * 32,
    ],
)
async def test_found(ledger: Ledger, words: str) -> None:
    """An order is found by whatever a customer can name, with its stories and as it stands."""
    methods = (onchain(paid_onchain()), lightning(payment_hash=DONATION_HASH))
    mine = shop_invoice("i1", methods=methods, order_id="shop/order 7")
    other = shop_invoice("i2", methods=(lightning(),), order_id="another")
    refund = payout(method=Method.CHAIN, txid="d4" * 32, payment_hash=None)
    await ledger.append([birth_of_shop(), told(mine, other, refund_link(), refund)])
    for each in await take(ledger):
        await settle(ledger, each, kept(each.stories[0].invoice.id))
    (found,) = await ledger.orders.find(words)
    assert found.group.key == "order:shop/order 7"
    assert [story.invoice for story in found.stories] == [mine]
    assert [each.order.id for each in found.kept] == ["i1"]


async def test_not_found(ledger: Ledger) -> None:
    """What nobody knows finds nothing."""
    await ledger.append([birth_of_shop(), told(shop_invoice("i1", methods=(lightning(),)))])
    assert await ledger.orders.find("i") == ()
    assert await ledger.orders.find("") == ()


async def test_an_order_id_of_many(ledger: Ledger) -> None:
    """An id that was used over and over leads to its newest invoices."""
    names = [f"i{n:02}" for n in range(60)]
    await ledger.append([birth_of_shop(), told(*(shop_invoice(name, order_id="d") for name in names))])
    for each in await take(ledger):
        await settle(ledger, each, *(kept(name) for name in names))
    (found,) = await ledger.orders.find("d")
    assert [story.invoice.id for story in found.stories] == names[40:]
