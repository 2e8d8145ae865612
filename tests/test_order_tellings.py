"""Random shops, told in random ways through the ledger and the maker of orders: it always comes to the same."""

import asyncio
import itertools
import json
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from pathlib import Path
from random import Random
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from lnwatch.model.btcpay import Invoices
from lnwatch.model.merchant import (
    AdditionalStatus,
    BtcpayInvoice,
    InvoiceStatus,
    Method,
    Payment,
    PaymentStatus,
    PullPaymentKey,
    WebhookEvent,
)
from lnwatch.model.money import Msat
from lnwatch.model.snapshot import Event, Reading
from lnwatch.orderbook import Books, Orderbook
from lnwatch.store import Ledger, LedgerSettings, open_ledger
from lnwatch.target import Target
from tests.store.merchant_stories import (
    BTCPAY,
    SHOP,
    birth_of_shop,
    hook,
    lightning,
    onchain,
    paid_over_lightning,
    payout,
    refund_link,
    shop_invoice,
    told,
)
from tests.store.stories import BORN, NODE, birth, entry, rows
from tests.store.stories import settled as taken_by_node
from tests.stories.stage import Actor, Role, StoryClock

BEGIN = BORN + 1_000
LIFE, SPAN = 900, 7_200  # of an invoice; in which all live ones are made
END = BEGIN + SPAN + 50_000  # of every telling: the last poll is past all finality
PRICE_MSAT = 20_000_000
_sites = itertools.count()

UNPAID, PAID, OVER, PARTIAL, LATE, REPLACED = "unpaid", "paid", "over", "partial", "late", "replaced"
ACCEPTED, DISMISSED, MISSED, REFUNDED = "accepted", "dismissed", "missed", "refunded"
PAID_PARTS = {PAID: 100, REFUNDED: 100, OVER: 150, PARTIAL: 40, LATE: 100, REPLACED: 100}
# What a customer does over each way, where the moment of it can't be told apart by when it is looked at.
FATES = {
    Method.LIGHTNING: (UNPAID, PAID, OVER, MISSED, DISMISSED, REFUNDED),
    Method.LNURL: (PAID, UNPAID),
    Method.CHAIN: (PAID, OVER, PARTIAL, LATE, REPLACED, ACCEPTED),
}


