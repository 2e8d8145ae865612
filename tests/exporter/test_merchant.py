"""Orders, KPIs and demand in the exposition: whole from the start, each figure in its place, nothing that is old."""

from dataclasses import replace

import pytest
from prometheus_client import CollectorRegistry
from prometheus_client.metrics_core import Metric as Parsed
from prometheus_client.openmetrics import parser as openmetrics_parser
from prometheus_client.parser import text_string_to_metric_families as parse_text

from lnwatch.domain import tally
from lnwatch.domain.kpi import Input, Watched, figures
from lnwatch.exporter import Exporter
from lnwatch.model.assessment import Assessment
from lnwatch.model.kpi import Targets
from lnwatch.model.merchant import Method
from lnwatch.model.order import FINAL_OUTCOMES, Leg, Rail
from lnwatch.model.snapshot import TargetState
from lnwatch.model.view import StateSpan
from tests import assessments as build
from tests.exporter.shops import LIGHTNING, ONCHAIN, demand, shop, shopkeeper
from tests.manual_clock import ManualClock

Labels = tuple[tuple[str, str], ...]


def families(assessment: Assessment, *, openmetrics: bool = True, now: float = build.NOW) -> dict[str, Parsed]:
    text = Exporter(lambda: assessment, ManualClock(now), CollectorRegistry()).metrics(openmetrics=openmetrics).decode()
    parse = openmetrics_parser.text_string_to_metric_families if openmetrics else parse_text
    return {family.name: family for family in parse(text)}


def samples(found: dict[str, Parsed], name: str, **labels: str) -> dict[Labels, float]:
    """Figures of one sample name, by the labels that the test does not fix; `site` is always main."""
    fixed = {"site": "main", **labels}
    told = {}
    for family in found.values():
        for sample in family.samples:
            if sample.name == name and fixed.items() <= sample.labels.items():
                told[tuple(sorted(sample.labels.items() - fixed.items()))] = sample.value
    return told


def one(found: dict[str, Parsed], name: str, **labels: str) -> float:
    ((rest, value),) = samples(found, name, **labels).items()
    assert rest == ()
    return value


def test_everything_is_there_before_the_first_order() -> None:
    """Each counter, each bucket and each KPI stands at 0, under every label that it may ever have."""
    found = families(shopkeeper())
    for name in ("lnwatch_orders_total", "lnwatch_invoices_total"):
        told = samples(found, name, store="shop")
        assert set(told.values()) == {0}
        assert len(told) == len(Rail) * len(FINAL_OUTCOMES)
    assert samples(found, "lnwatch_payments_total", store="shop").keys() == {(("method", each),) for each in Method}
    buckets = samples(found, "lnwatch_settlement_latency_seconds_bucket", store="shop")
    assert len(buckets) == len(tally.LEGS) * (len(tally.SECONDS) + 1)
    assert set(buckets.values()) == {0}
    assert (("le", "5.0"), ("leg", "settle_btcpay"), ("rail", "lightning")) in buckets
    events = samples(found, "lnwatch_kpi_events", window="24h", kpi="payment_success")
    rails = ("lightning", "onchain", "all")
    assert events == {(("rail", rail), ("store", store)): 0 for rail in rails for store in ("", "shop")}
    assert samples(found, "lnwatch_kpi_ratio") == {}
    assert one(found, "lnwatch_refunds_total", store="shop") == 0


def test_orders_are_counted_where_they_belong() -> None:
    """By store, rail, outcome and method; money in satoshis."""
    found = families(shopkeeper(LIGHTNING, LIGHTNING, ONCHAIN))
    orders = samples(found, "lnwatch_orders_total", store="shop", outcome="settled")
    assert orders == {(("rail", "lightning"),): 2, (("rail", "onchain"),): 1, (("rail", "none"),): 0}
    assert one(found, "lnwatch_payments_total", store="shop", method="btc-ln") == 3
    assert one(found, "lnwatch_invoice_paid_satoshis_total", store="shop", rail="lightning") == 40_000
    assert one(found, "lnwatch_refunds_total", store="shop") == 2
    assert one(found, "lnwatch_invoices_open", store="shop") == 7


@pytest.mark.parametrize("openmetrics", [True, False])
def test_histograms(openmetrics: bool) -> None:
    """Buckets are cumulative, what took exactly 5 s is within 5 s, the sum is in seconds."""
    found = families(shopkeeper(LIGHTNING, ONCHAIN), openmetrics=openmetrics)
    where = {"store": "shop", "rail": "lightning", "leg": "settle_btcpay"}
    buckets = samples(found, "lnwatch_settlement_latency_seconds_bucket", **where)
    counts = [buckets[("le", repr(float(edge))),] for edge in tally.SECONDS]
    assert counts == [int(edge >= 5) for edge in tally.SECONDS]
    assert buckets[("le", "+Inf"),] == one(found, "lnwatch_settlement_latency_seconds_count", **where) == 1
    assert one(found, "lnwatch_settlement_latency_seconds_sum", **where) == 5
    chain = {"store": "shop", "rail": "onchain", "leg": "seen_confirmed"}
    waited = samples(found, "lnwatch_settlement_latency_blocks_bucket", **chain)
    assert (waited[("le", "1.0"),], waited[("le", "2.0"),], waited[("le", "+Inf"),]) == (0, 1, 1)
    assert one(found, "lnwatch_settlement_latency_blocks_sum", **chain) == 2
    assert one(found, "lnwatch_settlement_latency_seconds_sum", **chain) == 1_234.5


