"""Customers hold invoices that the node could not receive now, not even in many parts: whoever pays them fails."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from lnwatch.domain.cover import NODE_PARENTS, liquidity_of
from lnwatch.domain.stores import invoices_unread, shops_on
from lnwatch.domain.wording import count
from lnwatch.model.liquidity import NodeLiquidity
from lnwatch.model.merchant import Method
from lnwatch.model.money import format_msat
from lnwatch.model.rule import Answer, Finding, Need, Owner, Rule, Scope, Severity, Unknown
from lnwatch.model.view import OpenInvoice, ShopView, TargetView, View


@dataclass(frozen=True, slots=True)
class Thresholds:
    """Nothing to set but how long it may last, which is `for`."""


def judge(view: View, target: TargetView | None, _thresholds: Thresholds) -> Iterable[Answer]:
    """One subject for each store on the node, which is who is hurt."""
    if target is None:
        return
    liquidity, shops = liquidity_of(view, target), shops_on(view, target.slug)
    if isinstance(liquidity, Unknown):
        yield Unknown(liquidity.why)
        return
    if not shops:
        yield Unknown(f"no store is known to stand on node:{target.slug}")
    for shop in shops:
        if why := invoices_unread(view, shop):
            yield Unknown(why, f"store:{shop.store}")
        elif too_large := list(_too_large(view, shop, liquidity)):
            yield _finding(target, shop, too_large, liquidity)


def _too_large(view: View, shop: ShopView, liquidity: NodeLiquidity) -> Iterator[OpenInvoice]:
    """Invoices that can still be paid; what is under way on the chain is paid already."""
    for invoice in shop.open_invoices:
        if invoice.processing or invoice.expires_at <= view.at or invoice.amount_msat is None:
            continue
        if invoice.amount_msat > liquidity.receivable_many_msat:
            yield invoice


def _finding(target: TargetView, shop: ShopView, too_large: list[OpenInvoice], liquidity: NodeLiquidity) -> Finding:
    largest = max(invoice.amount_msat or 0 for invoice in too_large)
    chain = sum(Method.CHAIN in invoice.offered for invoice in too_large)
    most = f"node:{target.slug} can receive {format_msat(liquidity.receivable_many_msat)} at most, in many parts"
    other = f"{chain} of them can be paid on the chain" if chain else "none of them can be paid on the chain either"
    number = count(len(too_large), "open invoice")
    sizes = f"{number} too large for Lightning, up to {format_msat(largest)}"
    return Finding(
        subject=f"store:{shop.store}",
        sentence=f"store:{shop.store} has {sizes}: {most}; {other}.",
        facts={
            "node": target.slug,
            "largest": format_msat(largest),
            "in one part": format_msat(liquidity.receivable_one_msat),
            "in many parts": format_msat(liquidity.receivable_many_msat),
            "newest": too_large[-1].id,
        },
    )


RULE = Rule(
    id="unpayable_invoices",
    scope=Scope.NODE,
    severity=Severity.CRITICAL,
    owner=Owner.TREASURY,
    thresholds=Thresholds,
    judge=judge,
    after=120,
    needs=(Need("channels"),),
    parents=NODE_PARENTS,
    grant="configure a Lightning node (ListChannels, `offchain:read`) and the BTCPay Server whose store is on it",
)
