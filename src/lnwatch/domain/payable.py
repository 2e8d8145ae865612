"""Whether customers of a store can pay, on each rail that it offers: from what is up, and from what BTCPay just made.

Of what can't be seen here at all (a right that the key lacks, a component that nobody configured) nothing is said:
coverage tells of it. What is seen and old makes the answer unknown.
"""

from collections.abc import Iterable, Iterator
from typing import TypeVar

from lnwatch.domain.heights import bitcoind_tips
from lnwatch.domain.reach import FORBIDDEN, present_state
from lnwatch.domain.wording import clause, count, listing
from lnwatch.model.btcpay import BtcpayStatus, Invoices, Rates, Store
from lnwatch.model.chain import NbxplorerStatus
from lnwatch.model.kpi import CanPay, Payability
from lnwatch.model.lightning import NodeStatus
from lnwatch.model.merchant import LIGHTNING_METHODS, Method, method_of
from lnwatch.model.money import format_msat
from lnwatch.model.order import Rail
from lnwatch.model.probe import ProbeStatus
from lnwatch.model.snapshot import TargetState
from lnwatch.model.view import ShopView, TargetView, View

LAG_BLOCKS = 2  # behind bitcoind from here on: payments in the newest blocks are not seen
NEWEST = 3_600.0  # seconds: what invoices of before carried says nothing of now

METHODS_OF = {Rail.LIGHTNING: LIGHTNING_METHODS, Rail.ONCHAIN: frozenset({Method.CHAIN})}
_STOPPED = frozenset({TargetState.DOWN, TargetState.HANGING})
# Values of `errors.FailureReason`, which the pure ring does not import: the server answers, its invoices do not come.
_NO_INVOICES = frozenset({"refused", "timeout", "overloaded", "failed"})

F = TypeVar("F")
Doubt = tuple[CanPay, str]  # what keeps an answer from being yes, in a sentence


def payability(view: View, shop: ShopView) -> tuple[Payability, ...]:
    """The answer for each rail that the store offers, and for all of them (rail None), at the View's instant."""
    server = view.targets.get(shop.source)
    rails = offered_rails(server, shop) if server is not None else ()
    if server is None or not rails:
        why = f"which payment methods store {shop.store} has was not read yet"
        return (Payability(shop.store, None, CanPay.UNKNOWN, (why,)),)
    shared = [*_server(view, server, shop), *_probes(view)]
    answers = tuple(_answer(shop, rail, [*shared, *_of_rail(view, server, shop, rail)]) for rail in rails)
    return (*answers, _together(shop, answers))


def offered_rails(server: TargetView, shop: ShopView) -> tuple[Rail, ...]:
    """The rails that a store's customers are offered: by its settings, else by what its newest invoices carry."""
    settings = _facts(server, f"store_{shop.store}", Store)
    if settings is not None:
        methods = {each.method for each in settings.methods if each.enabled}
    else:
        methods = {method for carried in _carried(server, shop) for method in carried}
    return tuple(rail for rail, of_rail in METHODS_OF.items() if methods & of_rail)


def _answer(shop: ShopView, rail: Rail, doubts: Iterable[Doubt]) -> Payability:
    """No for whatever is known to stand in the way, else unknown for what can't be told."""
    reasons: dict[CanPay, dict[str, None]] = {}
    for answer, reason in doubts:
        reasons.setdefault(answer, {})[reason] = None
    answer = next((each for each in (CanPay.NO, CanPay.UNKNOWN) if each in reasons), CanPay.YES)
    return Payability(shop.store, rail, answer, tuple(reasons.get(answer, ())))


def _together(shop: ShopView, answers: Iterable[Payability]) -> Payability:
    """One rail that surely works makes it partly whatever the others do; without any, one doubt makes it unknown."""
    given = {each.answer for each in answers}
    reasons = tuple(dict.fromkeys(reason for each in answers for reason in each.reasons))
    if len(given) == 1:
        return Payability(shop.store, None, given.pop(), reasons)
    answer = CanPay.PARTLY if {CanPay.YES, CanPay.NO} <= given else CanPay.UNKNOWN
    return Payability(shop.store, None, answer, reasons)


