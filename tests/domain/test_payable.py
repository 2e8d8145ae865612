"""Can customers pay? Each thing that stands in the way, and what it leaves open."""

from collections.abc import Mapping
from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest

from lnwatch.domain.payable import offered_rails, payability
from lnwatch.model.btcpay import BtcpayStatus, Invoices, Rate, Rates, Store, StoreMethod
from lnwatch.model.kpi import CanPay, Demand
from lnwatch.model.lightning import Channels
from lnwatch.model.merchant import Method
from lnwatch.model.money import Msat, msat
from lnwatch.model.order import Rail
from lnwatch.model.probe import ProbeStage
from lnwatch.model.snapshot import Facts, TargetState
from lnwatch.model.view import Fault, OpenInvoice, ShopView, TargetView, View
from tests import shops
from tests.assessments import HEIGHT, NOW, channel, nbxplorer_status, node_status, probe_status
from tests.rules.views import core_status, failing, make_target, make_view, stale, with_collector

YES, PARTLY, NO, UNKNOWN = CanPay.YES, CanPay.PARTLY, CanPay.NO, CanPay.UNKNOWN
METHODS = (
    StoreMethod("BTC-CHAIN", Method.CHAIN, enabled=True),
    StoreMethod("BTC-LN", Method.LIGHTNING, enabled=True),
    StoreMethod("BTC-LNURL", Method.LNURL, enabled=True),
)


def store(**changes: Any) -> Store:  # noqa: ANN401 - a table of fields
    """A store that takes both rails, and LNURL."""
    return replace(shops.store_settings(methods=METHODS), **changes)


def invoices(**changes: Any) -> Invoices:  # noqa: ANN401 - a table of fields
    """The newest is a minute old and carries all of them."""
    return replace(shops.invoices(newest_offered=("BTC-CHAIN", "BTC-LN", "BTC-LNURL")), **changes)


def status(**changes: Any) -> BtcpayStatus:  # noqa: ANN401 - a table of fields
    return shops.btcpay_status(**changes)


def btcpay(facts: Mapping[str, Facts] | None = None) -> TargetView:
    usual: dict[str, Facts] = {
        "status": status(),
        "store_shop": store(),
        "invoices_shop": invoices(),
        "rates_shop": Rates("shop", (Rate("EUR", Decimal(50_000), ()),)),
    }
    return make_target("btcpay", usual | dict(facts or {}), slug="pay")


def unread(target: TargetView, *collectors: str) -> TargetView:
    """The target before these brought anything."""
    kept = {name: snapshot for name, snapshot in target.snapshots.items() if name not in collectors}
    return replace(target, snapshots=kept)


def lnd(**changes: Any) -> TargetView:  # noqa: ANN401 - fields of NodeStatus
    return make_target("lnd", {"node": node_status(block_height=HEIGHT, **changes)})


SHOP = ShopView("shop", "pay", "ln1", NOW - 5)
WELL = {
    "pay": btcpay(),
    "ln1": lnd(),
    "core": make_target("bitcoind"),
    "nbx": make_target("nbxplorer"),
    "checkout": make_target("probe"),
}


def site(**changes: TargetView | None) -> View:
    """The whole stack, with some of it otherwise (None: not configured)."""
    return make_view(*(target for target in (WELL | changes).values() if target is not None))


def answers(view: View, shop: ShopView = SHOP) -> tuple[CanPay, ...]:
    """Over Lightning, on-chain, and over all."""
    return tuple(each.answer for each in payability(view, shop))


