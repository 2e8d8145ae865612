"""What was read of the stores of a BTCPay Server lately, and which of them stand on a Lightning node."""

from collections.abc import Mapping
from typing import TypeVar

from lnwatch.domain.reach import unseen
from lnwatch.domain.wording import clause
from lnwatch.model.btcpay import Invoices, Payouts, Rates, Store, StoreBalance, Webhooks
from lnwatch.model.view import ShopView, TargetView, View

StoreFacts = Store | Invoices | Payouts | Rates | StoreBalance | Webhooks

F = TypeVar("F", bound=StoreFacts)

_READS: Mapping[type, str] = {
    Store: "store",
    Invoices: "invoices",
    Payouts: "payouts",
    Rates: "rates",
    StoreBalance: "balances",
    Webhooks: "webhooks",
}


def collector_of(kind: type, store: str) -> str:
    """The collector that brings facts of that kind; each store has its own."""
    return f"{_READS[kind]}_{store}"


def stores_of(target: TargetView) -> tuple[str, ...]:
    """The slugs of the stores that are read of a BTCPay Server; no other source has any."""
    if target.kind != "btcpay":
        return ()
    begin = collector_of(Invoices, "")
    return tuple(name.removeprefix(begin) for name in target.collectors if name.startswith(begin))


def store_facts(target: TargetView, kind: type[F], store: str, now: float) -> F | None:
    """The fresh facts of a store, None where there are none."""
    snapshot = target.fresh(collector_of(kind, store), now)
    return snapshot.facts if snapshot is not None and isinstance(snapshot.facts, kind) else None


def unread(target: TargetView, kind: type, store: str) -> str:
    """Why there are none, in words that say what to grant where a right is missing."""
    name = collector_of(kind, store)
    health = target.collectors.get(name)
    if health is None or health.fault is None:
        return unseen(target, name)
    return f"{target.slug}: its collector `{name}` has nothing fresh: {clause(health.fault.message)}"


def shops_on(view: View, node: str) -> tuple[ShopView, ...]:
    """The stores whose Lightning payments arrive at a node."""
    return tuple(shop for shop in view.shops.values() if shop.node == node)


def invoices_unread(view: View, shop: ShopView) -> str:
    """Why a store's open invoices are not known now; empty where they are."""
    target = view.targets.get(shop.source)
    if target is None:
        return f"{shop.source} is no source of {view.site} any more"
    return "" if store_facts(target, Invoices, shop.store, view.at) else unread(target, Invoices, shop.store)