def test_an_exemplar_leads_to_the_invoice() -> None:
    """The newest payment of each bucket, in OpenMetrics alone, which has a place for it."""
    newer = replace(LIGHTNING.legs[1], invoice="inv2", seconds=4.5, at=build.NOW - 5)
    found = families(shopkeeper(LIGHTNING, replace(LIGHTNING, legs=(newer,))))
    shown = {
        (sample.labels["leg"], sample.labels["le"]): sample.exemplar
        for sample in found["lnwatch_settlement_latency_seconds"].samples
        if sample.exemplar is not None
    }
    assert {key: (each.labels, each.value, str(each.timestamp)) for key, each in shown.items()} == {
        ("accept_settle", "0.25"): ({"invoice_id": "inv1"}, 0.25, "1799999938.000000000"),
        ("settle_btcpay", "5.0"): ({"invoice_id": "inv2"}, 4.5, "1799999995.000000000"),
    }
    plain = families(shopkeeper(LIGHTNING), openmetrics=False)["lnwatch_settlement_latency_seconds"]
    assert not any(sample.exemplar for sample in plain.samples)


def test_kpis_against_their_targets() -> None:
    """Share, events, bad events and target; the site's own has no store."""
    found = families(shopkeeper(LIGHTNING, ONCHAIN, ONCHAIN))
    fallback = {"kpi": "fallback", "rail": "all", "window": "1h"}
    assert one(found, "lnwatch_kpi_ratio", store="shop", **fallback) == pytest.approx(2 / 3)
    assert one(found, "lnwatch_kpi_bad_events", store="", **fallback) == 2
    assert one(found, "lnwatch_kpi_target_ratio", store="shop", kpi="payment_success", rail="onchain") == 0.95
    assert samples(found, "lnwatch_kpi_target_ratio", kpi="fallback") == {}
    assert one(found, "lnwatch_kpi_ratio", kpi="refund", store="shop", rail="all", window="1h") == pytest.approx(1 / 3)


def test_uptime_of_each_system() -> None:
    """Its share of the time that counts and how long that was, by window; apart from what customers meet."""
    watched = Watched(
        states=(
            StateSpan("pay", build.NOW - 7_200, TargetState.UP, ""),
            StateSpan("pay", build.NOW - 900, TargetState.DOWN, ""),
        )
    )
    kpis = figures(Input("main", build.NOW, ("shop",), {}, watched), lambda _store, _rail: Targets())
    found = families(shopkeeper(kpis=kpis))
    assert one(found, "lnwatch_target_uptime_ratio", source="pay", window="1h") == 0.75
    assert one(found, "lnwatch_target_uptime_counted_seconds", source="pay", window="24h") == 7_200
    assert samples(found, "lnwatch_kpi_ratio") == {}
    assert samples(found, "lnwatch_target_uptime_ratio", source="ln1") == {}


def test_expected_tickets() -> None:
    """Half of the orders and 95 of 100; absent before the first."""
    found = samples(families(shopkeeper()), "lnwatch_expected_ticket_satoshis", node="ln1")
    assert found == {(("share", "0.5"),): 20_000, (("share", "0.95"),): 90_000}
    none = replace(demand(), median_msat=None, p95_msat=None)
    assert samples(families(shopkeeper(demand={"ln1": none})), "lnwatch_expected_ticket_satoshis") == {}


def test_cover() -> None:
    """What could be received now is so many days of what is expected; without an expectation there is no share."""
    found = families(shopkeeper())
    inbound = one(found, "lnwatch_lightning_usable_inbound_satoshis", node="ln1")
    assert one(found, "lnwatch_expected_daily_volume_satoshis", node="ln1") == 2_000_000
    assert one(found, "lnwatch_inbound_cover_ratio", node="ln1") == pytest.approx(inbound / 2_000_000)
    for none in ({}, {"ln1": demand(daily_msat=0)}):
        found = families(shopkeeper(demand=none))
        assert one(found, "lnwatch_expected_daily_volume_satoshis", node="ln1") == 0
        assert samples(found, "lnwatch_inbound_cover_ratio") == {}


def test_whether_customers_can_pay() -> None:
    """One of four answers is 1, for each rail and over all."""
    told = samples(families(shopkeeper()), "lnwatch_payability", store="shop")
    assert len(told) == 12
    answers = {dict(labels)["rail"]: dict(labels)["answer"] for labels, value in told.items() if value}
    assert answers == {"lightning": "yes", "onchain": "no", "all": "partly"}


def test_what_is_old_is_not_told() -> None:
    """Counters stay; KPIs go with the engine's silence, and open invoices with BTCPay's."""
    late = families(shopkeeper(LIGHTNING), now=build.NOW + 200)
    assert one(late, "lnwatch_orders_total", store="shop", rail="lightning", outcome="settled") == 1
    for name in ("lnwatch_kpi_events", "lnwatch_kpi_target_ratio", "lnwatch_payability", "lnwatch_invoices_open"):
        assert samples(late, name) == {}, name
    unread = families(shopkeeper(shops={"shop": shop(source="gone")}))
    assert samples(unread, "lnwatch_invoices_open") == {}


def test_every_leg_is_a_known_one() -> None:
    """Legs of the table are those that can be measured on their rail."""
    assert {leg for leg, _ in tally.LEGS} == set(Leg)
