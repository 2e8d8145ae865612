"""What an order adds to the sums and counters of its store, and what they are all called.

Series are sums over windows, corrected by what comes to be known later:

| series | n | amount | at |
| --- | --- | --- | --- |
| `offered/RAIL`, `offered/any` | orders one of whose invoices carried a method of the rail, of any rail | | creation |
| `order/RAIL/OUTCOME` | final orders by their outcome | msat that arrived | settled or final |
| `cause/PROOF`, `cause/unexplained` | orders that did not settle, by the strongest evidence of why | | final |
| `fallback/RAIL` | settled orders that carried a Lightning method, by what they were paid with | | settled |
| `parts/one`, `parts/many` | orders settled over Lightning, by the parts the payment came in, where known | | settled |
| `refunded/RAIL` | settled orders of which money went back | | settled |
| `latency/LEG/RAIL/EDGE` | payments by how long the leg took, up to the edge in seconds | ms | the leg's end |
| `whole/lightning/EDGE` | orders by how long the legs that could be seen took together | ms | the last leg's end |
| `whole/onchain/EDGE` | orders by the blocks until all was in the chain | ms | the last leg's end |
| `attempted/lightning` | orders that somebody paid, or tried to, over Lightning | msat | creation |
| `lost/lightning` | orders that could not have been paid over Lightning | msat | creation |
| `ticket/SIZE` | both of those by their size, each step a sixteenth wider at most | msat | creation |

Counters move once, when a live order becomes final (`later`: when it comes to be known):

| counter | counts |
| --- | --- |
| `orders/RAIL/OUTCOME` | orders |
| `invoices/RAIL/OUTCOME` | the invoices of them, each by what became of it |
| `payments/METHOD` | payments that count |
| `paid_msat/RAIL` | msat that settled orders brought |
| later `refunds` | orders of which money went back |
| later `latency/LEG/RAIL/EDGE`, `…/ms` | payments by how long a leg took, and the sum of it |
| later `blocks/RAIL/EDGE`, `…/sum` | on-chain payments by the blocks to their first confirmation, and the sum of it |

Each latency is counted at one edge, the smallest that it does not exceed, or at `inf`.
"""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence

from lnwatch.domain.evidence import STRENGTH
from lnwatch.model.merchant import LIGHTNING_METHODS, Method
from lnwatch.model.order import FINAL_OUTCOMES, Leg, LegTime, Order, Outcome, Proof, Rail
from lnwatch.model.tally import Contribution, Share

SECONDS: tuple[float, ...] = (0.25, 0.5, 1, 2, 3, 5, 8, 13, 30, 60, 120, 300, 600, 1_800, 3_600, 10_800)
BLOCKS: tuple[float, ...] = (1, 2, 3, 6, 12, 24, 144)
BEYOND = "inf"
PAYING_RAILS = (Rail.LIGHTNING, Rail.ONCHAIN)
LEGS: tuple[tuple[Leg, Rail], ...] = (
    (Leg.ACCEPT_SETTLE, Rail.LIGHTNING),
    (Leg.SETTLE_BTCPAY, Rail.LIGHTNING),
    (Leg.BTCPAY_WEBHOOK, Rail.LIGHTNING),
    (Leg.SEEN_CONFIRMED, Rail.ONCHAIN),
    (Leg.BTCPAY_WEBHOOK, Rail.ONCHAIN),
)
OFFERED_ANY = "offered/any"
ATTEMPTED, LOST, TICKET = "attempted/lightning", "lost/lightning", "ticket/"
CAUSE, UNEXPLAINED = "cause/", "cause/unexplained"
PARTS_ONE, PARTS_MANY = "parts/one", "parts/many"
REFUNDS = "refunds"

_STEPS = 16  # sizes of tickets to an octave
_LEAST_STEP, _LAST_STEP = 10 * _STEPS, 44 * _STEPS  # 1 sat, and 175 bitcoin


def tickets() -> tuple[str, ...]:
    """The series of tickets, by rising size."""
    return tuple(f"{TICKET}{step}" for step in range(_LEAST_STEP, _LAST_STEP + 1))


def subject_of(store: str) -> str:
    """Whose sums they are."""
    return f"store:{store}"


def offered(rail: Rail) -> str:
    """The series of orders that carried a method of the rail."""
    return f"offered/{rail}"


