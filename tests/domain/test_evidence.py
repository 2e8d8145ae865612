"""Evidence: why an order that nothing settled failed, as far as anything tells."""

from dataclasses import replace
from decimal import Decimal

import pytest

from lnwatch.domain.orders import ReadUntil, regroup
from lnwatch.model.conditions import Conditions, FailedHtlc, FailedProbe, Outage, Receivable
from lnwatch.model.lightning import InvoiceHtlc, InvoiceState
from lnwatch.model.merchant import AdditionalStatus, InvoiceType, Method, PaymentStatus
from lnwatch.model.money import Msat, msat
from lnwatch.model.order import InvoiceStory, Order, Outcome, Proof, Rail
from tests.domain.stories import (
    BEGIN,
    BOTH,
    CHAIN,
    EXPIRED,
    INVALID,
    LIFE,
    LN,
    NEW,
    SETTLED,
    at_node,
    hash_of,
    marked,
    payment,
    story,
)

LATER = ReadUntil(BEGIN + 86_400.0 * 30, None)
LNURL = Method.LNURL
EVERYTHING = frozenset(BOTH)
F, U, N, X, S = Outcome.FAILED, Outcome.UNPAYABLE, Outcome.UNEXPLAINED, Outcome.EXCLUDED, Outcome.SETTLED
LIGHTNING, ONCHAIN, NONE = Rail.LIGHTNING, Rail.ONCHAIN, Rail.NONE


def order_of(*stories: InvoiceStory, conditions: Conditions = Conditions(), kept: tuple[Order, ...] = ()) -> Order:  # noqa: B008 - frozen
    """The one order that they are, long after."""
    (regrouped,) = regroup(stories, kept, read_until=LATER, conditions=conditions)
    return regrouped.order


def down(since: float, until: float | None, rail: Rail = LIGHTNING, proof: Proof = Proof.NODE_DOWN) -> Conditions:
    """A rail that did not work from then to then, in seconds after BEGIN."""
    end = None if until is None else BEGIN + until
    return Conditions(EVERYTHING, (Outage(proof, "ln1", rail, BEGIN + since, end, "did not answer"),))


def receivable(*steps: tuple[float, int]) -> Conditions:
    """How many satoshis the node could receive, from so many seconds after BEGIN on."""
    return Conditions(EVERYTHING, receivable=tuple(Receivable("ln1", BEGIN + at, msat(sat)) for at, sat in steps))


def failed(sat: int = 20_000, at: float = 100, rivals: int = 0) -> Conditions:
    """An HTLC that failed at the node."""
    htlc = FailedHtlc("ln1", BEGIN + at, "800001x12x1", msat(sat), "incorrect payment details", rivals)
    return Conditions(EVERYTHING, failed_htlcs=(htlc,))


def probed(at: float = 100, rail: Rail = LIGHTNING) -> Conditions:
    """A trial payment that did not get through."""
    return Conditions(EVERYTHING, failed_probes=(FailedProbe("second", BEGIN + at, rail, "no route"),))


CASES: dict[str, tuple[Conditions, Outcome, Rail, tuple[Proof, ...]]] = {
    "nothing is known": (Conditions(), N, NONE, ()),
    "all was well": (receivable((-600, 1_000_000)), N, NONE, ()),
    # The node could not receive it
    "too large for all its life": (receivable((-600, 19_999)), U, LIGHTNING, (Proof.NOT_RECEIVABLE,)),
    "just not too large": (receivable((-600, 20_000)), N, NONE, ()),
    "too large for most of its life": (receivable((-600, 5), (451, 50_000)), U, LIGHTNING, (Proof.NOT_RECEIVABLE,)),
    "too large for half of its life": (receivable((-600, 5), (450, 50_000)), N, NONE, ()),
    "too large in two spells": (
        receivable((-600, 5), (250, 50_000), (600, 5)),
        U,
        LIGHTNING,
        (Proof.NOT_RECEIVABLE,),
    ),
    "it came to be too large after its end": (receivable((-600, 50_000), (LIFE, 5)), N, NONE, ()),
    # What it stands on was away
    "the node was down": (down(-10, None), U, LIGHTNING, (Proof.NODE_DOWN,)),
    "the node was down and came back": (down(-10, 460), U, LIGHTNING, (Proof.NODE_DOWN,)),
    "the node was away for a moment": (down(0, 300), N, NONE, ()),
    "the chain was down": (down(-10, None, ONCHAIN, Proof.CHAIN_DOWN), U, ONCHAIN, (Proof.CHAIN_DOWN,)),
    "the node hung before and after": (down(-900, 0), N, NONE, ()),
    "the checkout was out of reach": (
        down(-10, None, LIGHTNING, Proof.PROBE_FAILED),
        F,
        LIGHTNING,
        (Proof.PROBE_FAILED,),
    ),
    "two causes, each for less than half": (
        replace(down(0, 300), receivable=receivable((400, 5), (700, 50_000)).receivable),
        U,
        LIGHTNING,
        (Proof.NOT_RECEIVABLE, Proof.NODE_DOWN),
    ),
    # It reached us and failed
    "an HTLC failed": (failed(), F, LIGHTNING, (Proof.HTLC_FAILED,)),
    "an HTLC that was rounded up failed": (failed(20_100), F, LIGHTNING, (Proof.HTLC_FAILED,)),
    "an HTLC over another amount failed": (failed(19_999), N, NONE, ()),
    "an HTLC far above failed": (failed(20_300), N, NONE, ()),
    "an HTLC failed before": (failed(at=-1), N, NONE, ()),
    "an HTLC failed after": (failed(at=LIFE + 1), N, NONE, ()),
    "an HTLC failed that could be another's": (failed(rivals=1), N, NONE, ()),
    # A trial payment failed
    "a probe failed": (probed(), F, LIGHTNING, (Proof.PROBE_FAILED,)),
    "a probe failed on the chain": (probed(rail=ONCHAIN), F, ONCHAIN, (Proof.PROBE_FAILED,)),
    "a probe failed later": (probed(at=LIFE + 1), N, NONE, ()),
}


