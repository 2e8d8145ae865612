"""BTCPay Server answers, but does not see the chain as it should, or leaves a payment method out of new invoices."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from lnwatch.domain.heights import bitcoind_tips
from lnwatch.domain.limits import require_positive
from lnwatch.domain.reach import serving_since, unseen
from lnwatch.domain.stores import store_facts, stores_of, unread
from lnwatch.domain.window import require_in_view
from lnwatch.domain.wording import count, duration, listing
from lnwatch.model.btcpay import BtcpayStatus, Invoices, Store, StoreMethod
from lnwatch.model.merchant import LIGHTNING_METHODS, Method, method_of
from lnwatch.model.order import Rail
from lnwatch.model.rule import Answer, Finding, Need, Owner, Rule, Scope, Severity, Unknown
from lnwatch.model.view import ShopView, TargetView, View

_NOTICED = 120.0  # seconds after which BTCPay has seen that what it stands on is back; it looks once a minute


@dataclass(frozen=True, slots=True)
class Thresholds:
    """`lag_blocks`: what BTCPay says of the chain is old with that many blocks behind bitcoind.
    `recent_seconds`: critical where every invoice of that time lacks a method, a warning where the newest does."""

    lag_blocks: int = 2
    recent_seconds: float = 600.0

    def __post_init__(self) -> None:
        """Refuse nonsense."""
        require_positive(lag_blocks=self.lag_blocks)
        require_in_view(recent_seconds=self.recent_seconds)


def judge(view: View, target: TargetView | None, thresholds: Thresholds) -> Iterable[Answer]:
    """The source is the subject of what BTCPay says of the chain, each store that of its invoices."""
    if target is None:
        return
    subject = f"source:{target.slug}"
    snapshot = target.fresh("status", view.at)
    if snapshot is None or not isinstance(status := snapshot.facts, BtcpayStatus):
        yield Unknown(unseen(target, "status"), subject)
    elif words := _chain(view, status, thresholds):
        facts = {"version": status.version} | {
            f"{chain.method} indexed": f"{chain.sync_height:,}" if chain.sync_height is not None else "not known"
            for chain in status.chains
        }
        yield Finding(subject, f"{subject} (BTCPay Server) {words}.", facts=facts, evidence=words.split(":")[0])
    for store in stores_of(target):
        yield from _store(view, target, store, thresholds)


def _chain(view: View, status: BtcpayStatus, thresholds: Thresholds) -> str:
    """What is wrong with how BTCPay sees the chain; empty where nothing is."""
    if not status.indexer_answers:
        return "can't ask its NBXplorer: server info fails, and invoices come without an on-chain method"
    if alone := [chain.method for chain in status.chains if chain.chain_height is None]:
        return f"can't see the chain of {listing(alone)}: the bitcoind behind its NBXplorer does not answer"
    if not status.synchronized:
        return "says that it is not synchronized: on-chain payments are not seen at the tip"
    tip = max((tip.height for tip in bitcoind_tips(view)), default=None)
    heights = [chain.sync_height for chain in status.chains if chain.sync_height is not None]
    if tip is None or len(status.chains) != 1 or not heights:
        return ""  # with several chains it is not known which of them bitcoind's is
    lag = tip - heights[0]
    if lag < thresholds.lag_blocks:
        return ""
    behind = f"{count(lag, 'block')} behind bitcoind (limit {count(thresholds.lag_blocks, 'block')})"
    return f"repeats an old status: it speaks of block {heights[0]:,}, {behind}"


def _store(view: View, target: TargetView, store: str, thresholds: Thresholds) -> Iterator[Answer]:
    subject = f"store:{store}"
    settings = store_facts(target, Store, store, view.at)
    invoices = store_facts(target, Invoices, store, view.at)
    if settings is None or invoices is None:
        why = unread(target, Invoices, store) if settings is not None else unread(target, Store, store)
        yield Unknown(why, subject)
        return
    made = invoices.newest_created_at
    if settings.archived or made is None or invoices.newest_offered is None:
        return  # where no invoice was made none lacks anything
    lacking = [each for each in _due(settings) if each.id not in invoices.newest_offered]
    lacking = [each for each in lacking if made > _stands_since(view, each.method) + _NOTICED]
    if lacking:
        yield _finding(view, subject, lacking, made, _never(view, store, lacking, made, thresholds))
    elif settings.lazy_methods:
        why = "makes payment methods when a customer picks one (lazy): its invoices don't tell whether they work"
        yield Unknown(f"{subject} {why}", subject)


def _due(settings: Store) -> list[StoreMethod]:
    """What every invoice should carry: what a limit of the amount leaves out is no fault."""
    limited = settings.limited_methods
    methods = {method_of(name) for name in limited} - {Method.OTHER}  # limits may bear names of before 2.0
    return [each for each in settings.methods if each.enabled and each.id not in limited and each.method not in methods]


def _stands_since(view: View, method: Method) -> float:
    """Since when all that a method stands on serves: what was made before says nothing of now.

    What is away now has a case of its own, which keeps this one from being told.
    """
    kinds = ("bitcoind", "nbxplorer")
    behind = [
        target
        for target in view.targets.values()
        if (method in LIGHTNING_METHODS and target.lightning) or (method is Method.CHAIN and target.kind in kinds)
    ]
    return max((since for target in behind if (since := serving_since(view, target)) is not None), default=0.0)


def _never(
    view: View, store: str, lacking: list[StoreMethod], made: float, thresholds: Thresholds
) -> list[StoreMethod]:
    """What of it every recent invoice lacks, although an earlier one carried it: no shop that never asks for it."""
    shop, begin = view.shops.get(store), view.at - thresholds.recent_seconds
    if shop is None or made < begin:
        return []
    carried = list(_carried(shop))
    lately = {method for at, methods in carried if at >= begin for method in methods}
    ever = {method for _, methods in carried for method in methods}
    return [each for each in lacking if each.method in ever - lately]


def _carried(shop: ShopView) -> Iterator[tuple[float, tuple[Method, ...]]]:
    """When each invoice and order that is known was made, and what it carried."""
    for invoice in shop.open_invoices:
        yield invoice.created_at, invoice.offered
    for rail in Rail:
        for order in shop.settlements.get(rail, ()):
            if order.business:
                yield order.created_at, order.offered


def _finding(view: View, subject: str, lacking: list[StoreMethod], made: float, never: list[StoreMethod]) -> Finding:
    names = [each.id for each in lacking]
    facts = {"missing": " ".join(names), "newest invoice": f"{duration(view.at - made)} old"}
    if never:
        each = listing([method.id for method in never])
        sentence = f"Every invoice of {subject} that was made lately lacks {each}, which the store has enabled."
        return Finding(subject, sentence, Severity.CRITICAL, Owner.ONCALL, facts, evidence=f"all {' '.join(names)}")
    sentence = f"The newest invoice of {subject} lacks {listing(names)}, which the store has enabled."
    return Finding(subject, sentence, facts=facts, evidence=" ".join(names))


RULE = Rule(
    id="btcpay_degraded",
    scope=Scope.SOURCE,
    severity=Severity.WARNING,
    owner=Owner.OPERATORS,
    thresholds=Thresholds,
    judge=judge,
    after=300,
    kinds=("btcpay",),
    needs=(Need("status"),),
    parents=(
        "btcpay_down",
        "bitcoind_down",
        "bitcoind_behind",
        "nbxplorer_down",
        "nbxplorer_behind",
        "lightning_down",
        "lightning_locked",
        "lightning_not_synced",
        "restart_overrun",
    ),
    grant="configure a source of kind `btcpay`; its key needs btcpay.store.canviewstoresettings",
)
