"""The store's own Lightning node: how it is found, and that nothing is concluded before it was read."""

from collections.abc import AsyncIterator
from dataclasses import replace
from decimal import Decimal
from pathlib import Path

import pytest

from lnwatch.errors import LedgerError, LedgerTrouble
from lnwatch.model.btcpay import Invoices
from lnwatch.model.chain import Network
from lnwatch.model.merchant import BtcpayInvoice, InvoiceStatus, PaymentStatus
from lnwatch.model.order import Outcome, Proof, Rail
from lnwatch.model.snapshot import Reading, TargetReport, TargetState
from lnwatch.orderbook import Books, Orderbook
from lnwatch.store import LedgerSettings, open_ledger
from tests.assessments import node_status
from tests.domain.test_payable import store
from tests.store.merchant_stories import MADE, lightning, onchain, paid_onchain, shop_invoice
from tests.store.stories import settled
from tests.stories.stage import Actor, Role, Stage, StoryClock

KEY = "03" + "bb" * 32
HASH = "a1" * 32
EXPIRES = MADE + 900
FINAL = EXPIRES + 1_800  # when nothing more is awaited


@pytest.fixture
async def stage(tmp_path: Path) -> AsyncIterator[Stage]:
    """A store, its node, and another node."""
    clock = StoryClock()
    clock.at = MADE
    ledger = await open_ledger(LedgerSettings(), tmp_path, clock)
    shop = Actor([Role("status"), Role("invoices_shop"), Role("store_shop", 3_600.0)])
    nodes = {slug: ("lnd", Actor([Role("node"), Role("invoices")])) for slug in ("ln1", "ln2")}
    made = Stage(ledger, clock, "main", {"btcpay": ("btcpay", shop), **nodes})
    await made.told("btcpay", "status", Reading())
    yield made
    await ledger.close()


async def node_says(stage: Stage, slug: str, key: str) -> None:
    facts = node_status(public_key=key, network=Network.REGTEST)
    await stage.told(slug, "node", Reading(facts=facts))


async def shop_says(stage: Stage, at: float, *invoices: BtcpayInvoice) -> None:
    """The store was read up to `at`, with this news."""
    stage.clock.reach(at)
    facts = Invoices("shop", at, None, len(invoices), None, None, None)
    await stage.told("btcpay", "invoices_shop", Reading(facts=facts, events=invoices), at)


def made(status: InvoiceStatus = InvoiceStatus.NEW, at: float = MADE + 1, key: str = KEY) -> BtcpayInvoice:
    return shop_invoice(
        "i1",
        status,
        methods=(lightning(node=key, payment_hash=HASH), onchain()),
        order_id="A-1",
        created_at=MADE,
        expires_at=EXPIRES,
        seen_at=at,
    )


async def outcome(stage: Stage) -> tuple[Outcome, Rail, list[Proof]]:
    """What became of the one order."""
    await stage.judge()
    (order,) = await stage.orders(["i1"])
    return order.outcome, order.rail, [each.proof for each in order.evidence]


async def test_a_store_is_joined_by_the_key_that_its_invoices_name(stage: Stage) -> None:
    """Whichever comes first; after a start from what the ledger has, and what the configuration names beats it."""
    await shop_says(stage, MADE + 1, made())
    assert stage.orderbook.node("main", "shop") is None
    await node_says(stage, "ln2", "02" + "cc" * 32)
    assert stage.orderbook.node("main", "shop") is None
    await node_says(stage, "ln1", KEY)
    assert stage.orderbook.node("main", "shop") == "ln1"
    again = Orderbook(stage.ledger, stage.clock, stage.targets, {"main": Books({"shop": "btcpay"})})
    assert again.node("main", "shop") is None
    await again.restore()
    assert again.node("main", "shop") == "ln1"
    named = Books({"shop": "btcpay"}, nodes={"shop": "ln2"})
    assert Orderbook(stage.ledger, stage.clock, stage.targets, {"main": named}).node("main", "shop") == "ln2"
    assert (await stage.judge()).shops["shop"].node == "ln1"