@dataclass(frozen=True)
class Sale:
    """An invoice, and what became of it: `acts` seconds after it was made, by `method`."""

    name: str
    order_id: str | None
    made: int
    method: Method
    fate: str
    acts: int

    @property
    def history(self) -> bool:
        return self.made < BORN

    @property
    def acted(self) -> int:
        return self.made + (LIFE + self.acts if self.fate == LATE else self.acts)

    @property
    def hash(self) -> str:
        return self.name.encode().hex().rjust(64, "0")

    def payment(self, at: float) -> Payment | None:
        """What was paid by then."""
        if self.fate not in PAID_PARTS or at < self.acted:
            return None
        value = PRICE_MSAT * PAID_PARTS[self.fate] // 100
        paid = paid_over_lightning(self.hash, received_at=self.acted)
        paid = replace(paid, value_msat=Msat(value), value=Decimal(value).scaleb(-11), method=self.method)
        if self.method is not Method.CHAIN:
            return paid
        status = PaymentStatus.SETTLED
        if self.fate == REPLACED:
            status = PaymentStatus.INVALID if at > self.acted + 300 else PaymentStatus.PROCESSING
        return replace(paid, id=f"{self.hash}-0", txid=self.hash, output=0, payment_hash=None, status=status)

    def state(self, at: float) -> tuple[InvoiceStatus, AdditionalStatus]:
        """As BTCPay has it."""
        acted, expired = at >= self.acted, at >= self.made + LIFE
        if acted and self.fate in {ACCEPTED, DISMISSED}:
            status = InvoiceStatus.SETTLED if self.fate == ACCEPTED else InvoiceStatus.INVALID
            return status, AdditionalStatus.MARKED
        if acted and self.fate in {PAID, OVER, REFUNDED}:
            return InvoiceStatus.SETTLED, AdditionalStatus.PAID_OVER if self.fate == OVER else AdditionalStatus.NONE
        if self.fate == REPLACED and acted and (at <= self.acted + 300):
            return InvoiceStatus.PROCESSING, AdditionalStatus.NONE
        added = {PARTIAL: AdditionalStatus.PAID_PARTIAL, LATE: AdditionalStatus.PAID_LATE}
        if expired:
            return InvoiceStatus.EXPIRED, added.get(
                self.fate, AdditionalStatus.NONE
            ) if acted else AdditionalStatus.NONE
        return InvoiceStatus.NEW, AdditionalStatus.NONE

    def seen(self, at: float, *, whole: bool = True) -> BtcpayInvoice:
        """BTCPay's answer; where it is not `whole`, without payments."""
        status, additional = self.state(at)
        payment = self.payment(at)
        paid = (payment,) if payment is not None else ()
        by_chain = self.method is Method.CHAIN
        methods = [
            lightning(*(() if by_chain else paid), payment_hash=self.hash, destination=f"lnbcrt{self.hash}"),
            onchain(*(paid if by_chain else ()), destination=f"bcrt1q{self.name}"),
        ]
        if self.method is Method.LNURL:
            methods[0] = replace(methods[0], id="BTC-LNURL", method=Method.LNURL)
        counted = payment is not None and payment.status is not PaymentStatus.INVALID
        credited = Decimal(PAID_PARTS[self.fate]) / 10 if counted else Decimal(0)
        return shop_invoice(
            self.name,
            status,
            at,
            methods if whole else None,
            additional=additional,
            paid=credited,
            created_at=self.made,
            expires_at=self.made + LIFE,
            monitored_until=self.made + LIFE + 86_400,
            order_id=self.order_id,
            speed_policy="HighSpeed",
            accounted_only=False,
            offered=tuple(method.id for method in methods),
        )

    def hooks(self) -> list[WebhookEvent]:
        """What BTCPay's webhooks say of it, as long as they all come."""
        kinds = {"InvoiceCreated": self.made}
        status, _ = self.state(END)
        kinds |= {"InvoiceExpired": self.made + LIFE} if status is InvoiceStatus.EXPIRED else {}
        if (payment := self.payment(END)) is not None:
            kinds |= {"InvoiceReceivedPayment": self.acted}
            kinds |= {"InvoicePaymentSettled": self.acted} if self.fate != REPLACED else {}
        kinds |= {"InvoiceSettled": self.acted} if status is InvoiceStatus.SETTLED else {}
        kinds |= {"InvoiceInvalid": self.acted} if status is InvoiceStatus.INVALID else {}
        marked = self.fate in {ACCEPTED, DISMISSED}
        return [
            hook(
                kind,
                at,
                invoice_id=self.name,
                delivery_id=f"{kind}-{self.name}",
                original_delivery_id=f"{kind}-{self.name}",
                payment=payment if "Payment" in kind else None,
                manually_marked=marked if kind in {"InvoiceSettled", "InvoiceInvalid"} else None,
                order_id=self.order_id,
            )
            for kind, at in kinds.items()
        ]

    def money_back(self) -> list[Event]:
        """A claim link and its payout, complete."""
        if self.fate != REFUNDED:
            return []
        link = PullPaymentKey(self.hash[-32:])
        at = self.acted + 600
        return [
            refund_link(self.name, at + 1.0, key=link, starts_at=at),
            payout(
                seen_at=at + 2.0, id=f"p-{self.name}", pull_payment=link, created_at=at, payment_hash=self.hash[::-1]
            ),
        ]


@st.composite
def shops(draw: st.DrawFn) -> list[Sale]:
    """Up to six sales, some of one order, some from before the watch began."""
    sales = []
    for name in "abcdef"[: draw(st.integers(2, 6))]:
        method = draw(st.sampled_from(list(FATES)))
        old = draw(st.integers(0, 3)) == 0
        made = draw(st.integers(1, SPAN)) + (BORN - 2 * SPAN if old else BEGIN)
        fate = draw(st.sampled_from(FATES[method]))
        # A mark's own moment is only seen, not told: such an invoice has an order to itself.
        shared = None if fate in {ACCEPTED, DISMISSED} else draw(st.sampled_from(["A-1", "A-1", "A-2", None]))
        order_id = f"old-{shared}" if shared is not None and old else shared
        sales.append(Sale(name, order_id, made, method, fate, draw(st.integers(1, LIFE - 1))))
    return sales


