"""The node behind the double: its state, and the verbs that a test or a simulated merchant uses on it."""

import asyncio
import hashlib
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field
from typing import Generic, TypeVar

from lnwatch.grpc_stubs import simulated_lnd_pb2 as sim
from lnwatch.simulator.lnd import channels as channel
from lnwatch.simulator.lnd import peers
from lnwatch.simulator.lnd.estimates import Ways
from lnwatch.simulator.lnd.invoices import ACCEPTED, HTLC_SETTLED, InvoiceBook
from lnwatch.simulator.lnd.macaroons import Bakery
from lnwatch.simulator.lnd.payments import ForwardLog, PaymentBook

FINAL, SEND, RECEIVE, FORWARD = range(4)  # LND tells no direction with a final event
OPENED, CLOSED, ACTIVE, INACTIVE, PENDING_OPEN, RESOLVED, FUNDING_TIMEOUT, UPDATE = range(8)
CANCELED, UNDERPAID, NOT_OPEN, MPP_TIMEOUT, UNKNOWN_INVOICE = 10, 11, 13, 14, 19  # FailureDetails
_WORDS = {
    CANCELED: "canceled",
    UNDERPAID: "amount too low",
    NOT_OPEN: "invoice no longer open",
    MPP_TIMEOUT: "mpp timeout",
    UNKNOWN_INVOICE: "invoice not found",
}
_INCORRECT, _TIMED_OUT = 1, 23  # what whoever sent it is told: a code of BOLT 4
BACKUP_NONCE = 24

M = TypeVar("M")


class Broadcast(Generic[M]):
    """What happens, for whoever listens at that moment: nothing is kept."""

    def __init__(self) -> None:
        """Nobody listens yet."""
        self._queues: list[asyncio.Queue[M]] = []

    @property
    def listeners(self) -> int:
        """How many listen."""
        return len(self._queues)

    def tell(self, message: M) -> None:
        """Hand `message` to everybody who listens now."""
        for queue in self._queues:
            queue.put_nowait(message)

    def listen(self) -> AsyncIterator[M]:
        """What is told from now on: from this call, not from the first question."""
        queue: asyncio.Queue[M] = asyncio.Queue()
        self._queues.append(queue)
        return self._messages(queue)

    async def _messages(self, queue: asyncio.Queue[M]) -> AsyncIterator[M]:
        try:
            while True:
                yield await queue.get()
        finally:
            self._queues.remove(queue)


@dataclass(frozen=True, slots=True)
class Scale:
    """How large a node to build."""

    channels: int = 3
    invoices: int = 0
    payments: int = 0
    forwards: int = 0


