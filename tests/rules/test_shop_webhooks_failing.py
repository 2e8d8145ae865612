"""Rule `shop_webhooks_failing`: customers have paid, and the shop does not know."""

import pytest

from lnwatch.model.btcpay import Webhooks
from lnwatch.model.merchant import DeliveryStatus, WebhookDelivery
from lnwatch.model.view import TargetView
from lnwatch.rules.shop_webhooks_failing import RULE
from tests.assessments import NOW
from tests.rules.views import judged, make_target, make_view, stale
from tests.shops import delivery, webhook, webhooks

WELL = delivery(9)


def failed(index: int, code: int | None = 500) -> WebhookDelivery:
    status = DeliveryStatus.FAILED if code is None else DeliveryStatus.HTTP_ERROR
    return delivery(index, status=status, http_code=code)


def late(index: int, seconds: int) -> WebhookDelivery:
    at = int(NOW) - 60 * index
    return delivery(index, listed_at=at, delivered_at=at + seconds)


def server(*newest: WebhookDelivery, **changes: object) -> TargetView:
    return make_target("btcpay", {"webhooks_shop": webhooks(webhook(*newest, **changes))})


def test_found_after_two_that_failed() -> None:
    """The sentence says where to, since when, and whether BTCPay tries again; addresses' paths stay out."""
    btcpay = server(failed(0), failed(5), WELL)
    finding = judged(RULE, make_view(btcpay), btcpay).only
    assert finding.subject == "store:shop"
    assert finding.sentence == (
        "store:shop is not told of payments as it should: the last 2 deliveries to the webhook at shop.example failed "
        "or were late since 2027-01-15 07:55:00 UTC (HTTP 500), and BTCPay tries some of them again (limit 2 in a row)."
    )
    assert finding.facts["redelivers"] == "yes"


@pytest.mark.parametrize(
    ("newest", "found"),
    [
        pytest.param((WELL,), False, id="all is well"),
        pytest.param((), False, id="nothing was ever told"),
        pytest.param((failed(0), WELL), False, id="one failed"),
        pytest.param((WELL, failed(1), failed(2)), False, id="it is over"),
        pytest.param((failed(0), WELL, failed(2)), False, id="not in a row"),
        pytest.param((failed(0), failed(1)), True, id="two in a row"),
        pytest.param((failed(0, None), failed(1, 404)), True, id="no answer, and a refusal that is final"),
        pytest.param((late(0, 60), late(1, 60)), False, id="a minute is not late"),
        pytest.param((late(0, 61), late(1, 90)), True, id="both were late"),
        pytest.param((late(0, 61), failed(1)), True, id="one was late, one failed"),
        pytest.param((delivery(0, delivered_at=None), delivery(1, delivered_at=None)), False, id="before 2.3.4"),
    ],
)
def test_edge(newest: tuple[WebhookDelivery, ...], found: bool) -> None:
    """What counts is how the newest ones in a row went."""
    btcpay = server(*newest)
    assert bool(judged(RULE, make_view(btcpay), btcpay).found) is found


def test_words_for_what_is_late_or_has_no_answer() -> None:
    """How late, or that nobody answered; and that what failed is lost where BTCPay does not try again."""
    slow, silent = server(late(0, 90), late(1, 61)), server(failed(0, None), failed(1, None), redelivers=False)
    assert "the last by 1 min 30 s" in judged(RULE, make_view(slow), slow).only.sentence
    assert "(no answer), and BTCPay does not try again" in judged(RULE, make_view(silent), silent).only.sentence


def test_the_worst_webhook_of_a_store_is_told() -> None:
    """One that is switched off tells nobody anything, and so fails nobody."""
    off = webhook(failed(0), failed(1), failed(2), failed(3), enabled=False, host="old.example")
    bad = webhook(failed(0), failed(1), failed(2), id="bad", host="bad.example")
    btcpay = make_target("btcpay", {"webhooks_shop": webhooks(off, webhook(failed(0), failed(1)), bad)})
    finding = judged(RULE, make_view(btcpay), btcpay).only
    assert (finding.facts["host"], finding.facts["webhook"]) == ("bad.example", "bad")


def test_unknown_without_the_right() -> None:
    """What to grant stands in the answer, for BTCPay has no right here that only reads."""
    btcpay = make_target("btcpay", {"webhooks_shop": Webhooks("shop", None)})
    why = judged(RULE, make_view(btcpay), btcpay).unknown["store:shop"]
    assert "btcpay.store.webhooks.canmodifywebhooks" in why
    assert "`deliveries = true`" in why
    assert "btcpay.store.webhooks.canmodifywebhooks" in RULE.grant


def test_unknown_without_a_fresh_list() -> None:
    """Three intervals old is not seen."""
    btcpay = stale(server(failed(0), failed(1)), "webhooks_shop")
    assert list(judged(RULE, make_view(btcpay), btcpay).unknown) == ["store:shop"]


def test_nonsense_is_refused() -> None:
    """Neither limit is below one."""
    with pytest.raises(ValueError, match="`deliveries` must be above 0"):
        RULE.thresholds(deliveries=0)
    with pytest.raises(ValueError, match="`late_seconds` must be above 0"):
        RULE.thresholds(late_seconds=-1.0)