@dataclass
class Telling:
    """One site, told of a shop in one way."""

    ledger: Ledger
    clock: StoryClock
    site: str
    sales: Sequence[Sale]
    dice: Random
    last: float = 0.0

    def __post_init__(self) -> None:
        roles = {BTCPAY: f"invoices_{SHOP}", NODE: "invoices"}
        self.targets = {
            (self.site, slug): Target(
                site=self.site, slug=slug, kind=kind, lightning=kind == "lnd", source=Actor([Role(roles[slug])])
            )
            for slug, kind in ((BTCPAY, "btcpay"), (NODE, "lnd"))
        }
        self.orderbook = self._orderbook()

    def _orderbook(self) -> Orderbook:
        books = Books({SHOP: BTCPAY}, nodes={SHOP: NODE})
        return Orderbook(self.ledger, self.clock, self.targets, {self.site: books})

    async def run(self) -> None:
        """From the birth to the end, in random steps."""
        await self.ledger.append([replace(birth(), site=self.site), replace(birth_of_shop(), site=self.site)])
        moments = sorted(self.dice.uniform(BEGIN, BEGIN + SPAN + 8_000) for _ in range(self.dice.randint(0, 8)))
        hooks = [each for sale in self.sales for each in sale.hooks() if self.dice.random() < 0.7]
        late = [(self.dice.uniform(each.at, END), each) for each in hooks for _ in range(self.dice.randint(1, 2))]
        past = [sale for sale in self.sales if sale.history]
        self.dice.shuffle(past)
        for at in (
            float(BEGIN),
            *moments,
            float(END),
            END + 4_000.0,
        ):  # the first says what is history, the last ends marks
            due = [each for when, each in late if self.last < when <= at]
            self.dice.shuffle(due)
            for each in due:
                await self._hear(Reading(events=(each,)), each.seen_at)
            while past and (at >= END or self.dice.random() < 0.4):
                sale = past.pop()
                await self._hear(Reading(events=(sale.seen(END - 60), *sale.money_back()), history=True), at)
            if at >= END or self.dice.random() < 0.5:
                await self._ask_node(at)
            await self._poll(at)
            await self._look()
        while await self.orderbook.advance():
            pass

    async def _poll(self, at: float) -> None:
        whole = at >= END or self.dice.random() < 0.8
        changed = [sale for sale in self.sales if sale.made <= at and (not sale.history or at >= END)]
        self.dice.shuffle(changed)
        events: list[Event] = [
            sale.seen(at, whole=whole or sale.state(at)[0] is not InvoiceStatus.NEW) for sale in changed
        ]
        events += [each for sale in changed for each in sale.money_back() if getattr(each, "seen_at", END) <= at]
        newest = max((sale.made for sale in self.sales if sale.made <= at), default=None)
        facts = Invoices(SHOP, at, at, 0, newest, None, 0)
        cut = self.dice.randint(0, len(events))
        await self._hear(Reading(events=tuple(events[:cut])), at)
        await self._look()
        await self._hear(Reading(facts=facts, events=tuple(events[cut:])), at)  # the watermark comes with the last page
        self.last = at

    async def _ask_node(self, at: float) -> None:
        paid = [sale for sale in self.sales if sale.method is Method.LIGHTNING and self._reached(sale, at)]
        found = tuple(taken_by_node(sale.hash, sale.acted, PRICE_MSAT, created_at=sale.made) for sale in paid)
        self.clock.reach(at)
        await self.ledger.append([replace(entry(*found, at=at), site=self.site)])
        record = self.targets[self.site, NODE].records["invoices"]
        record.succeeded(at, 0.0)
        record.read_until = at

    def _reached(self, sale: Sale, at: float) -> bool:
        return sale.fate in {PAID, REFUNDED, OVER, MISSED} and sale.acted <= at

    async def _hear(self, reading: Reading, at: float) -> None:
        self.clock.reach(at)
        news = replace(told(at=at), site=self.site, reading=reading)
        if reading.facts is not None:
            self.targets[self.site, BTCPAY].take(f"invoices_{SHOP}", at, reading)
        await self.ledger.append([news])
        if self.dice.random() < 0.2:  # killed between append and commit: marks hold what is to be done
            await self.ledger.orders.gather(await self.ledger.orders.stale(99))
            self.orderbook = self._orderbook()
            await self.orderbook.restore()
        else:
            self.orderbook.note([news])

    async def _look(self) -> None:
        for _ in range(self.dice.choice([0, 1, 50])):
            if not await self.orderbook.advance():
                return