@dataclass
class Node:
    """One simulated LND. `now` gives epoch seconds; sums are satoshis unless named otherwise."""

    now: Callable[[], float]
    seed: int = 1
    scale: Scale = Scale()
    alias: str = "merchant"
    release: str = "0.21.2"
    network: str = "regtest"
    height: int = 800_000
    synced: bool = True
    state: sim.WalletState = sim.SERVER_ACTIVE
    watchtower: sim.WatchtowerStats | None = None
    wallet: sim.WalletBalanceResponse = field(
        default_factory=lambda: sim.WalletBalanceResponse(
            total_balance=2_100_000,
            confirmed_balance=2_000_000,
            unconfirmed_balance=100_000,
            locked_balance=50_000,
            reserved_balance_anchor_chan=30_000,
        )
    )
    pending: sim.PendingChannelsResponse = field(default_factory=sim.PendingChannelsResponse)
    closed: list[sim.ChannelCloseSummary] = field(default_factory=list)
    ways: Ways | None = None  # to others, for whoever asks what a payment would cost

    def __post_init__(self) -> None:
        """Build what the scale asks for."""
        self.started = self.now()
        self.public_key = channel.public_key(f"node {self.seed}")
        self.bakery = Bakery()
        self.channels = channel.build_channels(self.seed, self.scale.channels)
        self.edges = channel.build_edges(self.channels, self.public_key)
        keys = dict.fromkeys(one.remote_pubkey for one in self.channels)
        self.peers = [peers.peer(key, "198.51.100.7:9735", inbound=True) for key in keys]
        self.gossip = {key: peers.announced(key, f"198.51.100.{number % 250}:9735") for number, key in enumerate(keys)}
        self.doors: dict[str, str] = {}  # who answers at a host
        self.invoices = InvoiceBook(seed=self.seed, history=self.scale.invoices, now=self.now)
        self.payments = PaymentBook(seed=self.seed, history=self.scale.payments, now=self.now)
        self.forwards = ForwardLog(seed=self.seed, history=self.scale.forwards, now=self.now)
        self.htlcs: Broadcast[sim.HtlcEvent] = Broadcast()
        self.changes: Broadcast[sim.ChannelEventUpdate] = Broadcast()
        self.states: Broadcast[sim.WalletState] = Broadcast()

    @property
    def version(self) -> tuple[int, ...]:
        """The release as numbers."""
        return tuple(map(int, self.release.split(".")))

    def enter(self, state: sim.WalletState) -> None:
        """Change the wallet's state."""
        self.state = state
        self.states.tell(state)

    def receive(self, index: int, number: int = 0) -> sim.Invoice:
        """A customer pays the invoice with this add index over channel `number`."""
        self.hold(index, number)
        return self.release_held(index, number)

    def hold(self, index: int, number: int = 0) -> sim.Invoice:
        """The customer's HTLC arrives and stays, as for a hold invoice."""
        one = self.channels[number]
        invoice = self.invoices.accept(index, one.chan_id, htlc_index=one.num_updates)
        amount = invoice.value_msat // 1_000
        channel.hold(one, amount, invoice.r_hash, expiry=self.height + 144)
        self._updated(one)
        return invoice

    def release_held(self, index: int, number: int = 0) -> sim.Invoice:
        """Settle what was held."""
        one = self.channels[number]
        invoice = self.invoices.settle(index, one.chan_id)
        channel.resolve(one, invoice.r_hash, settled=True)
        one.total_satoshis_received += invoice.value_msat // 1_000
        self.settled(one, invoice)
        return invoice

    def settled(self, one: sim.Channel, invoice: sim.Invoice) -> None:
        """Tell of an HTLC over a channel that was settled for an invoice."""
        for htlc in invoice.htlcs:
            if htlc.chan_id == one.chan_id and htlc.state == HTLC_SETTLED:
                settle = sim.SettleEvent(preimage=invoice.r_preimage)
                self._incoming(RECEIVE, one, htlc.htlc_index, sim.HtlcEvent(settle_event=settle))
                final = sim.FinalHtlcEvent(settled=True, offchain=True)
                self._incoming(FINAL, one, htlc.htlc_index, sim.HtlcEvent(final_htlc_event=final))
        self._updated(one)

    def give_back(self, index: int, number: int = 0) -> None:
        """Cancel an invoice; what was held for it goes back."""
        invoice = self.invoices.get(index)
        held = invoice is not None and invoice.state == ACCEPTED
        payment_hash = invoice.r_hash if invoice is not None else b""
        self.invoices.cancel(index)
        if held:
            channel.resolve(self.channels[number], payment_hash, settled=False)
            self.fail(CANCELED, invoice.value_msat if invoice is not None else 0, number)

    def fail(self, detail: int = UNDERPAID, amount_msat: int = 1_000, number: int = 0) -> None:
        """An HTLC arrives and is refused."""
        one = self.channels[number]
        htlc, one.num_updates = one.num_updates, one.num_updates + 1
        refused = sim.LinkFailEvent(
            info=sim.HtlcInfo(incoming_amt_msat=amount_msat, incoming_timelock=self.height + 144),
            wire_failure=_TIMED_OUT if detail == MPP_TIMEOUT else _INCORRECT,
            failure_detail=detail,
            failure_string=_WORDS[detail],
        )
        self._incoming(RECEIVE, one, htlc, sim.HtlcEvent(link_fail_event=refused))
        final = sim.FinalHtlcEvent(settled=False, offchain=True)
        self._incoming(FINAL, one, htlc, sim.HtlcEvent(final_htlc_event=final))

    def pay(self, amount_msat: int, number: int = 0) -> sim.Payment:
        """Send money out; it is in flight until `payments.finish`."""
        payment = self.payments.send(amount_msat)
        info = sim.HtlcInfo(outgoing_amt_msat=amount_msat, outgoing_timelock=self.height + 40)
        sent = sim.ForwardEvent(info=info)
        self._htlc(SEND, sim.HtlcEvent(outgoing_channel_id=self.channels[number].chan_id, forward_event=sent))
        return payment

    def set_active(self, number: int, *, active: bool) -> None:
        """A peer goes away or comes back."""
        one = self.channels[number]
        one.active = active
        point = self._point(one)
        if active:
            self.changes.tell(sim.ChannelEventUpdate(type=ACTIVE, active_channel=point))
        else:
            self.changes.tell(sim.ChannelEventUpdate(type=INACTIVE, inactive_channel=point))

    def lose(self, key: str) -> None:
        """A peer is gone, and its channels with it, until it is connected again."""
        self.peers = [peer for peer in self.peers if peer.pub_key != key]
        self._follow(key, active=False)

    def connect(self, key: str, host: str) -> str:
        """We call a peer at a host. Raises UnreachedError with LND's words, unless that very peer answers there."""
        address = peers.call(self, key, host)
        self.peers.append(peers.peer(key, address, inbound=False))
        self._follow(key, active=True)
        return f"connection to {key}@{address} initiated"

    def _follow(self, key: str, *, active: bool) -> None:
        for number, one in enumerate(self.channels):
            if one.remote_pubkey == key and one.active is not active:
                self.set_active(number, active=active)

    def close(self, number: int, close_type: int = 0) -> sim.ChannelCloseSummary:
        """A channel ends, by one of LND's types of closing."""
        one = self.channels.pop(number)
        self.edges = [edge for edge in self.edges if edge.channel_id != one.chan_id]
        summary = sim.ChannelCloseSummary(
            channel_point=one.channel_point,
            chan_id=one.chan_id,
            closing_tx_hash=hashlib.sha256(one.channel_point.encode()).hexdigest(),
            remote_pubkey=one.remote_pubkey,
            capacity=one.capacity,
            close_height=self.height,
            settled_balance=one.local_balance,
            close_type=close_type,
        )
        self.closed.append(summary)
        self.changes.tell(sim.ChannelEventUpdate(type=CLOSED, closed_channel=summary))
        return summary

    def backup(self) -> bytes:
        """The content of `channel.backup` as it would be written now."""
        points = "\n".join(one.channel_point for one in self.channels).encode()
        return bytes(BACKUP_NONCE) + self._seal(points) + points

    def covered(self, backup: bytes) -> list[str] | None:
        """The funding outpoints in a backup; None where this node can't open it."""
        seal, points = backup[BACKUP_NONCE : BACKUP_NONCE + 16], backup[BACKUP_NONCE + 16 :]
        return points.decode().split() if seal == self._seal(points) else None

    def _seal(self, points: bytes) -> bytes:
        return hashlib.sha256(self.public_key.encode() + points).digest()[:16]

    def _point(self, one: sim.Channel) -> sim.ChannelPoint:
        txid, _, output = one.channel_point.partition(":")
        return sim.ChannelPoint(funding_txid_bytes=bytes.fromhex(txid)[::-1], output_index=int(output))

    def _updated(self, one: sim.Channel) -> None:
        if self.version >= (0, 21, 0):
            update = sim.ChannelCommitUpdate(channel=one)
            self.changes.tell(sim.ChannelEventUpdate(type=UPDATE, updated_channel=update))

    def _htlc(self, kind: int, event: sim.HtlcEvent) -> None:
        event.event_type = kind
        event.timestamp_ns = int(self.now() * 1e9)
        self.htlcs.tell(event)

    def _incoming(self, kind: int, one: sim.Channel, htlc: int, event: sim.HtlcEvent) -> None:
        event.incoming_channel_id, event.incoming_htlc_id = one.chan_id, htlc
        self._htlc(kind, event)
