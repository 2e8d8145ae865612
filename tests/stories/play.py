"""Plays a recording on a stage, as it was recorded or with its webhooks shuffled or lost, and says what came of it."""

import random
from collections.abc import AsyncIterator, Iterable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from enum import StrEnum
from itertools import count
from pathlib import Path

from lnwatch.model.btcpay import Invoices
from lnwatch.model.case import Case
from lnwatch.model.merchant import OPEN_STATUSES, BtcpayInvoice
from lnwatch.model.order import Order
from lnwatch.model.snapshot import Reading
from lnwatch.store import Ledger, LedgerSettings, open_ledger
from tests.stories.script import STORE, Script, Told, watermark
from tests.stories.stage import Actor, Role, Stage, StoryClock
from tests.stories.witness import SOURCES, Witness

PAST_FINALITY = 3 * 3_600.0  # seconds after the last thing that BTCPay still waits for
EVE = 30.0  # seconds before the story, from when on node and chain are watched: what they knew before is history
FRESH = 60.0  # seconds between two looks at the server as a whole
SERVER = "btcpay"
_ROLES = ("status", f"store_{STORE}", f"invoices_{STORE}", f"payouts_{STORE}", f"refunds_{STORE}", f"requests_{STORE}")
_sites = count(1)


class Variant(StrEnum):
    """What becomes of the webhooks on their way."""

    RECORDED = "recorded"
    SHUFFLED = "shuffled"  # among themselves, and against the polls
    LOST = "lost"  # some of them, the others late
    POLLS = "polls"  # all of them
    RESTARTED = "restarted"  # shuffled, and the maker of orders begins anew after each step


@dataclass(frozen=True)
class Outcome:
    """What came of a recording: its orders, the cases that somebody was told of, and how many orders were counted."""

    orders: tuple[Order, ...]
    cases: tuple[Case, ...]
    counted: int

    def cases_of(self, order: Order) -> tuple[str, ...]:
        """The rules of the cases about an order, its invoices, or the site that it was made at."""
        names = {order.id, order.order_id}
        mine = {*(f"order:{order.store}/{name}" for name in names), *(f"invoice:{each}" for each in order.invoices)}
        return tuple(sorted({case.fingerprint.rule for case in self.cases if _about(case, mine)}))

    @property
    def of_site(self) -> tuple[str, ...]:
        """The rules of the cases that are about no order."""
        return tuple(sorted({case.fingerprint.rule for case in self.cases if _about(case, set())}))


def _about(case: Case, subjects: set[str]) -> bool:
    subject = case.fingerprint.subject
    return subject in subjects or not subject.startswith(("order:", "invoice:"))


@asynccontextmanager
async def opened(folder: Path) -> AsyncIterator[tuple[Ledger, StoryClock]]:
    """A ledger for any number of recordings: each plays at a site of its own."""
    clock = StoryClock()
    ledger = await open_ledger(LedgerSettings(), folder, clock)
    try:
        yield ledger, clock
    finally:
        await ledger.close()


async def play_story(
    ledger: Ledger,
    clock: StoryClock,
    path: Path,
    variant: Variant = Variant.RECORDED,
    seed: int = 0,
    *,
    witnessed: bool = False,
) -> Outcome:
    """A story of payments: the last answers hold, and the clock runs on past finality. `witnessed`: the node and the
    chain tell too, now before BTCPay and now after it."""
    script, dice = Script.read(path), random.Random(seed)
    clock.at = script.told[0].at - EVE if script.told else 0.0
    sources = {SERVER: ("btcpay", Actor([Role(name) for name in _ROLES])), **(SOURCES if witnessed else {})}
    stage = Stage(ledger, clock, f"story{next(_sites)}", sources)
    witness = Witness.of(path, script) if witnessed else None
    if witness is not None:
        await witness.tell(stage)
    told: list[Told] = []
    for each in _varied(script.told, variant, dice):
        told.append(each)
        clock.reach(each.at)
        early = dice.random() < 0.5
        if witness is not None and early:
            await witness.tell(stage)
        await _tell(stage, each, watermark(told))
        if witness is not None and not early:
            await witness.tell(stage)
        await stage.judge()
        if variant is Variant.RESTARTED:
            await stage.restart()
    await _run_on(stage, script, witness)
    return await outcome_of(stage, script.invoices)


async def outcome_of(stage: Stage, invoices: Iterable[str]) -> Outcome:
    """What came of these invoices."""
    counters = (await stage.ledger.orders.counters()).get((stage.site, STORE), {})
    counted = sum(n for name, n in counters.items() if name.startswith("orders/"))
    return Outcome(await stage.orders(invoices), await stage.told_cases(), counted)


def _varied(told: Sequence[Told], variant: Variant, dice: random.Random) -> Iterable[Told]:
    polls, hooks = [each for each in told if each.polled], [each for each in told if not each.polled]
    match variant:
        case Variant.RECORDED:
            return told
        case Variant.POLLS:
            return polls
        case Variant.LOST:
            hooks = [hook for hook in hooks if dice.random() < 0.5]
    dice.shuffle(hooks)
    mixed = list(polls)
    for hook in hooks:
        mixed.insert(dice.randint(0, len(mixed)), hook)
    return mixed


async def _tell(stage: Stage, told: Told, read_until: float | None) -> None:
    last = stage.target(SERVER).records["status"].last_success_at
    if last is None or stage.clock.now() - last >= FRESH:
        await stage.told(SERVER, "status", Reading())
    if told.polled:
        await stage.told(SERVER, f"invoices_{STORE}", _reading(told.events, read_until), told.at)
    else:
        await stage.heard(SERVER, "hook", Reading(events=told.events), told.at)


def _reading(events: Sequence[object], read_until: float | None) -> Reading:
    facts = None
    if read_until is not None:
        open_ones = [each for each in events if isinstance(each, BtcpayInvoice) and each.status in OPEN_STATUSES]
        facts = Invoices(STORE, read_until, None, len(open_ones), None, None, None)
    return Reading(facts=facts, events=tuple(events))  # type: ignore[arg-type] # they are those of a script


async def _run_on(stage: Stage, script: Script, witness: Witness | None) -> None:
    """Everything is read twice more: soon, and when BTCPay waits for nothing any more."""
    if not script.invoices:
        return
    last = max(int(each["monitoringExpiration"]) for each in script.invoices.values())
    for at in (stage.clock.now() + 60, max(stage.clock.now(), last) + PAST_FINALITY):
        stage.clock.reach(at)
        events = tuple(script.invoice(name, at) for name in script.invoices)
        await _tell(stage, Told(at, True, events), at)
        if witness is not None:
            await witness.tell(stage)
        await stage.judge()
