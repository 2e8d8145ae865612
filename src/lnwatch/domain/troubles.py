"""The troubles with payments that a View holds: what the rules of the exception queue find."""

from collections.abc import Callable, Iterable, Iterator

from lnwatch.domain.stores import invoices_unread
from lnwatch.domain.wording import count
from lnwatch.model.order import PaymentException, Trouble
from lnwatch.model.rule import Answer, Finding, Unknown
from lnwatch.model.view import ShopView, TargetView, View


def shops_of(view: View, target: TargetView | None) -> tuple[ShopView, ...]:
    """The stores of one BTCPay Server."""
    return tuple(shop for shop in view.shops.values() if target is not None and shop.source == target.slug)


def troubles_of(shop: ShopView, trouble: Trouble) -> Iterable[PaymentException]:
    """What a store has of one kind, the newest of each subject."""
    found = sorted((each for each in shop.exceptions if each.trouble is trouble), key=lambda each: each.since)
    return {each.subject: each for each in found}.values()


def untold(view: View, shop: ShopView) -> str:
    """Why the end of a trouble could not be seen in this store; empty where it could."""
    if why := invoices_unread(view, shop):
        return why
    if shop.read_until is None:
        return f"the invoices of store {shop.store} were not read yet"
    if shop.exception_count > len(shop.exceptions):
        return f"store {shop.store} has {count(shop.exception_count, 'trouble')}, more than are looked at"
    return ""


def standing(
    view: View, target: TargetView | None, trouble: Trouble, finding: Callable[[PaymentException], Finding]
) -> Iterator[Answer]:
    """A finding for each subject that has the trouble.

    What was found goes on while BTCPay can't be read; but nothing can be told to be over then, nor while there are
    more troubles than a View holds.
    """
    shops = shops_of(view, target)
    for shop in shops:
        yield from map(finding, troubles_of(shop, trouble))
    whys = [why for shop in shops for why in (untold(view, shop),) if why]
    if whys:
        yield Unknown("; ".join(whys))