def ordered(rail: Rail, outcome: Outcome) -> str:
    """The series of final orders."""
    return f"order/{rail}/{outcome}"


def cause(proof: Proof) -> str:
    """The series of orders that did not settle for that reason."""
    return f"{CAUSE}{proof}"


def causes() -> tuple[str, ...]:
    """The series of orders that did not settle."""
    return (*map(cause, STRENGTH), UNEXPLAINED)


def fallback(rail: Rail) -> str:
    """The series of settled orders that could have been paid over Lightning."""
    return f"fallback/{rail}"


def refunded(rail: Rail) -> str:
    """The series of settled orders of which money went back."""
    return f"refunded/{rail}"


def latency(leg: Leg, rail: Rail, edge: str) -> str:
    """The series, and the counter, of payments whose leg took as long as the edge says."""
    return f"latency/{leg}/{rail}/{edge}"


def whole(rail: Rail, edge: str) -> str:
    """The series of orders that took as long as the edge says: seconds over Lightning, blocks on the chain."""
    return f"whole/{rail}/{edge}"


def orders_counter(rail: Rail, outcome: Outcome) -> str:
    """The counter of final orders."""
    return f"orders/{rail}/{outcome}"


def invoices_counter(rail: Rail, outcome: Outcome) -> str:
    """The counter of the invoices of final orders."""
    return f"invoices/{rail}/{outcome}"


def payments_counter(method: Method) -> str:
    """The counter of payments."""
    return f"payments/{method}"


def paid_counter(rail: Rail) -> str:
    """The counter of what settled orders brought, in msat."""
    return f"paid_msat/{rail}"


def blocks_counter(edge: str) -> str:
    """The counter of on-chain payments by the blocks that they waited."""
    return f"blocks/{Rail.ONCHAIN}/{edge}"


def edge_names(edges: Sequence[float]) -> tuple[str, ...]:
    """The names of edges in rising order, that of what exceeds them all last."""
    return (*(f"{edge:g}" for edge in edges), BEYOND)


def edge_of(value: float, edges: Sequence[float]) -> str:
    """The name of the smallest edge that the value does not exceed."""
    return next((f"{edge:g}" for edge in edges if value <= edge), BEYOND)


def milliseconds(seconds: float) -> int:
    """Whole, so that 5 s between two instants of today are 5 s, whatever their last bits say."""
    return max(0, round(seconds * 1_000))


def latency_edge(seconds: float) -> str:
    """The edge that a latency is counted at."""
    return edge_of(milliseconds(seconds) / 1_000, SECONDS)


def size_of(amount_msat: int) -> str:
    """The step that a ticket belongs to, a whole number that rises with it; all beyond the last are of it."""
    octave = max(amount_msat, 1).bit_length() - 1
    step = octave * _STEPS + (amount_msat - (1 << octave)) * _STEPS // (1 << octave)
    return f"{min(max(step, _LEAST_STEP), _LAST_STEP)}"


def contribution(order: Order) -> Contribution:
    """What the order, as it stands, adds to the sums and counters of its store.

    An order that is open is offered, and nothing else; one that is no business moves counters alone; one of
    history moves no counter.
    """
    final = order.outcome in FINAL_OUTCOMES
    counts = order.business and order.outcome is not Outcome.EXCLUDED
    shares = tuple(_shares(order, final=final)) if counts else ()
    if order.history or not final:
        return Contribution(shares)
    return Contribution(shares, _counters(order), _later(order))


def _shares(order: Order, *, final: bool) -> Iterator[Share]:
    yield from _offers(order)
    if not final:
        return
    subject, rail = subject_of(order.store), order.rail
    settled = order.outcome is Outcome.SETTLED
    at = _settled_at(order)
    yield Share(subject, ordered(rail, order.outcome), at, amount=order.paid_msat)
    yield from (Share(subject, series, at) for series in _causes(order))
    if settled and rail in PAYING_RAILS and not LIGHTNING_METHODS.isdisjoint(order.offered):
        yield Share(subject, fallback(rail), at)
    if settled and rail is Rail.LIGHTNING and order.parts > 0:
        yield Share(subject, PARTS_ONE if order.parts == 1 else PARTS_MANY, at)
    if settled and order.refunded_at is not None:
        yield Share(subject, refunded(rail), at)
    yield from _demand(order)
    yield from _latencies(order)


