"""Rule `refund_float_low`: what is promised, and what it can be paid with."""

from decimal import Decimal

import pytest

from lnwatch.model.btcpay import StoreMethod, Unclaimed
from lnwatch.model.lightning import Channels
from lnwatch.model.merchant import Method, Payout, PayoutState
from lnwatch.model.money import msat
from lnwatch.model.snapshot import Facts
from lnwatch.model.view import ShopView, TargetView
from lnwatch.rules.refund_float_low import RULE
from tests.assessments import channel
from tests.rules.views import judged, make_target, make_view, stale
from tests.shops import balance, invoices, payout, payouts, shop, store_settings

LIGHTNING = (StoreMethod("BTC-LN", Method.LIGHTNING, True),)
# Over this channel 500,000 sat can go out: what is ours, less our reserve of 100,000.
NODE = make_target("lnd", {"channels": Channels((channel(local_msat=msat(600_000)),))})


def lightning(sat: int, index: int = 0, **changes: object) -> Payout:
    return payout(index, amount_msat=msat(sat), **changes)


def chain(sat: int, index: int = 0, **changes: object) -> Payout:
    return payout(index, amount_msat=msat(sat), method=Method.CHAIN, **changes)


def server(*waiting: Payout, **changes: object) -> TargetView:
    return make_target("btcpay", {"payouts_shop": payouts(*waiting), "balances_shop": balance(**changes)})


@pytest.mark.parametrize(
    ("waiting", "found"),
    [
        pytest.param((), [], id="nothing is promised"),
        pytest.param((lightning(500_000),), [], id="just enough over Lightning"),
        pytest.param((lightning(500_000), lightning(1, 1)), ["node:ln1"], id="a satoshi more"),
        pytest.param((lightning(600_000, method=Method.LNURL),), ["node:ln1"], id="LNURL is Lightning"),
        pytest.param((chain(2_000_000),), [], id="just enough on the chain, confirmed"),
        pytest.param((chain(2_000_001),), ["store:shop"], id="what is unconfirmed does not count"),
        pytest.param((lightning(600_000), chain(3_000_000, 1)), ["store:shop", "node:ln1"], id="both"),
        pytest.param((lightning(600_000, state=PayoutState.IN_PROGRESS),), [], id="it is under way already"),
        pytest.param(
            (lightning(600_000, state=PayoutState.AWAITING_APPROVAL),), ["node:ln1"], id="not approved, and promised"
        ),
    ],
)
def test_edge(waiting: tuple[Payout, ...], found: list[str]) -> None:
    """Each method is paid from its own purse."""
    btcpay = server(*waiting)
    assert list(judged(RULE, make_view(NODE, btcpay, shops=[shop()]), btcpay).found) == found


def test_the_sentences_name_both_figures() -> None:
    """What there is, and what is needed."""
    btcpay = server(lightning(600_000), chain(3_000_000, 1))
    told = judged(RULE, make_view(NODE, btcpay, shops=[shop()]), btcpay).found
    assert told["store:shop"].sentence == (
        "The on-chain wallet of store:shop holds 2,000,000 sat confirmed, less than the 3,000,000 sat of its open "
        "payouts."
    )
    assert told["node:ln1"].sentence == (
        "node:ln1 can send 500,000 sat, less than the 600,000 sat of its stores' open Lightning payouts."
    )


def promising(
    sat: str, *waiting: Payout, methods: tuple[StoreMethod, ...] = LIGHTNING, **changes: object
) -> TargetView:
    """A store with two refund links that promise so much beyond what was claimed."""
    book = payouts(*waiting, unclaimed=(Unclaimed("SATS", Decimal(sat), 2),))
    settings = store_settings(methods=methods)
    return make_target("btcpay", {"payouts_shop": book, "balances_shop": balance(**changes), "store_shop": settings})


@pytest.mark.parametrize(
    ("btcpay", "found"),
    [
        pytest.param(promising("2000000"), [], id="the wallet covers it"),
        pytest.param(promising("2500000"), [], id="wallet and node together"),
        pytest.param(promising("2500001"), ["node:ln1"], id="a satoshi more"),
        pytest.param(promising("400000", chain(2_000_000)), [], id="what the wallet owes is off it"),
        pytest.param(promising("500001", chain(2_000_000)), ["node:ln1"], id="and then it is too little"),
        pytest.param(promising("2000001", lightning(500_000)), ["node:ln1"], id="what the node owes is off it"),
        pytest.param(promising("500001", confirmed_msat=None), ["node:ln1"], id="no wallet"),
        pytest.param(promising("1", chain(2_000_001)), ["store:shop"], id="the wallet can't pay what is claimed"),
    ],
)
def test_what_was_promised_and_not_claimed_counts(btcpay: TargetView, found: list[str]) -> None:
    """The customer will choose how: it is held against what the store's wallet and its node have left together."""
    assert list(judged(RULE, make_view(NODE, btcpay, shops=[shop()]), btcpay).found) == found


