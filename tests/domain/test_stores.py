"""Which stores a source has, what was read of them lately, and what stands in the way."""

from dataclasses import replace

from lnwatch.domain.stores import invoices_unread, shops_on, store_facts, stores_of, unread
from lnwatch.model.btcpay import Rates
from lnwatch.model.view import Fault
from tests.assessments import NOW, lightning_target
from tests.rules.views import make_target, make_view, stale, with_collector
from tests.shops import invoices, rates, shop

SERVER = make_target("btcpay", {"invoices_bar": invoices(store="bar")})


def test_stores_are_those_of_a_btcpay_server() -> None:
    """A node's stream of invoices is no store."""
    assert stores_of(SERVER) == ("shop", "bar")
    assert "invoices_stream" in lightning_target().collectors
    assert stores_of(lightning_target()) == ()


def test_facts_are_of_one_store_and_fresh() -> None:
    """Another store's, another kind's and old ones are none."""
    assert store_facts(SERVER, Rates, "shop", NOW) == rates()
    assert store_facts(SERVER, Rates, "bar", NOW) is None
    assert store_facts(stale(SERVER), Rates, "shop", NOW) is None
    mixed = replace(SERVER, snapshots={"rates_shop": SERVER.snapshots["invoices_shop"]})
    assert store_facts(mixed, Rates, "shop", NOW) is None


def test_a_refusal_says_what_to_grant() -> None:
    """In the words of the collector that was refused; without any, that nothing came."""
    fault = Fault(NOW, "forbidden", "the API key lacks btcpay.store.canviewstoresettings for store shop")
    refused = with_collector(SERVER, "rates_shop", success=False, fault=fault)
    assert "canviewstoresettings" in unread(refused, Rates, "shop")
    assert unread(SERVER, Rates, "bar") == "btcpay is up: its collector `rates_bar` has nothing fresh"


def test_stores_of_a_node() -> None:
    """By the join alone; one whose node is not known is on none."""
    view = make_view(shops=[shop(), shop(store="bar", node="ln2"), shop(store="pub", node=None)])
    assert [each.store for each in shops_on(view, "ln1")] == ["shop"]


def test_open_invoices_are_as_fresh_as_they_were_read() -> None:
    """Nothing stands in the way, or what does is named."""
    assert invoices_unread(make_view(SERVER), shop()) == ""
    assert "`invoices_shop`" in invoices_unread(make_view(stale(SERVER, "invoices_shop")), shop())
    assert invoices_unread(make_view(), shop()) == "btcpay is no source of main any more"