def _settled_at(order: Order) -> float:
    """When the outcome happened."""
    if order.outcome is Outcome.SETTLED and order.settled_at is not None:
        return order.settled_at
    return order.final_at if order.final_at is not None else order.created_at


def _causes(order: Order) -> Iterator[str]:
    if order.outcome is Outcome.UNEXPLAINED:
        yield UNEXPLAINED
    elif order.outcome is not Outcome.SETTLED and order.evidence:
        yield cause(min((each.proof for each in order.evidence), key=STRENGTH.index))


def _offers(order: Order) -> Iterator[Share]:
    subject = subject_of(order.store)
    if not LIGHTNING_METHODS.isdisjoint(order.offered):
        yield Share(subject, offered(Rail.LIGHTNING), order.created_at, amount=order.asked_msat or 0)
    if Method.CHAIN in order.offered:
        yield Share(subject, offered(Rail.ONCHAIN), order.created_at)
    if order.offered:
        yield Share(subject, OFFERED_ANY, order.created_at)


def _demand(order: Order) -> Iterator[Share]:
    """What customers meant to pay over Lightning, whether it arrived or not. Who changed their mind did not."""
    if order.rail is not Rail.LIGHTNING or order.outcome not in {Outcome.SETTLED, Outcome.FAILED, Outcome.UNPAYABLE}:
        return
    subject = subject_of(order.store)
    asked = order.asked_msat or 0
    amount = order.paid_msat if order.outcome is Outcome.SETTLED else max(asked, order.paid_msat)
    series = LOST if order.outcome is Outcome.UNPAYABLE else ATTEMPTED
    yield Share(subject, series, order.created_at, amount=amount)
    if amount > 0:
        yield Share(subject, f"{TICKET}{size_of(amount)}", order.created_at, amount=amount)


def _latencies(order: Order) -> Iterator[Share]:
    subject = subject_of(order.store)
    for leg in order.legs:
        series = latency(leg.leg, leg.rail, latency_edge(leg.seconds))
        yield Share(subject, series, leg.at, amount=milliseconds(leg.seconds))
    if order.outcome is not Outcome.SETTLED:
        return
    lightning = [leg for leg in order.legs if leg.rail is Rail.LIGHTNING]
    if order.rail is Rail.LIGHTNING and lightning:
        seconds = sum(_slowest(lightning).values())
        at = max(leg.at for leg in lightning)
        yield Share(subject, whole(Rail.LIGHTNING, latency_edge(seconds)), at, amount=milliseconds(seconds))
    confirmed = [leg for leg in order.legs if leg.leg is Leg.SEEN_CONFIRMED and leg.blocks is not None]
    if order.rail is Rail.ONCHAIN and confirmed:
        blocks = max(leg.blocks or 0 for leg in confirmed)
        seconds, at = max(leg.seconds for leg in confirmed), max(leg.at for leg in confirmed)
        yield Share(subject, whole(Rail.ONCHAIN, edge_of(blocks, BLOCKS)), at, amount=milliseconds(seconds))


def _slowest(legs: Iterable[LegTime]) -> Mapping[Leg, float]:
    """How long each leg took, for the payment of the order that was slowest on it."""
    slowest: dict[Leg, float] = {}
    for each in legs:
        slowest[each.leg] = max(each.seconds, slowest.get(each.leg, 0.0))
    return slowest


def _counters(order: Order) -> Mapping[str, int]:
    counts = Counter({orders_counter(order.rail, order.outcome): 1})
    counts.update(invoices_counter(end.rail, end.outcome) for end in order.ends)
    counts.update(payments_counter(method) for method in order.payments)
    if order.outcome is Outcome.SETTLED and order.paid_msat > 0:
        counts[paid_counter(order.rail)] += order.paid_msat
    return dict(counts)


def _later(order: Order) -> Mapping[str, int]:
    counts: Counter[str] = Counter()
    if order.refunded_at is not None:
        counts[REFUNDS] = 1
    for leg in order.legs:
        name = latency(leg.leg, leg.rail, latency_edge(leg.seconds))
        counts[name] += 1
        counts[f"{name}/ms"] += milliseconds(leg.seconds)
        if leg.leg is Leg.SEEN_CONFIRMED and leg.blocks is not None:
            name = blocks_counter(edge_of(leg.blocks, BLOCKS))
            counts[name] += 1
            counts[f"{name}/sum"] += leg.blocks
    return dict(counts)
