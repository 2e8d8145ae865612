"""Exam (c): in each recorded fault the cases open that the recordings' README names, and no others are told."""

import json
import subprocess
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from lnwatch.model.order import Outcome, Proof, Rail
from lnwatch.store import Ledger
from tests.sources.btcpay.recordings import FOLDER
from tests.stories.faults import play_fault
from tests.stories.play import opened
from tests.stories.stage import StoryClock

FAULTS = FOLDER / "faults"
TRUTHS = {
    "btcpay-hangs": {"btcpay_down"},
    "btcpay-restarted": set(),
    "host-not-in-utc": set(),
    "lightning-node-hangs": {"lightning_down"},
    "lightning-node-killed": {"lightning_down"},
    "nbxplorer-hangs": {"nbxplorer_down"},
    "nbxplorer-killed": {"nbxplorer_down"},
    "paid-at-the-node-expired-in-btcpay": {"paid_not_settled"},
    "paid-while-btcpay-is-down": {"btcpay_down", "paid_late"},
    "postgresql-stopped": {"btcpay_down"},
    "restart-delays-expiry": set(),
}


@pytest.fixture
async def stage(tmp_path: Path) -> AsyncIterator[tuple[Ledger, StoryClock]]:
    """A ledger of its own."""
    async with opened(tmp_path) as made:
        yield made


def test_every_recorded_fault_has_its_truth() -> None:
    """None is left out."""
    assert {path.stem for path in FAULTS.glob("*.json")} == set(TRUTHS)


@pytest.mark.parametrize("name", TRUTHS)
async def test_each_fault_is_told_for_what_it_is(stage: tuple[Ledger, StoryClock], name: str) -> None:
    """What follows from it is inhibited, and what is no fault tells nobody."""
    came = await play_fault(*stage, FAULTS / f"{name}.json")
    assert {case.fingerprint.rule for case in came.cases} == TRUTHS[name]
    look = LOOKS.get(name)
    if look is not None:
        assert [(order.outcome, order.rail, [each.proof for each in order.evidence]) for order in came.orders] == look


SETTLED: tuple[Outcome, Rail, list[Proof]] = (Outcome.SETTLED, Rail.LIGHTNING, [])
LOOKS: dict[str, list[tuple[Outcome, Rail, list[Proof]]]] = {
    "paid-at-the-node-expired-in-btcpay": [(Outcome.FAILED, Rail.LIGHTNING, [Proof.PAID_AT_NODE])],
    "paid-while-btcpay-is-down": [(Outcome.FAILED, Rail.LIGHTNING, [Proof.PAID_LATE]), SETTLED],
    "restart-delays-expiry": [(Outcome.UNEXPLAINED, Rail.NONE, [])],
}


async def test_times_of_another_zone_are_taken_from_elsewhere(stage: tuple[Ledger, StoryClock]) -> None:
    """BTCPay tells payments five hours late: the node's own time counts."""
    came = await play_fault(*stage, FAULTS / "host-not-in-utc.json")
    (paid,) = [order for order in came.orders if order.outcome is Outcome.SETTLED]
    assert paid.settled_at is not None
    assert abs(paid.settled_at - paid.created_at) < 30


def test_it_is_a_command(tmp_path: Path) -> None:
    """It takes files from anywhere, stories and faults, and prints one line of JSON for each order."""
    story = tmp_path / "mine.json"
    story.write_bytes((FOLDER / "stories" / "13-paid-late.json").read_bytes())
    command = [sys.executable, "-m", "tests.stories", str(story), str(FAULTS / "btcpay-hangs.json")]
    root = Path(__file__).parents[2]
    printed = subprocess.run(command, cwd=root, capture_output=True, text=True, check=True)
    first, second = map(json.loads, printed.stdout.splitlines())
    assert {key: first[key] for key in ("order", "outcome", "rail", "methods", "paid", "due", "evidence", "cases")} == {
        "order": "order-13-paid-late",
        "outcome": "failed",
        "rail": "onchain",
        "methods": ["btc-chain"],
        "paid": "10.00",
        "due": "10.00",
        "evidence": ["paid_late"],
        "cases": ["paid_late"],
    }
    assert second == {"order": None, "cases": ["btcpay_down"]}