def _server(view: View, server: TargetView, shop: ShopView) -> Iterator[Doubt]:
    """BTCPay itself, the invoices that it lists, and the price that it needs for each."""
    state = present_state(server, view.at)
    if state is None:
        yield CanPay.UNKNOWN, f"{server.slug} (BTCPay Server) was not asked lately"
        return
    if state in _STOPPED:
        yield CanPay.NO, f"{server.slug} (BTCPay Server) does not answer: {clause(server.detail)}"
        return
    listed = server.collectors.get(f"invoices_{shop.store}")
    if listed is not None and listed.fault is not None and listed.fault.reason in _NO_INVOICES:
        yield CanPay.NO, f"{server.slug} (BTCPay Server) does not list invoices: {clause(listed.fault.message)}"
    elif listed is None or listed.stale(view.at):
        yield CanPay.UNKNOWN, f"the invoices of store {shop.store} were not read lately"
    yield from _rates(view, server, shop)


def _rates(view: View, server: TargetView, shop: ShopView) -> Iterator[Doubt]:
    name = f"rates_{shop.store}"
    if _denied(server, name):
        return
    rates = server.fresh(name, view.at)
    if rates is None or not isinstance(rates.facts, Rates):
        yield CanPay.UNKNOWN, f"the rates of store {shop.store} were not read lately"
        return
    for rate in rates.facts.rates:
        if rate.rate is None:
            why = clause("; ".join(rate.errors))
            yield CanPay.NO, f"there is no rate for {rate.currency}, without which no invoice is made: {why}"


def _probes(view: View) -> Iterator[Doubt]:
    """Every visited address at which customers pay."""
    for target in view.targets.values():
        known = _facts(target, "probe", ProbeStatus)
        if target.kind != "probe" or (known is not None and not known.checkout):
            continue
        if known is None or target.fresh("probe", view.at) is None:
            yield CanPay.UNKNOWN, f"the checkout was not visited lately ({target.slug})"
        elif known.failed is not None:
            yield CanPay.NO, f"{known.where}, where customers pay, can't be used: {clause(known.trouble)}"


def _of_rail(view: View, server: TargetView, shop: ShopView, rail: Rail) -> Iterator[Doubt]:
    """What stands behind one rail, and whether the newest invoices carry it."""
    indexers = [target for target in view.targets.values() if target.kind == "nbxplorer"]
    for indexer in indexers:
        yield from _indexer(view, indexer, rail)
    if rail is Rail.ONCHAIN:
        yield from _heard(view, server, doubtful=bool(indexers))
    else:
        yield from _node(view, shop)
    yield from _missing(view, server, shop, rail)


def _indexer(view: View, indexer: TargetView, rail: Rail) -> Iterator[Doubt]:
    """NBXplorer away leaves BTC-CHAIN out of new invoices; NBXplorer hanging lets BTCPay make none at all."""
    state = present_state(indexer, view.at)
    if state is TargetState.HANGING:
        yield CanPay.NO, f"{indexer.slug} (NBXplorer) hangs: BTCPay then makes no invoice"
    if rail is not Rail.ONCHAIN or state is TargetState.HANGING:
        return
    status = indexer.fresh("status", view.at)
    if state is TargetState.DOWN:
        yield CanPay.NO, f"{indexer.slug} (NBXplorer) does not answer: {clause(indexer.detail)}"
    elif state is None or status is None or not isinstance(status.facts, NbxplorerStatus):
        yield CanPay.UNKNOWN, f"{indexer.slug} (NBXplorer) was not asked lately"
    elif status.facts.node is None:
        yield CanPay.NO, f"{indexer.slug} (NBXplorer) can't ask its bitcoind"
    else:
        tips = [tip.height for tip in bitcoind_tips(view, status.facts.network)] or [status.facts.node.blocks]
        lag = max(tips) - (status.facts.sync_height or 0)
        if lag >= LAG_BLOCKS:
            yield CanPay.NO, f"{indexer.slug} (NBXplorer) is {count(lag, 'block')} behind bitcoind"


def _heard(view: View, server: TargetView, *, doubtful: bool) -> Iterator[Doubt]:
    """What BTCPay says of its NBXplorer; of the height, where nobody asks NBXplorer itself."""
    status = server.fresh("status", view.at)
    if status is None or not isinstance(status.facts, BtcpayStatus):
        return  # whether the server answers was asked before
    if not status.facts.indexer_answers:
        yield CanPay.NO, f"{server.slug} (BTCPay Server) can't ask its NBXplorer"
    elif any(chain.chain_height is None for chain in status.facts.chains):
        yield CanPay.NO, f"the bitcoind behind {server.slug} (BTCPay Server) does not answer"
    elif not doubtful and not status.facts.synchronized:
        yield CanPay.NO, f"{server.slug} (BTCPay Server) is not at the tip of the chain"


