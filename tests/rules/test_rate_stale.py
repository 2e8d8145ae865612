"""Rule `rate_stale`: without a price BTCPay makes no invoice at all."""

import pytest

from lnwatch.model.btcpay import Rates
from lnwatch.model.rule import Owner, Severity
from lnwatch.model.view import Fault, TargetView
from lnwatch.rules.rate_stale import RULE
from tests.assessments import NOW
from tests.rules.views import judged, make_target, make_view, stale, with_collector
from tests.shops import invoices, rates


def server(first: str | None = "50000", second: str | None = None, steady_since: float | None = None) -> TargetView:
    """A server with one store, or with two."""
    facts = {"rates_shop": rates(first, steady_since=steady_since)}
    if second is None:
        return make_target("btcpay", facts)
    return make_target(
        "btcpay", {**facts, "rates_bar": rates(second, store="bar"), "invoices_bar": invoices(store="bar")}
    )


def test_found_without_a_rate() -> None:
    """BTCPay's own words say why; on-call is woken, because nothing can be sold."""
    btcpay = server(None)
    finding = judged(RULE, make_view(btcpay), btcpay).only
    assert finding.subject == "rate:EUR"
    assert finding.sentence == (
        "rate:EUR is missing at store shop, which can't make an invoice without it: RateUnavailable."
    )
    assert (finding.severity, finding.owner, finding.evidence) == (None, None, "missing")


def test_a_currency_is_one_case_over_all_stores() -> None:
    """Two stores that wait for the same source are one thing to mend."""
    btcpay = make_target(
        "btcpay",
        {"rates_shop": rates(None), "rates_bar": rates(None, store="bar"), "invoices_bar": invoices(store="bar")},
    )
    assert "at stores shop and bar," in judged(RULE, make_view(btcpay), btcpay).only.sentence


@pytest.mark.parametrize(("seconds", "found"), [(3_599, False), (3_600, False), (3_601, True)])
def test_edge_of_standing_still(seconds: float, found: bool) -> None:
    """An exchange's rate moves at every look: an hour without is a source that repeats itself."""
    btcpay = server(steady_since=NOW - seconds)
    verdict = judged(RULE, make_view(btcpay), btcpay)
    assert bool(verdict.found) is found
    if found:
        assert verdict.only.sentence == (
            "rate:EUR (50000) of store shop has not moved for 1 h, as an exchange's does (limit 1 h)."
        )
        assert (verdict.only.severity, verdict.only.owner) == (Severity.WARNING, Owner.FINANCE)


@pytest.mark.parametrize(("second", "found"), [("50500", False), ("50501", True), ("49504", True), ("49505", False)])
def test_edge_of_sources_that_differ(second: str, found: bool) -> None:
    """One of two stores sells too cheaply: above one per cent finance wants to know."""
    btcpay = server("50000", second)
    verdict = judged(RULE, make_view(btcpay), btcpay)
    assert bool(verdict.found) is found
    if found:
        assert (verdict.only.severity, verdict.only.owner, verdict.only.evidence) == (
            Severity.WARNING,
            Owner.FINANCE,
            "apart",
        )
        assert verdict.only.facts == {"shop": "50000", "bar": second}


@pytest.mark.parametrize(
    "btcpay",
    [
        pytest.param(server(), id="a fixed rate stands still for ever"),
        pytest.param(server(steady_since=NOW - 60), id="an exchange's that moved a minute ago"),
        pytest.param(make_target("btcpay", {"rates_shop": Rates("shop", ())}), id="prices in bitcoin"),
    ],
)
def test_quiet(btcpay: TargetView) -> None:
    """A rate that a person set is no fault, however old."""
    assert judged(RULE, make_view(btcpay), btcpay).clear


def test_unknown_without_the_right_to_read_rates() -> None:
    """What to grant stands in the answer; a rate of another store that is gone is found all the same."""
    fault = Fault(NOW, "forbidden", "the API key lacks btcpay.store.canviewstoresettings for store bar")
    btcpay = with_collector(stale(server(None, "50000"), "rates_bar"), "rates_bar", success=False, fault=fault)
    verdict = judged(RULE, make_view(btcpay), btcpay)
    assert list(verdict.found) == ["rate:EUR"]
    assert "canviewstoresettings" in verdict.unknown[None]
    blind = stale(server())
    assert "`rates_shop` has nothing fresh" in judged(RULE, make_view(blind), blind).unknown[None]


def test_nonsense_is_refused() -> None:
    """Limits are figures that can be exceeded."""
    with pytest.raises(ValueError, match="`steady_seconds` must be above 0"):
        RULE.thresholds(steady_seconds=0.0)
    with pytest.raises(ValueError, match="`apart` is a share"):
        RULE.thresholds(apart=1.0)
