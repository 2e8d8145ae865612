import asyncio
import json
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest

from lnwatch.clock import SystemClock
from lnwatch.model.btcpay import Invoices
from lnwatch.model.merchant import BtcpayInvoice, InvoiceStatus
from lnwatch.model.order import KnownPayment
from lnwatch.model.snapshot import Reading
from lnwatch.orderbook import Books, Orderbook
from lnwatch.store import Entry, LedgerSettings, open_ledger
from tests.cli.commands import invoke
from tests.domain.stories import BEGIN, CHAIN, EXPIRED, LN, NEW, SETTLED, at_node, payment, story
from tests.secrets import leaked

pytestmark = pytest.mark.usefixtures("standin_room")

SINCE = "2026-01-01"
PAID = payment(LN, at=20)
LATE = payment(CHAIN, at=1_200)


def told(
    name: str, status: InvoiceStatus, *paid: KnownPayment, order_id: str | None = None, made: float = 0
) -> BtcpayInvoice:
    """An invoice with its payments, as BTCPay tells it a minute after they came."""
    invoice = story(name, status, *paid, made=made, order_id=order_id).invoice
    methods = tuple(
        replace(method, payments=tuple(each.payment for each in paid if each.payment.method is method.method))
        for method in invoice.methods or ()
    )
    return replace(invoice, methods=methods, seen_at=BEGIN + made + 5_000)


def entry(at: float, *events: BtcpayInvoice, history: bool = False) -> Entry:
    facts = Invoices("shop", at, None, 0, BEGIN - 1_000, None, 0)
    reading = Reading(facts=facts, events=events, cursors={"invoices_shop": str(at)}, history=history)
    return Entry("main", "btcpay", lightning=False, collector="invoices_shop", at=at, reading=reading, leads=True)


@pytest.fixture
def left(folder: Path) -> None:
    """A ledger with three purchases: one in two tries, one paid late, one from before the store was watched."""
    (folder / "lnwatch.toml").write_text('data_dir = "data"\n[site.main.standin.core]\n')
    Path("data").mkdir()

    async def write() -> None:
        clock = SystemClock()
        ledger = await open_ledger(LedgerSettings(), Path("data"), clock)
        book = Orderbook(ledger, clock, {}, {"main": Books({"shop": "btcpay"})})
        entries = [
            entry(BEGIN - 10.0),
            entry(
                BEGIN + 9_000.0,
                told("first", EXPIRED, order_id="A-1"),
                told("second", SETTLED, PAID, order_id="A-1", made=950),
                told("late", EXPIRED, LATE, order_id="A-2"),
                told("waiting", NEW, order_id="A-3", made=8_900),
            ),
            entry(BEGIN + 9_001.0, told("old", EXPIRED, payment(CHAIN, at=-98_000), made=-100_000), history=True),
        ]
        for each in entries:
            book.note([each], stale=await ledger.append([each]))
        at_the_node = at_node(str(PAID.payment.payment_hash), at=20)
        for reading in (Reading(), Reading(events=tuple(side.invoice for side in at_the_node.values()))):
            await ledger.append([replace(entry(BEGIN - 5.0), source="ln1", lightning=True, reading=reading)])
        while await book.advance():
            pass
        await ledger.close()

    asyncio.run(write())


@pytest.mark.usefixtures("left")
@pytest.mark.parametrize("words", ["A-1", "first", "second", str(PAID.payment.payment_hash), "  second "])
def test_one_purchase_is_found_by_any_name(words: str) -> None:
    """Order id, each of its invoices and the payment hash lead to the one order, told over all its tries."""
    result = invoke("order", words)
    assert result.exit_code == 0
    lines = result.stdout.splitlines()
    assert lines[0] == "order A-1 of store shop at main: settled (lightning)"
    assert lines[1] == "10.00 EUR of 10.00 EUR credited by btc-ln"
    assert any("first" in line and "expired" in line for line in lines)
    assert any(
        "second" in line and f"payment of 20,000 sat by btc-ln ({PAID.payment.payment_hash})" in line for line in lines
    )
    assert "accept_settle (lightning) of second: 1 s" in lines
    assert any("order final: settled, rail lightning, number " in line for line in lines)