def _node(view: View, shop: ShopView) -> Iterator[Doubt]:
    """The store's own node: up, at the tip, and able to receive a usual amount."""
    node = view.targets.get(shop.node) if shop.node is not None else None
    if node is None:
        if any(target.lightning for target in view.targets.values()):
            yield CanPay.UNKNOWN, f"which Lightning node is that of store {shop.store} is not known yet"
        return
    state, status = present_state(node, view.at), node.fresh("node", view.at)
    if state in (*_STOPPED, TargetState.LOCKED, TargetState.STARTING):
        yield CanPay.NO, f"node {node.slug} is {state}: {clause(node.detail)}"
    elif state is None or status is None or not isinstance(status.facts, NodeStatus):
        yield CanPay.UNKNOWN, f"node {node.slug} was not asked lately"
    else:
        height = status.facts.block_height
        lag = max((tip.height for tip in bitcoind_tips(view, status.facts.network)), default=height) - height
        if lag >= LAG_BLOCKS:
            yield CanPay.NO, f"node {node.slug} is {count(lag, 'block')} behind bitcoind"
        elif not status.facts.synced_to_chain:
            yield CanPay.NO, f"node {node.slug} says that it is not synced to the chain"
        yield from _receivable(view, node)


def _receivable(view: View, node: TargetView) -> Iterator[Doubt]:
    liquidity, demand = view.liquidity.get(node.slug), view.demand.get(node.slug)
    if liquidity is None or node.fresh("channels", view.at) is None:
        yield CanPay.UNKNOWN, f"the channels of node {node.slug} were not read lately"
        return
    ticket = demand.median_msat if demand is not None else None
    most = liquidity.receivable_many_msat
    if most <= 0:
        yield CanPay.NO, f"node {node.slug} can receive nothing"
    elif ticket is not None and most < ticket:
        words = f"{format_msat(most)} at most, which is less than the median ticket ({format_msat(ticket)})"
        yield CanPay.NO, f"node {node.slug} can receive {words}"


def _missing(view: View, server: TargetView, shop: ShopView, rail: Rail) -> Iterator[Doubt]:
    """Whether the newest invoices lack what the store has set up. A shop may ask for one method alone: so all must."""
    settings = _facts(server, f"store_{shop.store}", Store)
    if settings is None:
        return
    due = {each.method for each in settings.methods if each.enabled and each.id not in settings.limited_methods}
    due &= METHODS_OF[rail]
    if Method.LIGHTNING in due:
        due = {Method.LIGHTNING}  # BTC-LNURL is offered also while the node is down
    newest = _newest(view, server, shop)
    if due and newest and not any(due & carried for carried in newest):
        names = listing([each.id for each in settings.methods if each.method in due])
        yield CanPay.NO, f"no invoice of the last hour carries {names}, which store {shop.store} has enabled"


def _newest(view: View, server: TargetView, shop: ShopView) -> list[frozenset[Method]]:
    """What the invoices of the last hour carry, as far as they are known."""
    lately = view.at - NEWEST
    facts = _facts(server, f"invoices_{shop.store}", Invoices)
    found = [frozenset(each.offered) for each in shop.open_invoices if each.created_at >= lately]
    if facts is not None and facts.newest_offered is not None and (facts.newest_created_at or 0) >= lately:
        found.append(frozenset(map(method_of, facts.newest_offered)))
    return found


def _carried(server: TargetView, shop: ShopView) -> Iterator[frozenset[Method]]:
    facts = _facts(server, f"invoices_{shop.store}", Invoices)
    if facts is not None and facts.newest_offered is not None:
        yield frozenset(map(method_of, facts.newest_offered))
    yield from (frozenset(each.offered) for each in shop.open_invoices)


def _denied(target: TargetView, collector: str) -> bool:
    """Whether the credential may not read it, so that it never comes."""
    health = target.collectors.get(collector)
    return health is not None and health.fault is not None and health.fault.reason in FORBIDDEN


def _facts(target: TargetView, collector: str, kind: type[F]) -> F | None:
    """What was last seen, however old: for what hardly changes."""
    snapshot = target.snapshots.get(collector)
    return snapshot.facts if snapshot is not None and isinstance(snapshot.facts, kind) else None