@pytest.mark.parametrize(("conditions", "outcome", "rail", "proofs"), CASES.values(), ids=CASES)
def test_what_stood_in_the_way(conditions: Conditions, outcome: Outcome, rail: Rail, proofs: tuple[Proof, ...]) -> None:
    """Of an expired invoice over 20,000 sat, unpaid: what covers most of its life, or touched it, and nothing else."""
    order = order_of(story("a", EXPIRED), conditions=conditions)
    assert (order.outcome, order.rail, tuple(each.proof for each in order.evidence)) == (outcome, rail, proofs)
    for evidence in order.evidence:
        assert evidence.invoice == "a"
        assert evidence.sentence.endswith(".")
        assert BEGIN <= evidence.at <= BEGIN + LIFE


@pytest.mark.parametrize(
    ("carried", "enabled", "rail"),
    [
        ((CHAIN,), {LN, CHAIN}, LIGHTNING),
        ((LN,), {LN, CHAIN}, ONCHAIN),
        ((), {LN, CHAIN}, LIGHTNING),
        ((CHAIN,), {CHAIN}, None),
        ((CHAIN,), set[Method](), None),
        ((LNURL, CHAIN), {LN, LNURL, CHAIN}, None),  # it can be paid over Lightning, one way or the other
    ],
)
def test_a_missing_method(carried: tuple[Method, ...], enabled: set[Method], rail: Rail | None) -> None:
    """What the store has enabled and an invoice lacks could not be used, unless the rail is there in another way."""
    order = order_of(story("a", EXPIRED, methods=carried), conditions=Conditions(frozenset(enabled)))
    assert (order.outcome, order.rail) == ((N, NONE) if rail is None else (U, rail))
    assert all(each.proof is Proof.METHOD_MISSING for each in order.evidence)


def test_a_rail_that_was_not_offered_is_no_loss() -> None:
    """A store without Lightning loses nothing with its node."""
    conditions = replace(down(-10, None), enabled=frozenset({CHAIN}))
    assert order_of(story("a", EXPIRED, methods=(CHAIN,)), conditions=conditions).outcome is N


def test_a_top_up_has_no_size() -> None:
    """It asks for nothing that could be too large; an outage still hits it."""
    topped = story("a", EXPIRED, euros="0", type=InvoiceType.TOP_UP)
    assert order_of(topped, conditions=receivable((-600, 5))).outcome is N
    assert order_of(topped, conditions=down(-10, None)).outcome is U


REACHED = InvoiceHtlc("800001x12x1", 1, Msat(9_000_000), BEGIN + 50, BEGIN + 170, settled=False, canceled=True)


def test_parts_that_were_given_back() -> None:
    """The node's own invoice tells by its hash: some parts came, the rest did not within two minutes."""
    side = at_node(hash_of("bolt11 a"), htlcs=(REACHED,), state=InvoiceState.CANCELED, paid_msat=Msat(0))
    order = order_of(story("a", EXPIRED, of_story={"node": side}))
    assert (order.outcome, order.rail) == (F, LIGHTNING)
    (evidence,) = order.evidence
    assert (evidence.proof, evidence.source, evidence.amount_msat) == (Proof.HTLC_FAILED, "ln1", 9_000_000)
    assert "9,000 sat reached node:ln1 and was given back" in evidence.sentence


