"""Rule `btcpay_degraded`: the server answers, and payments suffer all the same."""

from dataclasses import replace
from typing import Any

import pytest

from lnwatch.model.merchant import Method
from lnwatch.model.rule import Owner, Severity
from lnwatch.model.snapshot import TargetState
from lnwatch.model.view import ShopView, TargetView, View
from lnwatch.rules.btcpay_degraded import RULE
from tests.assessments import HEIGHT, NOW
from tests.rules.views import core_status, failing, judged, make_target, make_view, stale
from tests.shops import btcpay_status, chain_sync, invoices, open_invoice, order, shop, store_settings

CORE, NODE, NBX = make_target("bitcoind"), make_target("lnd"), make_target("nbxplorer")
CHAIN_ALONE = (Method.CHAIN,)


def server(**changes: Any) -> TargetView:  # noqa: ANN401 - fields of BtcpayStatus
    return make_target("btcpay", {"status": btcpay_status(**changes)})


def newest(*offered: str, age: float = 60.0, **settings: Any) -> TargetView:  # noqa: ANN401 - fields of Store
    """A server whose newest invoice is `age` seconds old and carries these methods."""
    last = invoices(newest_offered=offered, newest_created_at=int(NOW - age))
    return make_target("btcpay", {"invoices_shop": last, "store_shop": store_settings(**settings)})


def site(btcpay: TargetView, *others: TargetView, known: ShopView | None = None) -> View:
    return make_view(*(others or (CORE, NBX, NODE)), btcpay, shops=[known] if known is not None else [])


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        pytest.param({"indexer_answers": False, "chains": ()}, "can't ask its NBXplorer", id="server info is a 500"),
        pytest.param(
            {"chains": (chain_sync(chain_height=None, sync_height=None),), "synchronized": False},
            "can't see the chain of BTC-CHAIN",
            id="bitcoind is away behind NBXplorer",
        ),
        pytest.param({"synchronized": False}, "says that it is not synchronized", id="by its own word"),
    ],
)
def test_found_by_what_it_says(changes: dict[str, Any], words: str) -> None:
    """A warning for the operators: BTCPay itself is up."""
    btcpay = server(**changes)
    finding = judged(RULE, site(btcpay), btcpay).only
    assert (finding.subject, finding.severity, finding.owner) == ("source:btcpay", None, None)
    assert finding.sentence.startswith(f"source:btcpay (BTCPay Server) {words}")
    assert (RULE.severity, RULE.owner) == (Severity.WARNING, Owner.OPERATORS)


@pytest.mark.parametrize(("height", "found"), [(HEIGHT, False), (HEIGHT - 1, False), (HEIGHT - 2, True)])
def test_edge_of_a_status_that_is_repeated(height: int, found: bool) -> None:
    """It calls itself synchronized at a block that is long gone: bitcoind's tip tells."""
    btcpay = server(chains=(chain_sync(sync_height=height),))
    verdict = judged(RULE, site(btcpay), btcpay)
    assert bool(verdict.found) is found
    if found:
        assert verdict.only.sentence == (
            "source:btcpay (BTCPay Server) repeats an old status: it speaks of block 899,998, 2 blocks behind bitcoind "
            "(limit 2 blocks)."
        )


def test_the_newest_invoice_lacks_a_method() -> None:
    """A warning for the store: it may have been that one alone."""
    btcpay = newest("BTC-CHAIN")
    finding = judged(RULE, site(btcpay, known=shop(open_invoice())), btcpay).only
    assert finding.subject == "store:shop"
    assert finding.sentence == "The newest invoice of store:shop lacks BTC-LN, which the store has enabled."
    assert finding.severity is None


def test_every_invoice_of_ten_minutes_lacks_it() -> None:
    """Then Lightning is off the checkout, and on-call is woken; an older invoice shows that it used to be on it."""
    btcpay = newest("BTC-CHAIN")
    known = shop(open_invoice(0, created_at=int(NOW) - 601), open_invoice(1, offered=CHAIN_ALONE))
    finding = judged(RULE, site(btcpay, known=known), btcpay).only
    assert (
        finding.sentence
        == "Every invoice of store:shop that was made lately lacks BTC-LN, which the store has enabled."
    )
    assert (finding.severity, finding.owner) == (Severity.CRITICAL, Owner.ONCALL)


