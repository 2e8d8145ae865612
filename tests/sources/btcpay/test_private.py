"""What may name a person, or opens something to whoever holds it, does not get past the border."""

import pytest

from lnwatch.errors import SourceError
from lnwatch.model.merchant import (
    PayoutState,
    pull_payment_key,
)
from lnwatch.sources.btcpay import answers, payouts
from lnwatch.sources.btcpay.webhook_events import parse_event, read_body
from tests.sources.btcpay.recordings import Json, packed, sight


@pytest.mark.parametrize(
    ("name", "invoice"),
    [
        ("Refund PrGi6VKEnsKVkmrBGc5wUs", "PrGi6VKEnsKVkmrBGc5wUs"),
        ("Rückerstattung PrGi6VKEnsKVkmrBGc5wUs", "PrGi6VKEnsKVkmrBGc5wUs"),
        ("PrGi6VKEnsKVkmrBGc5wUs: our fault", "PrGi6VKEnsKVkmrBGc5wUs"),
        ("Supplier of Jane Doe", None),
        ("", None),
        (None, None),
    ],
)
def test_what_a_claim_link_refunds(name: str | None, invoice: str | None) -> None:
    """The invoice is found in a name in whatever language; of the name nothing else is kept."""
    made = {"id": "menfvUyptJ4Kc6snJVoCRsc11WG", "name": name, "currency": "EUR", "amount": "3", "startsAt": 1}
    found = payouts.read_pull_payment(answers.PullPaymentAnswer.model_validate(made), sight())
    assert (found.refund_of, found.key) == (invoice, pull_payment_key("menfvUyptJ4Kc6snJVoCRsc11WG"))
    assert "Jane" not in repr(found)


@pytest.mark.parametrize(
    ("destination", "kept"),
    [
        ("bcrt1q3070f2kyhm3e73aajn76m796v0ezx3qhgrxr34", True),
        ("1BvBMSEYstWetqTFn5Au4m4GFg7xJaNVN2", True),
        ("bitcoin:bc1qar0srrr7xfkvy5l643lydnw9re59gtzzwf5mdq?amount=1&label=Jane", True),
        (f"lnbcrt100u1{'q' * 200}", True),
        ("janedoe@example.com", False),
        ("janedoefromthefarnorth@example.com", False),
        (f"lnurl1{'q' * 100}", False),
        ("", False),
        (None, False),
    ],
)
def test_where_a_payout_goes(destination: str | None, kept: bool) -> None:
    """Addresses and BOLT11 join with the chain and the node; what may name a person is not kept."""
    made = {"id": "p", "date": "1795557524", "state": "Rejected", "originalAmount": "1", "destination": destination}
    found = payouts.read_payout(answers.PayoutAnswer.model_validate(made), sight())
    assert bool(found.destination) is kept
    assert (found.created_at, found.state) == (1_795_557_524, PayoutState.UNKNOWN)
    assert "ane" not in found.destination


@pytest.mark.parametrize(
    "body",
    [
        {"type": "SubscriberCreated", "subscriber": {"email": "a@b.example"}, "deliveryId": "d", "timestamp": 1},
        {"type": "SomethingNew", "deliveryId": "d", "timestamp": 1, "storeId": "S", "extra": [1]},
        {"type": "InvoiceRefund", "deliveryId": "d", "timestamp": 1, "invoiceId": "i", "pullPaymentId": "secret-link"},
    ],
)
def test_events_of_any_type(body: Json) -> None:
    """Types that the documents lack, or that nobody knows yet, are kept by their name, without what is private."""
    found = parse_event(packed(body), sight())
    assert (found.type, found.original_delivery_id, found.seen_at) == (body["type"], "d", sight().at)
    assert "b.example" not in repr(found)
    assert "secret-link" not in repr(found)
    assert read_body(packed(body)).store_id == body.get("storeId")


@pytest.mark.parametrize(
    "body", [b"", b"[]", b"{}", b"nonsense", b'{"type": "A", "deliveryId": "d", "timestamp": "now"}']
)
def test_events_that_are_none(body: bytes) -> None:
    """What is no webhook is malformed."""
    with pytest.raises(SourceError):
        parse_event(body, sight())
