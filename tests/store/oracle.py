"""What the ledger ought to hold, reckoned one entry at a time in plain dictionaries."""

import json
from collections import Counter
from dataclasses import asdict, dataclass, field, replace
from math import floor, inf
from typing import Any

from lnwatch.model.chain import Block, MempoolSighting, WatchedTransaction
from lnwatch.model.lightning import (
    Forward,
    InvoiceState,
    LightningInvoice,
    LightningPayment,
    PaymentState,
    PendingChannels,
    PendingState,
    Wallet,
)
from lnwatch.model.snapshot import Event, Facts
from lnwatch.store import Entry

KEEP_FIVE_MINUTES = 8 * 86_400
RANK = {InvoiceState.OPEN: 0, InvoiceState.ACCEPTED: 1}


@dataclass
class Oracle:
    births: dict[tuple[str, str], float] = field(default_factory=dict)
    cursors: dict[tuple[str, str, str], str] = field(default_factory=dict)
    invoices: dict[tuple[str, str, str], LightningInvoice] = field(default_factory=dict)
    payments: dict[tuple[str, str, str], LightningPayment] = field(default_factory=dict)
    forwards: dict[tuple[str, str, float, str, int], Forward] = field(default_factory=dict)
    chains: dict[tuple[str, str], dict[int, Block]] = field(default_factory=dict)
    watched: dict[tuple[str, str], WatchedTransaction] = field(default_factory=dict)
    snapshots: dict[tuple[str, str, str], tuple[float, Facts]] = field(default_factory=dict)
    balances: dict[tuple[str, str, str], list[tuple[float, int]]] = field(default_factory=dict)
    buckets: Counter[tuple[Any, ...]] = field(default_factory=Counter)  # n and sum under keys of their own
    counters: Counter[tuple[str, str, str]] = field(default_factory=Counter)

    def tell(self, entry: Entry) -> None:
        key = (entry.site, entry.source)
        if entry.leads:
            self.births.setdefault((entry.site, ""), floor(entry.at))
            self.births.setdefault(key, floor(entry.at))
        named = {(*key, name): value for name, value in entry.reading.cursors.items()}
        again = bool(named) and all(self.cursors.get(name) == value for name, value in named.items())
        sums = entry.reading.history and not again
        self.cursors |= named
        if entry.reading.facts is not None:
            self._facts(entry, entry.reading.facts)
        for event in entry.reading.events:
            self._event(entry, event, self.births.get(key, inf), sums)

    def _event(self, entry: Entry, event: Event, born: float, sums: bool) -> None:
        match event:
            case LightningInvoice():
                self._invoice(entry, event, born, sums)
            case LightningPayment():
                self._payment(entry, event, born, sums)
            case Forward():
                self._forward(entry, event, born, sums)
            case Block():
                self._block(entry, event)
            case MempoolSighting():
                known = self.watched.get((entry.site, event.txid))
                if known is not None and event.at < (inf if known.first_seen_at is None else known.first_seen_at):
                    self.watched[entry.site, event.txid] = replace(known, first_seen_at=event.at)

    def _invoice(self, entry: Entry, told: LightningInvoice, born: float, sums: bool) -> None:
        key = (entry.site, entry.source, told.payment_hash)
        row = self.invoices.get(key)
        final = told.final_at
        if row is None and final is not None and final < born:
            if sums:
                self._outcome(entry, told, 1)
            return
        if row is not None and row.final_at is not None:
            if row.state is not InvoiceState.EXPIRED or told.state not in {InvoiceState.SETTLED, InvoiceState.CANCELED}:
                return
            self._outcome(entry, row, -1)
        elif row is not None and _progress(told) <= _progress(row):
            return
        self.invoices[key] = told
        if final is not None:
            self._outcome(entry, told, 1)
            if final >= born:
                self.counters[entry.site, entry.source, f"invoices_{told.state.value}"] += 1
                if told.state is InvoiceState.SETTLED:
                    self.counters[entry.site, entry.source, "received_msat"] += told.paid_msat

    def _outcome(self, entry: Entry, told: LightningInvoice, n: int) -> None:
        paid = told.paid_msat if told.state is InvoiceState.SETTLED else 0
        assert told.final_at is not None
        self._bucket(entry, f"lightning_invoice_{told.state.value}", told.final_at, n, n * paid)

    def _bucket(self, entry: Entry, series: str, at: float, n: int, amount: int) -> None:
        for width in (300, 3_600):
            start = floor(at / width) * width
            if width == 3_600 or start > entry.at - KEEP_FIVE_MINUTES:
                key = (entry.site, f"node:{entry.source}", series, width, start)
                self.buckets[*key, "n"] += n
                self.buckets[*key, "sum"] += amount

    def _payment(self, entry: Entry, told: LightningPayment, born: float, sums: bool) -> None:
        key = (entry.site, entry.source, told.payment_hash)
        row = self.payments.get(key)
        if row is None and told.final_at is not None and told.final_at < born:
            if sums:
                self._paid(entry, told)
            return
        if row is not None:
            older = told.index < row.index
            settled = told.index == row.index and (row.final_at is not None or _story(told) <= _story(row))
            if older or settled:
                return
        self.payments[key] = told
        if told.final_at is not None:
            self._paid(entry, told)

    def _paid(self, entry: Entry, told: LightningPayment) -> None:
        assert told.final_at is not None
        good = told.state is PaymentState.SUCCEEDED
        self._bucket(entry, f"lightning_payment_{told.state.value}", told.final_at, 1, told.value_msat if good else 0)
        if good:
            self._bucket(entry, "lightning_payment_fee", told.final_at, 1, told.fee_msat)

    def _forward(self, entry: Entry, told: Forward, born: float, sums: bool) -> None:
        key = (entry.site, entry.source, told.at, told.channel_in, told.htlc_in)
        if told.at < born:
            if not sums:
                return
        elif key in self.forwards:
            return
        else:
            self.forwards[key] = told
        self._bucket(entry, "lightning_forward", told.at, 1, told.amount_out_msat)
        self._bucket(entry, "lightning_forward_fee", told.at, 1, told.fee_msat)

    def _block(self, entry: Entry, told: Block) -> None:
        chain = self.chains.setdefault((entry.site, entry.source), {})
        if told.height not in chain or chain[told.height].hash != told.hash:
            parent = chain.get(told.height - 1)
            lowest = told.height - (parent is not None and parent.hash != told.previous_hash)
            for height in [height for height in chain if height >= lowest]:
                gone = chain.pop(height).hash
                for key, entry_of in self.watched.items():
                    if key[0] == entry.site and entry_of.block_hash == gone:
                        self.watched[key] = replace(entry_of, block_height=None, block_hash=None)
            chain[told.height] = told
        for txid in told.txids:
            if (known := self.watched.get((entry.site, txid))) is not None:
                self.watched[entry.site, txid] = replace(known, block_height=told.height, block_hash=told.hash)

    def _facts(self, entry: Entry, facts: Facts) -> None:
        if isinstance(facts, PendingChannels):
            for channel in facts.channels:
                opening = channel.point.split(":")[0] if channel.state is PendingState.OPENING else None
                for txid in filter(None, (channel.closing_txid, opening)):
                    self.watched.setdefault((entry.site, txid), WatchedTransaction(txid, entry.at))
        key = (entry.site, entry.source, entry.collector)
        if key in self.snapshots and self.snapshots[key][0] >= entry.at:
            return
        self.snapshots[key] = (entry.at, facts)
        if isinstance(facts, Wallet):
            for name in ("confirmed", "unconfirmed", "locked"):
                rows = self.balances.setdefault((entry.site, entry.source, f"wallet_{name}"), [])
                amount = getattr(facts, f"{name}_msat")
                if not rows or (rows[-1][0] < entry.at and rows[-1][1] != amount):
                    rows.append((entry.at, amount))


def _progress(told: LightningInvoice) -> tuple[int, int, int, str]:
    htlcs = json.dumps([asdict(part) for part in told.htlcs], separators=(",", ":"))
    return RANK.get(told.state, 2), told.paid_msat, len(htlcs), htlcs


def _story(told: LightningPayment) -> tuple[bool, int, int]:
    return told.final_at is not None, told.attempts, told.fee_msat