MONEY: dict[str, tuple[InvoiceStory, Proof, Rail]] = {
    "late": (story("a", EXPIRED, payment(CHAIN, at=1_000)), Proof.PAID_LATE, ONCHAIN),
    "late over Lightning": (story("a", EXPIRED, payment(LN, at=800)), Proof.PAID_LATE, LIGHTNING),
    "late and more": (story("a", EXPIRED, payment(CHAIN, "15", 1_000)), Proof.PAID_LATE, ONCHAIN),
    "partly": (story("a", EXPIRED, payment(CHAIN, "9.90")), Proof.PAID_PARTIAL, ONCHAIN),
    "all but a hair": (
        story("a", EXPIRED, payment(CHAIN, "9.9996"), additional=AdditionalStatus.PAID_PARTIAL),
        Proof.PAID_PARTIAL,
        ONCHAIN,
    ),
    "unconfirmed": (
        story("a", INVALID, payment(CHAIN, status=PaymentStatus.PROCESSING)),
        Proof.UNCONFIRMED,
        ONCHAIN,
    ),
    "replaced": (story("a", EXPIRED, payment(CHAIN, status=PaymentStatus.INVALID)), Proof.REPLACED, ONCHAIN),
    "at the node alone": (
        story("a", EXPIRED, of_story={"node": at_node(hash_of("bolt11 a"))}),
        Proof.PAID_AT_NODE,
        LIGHTNING,
    ),
    "within the tolerance, late": (
        story("a", EXPIRED, payment(CHAIN, "9.90", 1_000), tolerance_percent=Decimal(1)),
        Proof.PAID_LATE,
        ONCHAIN,
    ),
}


@pytest.mark.parametrize(("held", "proof", "rail"), MONEY.values(), ids=MONEY)
def test_money_that_did_not_settle(held: InvoiceStory, proof: Proof, rail: Rail) -> None:
    """It is a failure on the rail of that money, whatever else was wrong then."""
    for conditions in (Conditions(), down(-10, None, ONCHAIN, Proof.CHAIN_DOWN), probed()):
        order = order_of(held, conditions=conditions)
        assert (order.outcome, order.rail, order.evidence[0].proof) == (F, rail, proof)
        assert order.evidence[0].sentence.endswith(".")


def test_the_strongest_evidence_gives_the_rail() -> None:
    """Money first, then what reached the node, then what was in the way."""
    partly = story("a", EXPIRED, payment(CHAIN, "4"), of_story={"node": at_node(hash_of("bolt11 a"), euros="6")})
    order = order_of(partly, conditions=failed())
    assert [each.proof for each in order.evidence] == [Proof.PAID_AT_NODE, Proof.PAID_PARTIAL, Proof.HTLC_FAILED]
    assert order.rail is LIGHTNING


def test_evidence_of_one_invoice_is_the_orders() -> None:
    """The first try failed at the node, the second was never paid: the order failed."""
    order = order_of(story("a", EXPIRED), story("b", EXPIRED, made=1_000), conditions=failed())
    assert (order.outcome, [each.invoice for each in order.evidence]) == (F, ["a"])
    assert [end.outcome for end in order.ends] == [F, N]


@pytest.mark.parametrize(
    ("held", "outcome"),
    [
        (story("a", SETTLED, payment()), S),
        (story("a", SETTLED, **marked()), X),
        (story("a", SETTLED, euros="0"), X),
        (story("a", NEW), Outcome.OPEN),
    ],
)
def test_no_evidence_where_nothing_failed(held: InvoiceStory, outcome: Outcome) -> None:
    """A settled order needs no excuse, what is no business has none, and one that is open has not failed."""
    both = replace(down(-10, None), failed_htlcs=failed().failed_htlcs)
    order = order_of(held, conditions=both)
    assert (order.outcome, order.evidence) == (outcome, ())


def test_what_circumstances_told_at_finality_stays() -> None:
    """Looked at again years later, when nobody knows any more how much the node could receive then."""
    final = order_of(story("a", EXPIRED), conditions=receivable((-600, 5)))
    assert order_of(story("a", EXPIRED), kept=(final,)) == final
    unexplained = order_of(story("b", EXPIRED))
    assert order_of(story("b", EXPIRED), kept=(unexplained,), conditions=down(-10, None)) == unexplained


def test_the_figures_are_said() -> None:
    """How much could be received, how much was asked, and for how long."""
    (evidence,) = order_of(story("a", EXPIRED), conditions=receivable((-600, 12_000), (720, 90_000))).evidence
    assert evidence.sentence == (
        "node:ln1 could receive 12,000 sat at most, less than the 20,000 sat asked for, for 12 min of the 15 min that "
        "the invoice lasted."
    )
    (missing,) = order_of(story("a", EXPIRED, methods=(CHAIN,)), conditions=Conditions(EVERYTHING)).evidence
    assert missing.sentence == (
        "The invoice lacked btc-ln, which the store has enabled, for 15 min of the 15 min that the invoice lasted."
    )
