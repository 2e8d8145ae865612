"""A Lightning node: synchronisation, channels, what it could receive, what is in flight, its invoices."""

from collections.abc import Callable, Iterable

from lnwatch.exporter.metric import Kind, Metric, Number, satoshis
from lnwatch.exporter.moment import Moment
from lnwatch.exporter.shapes import NODE, FactRows, Many, of_node
from lnwatch.exporter.tally import Tally
from lnwatch.model.lightning import INVOICE_FINAL, NodeStatus, Peers, PendingChannels, PendingState
from lnwatch.model.liquidity import NodeLiquidity
from lnwatch.model.view import TargetView, View

_STATUS = FactRows(NodeStatus, NODE)
_PEERS = FactRows(Peers, NODE)
_PENDING = FactRows(PendingChannels, NODE)


def _tallied(name: str, text: str, figure: Callable[[Tally], Number]) -> Metric:
    def figures(moment: Moment, view: View, target: TargetView) -> Many:
        tally = moment.tally(view, target)
        return [((), figure(tally))] if tally is not None else []

    return of_node(name, text, (), figures)


def _liquid(name: str, text: str, figures: Callable[[NodeLiquidity], Many], labels: tuple[str, ...] = ()) -> Metric:
    def rows(moment: Moment, view: View, target: TargetView) -> Many:
        liquidity = moment.liquidity(view, target)
        return figures(liquidity) if liquidity is not None else []

    return of_node(name, text, labels, rows)


def _channels(moment: Moment, _view: View, target: TargetView) -> Iterable[tuple[tuple[str, ...], Number]]:
    status = moment.facts(target, NodeStatus)
    if status is not None:
        yield ("active",), status.channels_active
        yield ("inactive",), status.channels_inactive
    pending = moment.facts(target, PendingChannels)
    if pending is not None:
        for state in PendingState:
            yield (state.value,), sum(channel.state is state for channel in pending.channels)


def _in_flight(moment: Moment, view: View, target: TargetView) -> Many:
    tally = moment.tally(view, target)
    return [(("incoming",), tally.incoming), (("outgoing",), tally.outgoing)] if tally is not None else []


def _blocks_to_expiry(moment: Moment, view: View, target: TargetView) -> Many:
    tally, status = moment.tally(view, target), moment.facts(target, NodeStatus)
    if tally is None or tally.next_expiry is None or status is None:
        return []
    return [((), tally.next_expiry - status.block_height)]


def _invoices(_moment: Moment, view: View, target: TargetView) -> Many:
    totals = view.totals.get(target.slug)
    counts = totals.outcomes if totals is not None else {}
    return [((outcome.value,), counts.get(outcome, 0)) for outcome in sorted(INVOICE_FINAL)]


def _received(_moment: Moment, view: View, target: TargetView) -> Many:
    totals = view.totals.get(target.slug)
    return [((), satoshis(totals.received_msat) if totals is not None else 0)]


METRICS = (
    _STATUS.each(
        "lnwatch_lightning_info",
        "Who the node is; always 1.",
        ("public_key", "alias", "version", "network"),
        lambda facts: [((facts.public_key, facts.alias, facts.version, facts.network.value), 1)],
        kind=Kind.INFO,
    ),
    _STATUS.each(
        "lnwatch_lightning_synced",
        "1 while the node is synchronised to the chain, to the graph, and its wallet to the chain.",
        ("to",),
        lambda facts: [
            (("chain",), int(facts.synced_to_chain)),
            (("graph",), int(facts.synced_to_graph)),
            (("wallet",), None if facts.wallet_synced is None else int(facts.wallet_synced)),
        ],
    ),
    _STATUS.one(
        "lnwatch_lightning_block_height", "Height that the node has reached.", lambda facts: facts.block_height
    ),
    _STATUS.one(
        "lnwatch_lightning_best_header_timestamp_seconds",
        "Time in the best header that the node knows.",
        lambda facts: facts.best_header_time,
    ),
    of_node("lnwatch_lightning_channels", "Channels by state.", ("state",), _channels),
    _STATUS.one("lnwatch_lightning_peers", "Connected peers.", lambda facts: facts.peers),
    _PEERS.one(
        "lnwatch_lightning_peer_flaps",
        "Sum of the reconnects that the node remembers of its present peers.",
        lambda facts: sum([peer.flaps for peer in facts.peers]),
    ),
    _tallied(
        "lnwatch_lightning_capacity_satoshis",
        "Capacity of the open channels.",
        lambda tally: satoshis(tally.capacity),
    ),
    _tallied(
        "lnwatch_lightning_local_balance_satoshis",
        "Our side of the open channels, net of HTLCs in flight.",
        lambda tally: satoshis(tally.local),
    ),
    _tallied(
        "lnwatch_lightning_remote_balance_satoshis",
        "The peers' side of the open channels, net of HTLCs in flight.",
        lambda tally: satoshis(tally.remote),
    ),
    _tallied(
        "lnwatch_lightning_unsettled_balance_satoshis",
        "What is in flight in HTLCs.",
        lambda tally: satoshis(tally.unsettled),
    ),
    _liquid(
        "lnwatch_lightning_usable_inbound_satoshis",
        "What could be received now: after reserves, fees, limits, and without channels that are offline or disabled.",
        lambda liquidity: [((), satoshis(liquidity.inbound_msat))],
    ),
    _liquid(
        "lnwatch_lightning_usable_outbound_satoshis",
        "What could be sent now: after reserves, fees and limits, and without channels that are offline.",
        lambda liquidity: [((), satoshis(liquidity.outbound_msat))],
    ),
    _liquid(
        "lnwatch_lightning_largest_receivable_satoshis",
        "Largest invoice that could be received now, in one part and in many (16 at most).",
        lambda liquidity: [
            (("one",), satoshis(liquidity.receivable_one_msat)),
            (("many",), satoshis(liquidity.receivable_many_msat)),
        ],
        labels=("parts",),
    ),
    of_node("lnwatch_lightning_pending_htlcs", "HTLCs in flight.", ("direction",), _in_flight),
    of_node(
        "lnwatch_lightning_htlc_blocks_to_expiry",
        "Blocks until the next HTLC in flight expires; absent while none is.",
        (),
        _blocks_to_expiry,
    ),
    _PENDING.one(
        "lnwatch_lightning_limbo_balance_satoshis",
        "What closing channels still owe us.",
        lambda facts: satoshis(facts.limbo_msat),
    ),
    of_node(
        "lnwatch_lightning_invoices_total",
        "The node's own invoices that became final since the site's birth, each once.",
        ("outcome",),
        _invoices,
        kind=Kind.COUNTER,
    ),
    of_node(
        "lnwatch_lightning_received_satoshis_total",
        "What the node's own invoices brought since the site's birth.",
        (),
        _received,
        kind=Kind.COUNTER,
    ),
)