def test_what_nobody_claimed_is_told_apart() -> None:
    """By the node's sentence, or by that of a store that takes no Lightning, and in the facts."""
    btcpay = promising("2600000")
    told = judged(RULE, make_view(NODE, btcpay, shops=[shop()]), btcpay).found["node:ln1"]
    assert told.sentence == (
        "node:ln1 can send 500,000 sat, less than the 600,000 sat of its stores' open Lightning payouts and of "
        "refund links that nobody has claimed and their wallets can't cover."
    )
    assert told.facts["of unclaimed links"] == "600,000 sat"
    methods = (StoreMethod("BTC-CHAIN", Method.CHAIN, True),)
    onchain = promising("2600000", chain(1), methods=methods)
    alone = judged(RULE, make_view(onchain, shops=[shop(node=None)]), onchain).found["store:shop"]
    assert alone.sentence == (
        "The on-chain wallet of store:shop holds 2,000,000 sat confirmed, less than the 2,600,001 sat of its open "
        "payouts and 2 refund links that nobody has claimed."
    )
    assert alone.facts["unclaimed links"] == "2 links, 2,600,000 sat"


@pytest.mark.parametrize(
    ("asked", "currency", "found"),
    [("250", "EUR", False), ("250.01", "EUR", True), ("0.00500001", "BTC", True), ("500001", "SATS", True)],
)
def test_before_approval_todays_rate_counts(asked: str, currency: str, found: bool) -> None:
    """250 EUR at 50,000 EUR are 500,000 sat."""
    claim = payout(amount=None, amount_msat=None, asked=Decimal(asked), asked_currency=currency)
    btcpay = server(claim)
    assert bool(judged(RULE, make_view(NODE, btcpay, shops=[shop()]), btcpay).found) is found


def test_the_stores_of_a_node_are_added() -> None:
    """Neither alone is too much."""
    both: dict[str, Facts] = {
        "payouts_shop": payouts(lightning(300_000)),
        "payouts_bar": payouts(lightning(300_000)),
        "invoices_bar": invoices(store="bar"),
    }
    btcpay = make_target("btcpay", both)
    view = make_view(NODE, btcpay, shops=[shop(), shop(store="bar")])
    assert list(judged(RULE, view, btcpay).found) == ["node:ln1"]


@pytest.mark.parametrize(
    ("btcpay", "node", "shops", "subject", "why"),
    [
        pytest.param(
            stale(server(), "payouts_shop"),
            NODE,
            [shop()],
            "store:shop",
            "`payouts_shop` has nothing fresh",
            id="payouts",
        ),
        pytest.param(
            stale(server(chain(1)), "balances_shop"),
            NODE,
            [shop()],
            "store:shop",
            "`balances_shop`",
            id="balance is old",
        ),
        pytest.param(
            server(chain(1), confirmed_msat=None), NODE, [shop()], "store:shop", "can't be seen", id="no wallet to see"
        ),
        pytest.param(server(lightning(1)), stale(NODE), [shop()], "node:ln1", "`channels`", id="channels are old"),
        pytest.param(server(lightning(1)), NODE, [], "store:shop", "on which node it stands", id="store not known"),
        pytest.param(
            server(lightning(1)), NODE, [shop(node=None)], "store:shop", "on which node it stands", id="node not known"
        ),
        pytest.param(
            make_target("btcpay", {"payouts_shop": payouts(unclaimed=None)}),
            NODE,
            [shop()],
            "store:shop",
            "the refund links of store:shop were not read yet",
            id="links",
        ),
        pytest.param(
            make_target("btcpay", {"payouts_shop": payouts(unclaimed=(Unclaimed("JPY", Decimal(1), 1),))}),
            NODE,
            [shop()],
            "store:shop",
            "a refund link of store:shop is in JPY",
            id="no rate for a link",
        ),
        pytest.param(promising("2000001"), NODE, [shop(node=None)], "store:shop", "on which node", id="which node"),
        pytest.param(
            server(payout(amount_msat=None, asked_currency="JPY")), NODE, [shop()], "store:shop", "JPY", id="no rate"
        ),
    ],
)
def test_unknown_names_what_is_missing(
    btcpay: TargetView, node: TargetView, shops: list[ShopView], subject: str, why: str
) -> None:
    """Only what is promised needs to be held against anything."""
    told = judged(RULE, make_view(node, btcpay, shops=shops), btcpay)
    assert not told.found
    assert why in told.unknown[subject]
