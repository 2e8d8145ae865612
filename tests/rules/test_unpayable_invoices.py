"""Rule `unpayable_invoices`: invoices in customers' hands that Lightning can't carry."""

import pytest

from lnwatch.model.lightning import Channels
from lnwatch.model.merchant import Method
from lnwatch.model.money import Msat, msat
from lnwatch.model.view import OpenInvoice, ShopView, TargetView
from lnwatch.rules.unpayable_invoices import RULE
from tests.assessments import NOW, channel
from tests.rules.views import judged, make_target, make_view, stale
from tests.shops import open_invoice, shop

SERVER = make_target("btcpay")
# What a node can receive over two such channels: 50,000 sat over each, 100,000 in two parts.
SMALL = {"remote_msat": msat(150_000), "initiator": True}


NODE = make_target("lnd", {"channels": Channels(tuple(channel(index, **SMALL) for index in range(2)))})


def test_found_above_what_comes_in_many_parts() -> None:
    """The store is hurt; the sentence says how much could come, and whether there is another way."""
    large = [open_invoice(0, amount_msat=msat(250_000)), open_invoice(1, offered=(Method.LIGHTNING,))]
    view = make_view(NODE, SERVER, shops=[shop(*large)])
    finding = judged(RULE, view, NODE).only
    assert finding.subject == "store:shop"
    assert finding.sentence == (
        "store:shop has 2 open invoices too large for Lightning, up to 250,000 sat: node:ln1 can receive 100,000 sat "
        "at most, in many parts; 1 of them can be paid on the chain."
    )
    assert finding.facts["in one part"] == "50,000 sat"
    assert finding.severity is None


@pytest.mark.parametrize(
    ("invoice", "expected"),
    [
        pytest.param(open_invoice(amount_msat=msat(100_000)), False, id="just fits"),
        pytest.param(open_invoice(amount_msat=Msat(100_000_001)), True, id="a millisatoshi more"),
        pytest.param(open_invoice(amount_msat=msat(60_000)), False, id="needs two parts"),
        pytest.param(open_invoice(processing=True), False, id="it is paid on the chain already"),
        pytest.param(open_invoice(expires_at=int(NOW)), False, id="it is over"),
        pytest.param(open_invoice(amount_msat=None, offered=(Method.CHAIN,)), False, id="no Lightning on it"),
    ],
)
def test_edge(invoice: OpenInvoice, expected: bool) -> None:
    """Only what somebody could still try to pay over Lightning."""
    view = make_view(NODE, SERVER, shops=[shop(invoice)])
    assert bool(judged(RULE, view, NODE).found) is expected


def test_a_store_on_another_node_is_that_nodes_business() -> None:
    """Each store is judged where its payments arrive."""
    here, elsewhere = shop(), shop(open_invoice(), store="bar", node="ln2")
    assert judged(RULE, make_view(NODE, SERVER, shops=[here, elsewhere]), NODE).clear


@pytest.mark.parametrize(
    ("target", "shops", "why"),
    [
        pytest.param(stale(NODE), [shop(open_invoice())], "`channels` has nothing fresh", id="channels are old"),
        pytest.param(NODE, [], "no store is known to stand on node:ln1", id="no store"),
        pytest.param(NODE, [shop(open_invoice(), node=None)], "no store is known", id="its node is not known"),
    ],
)
def test_unknown_for_the_whole_node(target: TargetView, shops: list[ShopView], why: str) -> None:
    """The missing input is named."""
    told = judged(RULE, make_view(target, SERVER, shops=shops), target)
    assert not told.found
    assert why in told.unknown[None]


@pytest.mark.parametrize(
    ("server", "why"),
    [
        pytest.param(stale(SERVER, "invoices_shop"), "`invoices_shop` has nothing fresh", id="read long ago"),
        pytest.param(None, "btcpay is no source of main any more", id="taken out of the configuration"),
    ],
)
def test_unknown_for_a_store_that_is_not_read(server: TargetView | None, why: str) -> None:
    """Its invoices may be paid by now, or gone."""
    targets = [NODE] if server is None else [NODE, server]
    told = judged(RULE, make_view(*targets, shops=[shop(open_invoice())]), NODE)
    assert why in told.unknown["store:shop"]