async def test_nothing_is_concluded_before_the_node_was_read(stage: Stage) -> None:
    """BTCPay calls it expired; whether the node was paid, only the node can tell."""
    await node_says(stage, "ln1", KEY)
    await stage.told("ln1", "invoices", Reading())
    await shop_says(stage, MADE + 1, made())
    await shop_says(stage, EXPIRES + 5, made(InvoiceStatus.EXPIRED, EXPIRES + 5))
    await shop_says(stage, FINAL + 100)
    assert await outcome(stage) == (Outcome.OPEN, Rail.NONE, [])
    paid = settled(HASH, final_at=EXPIRES - 10, paid=20_000_000, value_msat=20_000_000)
    await stage.told("ln1", "invoices", Reading(events=(paid,), more=True))
    await shop_says(stage, FINAL + 200)
    assert (await outcome(stage))[0] is Outcome.OPEN
    await stage.told("ln1", "invoices", Reading())
    await shop_says(stage, FINAL + 1_000)
    assert await outcome(stage) == (Outcome.FAILED, Rail.LIGHTNING, [Proof.PAID_AT_NODE])


async def test_whoever_pays_the_bolt11_of_before_is_not_forgotten(stage: Stage) -> None:
    """BTCPay replaced it after a payment in part on the chain: the node was paid, BTCPay calls it expired."""
    await node_says(stage, "ln1", KEY)
    await shop_says(stage, MADE + 1, made())
    part = lightning(node=KEY, payment_hash="a2" * 32), onchain(paid_onchain(PaymentStatus.SETTLED))
    await shop_says(stage, MADE + 30, replace(made(at=MADE + 30), methods=part, paid=Decimal("5.00")))
    ended = replace(made(InvoiceStatus.EXPIRED, EXPIRES + 5), methods=part, paid=Decimal("5.00"))
    await shop_says(stage, EXPIRES + 5, ended)
    paid = settled(HASH, final_at=EXPIRES - 10, paid=20_000_000, value_msat=20_000_000)
    await stage.told("ln1", "invoices", Reading(events=(paid,)))
    await shop_says(stage, EXPIRES + 300)
    await stage.judge()
    assert ("paid_not_settled", "invoice:i1") in {(each.rule, each.subject) for each in stage.seen}
    (order,) = await stage.orders([HASH])
    assert Proof.PAID_AT_NODE in {each.proof for each in order.evidence}


async def test_a_settled_order_waits_for_no_node(stage: Stage) -> None:
    """Its money is known."""
    await node_says(stage, "ln1", KEY)
    await shop_says(stage, MADE + 1, made())
    await shop_says(stage, MADE + 50, made(InvoiceStatus.SETTLED, MADE + 50))
    await shop_says(stage, MADE + 120)
    assert (await outcome(stage))[0] is Outcome.SETTLED


@pytest.mark.parametrize(("down", "expected"), [(700.0, Outcome.UNPAYABLE), (100.0, Outcome.UNEXPLAINED)])
async def test_what_the_world_was_like_is_evidence(stage: Stage, down: float, expected: Outcome) -> None:
    """The node was away for most of the invoice's life, or for little of it: the ledger tells what was seen then."""
    await node_says(stage, "ln1", KEY)
    await stage.told("btcpay", "store_shop", Reading(facts=store(methods=store().methods[1:2])))
    invoice = replace(made(), methods=(lightning(node=KEY, payment_hash=HASH),), offered=("BTC-LN",))
    await shop_says(stage, MADE + 1, invoice)
    stage.clock.reach(MADE + 10)
    await stage.told("ln1", "node", Reading(target=TargetReport(TargetState.LOCKED, "", supported=True)))
    stage.clock.reach(MADE + 10 + down)
    await node_says(stage, "ln1", KEY)
    await shop_says(stage, EXPIRES + 5, replace(invoice, status=InvoiceStatus.EXPIRED, seen_at=EXPIRES + 5))
    stage.clock.reach(FINAL + 100)
    await stage.told("ln1", "invoices", Reading())
    await shop_says(stage, FINAL + 101)
    assert (await outcome(stage))[0] is expected


async def test_a_ledger_that_fails_forgets_nothing(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    """What could not be committed is still marked, and made again."""
    await shop_says(stage, MADE + 1, made())
    commit = stage.ledger.orders.commit

    async def broken(_: object) -> int:
        raise LedgerError(LedgerTrouble.FULL, "the disk is full")

    # The ledger's own failures are its tests' matter: here it has to fail at one moment alone.
    monkeypatch.setattr(stage.ledger.orders, "commit", broken)
    with pytest.raises(LedgerError):
        await stage.orderbook.advance()
    monkeypatch.setattr(stage.ledger.orders, "commit", commit)
    assert await stage.orderbook.advance()
    assert await outcome(stage) == (Outcome.OPEN, Rail.NONE, [])
    assert not await stage.orderbook.advance()