@pytest.mark.parametrize(
    ("changed", "expected"),
    [
        ({}, (YES, YES, YES)),
        ({"pay": failing(btcpay(), TargetState.DOWN)}, (NO, NO, NO)),
        ({"pay": failing(btcpay(), TargetState.HANGING, "timeout")}, (NO, NO, NO)),
        ({"pay": failing(btcpay(), TargetState.REJECTED, "rejected")}, (UNKNOWN, UNKNOWN, UNKNOWN)),
        ({"pay": replace(btcpay(), state=None)}, (UNKNOWN, UNKNOWN, UNKNOWN)),
        ({"pay": stale(btcpay(), "invoices_shop")}, (UNKNOWN, UNKNOWN, UNKNOWN)),
        ({"pay": stale(btcpay(), "rates_shop", age=86_400)}, (UNKNOWN, UNKNOWN, UNKNOWN)),
        ({"pay": btcpay({"rates_shop": Rates("shop", ())})}, (YES, YES, YES)),
        ({"pay": btcpay({"rates_shop": Rates("shop", (Rate("EUR", None, ("away",)),))})}, (NO, NO, NO)),
        ({"pay": btcpay({"status": status(indexer_answers=False, chains=())})}, (YES, NO, PARTLY)),
        ({"nbx": failing(make_target("nbxplorer"), TargetState.DOWN)}, (YES, NO, PARTLY)),
        ({"nbx": failing(make_target("nbxplorer"), TargetState.HANGING, "timeout")}, (NO, NO, NO)),
        ({"nbx": make_target("nbxplorer", {"status": nbxplorer_status(sync_height=HEIGHT - 1)})}, (YES, YES, YES)),
        ({"nbx": make_target("nbxplorer", {"status": nbxplorer_status(sync_height=HEIGHT - 2)})}, (YES, NO, PARTLY)),
        ({"nbx": make_target("nbxplorer", {"status": nbxplorer_status(node=None)})}, (YES, NO, PARTLY)),
        ({"nbx": stale(make_target("nbxplorer"))}, (YES, UNKNOWN, UNKNOWN)),
        ({"nbx": None}, (YES, YES, YES)),
        ({"nbx": None, "pay": btcpay({"status": status(synchronized=False)})}, (YES, NO, PARTLY)),
        ({"pay": btcpay({"status": status(synchronized=False)})}, (YES, YES, YES)),
        ({"core": None}, (YES, YES, YES)),
        ({"ln1": failing(lnd(), TargetState.DOWN)}, (NO, YES, PARTLY)),
        ({"ln1": failing(lnd(), TargetState.LOCKED, "locked")}, (NO, YES, PARTLY)),
        ({"ln1": lnd(synced_to_chain=False)}, (NO, YES, PARTLY)),
        ({"ln1": stale(lnd())}, (UNKNOWN, YES, UNKNOWN)),
        ({"ln1": stale(lnd(), "channels")}, (UNKNOWN, YES, UNKNOWN)),
        ({"core": make_target("bitcoind", {"status": core_status(blocks=HEIGHT + 2)})}, (NO, NO, NO)),
        ({"checkout": make_target("probe", {"probe": probe_status(ProbeStage.TLS)})}, (NO, NO, NO)),
        (
            {"checkout": make_target("probe", {"probe": probe_status(ProbeStage.TLS, checkout=False)})},
            (YES, YES, YES),
        ),
        ({"checkout": stale(make_target("probe"))}, (UNKNOWN, UNKNOWN, UNKNOWN)),
        ({"nbx": failing(make_target("nbxplorer"), TargetState.DOWN), "ln1": stale(lnd())}, (UNKNOWN, NO, UNKNOWN)),
        (
            {"nbx": failing(make_target("nbxplorer"), TargetState.DOWN), "ln1": failing(lnd(), TargetState.DOWN)},
            (NO,) * 3,
        ),
    ],
)
def test_what_stands_in_the_way(changed: dict[str, TargetView | None], expected: tuple[CanPay, ...]) -> None:
    """Each component takes away what it carries: NBXplorer the chain, the node Lightning, BTCPay everything."""
    assert answers(site(**changed)) == expected


@pytest.mark.parametrize(
    ("changed", "reason"),
    [
        (
            {"pay": failing(btcpay(), TargetState.DOWN)},
            "pay (BTCPay Server) does not answer: connection refused",
        ),
        (
            {"pay": btcpay({"rates_shop": Rates("shop", (Rate("EUR", None, ("no exchange answers",)),))})},
            "there is no rate for EUR, without which no invoice is made: no exchange answers",
        ),
        (
            {"nbx": make_target("nbxplorer", {"status": nbxplorer_status(sync_height=HEIGHT - 3)})},
            "nbx (NBXplorer) is 3 blocks behind bitcoind",
        ),
        (
            {"ln1": failing(lnd(), TargetState.LOCKED, "locked", "the wallet waits")},
            "node ln1 is locked: the wallet waits",
        ),
        (
            {"checkout": make_target("probe", {"probe": probe_status(ProbeStage.DNS)})},
            "https://pay.example, where customers pay, can't be used: no luck with dns",
        ),
    ],
)
def test_it_says_why(changed: dict[str, TargetView | None], reason: str) -> None:
    """One sentence for each thing, told once for all rails."""
    assert payability(site(**changed), SHOP)[-1].reasons == (reason,)


def test_yes_needs_no_reason() -> None:
    """And each rail is answered for by name, all of them by None."""
    assert [(each.rail, each.reasons) for each in payability(site(), SHOP)] == [
        (Rail.LIGHTNING, ()),
        (Rail.ONCHAIN, ()),
        (None, ()),
    ]


def test_invoices_that_do_not_come() -> None:
    """With its database away BTCPay answers for itself, and lists nothing."""
    fault = Fault(NOW, "timeout", "no answer within 30 s")
    server = with_collector(btcpay(), "invoices_shop", success=False, fault=fault)
    assert answers(site(pay=server)) == (NO, NO, NO)


