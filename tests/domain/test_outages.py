"""States of sources as spans in which nobody could pay over a rail."""

import pytest

from lnwatch.domain.outages import outages
from lnwatch.model.conditions import Outage
from lnwatch.model.order import Proof, Rail
from lnwatch.model.snapshot import TargetState
from lnwatch.model.view import StateSpan

UP, DOWN, SYNCING = TargetState.UP, TargetState.DOWN, TargetState.SYNCING
KINDS = {
    "ln1": "lnd",
    "ln2": "lnd",
    "core": "bitcoind",
    "nbx": "nbxplorer",
    "pay": "btcpay",
    "page": "probe",
    "m": "host",
}
LN, CHAIN = Rail.LIGHTNING, Rail.ONCHAIN


def spans(source: str, *states: tuple[float, TargetState]) -> list[StateSpan]:
    return [StateSpan(source, at, state, "") for at, state in states]


@pytest.mark.parametrize(
    ("source", "state", "expected"),
    [
        ("ln1", DOWN, [(Proof.NODE_DOWN, LN, "did not answer")]),
        ("ln1", TargetState.HANGING, [(Proof.NODE_DOWN, LN, "did not answer")]),
        ("ln1", TargetState.LOCKED, [(Proof.NODE_DOWN, LN, "was locked")]),
        ("ln1", TargetState.STARTING, [(Proof.NODE_DOWN, LN, "was starting")]),
        ("ln1", SYNCING, [(Proof.CHAIN_DOWN, LN, "was behind the chain")]),
        ("ln1", TargetState.REJECTED, []),
        ("ln2", DOWN, []),  # another store's
        ("core", DOWN, [(Proof.CHAIN_DOWN, CHAIN, "did not answer")]),
        ("nbx", SYNCING, [(Proof.CHAIN_DOWN, CHAIN, "was behind the chain")]),
        ("page", DOWN, [(Proof.PROBE_FAILED, LN, "did not answer"), (Proof.PROBE_FAILED, CHAIN, "did not answer")]),
        ("pay", DOWN, []),  # whether customers reach it, a visit to the checkout tells
        ("m", DOWN, []),
    ],
)
def test_each_source_carries_its_rail(source: str, state: TargetState, expected: list[tuple[Proof, Rail, str]]) -> None:
    """What rejects a credential may well serve; what is not known to matter is no outage."""
    found = outages(spans(source, (10, UP), (20, state), (35, UP)), KINDS, "ln1")
    assert found == tuple(Outage(proof, source, rail, 20, 35, words) for proof, rail, words in expected)


def test_what_lasts_has_no_end() -> None:
    """And what changes its state goes on in another span."""
    found = outages(spans("ln1", (5, DOWN), (8, SYNCING)), KINDS, "ln1")
    assert [(each.proof, each.since, each.until) for each in found] == [
        (Proof.NODE_DOWN, 5, 8),
        (Proof.CHAIN_DOWN, 8, None),
    ]


def test_sources_are_told_apart() -> None:
    """Whatever order their spans come in."""
    mixed = [*spans("ln1", (5, DOWN), (9, UP)), *spans("core", (6, DOWN), (7, UP))]
    assert outages(mixed, KINDS, "ln1") == outages(list(reversed(mixed)), KINDS, "ln1")
    assert {(each.source, each.since, each.until) for each in outages(mixed, KINDS, "ln1")} == {
        ("ln1", 5, 9),
        ("core", 6, 7),
    }
