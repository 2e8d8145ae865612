"""A daemon over sockets and one without, which looks up at full grains alone, end in the same ledger: what others tell
is equal to the last figure, what lnwatch saw itself differs by when it looked."""

from collections.abc import Mapping
from typing import Any

import pytest

from tests.simulator.indoors.both import GRAIN, Life, Row, lived

pytestmark = pytest.mark.timeout(600)
SEEN = 3 * GRAIN  # seconds by which a sighting may differ: it is read, judged and opened at a grain of its own
KEYS: Mapping[str, tuple[str, ...]] = {
    "merchant_invoice": ("store", "id"),
    "merchant_payment": ("store", "invoice", "id"),
    "merchant_order": ("store", "id"),
    "payment_request": ("store", "id"),
    "lightning_invoice": ("payment_hash",),
    "node_receipt": ("payment_hash",),
    "block": ("height",),
    "counter": ("source", "name"),
    "bucket": ("subject", "series", "width", "start"),
}
# What is told: the same figures. Everything else of these tables is when lnwatch saw it.
TOLD: Mapping[str, tuple[str, ...]] = {
    "merchant_invoice": (
        *("group_key", "status", "additional", "type", "currency", "amount", "paid", "created_at", "expires_at"),
        *("monitored_until", "archived", "order_id", "payment_request_id", "speed_policy", "offered", "due_msat"),
        *("open", "live"),
    ),
    "merchant_payment": (
        *("method", "status", "value", "fee", "value_msat", "received_at", "destination", "txid", "output"),
        "payment_hash",
    ),
    "merchant_order": (
        *(
            "group_key",
            "order_id",
            "invoices",
            "created_at",
            "outcome",
            "rail",
            "methods",
            "offered",
            "currency",
            "due",
        ),
        *("paid", "paid_msat", "asked_msat", "business", "history", "payments", "ends", "counters", "exceptions"),
        *("troubles", "evidence"),
    ),
    "payment_request": ("status", "amount", "currency", "created_at"),
    "lightning_invoice": ("state", "value_msat", "paid_msat", "created_at", "expires_at", "final_at"),
    "node_receipt": ("settled_at", "paid_msat"),
    "block": ("hash", "previous_hash", "time", "txids"),
    "counter": ("value",),
    "bucket": ("n", "sum"),
}


@pytest.fixture(scope="module")
def lives(tmp_path_factory: pytest.TempPathFactory) -> tuple[Life, Life]:
    """Over sockets, and without."""
    folder = tmp_path_factory.mktemp("both")
    return lived(folder / "sockets", inside=False), lived(folder / "indoors", inside=True)


def told(life: Life, table: str) -> dict[tuple[Any, ...], Row]:
    """What a table says of others, by its key. How long it took until lnwatch saw something is its own."""
    return {
        tuple(row[name] for name in KEYS[table]): {name: row[name] for name in TOLD[table]}
        for row in life.rows(table)
        if "latency/" not in str(row.get("series", row.get("name", "")))
    }


@pytest.mark.parametrize("table", KEYS)
def test_what_is_told_is_the_same(table: str, lives: tuple[Life, Life]) -> None:
    """Orders with their outcomes, rails and evidence, invoices, payments and what they come to are equal."""
    over_sockets, indoors = (told(life, table) for life in lives)
    assert over_sockets
    assert indoors == over_sockets


def opened(life: Life) -> dict[tuple[str, str, int], Row]:
    """The cases that did not stay pending."""
    rows = life.rows("case_state")
    return {(row["rule"], row["subject"], row["number"]): row for row in rows if row["opened_at"] is not None}


def test_the_same_cases_open_and_end(lives: tuple[Life, Life]) -> None:
    """Whatever opened over sockets did so without, in the same order of things, at most some looks apart."""
    over_sockets, indoors = (opened(life) for life in lives)
    assert over_sockets
    assert indoors.keys() == over_sockets.keys()
    for key, case in over_sockets.items():
        assert indoors[key]["state"] == case["state"], key
        for name in ("opened_at", "ended_at"):
            assert (indoors[key][name] is None) == (case[name] is None), key
            assert indoors[key][name] == pytest.approx(case[name], abs=SEEN), (key, name)