def _order(row: dict[str, Any]) -> dict[str, Any]:
    """An order, but for what depends on when somebody looked."""
    same: tuple[str, ...] = (
        "id",
        "order_id",
        "invoices",
        "created_at",
        "outcome",
        "rail",
        "methods",
        "offered",
        "currency",
        "due",
    )
    same += ("paid", "paid_msat", "asked_msat", "business", "history", "parts", "payments", "ends")
    told_of = sorted((each["trouble"], each["invoice"], each["subject"]) for each in json.loads(row["exceptions"]))
    proofs = sorted(each["proof"] for each in json.loads(row["evidence"]))
    timed = row["settled_at"] if row["rail"] == "lightning" else None
    return {name: row[name] for name in same} | {
        "exceptions": told_of,
        "evidence": proofs,
        "refunded": row["refunded_at"] is not None,
        "settled_at": timed,
    }


async def _outcome(ledger: Ledger, options: LedgerSettings, site: str) -> tuple[Any, ...]:
    """What a telling came to; that it counted once, and without gaps, holds of each by itself."""
    assert [each for each in await ledger.orders.stale(99) if each.site == site] == []
    held = rows(options, "merchant_order", site)
    live = [row for row in held if not row["history"]]
    assert sorted(row["sequence"] for row in live if row["sequence"] is not None) == list(range(1, len(live) + 1))
    assert all(row["sequence"] is None for row in held if row["history"])
    counters = (await ledger.orders.counters()).get((site, SHOP), {})
    counted = Counter[str]()
    for name, times in counters.items():
        counted[name.partition("/")[0]] += times
    assert counted["orders"] == len(live)
    assert counted["invoices"] == sum(len(json.loads(row["invoices"])) for row in live)
    assert counted["refunds"] == sum(row["refunded_at"] is not None for row in live)
    sums: Counter[tuple[int, str, str]] = Counter()
    for row in rows(options, "bucket", site):
        if not row["series"].startswith(("latency/", "whole/")) and row["subject"] == f"store:{SHOP}":
            sums[row["width"], row["series"], "n"] += row["n"]
            sums[row["width"], row["series"], "amount"] += row["sum"]
    orders = sorted((_order(row) for row in held), key=lambda order: order["id"])
    return orders, {name: value for name, value in sums.items() if value}


@settings(
    max_examples=12, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow]
)
@given(sales=shops(), seeds=st.lists(st.integers(0, 2**32), min_size=2, max_size=3, unique=True))
def test_however_it_is_told(tmp_path: Path, sales: list[Sale], seeds: list[int]) -> None:
    """Polls, webhooks, back-fill and restarts at other moments: the same orders and sums, each counted once."""

    async def all_ways() -> None:
        clock, options = StoryClock(), LedgerSettings(path=tmp_path / "ledger.sqlite3")
        ledger = await open_ledger(options, tmp_path, clock)
        found = []
        try:
            for seed in seeds:
                clock.at = 0.0
                telling = Telling(ledger, clock, f"s{next(_sites)}", sales, Random(seed))
                await telling.run()
                found.append(await _outcome(ledger, options, telling.site))
        finally:
            await ledger.close()
        for other in found[1:]:
            assert other == found[0]

    asyncio.run(all_ways())
