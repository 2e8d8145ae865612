"""Rule `hot_balance_high`: all that one stolen machine would cost, against what the site allows."""

import pytest

from lnwatch.model.btcpay import StoreBalance
from lnwatch.model.view import TargetView
from lnwatch.rules.hot_balance_high import RULE
from tests.assessments import lightning_target
from tests.rules.views import judged, make_target, make_view, stale
from tests.shops import balance

# 2,050,000 in the store's wallet, 2,050,000 in the node's, 4,000,000 in its channel.
NODE, SERVER = make_target("lnd"), make_target("btcpay")
ALL = 8_100_000


@pytest.mark.parametrize(("limit", "found"), [(ALL, False), (ALL - 1, True)])
def test_edge(limit: int, found: bool) -> None:
    """Wallets, unconfirmed coins included, and our side of the channels."""
    assert bool(judged(RULE, make_view(NODE, SERVER), limit_satoshis=limit).found) is found


def test_a_nodes_stream_of_invoices_is_no_store() -> None:
    """All of a real node's collectors are there, and nothing is missing."""
    assert judged(RULE, make_view(lightning_target(), SERVER), limit_satoshis=ALL).clear


def test_the_facts_say_where_it_lies() -> None:
    """Treasury sees at once what to move."""
    finding = judged(RULE, make_view(NODE, SERVER), limit_satoshis=1_000_000).only
    assert finding.subject == "site:main"
    assert finding.sentence == "site:main holds 8,100,000 sat in hot wallets and channels (limit 1,000,000 sat)."
    assert finding.facts == {
        "channels of node:ln1": "4,000,000 sat",
        "wallet of node:ln1": "2,050,000 sat",
        "wallet of store:shop": "2,050,000 sat",
    }
    assert finding.severity is None


def test_what_is_seen_may_be_enough() -> None:
    """What can't be seen would only add to it."""
    node = stale(NODE, "wallet")
    finding = judged(RULE, make_view(node, SERVER), limit_satoshis=6_000_000).only
    assert "has nothing fresh" in finding.facts["wallet of node:ln1"]


@pytest.mark.parametrize(
    ("targets", "limit", "why"),
    [
        pytest.param(
            (NODE, SERVER), 0, "set `limit_satoshis` under [site.main.rules.hot_balance_high]", id="no limit is set"
        ),
        pytest.param((stale(NODE, "channels"), SERVER), ALL, "`channels` has nothing fresh", id="channels are old"),
        pytest.param((NODE, stale(SERVER, "balances_shop")), ALL, "`balances_shop`", id="the store's wallet is old"),
        pytest.param((make_target("bitcoind"),), ALL, "neither a store nor a Lightning node", id="nothing to look at"),
    ],
)
def test_unknown_names_what_is_missing(targets: tuple[TargetView, ...], limit: int, why: str) -> None:
    """Below the limit as far as it is seen is not below the limit."""
    told = judged(RULE, make_view(*targets), limit_satoshis=limit)
    assert not told.found
    assert why in told.unknown["site:main"]


def test_a_store_without_a_wallet_holds_nothing() -> None:
    """It takes Lightning alone."""
    server = make_target("btcpay", {"balances_shop": balance(confirmed_msat=None, unconfirmed_msat=None)})
    assert judged(RULE, make_view(NODE, server), limit_satoshis=6_050_000).clear
    assert isinstance(server.snapshots["balances_shop"].facts, StoreBalance)


def test_nonsense_is_refused() -> None:
    """Below nothing there is nothing."""
    with pytest.raises(ValueError, match="`limit_satoshis` can't be below 0, found -1"):
        RULE.thresholds(limit_satoshis=-1)
