"""What the world was like while an invoice could be paid: what its order is judged by when no money came."""

from dataclasses import dataclass

from lnwatch.model.merchant import Method
from lnwatch.model.money import Msat
from lnwatch.model.order import Proof, Rail


@dataclass(frozen=True, slots=True)
class Outage:
    """From `since` to `until` (None: still) nothing could be received over `rail`, for the reason that `proof` is.

    `source` is the slug of what was wrong, `words` its end of a sentence: `did not answer`.
    """

    proof: Proof
    source: str
    rail: Rail
    since: float
    until: float | None
    words: str


@dataclass(frozen=True, slots=True)
class Receivable:
    """From `at` on, until the next one, `node` could receive `many_msat` in many parts at most."""

    node: str
    at: float
    many_msat: Msat


@dataclass(frozen=True, slots=True)
class FailedHtlc:
    """A payment reached `node` over `channel` and failed there; LND does not say which payment it was.

    `rivals` are the invoices but one that asked for that very amount on that node at that moment: with any,
    nobody can tell whose it was.
    """

    node: str
    at: float
    channel: str
    amount_msat: Msat
    words: str
    rivals: int


@dataclass(frozen=True, slots=True)
class FailedProbe:
    """A trial payment of `source` over `rail` did not get through."""

    source: str
    at: float
    rail: Rail
    words: str


@dataclass(frozen=True, slots=True)
class Conditions:
    """Everything of one store and its node that bears on invoices which were open in a period.

    The period reaches from the oldest creation to the newest expiry of the invoices in question; what began
    before and lasted into it is in it. All of it is optional: what is not known is no evidence.

    - `enabled`: the methods that each invoice should carry: those that the store has set up and enabled, without
      those that are limited to some amounts or chosen by the shop. Empty: not known.
    - `outages`: spans in which a rail could not work. Lightning: the node down, hanging, locked or behind the
      chain (`node_down`, or `chain_down` where its chain was at fault), no peer of a channel online. On-chain:
      bitcoind or NBXplorer down, hanging or behind (`chain_down`). Both: the checkout page out of reach
      (`probe_failed`, one span for each rail).
    - `receivable`: how much the node could receive over time; the newest of before the period comes first.
    - `failed_htlcs`: receives that failed at the node (`LINK_FAILED` or `FAILED` with direction `RECEIVE`).
    - `failed_probes`: trial payments, not visits to the checkout page.
    """

    enabled: frozenset[Method] = frozenset()
    outages: tuple[Outage, ...] = ()
    receivable: tuple[Receivable, ...] = ()
    failed_htlcs: tuple[FailedHtlc, ...] = ()
    failed_probes: tuple[FailedProbe, ...] = ()


NOTHING_KNOWN = Conditions()