@pytest.mark.parametrize(
    ("known", "age"),
    [
        pytest.param(shop(open_invoice(created_at=int(NOW) - 600)), 60.0, id="one of them carries it"),
        pytest.param(
            shop(open_invoice(offered=CHAIN_ALONE), settled=[order(1)]), 60.0, id="one of them was paid with it"
        ),
        pytest.param(shop(open_invoice(offered=CHAIN_ALONE)), 60.0, id="the shop never asks for it"),
        pytest.param(shop(settled=[order(60)]), 601.0, id="the newest is older than that"),
        pytest.param(None, 60.0, id="nothing is known of its invoices"),
    ],
)
def test_not_every_one_is_a_warning(known: ShopView | None, age: float) -> None:
    """Critical needs proof: all that were made lately lack it, and an earlier one did not."""
    btcpay = newest("BTC-CHAIN", age=age)
    assert judged(RULE, site(btcpay, known=known), btcpay).only.severity is None


@pytest.mark.parametrize(
    "btcpay",
    [
        pytest.param(newest("BTC-CHAIN", limited_methods=("BTC-LN",)), id="a limit of the amount leaves it out"),
        pytest.param(newest("BTC-CHAIN", limited_methods=("BTC_LightningLike",)), id="so does one of before 2.0"),
        pytest.param(newest("BTC-LN", "BTC-CHAIN"), id="LNURL is not enabled"),
        pytest.param(newest("BTC-CHAIN", archived=True), id="the store is archived"),
        pytest.param(
            make_target("btcpay", {"invoices_shop": invoices(newest_offered=None, newest_created_at=None)}),
            id="no invoice was ever made",
        ),
    ],
)
def test_quiet_where_nothing_is_missing(btcpay: TargetView) -> None:
    """What the store limits or never enabled is not missed."""
    assert judged(RULE, site(btcpay), btcpay).clear


@pytest.mark.parametrize(
    ("offered", "behind", "found"),
    [
        pytest.param("BTC-CHAIN", replace(NODE, since=NOW - 60), False, id="the node came back after it was made"),
        pytest.param("BTC-CHAIN", replace(NODE, since=NOW - 180), False, id="BTCPay had not noticed yet"),
        pytest.param("BTC-CHAIN", replace(NODE, since=NOW - 181), True, id="it was back for long"),
        pytest.param("BTC-LN", replace(NODE, since=NOW - 60), True, id="the chain does not stand on the node"),
        pytest.param("BTC-LN", replace(NBX, since=NOW - 60), False, id="NBXplorer came back after it was made"),
    ],
)
def test_what_was_made_in_an_outage_says_nothing_of_now(offered: str, behind: TargetView, found: bool) -> None:
    """The outage had its own case, and it is over."""
    btcpay = newest(offered)
    assert bool(judged(RULE, site(btcpay, behind), btcpay).found) is found


def test_what_it_stands_on_keeps_it_quiet() -> None:
    """While the node or NBXplorer is down, that is the root."""
    btcpay = newest("BTC-CHAIN")
    assert judged(RULE, site(btcpay, failing(NODE, TargetState.DOWN)), btcpay).found
    assert {"lightning_down", "nbxplorer_down", "nbxplorer_behind", "btcpay_down", "bitcoind_down"} <= set(RULE.parents)


@pytest.mark.parametrize(
    ("btcpay", "subjects"),
    [
        pytest.param(stale(server(), "status"), ["source:btcpay"], id="not seen lately"),
        pytest.param(stale(server(), "store_shop"), ["store:shop"], id="its settings are not readable"),
        pytest.param(stale(server(), "invoices_shop"), ["store:shop"], id="its invoices are not readable"),
        pytest.param(newest("BTC-LN", "BTC-CHAIN", lazy_methods=True), ["store:shop"], id="lazy methods show nothing"),
    ],
)
def test_unknown_where_it_does_not_show(btcpay: TargetView, subjects: list[str]) -> None:
    """Each subject by itself."""
    verdict = judged(RULE, site(btcpay), btcpay)
    assert not verdict.found
    assert list(verdict.unknown) == subjects


def test_without_a_fresh_bitcoind_its_word_stands() -> None:
    """There is nothing to hold its heights against."""
    btcpay = server(chains=(chain_sync(sync_height=HEIGHT - 5),))
    assert judged(RULE, site(btcpay, stale(make_target("bitcoind", {"status": core_status()}))), btcpay).clear


def test_nonsense_is_refused() -> None:
    """A View holds a day."""
    with pytest.raises(ValueError, match="`recent_seconds` is a day"):
        RULE.thresholds(recent_seconds=90_000.0)
    with pytest.raises(ValueError, match="`lag_blocks` must be above 0"):
        RULE.thresholds(lag_blocks=0)