@pytest.mark.usefixtures("left")
def test_an_open_order_says_until_when() -> None:
    """Whoever asks for the customer knows how long they still have."""
    first = invoke("order", "A-3").stdout.splitlines()[0]
    expires = datetime.fromtimestamp(BEGIN + 8_900 + 900, UTC)
    assert first == f"order A-3 of store shop at main: open, its last invoice expires at {expires:%F %T} UTC"


@pytest.mark.usefixtures("left")
def test_for_programs() -> None:
    """The JSON of one order holds its exception, evidence and timeline."""
    (order,) = json.loads(invoke("order", str(LATE.payment.txid), "--json").stdout)["orders"]
    assert order | {"timeline": [], "evidence": [], "exceptions": []} == {
        "site": "main",
        "store": "shop",
        "order": "late",
        "order_id": "A-2",
        "invoices": ["late"],
        "outcome": "failed",
        "rail": "onchain",
        "methods": ["btc-chain"],
        "currency": "EUR",
        "due": "10",
        "paid": "10.00",
        "paid_msat": 20_000_000,
        "created_at": BEGIN,
        "settled_at": None,
        "final_at": BEGIN + 900 + 1_800,
        "refunded_at": None,
        "sequence": order["sequence"],
        "history": False,
        "business": True,
        "exceptions": [],
        "offered": ["btc-chain", "btc-ln"],
        "evidence": [],
        "legs": [],
        "unseen_legs": [],
        "timeline": [],
    }
    assert [each["proof"] for each in order["evidence"]] == ["paid_late"]
    assert [each["rule"] for each in order["exceptions"]] == ["paid_late"]
    assert next(step["source"] for step in order["timeline"]) == "btcpay"
    assert not leaked(json.dumps(order))


@pytest.mark.usefixtures("left")
def test_nothing_by_that_name() -> None:
    """One line, and status 1."""
    result = invoke("order", "A-77")
    assert result.exit_code == 1
    assert result.stderr.splitlines()[-1].startswith("lnwatch: no order is known by `A-77`")


@pytest.mark.usefixtures("left")
def test_what_history_holds() -> None:
    """Exceptions of before the watch are listed on the first day, marked as such, the newest first."""
    result = invoke("exceptions", "--since", SINCE)
    assert result.exit_code == 0
    lines = result.stdout.splitlines()
    assert [line.split()[3:6] for line in lines[1:3]] == [
        ["paid_late", "main/shop", "invoice:late"],
        ["paid_late", "main/shop", "invoice:old"],
    ]
    assert "history: " not in lines[1]
    assert "history: " in lines[2]
    assert lines[-1] == "2 exceptions"


@pytest.mark.usefixtures("left")
@pytest.mark.parametrize(
    ("arguments", "invoices"),
    [
        (("--since", SINCE), ["late", "old"]),
        (("--since", SINCE, "--site", "main"), ["late", "old"]),
        (("--since", "2026-11-18T11:00"), ["late"]),
    ],
)
def test_exceptions_for_programs(arguments: tuple[str, ...], invoices: list[str]) -> None:
    """By time and site, with what is wrong."""
    document = json.loads(invoke("exceptions", *arguments, "--json").stdout)
    assert [each["order"] for each in document["orders"]] == invoices
    assert all(each["exceptions"] for each in document["orders"])
    assert document["complete"] is True
    assert document["daemon_runs"] is False


@pytest.mark.usefixtures("left")
@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [(("--site", "shopp"), "there is no site `shopp`"), (("--since", "yesterday"), "write how long ago")],
)
def test_wrong_options(arguments: tuple[str, ...], complaint: str) -> None:
    """One clear line, and status 2."""
    result = invoke("exceptions", *arguments)
    assert result.exit_code == 2
    assert complaint in result.stderr