def test_what_may_not_be_read_is_left_to_coverage() -> None:
    """A key without the right to rates takes nothing away from the answer."""
    denied = Fault(NOW, "forbidden", "the key lacks a right")
    server = with_collector(stale(btcpay(), "rates_shop", age=86_400), "rates_shop", success=False, fault=denied)
    assert answers(site(pay=server)) == (YES, YES, YES)


@pytest.mark.parametrize(
    ("receivable", "median", "expected"),
    [
        (Msat(50_000), Msat(50_000), YES),
        (Msat(49_999), Msat(50_000), NO),
        (Msat(1), None, YES),
        (Msat(0), None, NO),
    ],
)
def test_the_median_ticket_must_fit(receivable: Msat, median: Msat | None, expected: CanPay) -> None:
    """In as many parts as it takes; before the first ticket anything at all must."""
    made = site()
    liquidity = replace(made.liquidity["ln1"], receivable_many_msat=receivable)
    demand = Demand("ln1", msat(10), median, median, 0.0, 1, 1, sure=False)
    view = replace(made, liquidity={"ln1": liquidity}, demand={"ln1": demand})
    assert answers(view)[0] is expected


@pytest.mark.parametrize(
    ("newest", "age", "opened", "expected"),
    [
        (("BTC-CHAIN", "BTC-LNURL"), 60, [], (NO, YES, PARTLY)),  # LNURL is offered also while the node is down
        (("BTC-LN", "BTC-LNURL"), 60, [], (YES, NO, PARTLY)),
        (("BTC-CHAIN",), 3_700, [], (YES, YES, YES)),  # too old to say anything
        (("BTC-CHAIN",), 60, [(Method.LIGHTNING,)], (YES, YES, YES)),  # the shop asks for one method at a time
        (("BTC-CHAIN",), 60, [(Method.CHAIN,), (Method.CHAIN,)], (NO, YES, PARTLY)),
        (None, 60, [], (YES, YES, YES)),
    ],
)
def test_the_newest_invoices_carry_it(
    newest: tuple[str, ...] | None, age: int, opened: list[tuple[Method, ...]], expected: tuple[CanPay, ...]
) -> None:
    """A method that is enabled and missing in all that was made lately can't be paid with."""
    server = btcpay({"invoices_shop": invoices(newest_offered=newest, newest_created_at=int(NOW) - age)})
    made = tuple(OpenInvoice(str(n), int(NOW) - 30, int(NOW) + 900, False, None, each) for n, each in enumerate(opened))
    assert answers(site(pay=server), replace(SHOP, open_invoices=made)) == expected


def test_a_method_with_limits_may_be_missing() -> None:
    """Its amount decides, so that its absence proves nothing."""
    server = btcpay(
        {
            "store_shop": store(limited_methods=("BTC-LN",)),
            "invoices_shop": invoices(newest_offered=("BTC-CHAIN", "BTC-LNURL")),
        }
    )
    assert answers(site(pay=server)) == (YES, YES, YES)


def test_a_store_without_lightning_has_one_rail() -> None:
    """Then that rail is all there is."""
    server = btcpay(
        {"store_shop": store(methods=METHODS[:1]), "invoices_shop": invoices(newest_offered=("BTC-CHAIN",))}
    )
    assert [each.rail for each in payability(site(pay=server, ln1=None), SHOP)] == [Rail.ONCHAIN, None]


def test_rails_without_settings_are_those_of_invoices() -> None:
    """A key that may not read the store's settings still sees what invoices carry."""
    server = unread(btcpay({"invoices_shop": invoices(newest_offered=("BTC-LN",))}), "store_shop")
    assert offered_rails(server, SHOP) == (Rail.LIGHTNING,)


def test_an_unjoined_node_is_unknown() -> None:
    """Until the node's key is seen on an invoice nobody can tell which node it is; without any node none is asked."""
    alone = replace(SHOP, node=None)
    assert answers(site(), alone) == (UNKNOWN, YES, UNKNOWN)
    assert answers(site(ln1=None), alone) == (YES, YES, YES)


def test_before_the_first_reading_nothing_is_known() -> None:
    """One answer for all, with the reason."""
    server = unread(btcpay(), "store_shop", "invoices_shop")
    (only,) = payability(site(pay=server), SHOP)
    assert (only.rail, only.answer) == (None, UNKNOWN)
    assert only.reasons == ("which payment methods store shop has was not read yet",)


def test_a_node_without_channels_receives_nothing() -> None:
    """As its own channel list says."""
    node = make_target(
        "lnd", {"node": node_status(block_height=HEIGHT), "channels": Channels((channel(active=False),))}
    )
    assert answers(site(ln1=node))[0] is NO
