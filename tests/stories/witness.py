"""What the Lightning node and bitcoind of a recorded story would have told: invoices that were settled, transactions
that came into the mempool, and the blocks that confirmed them."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from lnwatch.model.chain import Block, MempoolSighting, Network
from lnwatch.model.lightning import InvoiceHtlc, InvoiceState, LightningInvoice
from lnwatch.model.merchant import BtcpayInvoice, Payment, PaymentStatus, WebhookEvent
from lnwatch.model.money import Msat
from lnwatch.model.snapshot import Event, Reading, TargetReport, TargetState
from lnwatch.sources.btcpay.parsing import decode
from tests.assessments import bitcoind_status, node_status
from tests.stories.script import Script, began
from tests.stories.stage import Actor, Role, Stage

NODE, CORE = "ln1", "core"
EVERY = 60.0  # seconds
KEY = "0305db8480be61322969ad7c8a0084157479b3b032734be913018b3c2d35ac649e"  # of the node in the recordings
SOURCES = {
    NODE: ("lnd", Actor([Role("node"), Role("invoices")])),
    CORE: ("bitcoind", Actor([Role("status"), Role("blocks")])),
}
_UP = TargetReport(TargetState.UP, "31.0", supported=True, network=Network.REGTEST)


@dataclass
class Witness:
    """`settled` are the node's invoices, `sent` when a transaction was, `blocks` all that came, the oldest first."""

    settled: list[LightningInvoice] = field(default_factory=list)
    sent: dict[str, float] = field(default_factory=dict)
    blocks: list[Block] = field(default_factory=list)
    told_at: float = float("-inf")
    told: tuple[tuple[Event, ...], tuple[LightningInvoice, ...]] = ((), ())

    @classmethod
    def of(cls, path: Path, script: Script) -> "Witness":
        """Those of the story at `path`."""
        steps = decode(path.read_bytes())["steps"]
        witness, known = cls(), dict(_payments(script))
        confirmed = _confirmed(script)
        for number, (paid, made) in enumerate(known.values(), 1):
            if paid.payment_hash is not None:
                witness.settled.append(_settled(paid, made, number))
        witness._chain(steps, began(steps), confirmed)
        return witness

    def _chain(self, steps: Sequence[Mapping[str, Any]], base: float, confirmed: Mapping[str, float]) -> None:
        """A block confirms what was sent, but for what another one replaced; BTCPay may have told of it first."""
        replaced: set[str] = set()
        for step in steps:
            action, at = str(step.get("action", "")), base + float(step["t"])
            if action.startswith("customer replaces"):
                replaced |= self.sent.keys()
            elif "txid" in step:
                self.sent[step["txid"]] = at
            elif action.endswith("mined"):
                txids = tuple(
                    sorted(self.sent.keys() - replaced - {txid for each in self.blocks for txid in each.txids})
                )
                at = min([at, *(confirmed[txid] for txid in txids if txid in confirmed)])
                if not self.blocks:
                    self._add(step["height"] - 1, base - 60, ())
                self._add(step["height"], at, txids)

    def _add(self, height: int, at: float, txids: tuple[str, ...]) -> None:
        self.blocks.append(Block(height, f"a{height}", f"a{height - 1}", int(at), at, txids))

    async def tell(self, stage: Stage) -> None:
        """What both have to tell by now: news at once, that they are well once a minute."""
        now = stage.clock.now()
        blocks = [block for block in self.blocks if block.seen_at <= now]
        taken = tuple(each for each in self.settled if (each.final_at or 0) <= now)
        waiting = {each.txid for each in await stage.ledger.memory(stage.site, CORE).watched() if not each.block_height}
        seen = [MempoolSighting(txid, at) for txid, at in self.sent.items() if txid in waiting and at <= now]
        news: tuple[Event, ...] = (*seen, *blocks)
        fresh = now - self.told_at < EVERY
        if not fresh:
            self.told_at = now
            await self._well(stage, blocks[-1].height if blocks else 116)
        if not fresh or news != self.told[0]:
            await stage.told(CORE, "blocks", Reading(events=news))
        if not fresh or taken != self.told[1]:
            await stage.told(NODE, "invoices", Reading(events=taken))
        self.told = news, taken

    async def _well(self, stage: Stage, height: int) -> None:
        now = int(stage.clock.now())
        status = bitcoind_status(chain=Network.REGTEST, blocks=height, headers=height, tip_time=now, clock_offset=0.0)
        await stage.told(CORE, "status", Reading(facts=status, target=_UP))
        facts = node_status(public_key=KEY, network=Network.REGTEST, block_height=height, best_header_time=now)
        await stage.told(NODE, "node", Reading(facts=facts, target=_UP))


def _payments(script: Script) -> Iterator[tuple[str, tuple[Payment, int]]]:
    """Every payment that BTCPay ever told of an invoice, and when that was made."""
    for told in script.told:
        for event in told.events:
            if isinstance(event, BtcpayInvoice):
                yield from ((paid.id, (paid, event.created_at)) for paid in event.payments)


def _confirmed(script: Script) -> dict[str, float]:
    """When BTCPay first said of a transaction that it is in a block."""
    found: dict[str, float] = {}
    for told in script.told:
        for event in told.events:
            hooked = event.payment if isinstance(event, WebhookEvent) else None
            listed = event.payments if isinstance(event, BtcpayInvoice) else ()
            for paid in (*listed, *([hooked] if hooked is not None else ())):
                if paid.txid is not None and paid.status is PaymentStatus.SETTLED:
                    found.setdefault(paid.txid, told.at)
    return found


def _settled(paid: Payment, made: int, number: int) -> LightningInvoice:
    amount, at = paid.value_msat or Msat(0), paid.received_at
    part = InvoiceHtlc("820000x12x1", number, amount, at, at, settled=True, canceled=False)
    return LightningInvoice(
        payment_hash=paid.payment_hash or "",
        add_index=number,
        settle_index=number,
        state=InvoiceState.SETTLED,
        value_msat=amount,
        paid_msat=amount,
        created_at=made,
        expires_at=made + 900,
        final_at=at,
        keysend=False,
        amp=False,
        private=False,
        htlcs=(part,),
    )
