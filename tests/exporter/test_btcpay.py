"""What Prometheus is told of a BTCPay Server and its stores as they stand."""

from dataclasses import replace
from decimal import Decimal

import pytest

from lnwatch.exporter.moment import Moment
from lnwatch.exporter.rows.btcpay import METRICS
from lnwatch.exporter.tally import Tallies
from lnwatch.model.btcpay import LightningBalance, Webhooks
from lnwatch.model.merchant import DeliveryStatus, PayoutState
from lnwatch.model.money import Msat, msat
from lnwatch.model.snapshot import Facts
from lnwatch.model.view import TargetView
from tests import assessments as build
from tests.shops import balance, btcpay_facts, btcpay_status, delivery, payout, payouts, rates, webhook, webhooks

TABLE = {metric.name: metric for metric in METRICS}
BAD = delivery(1, status=DeliveryStatus.HTTP_ERROR, http_code=500)


def server(**facts: Facts) -> TargetView:
    return build.target("btcpay", "btcpay", {**btcpay_facts(), **facts}, version="2.4.1")


def told(target: TargetView, name: str, *, now: float = build.NOW) -> dict[tuple[str, ...], object]:
    rows = list(TABLE[name].rows(Moment(build.merchant(more=[target]), now, Tallies())))
    assert len(dict(rows)) == len(rows)
    assert all(len(labels) == len(TABLE[name].labels) for labels, _ in rows)
    return dict(rows)


@pytest.mark.parametrize("synchronized", [True, False])
def test_its_own_word(synchronized: bool) -> None:
    """One figure of the source, whether or not it is to be believed."""
    target = server(status=btcpay_status(synchronized=synchronized))
    assert told(target, "lnwatch_btcpay_synchronized") == {("main", "btcpay"): int(synchronized)}


def test_payouts_by_state() -> None:
    """Every state is there, most of them at nought."""
    found = told(server(payouts_shop=payouts(payout(0), payout(1))), "lnwatch_payouts")
    assert found["main", "shop", "awaiting_payment"] == 2
    assert found.keys() == {("main", "shop", state.value) for state in PayoutState}
    assert sum(map(int, map(str, found.values()))) == 2


def test_balances_in_satoshis() -> None:
    """Of the wallet, and of the node where the key may ask; what is not seen is left out, not nought."""
    node = LightningBalance(Msat(1_500), msat(2), msat(3), msat(4), msat(5), msat(6))
    found = told(server(balances_shop=balance(lightning=node)), "lnwatch_store_balance_satoshis")
    assert {kind: figure for (_, _, kind), figure in found.items()} == {
        "confirmed": 2_000_000,
        "unconfirmed": 50_000,
        "lightning_local": Decimal("1.5"),
        "lightning_remote": 2,
        "lightning_opening": 3,
        "lightning_closing": 4,
        "node_confirmed": 5,
        "node_unconfirmed": 6,
    }
    unseen = balance(confirmed_msat=None, unconfirmed_msat=None)
    assert told(server(balances_shop=unseen), "lnwatch_store_balance_satoshis") == {}


def test_deliveries_of_all_webhooks() -> None:
    """Added up over the webhooks of a store; without the right to list them nothing is told."""
    hooks = webhooks(webhook(delivery(), BAD), webhook(BAD, id="other"))
    found = told(server(webhooks_shop=hooks), "lnwatch_webhook_deliveries")
    assert found == {
        ("main", "shop", "success"): 1,
        ("main", "shop", "http_error"): 2,
        ("main", "shop", "failed"): 0,
        ("main", "shop", "unknown"): 0,
    }
    assert set(told(server(webhooks_shop=webhooks()), "lnwatch_webhook_deliveries").values()) == {0}
    assert told(server(webhooks_shop=Webhooks("shop", None)), "lnwatch_webhook_deliveries") == {}


def test_rates_that_there_are() -> None:
    """A rate that is missing is missing here too."""
    assert told(server(), "lnwatch_rate") == {("main", "shop", "EUR"): Decimal(50_000)}
    assert told(server(rates_shop=rates(None)), "lnwatch_rate") == {}


@pytest.mark.parametrize("name", TABLE)
def test_what_is_old_is_not_told(name: str) -> None:
    """Three intervals of 15 s after it was seen, every figure is gone."""
    assert told(server(), name, now=build.NOW + 45)
    assert told(server(), name, now=build.NOW + 46) == {}


def test_each_store_has_its_own() -> None:
    """A second store stands beside the first."""
    target = server(invoices_bar=btcpay_facts()["invoices_shop"], rates_bar=replace(rates("51000"), store="bar"))
    assert told(target, "lnwatch_rate") == {
        ("main", "shop", "EUR"): Decimal(50_000),
        ("main", "bar", "EUR"): Decimal(51_000),
    }
