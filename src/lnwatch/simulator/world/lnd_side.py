"""The merchant's LND as the world has it: its channels follow the world's, whose HTLCs pay its invoices."""

import hashlib
from typing import Final

from lnwatch.grpc_stubs import simulated_lnd_pb2 as sim
from lnwatch.simulator.lnd import Node, peers
from lnwatch.simulator.lnd import channels as channel
from lnwatch.simulator.lnd.node import MPP_TIMEOUT, OPENED, UNDERPAID, UNKNOWN_INVOICE
from lnwatch.simulator.world.channels import COMMIT, Channel, Network
from lnwatch.simulator.world.events import Parts

_EXPIRY: Final = 144  # blocks that an HTLC has when it arrives
_LOCKED: Final = 144  # blocks that ours of a forced closing waits
_COOPERATIVE, _REMOTE_FORCE = 0, 2
_HEIGHT: Final = 100  # where the first channel's funding is


class LndSide:
    """Keeps `node` in step with `network`."""

    def __init__(self, node: Node, network: Network, seed: str) -> None:
        """Build the node's channels and peers."""
        self.node = node
        self.others: list[Node] = []  # nodes that follow the same chain
        self._network = network
        self._seed = seed
        self._mirrors: dict[int, sim.Channel] = {}
        self._hosts: dict[str, str] = {}
        self._closings: dict[str, sim.ChannelCloseSummary] = {}  # forced ones, until they are resolved
        self._stuck: dict[int, bytes] = {}  # payment hash by channel
        self.hears_blocks = True
        for number, name in enumerate(network.peers):
            key, host = self.key(name), f"198.51.100.{number + 1}:9735"
            self._hosts[name] = host
            node.peers.append(peers.peer(key, host, inbound=False))
            node.gossip[key] = peers.announced(key, host)
            node.gossip[key].alias = name
        for each in network.channels.values():
            self._mirror(each)
        self._announce()

    def key(self, peer: str) -> str:
        """The public key of a peer."""
        return channel.public_key(f"{self._seed}/peer/{peer}")

    # -- channels ---------------------------------------------------------------------------------------------

    def _mirror(self, one: Channel) -> sim.Channel:
        digest = hashlib.sha256(f"{self._seed}/channel/{one.id}".encode()).hexdigest()
        capacity, reserve = one.capacity // 1_000, one.reserve // 1_000
        limits = sim.ChannelConstraints(
            csv_delay=_LOCKED,
            chan_reserve_sat=reserve,
            dust_limit_sat=354,
            max_pending_amt_msat=(capacity - reserve) * 1_000,
            min_htlc_msat=1,
            max_accepted_htlcs=483,
        )
        made = sim.Channel(
            active=one.peer.online,
            remote_pubkey=self.key(one.peer.spec.name),
            channel_point=f"{digest}:{one.id % 2}",
            chan_id=(_HEIGHT + one.id) << 40 | 1 << 16 | one.id % 2,
            capacity=capacity,
            commit_fee=channel.COMMIT_FEE,
            commit_weight=1_116,
            fee_per_kw=2_500,
            csv_delay=_LOCKED,
            initiator=one.ours,
            chan_status_flags="ChanStatusDefault",
            local_chan_reserve_sat=reserve,
            remote_chan_reserve_sat=reserve,
            commitment_type=channel.ANCHORS,
            local_constraints=limits,
            remote_constraints=limits,
            peer_alias=one.peer.spec.name,
        )
        self._mirrors[one.id] = made
        self.node.channels.append(made)
        self._balance(one)
        return made

    def _announce(self) -> None:
        self.node.edges = channel.build_edges(self.node.channels, self.node.public_key)

    def _balance(self, one: Channel) -> None:
        mirror = self._mirrors[one.id]
        mirror.local_balance, mirror.unsettled_balance = one.local // 1_000, (one.pending + one.stuck) // 1_000
        whole = mirror.capacity - COMMIT // 1_000
        mirror.remote_balance = whole - mirror.local_balance - mirror.unsettled_balance

    def balance(self) -> None:
        """Have every channel show what the world's has."""
        for one in self._network.channels.values():
            if one.id in self._mirrors:
                self._balance(one)

    def wallet(self, msat: int, limbo: int) -> None:
        """What is on-chain."""
        confirmed, coming = max(0, msat) // 1_000, max(0, limbo) // 1_000
        self.node.wallet = sim.WalletBalanceResponse(
            total_balance=confirmed + coming,
            confirmed_balance=confirmed,
            unconfirmed_balance=coming,
            reserved_balance_anchor_chan=min(confirmed, 10_000 * len(self.node.channels)),
        )

    def peer_went(self, name: str, *, online: bool) -> None:
        """A peer came or went."""
        key, host = self.key(name), self._hosts[name]
        if not online:
            self.node.doors.pop(host, None)
            self.node.lose(key)
            return
        self.node.doors[host] = key
        if all(each.pub_key != key for each in self.node.peers):
            self.node.connect(key, host)

    def opened(self, one: Channel) -> None:
        """A peer opened a channel to us."""
        made = self._mirror(one)
        self._announce()
        self.node.changes.tell(sim.ChannelEventUpdate(type=OPENED, open_channel=made))

    def closed(self, number: int, msat: int, *, forced: bool) -> None:
        """A channel ended; of a forced closing what is ours waits."""
        gone = self._mirrors.pop(number)
        summary = self.node.close(self.node.channels.index(gone), _REMOTE_FORCE if forced else _COOPERATIVE)
        self._announce()
        if not forced:
            return
        self.node.closed.remove(summary)  # LND lists it there once all of it is resolved
        pending = sim.PendingChannel(
            remote_node_pub=gone.remote_pubkey,
            channel_point=gone.channel_point,
            capacity=gone.capacity,
            local_balance=gone.local_balance,
            remote_balance=gone.remote_balance,
        )
        self.node.pending.pending_force_closing_channels.add(
            channel=pending,
            closing_txid=summary.closing_tx_hash,
            limbo_balance=msat // 1_000,
            maturity_height=self.node.height + _LOCKED,
            blocks_til_maturity=_LOCKED,
        )
        self.node.pending.total_limbo_balance += msat // 1_000
        self._closings[gone.channel_point] = summary

    # -- blocks and HTLCs -------------------------------------------------------------------------------------

    def block(self, height: int) -> None:
        """Others see a block, and the node unless it hears of none; what waited long enough is ours."""
        for other in self.others:
            other.height = height
        if not self.hears_blocks:
            return
        self.node.height = height
        waiting = self.node.pending.pending_force_closing_channels
        for position in reversed(range(len(waiting))):
            one = waiting[position]
            one.blocks_til_maturity = one.maturity_height - height
            if one.blocks_til_maturity <= 0:
                self.node.pending.total_limbo_balance -= one.limbo_balance
                self.node.closed.append(self._closings.pop(one.channel.channel_point))
                del waiting[position]

    def arrive(self, index: int, parts: Parts, *, whole: bool) -> None:
        """HTLCs of an invoice arrive. What is due by the invoice itself is what the last one makes up."""
        invoice = self.node.invoices.get(index)
        due = invoice.value_msat if invoice is not None and whole else 0
        paid = 0
        for position, (number, msat) in enumerate(parts):
            amount = due - paid if due and position == len(parts) - 1 else msat
            paid += amount
            mirror = self._mirrors.get(number)
            if mirror is None:
                continue
            held = self.node.invoices.accept(index, mirror.chan_id, htlc_index=mirror.num_updates, msat=amount)
            held.htlcs[-1].accept_height, held.htlcs[-1].expiry_height = self.node.height, self.node.height + _EXPIRY
            channel.hold(mirror, amount // 1_000, held.r_hash, expiry=self.node.height + _EXPIRY)
        self.balance()

    def stick(self, number: int, msat: int, expires: int) -> None:
        """An HTLC of ours stays on its way out."""
        payment_hash = hashlib.sha256(f"{self._seed}/stuck/{number}/{expires}".encode()).digest()
        self._stuck[number] = payment_hash
        channel.hold(self._mirrors[number], msat // 1_000, payment_hash, incoming=False, expiry=expires)
        self.balance()

    def free(self, number: int) -> None:
        """It fails at last."""
        if (payment_hash := self._stuck.pop(number, None)) is not None and number in self._mirrors:
            channel.resolve(self._mirrors[number], payment_hash, settled=False)
        self.balance()

    def settle(self, index: int, parts: Parts) -> sim.Invoice:
        """The node takes what arrived."""
        invoice = self.node.invoices.settle(index)
        for number, msat in parts:
            mirror = self._mirrors.get(number)
            if mirror is not None:
                self.node.settled(mirror, invoice)
                channel.resolve(mirror, invoice.r_hash, settled=True)
                mirror.total_satoshis_received += msat // 1_000
        self.balance()
        return invoice

    def probed(self, number: int, msat: int) -> None:
        """Somebody sent what no invoice asks for, to see whether it arrives."""
        mirror = self._mirrors.get(number)
        if mirror is not None:
            self.node.fail(UNKNOWN_INVOICE, msat, self.node.channels.index(mirror))

    def refuse(self, index: int | None, parts: Parts, why: str) -> None:
        """The node gives back what arrived; whoever listens is told without a payment hash."""
        invoice = self.node.invoices.get(index) if index is not None else None
        detail = MPP_TIMEOUT if why == "mpp timeout" else UNDERPAID
        if invoice is not None and index is not None and detail == MPP_TIMEOUT:
            self.node.invoices.time_out(index)
        for number, msat in parts:
            mirror = self._mirrors.get(number)
            if mirror is not None:
                if invoice is not None:
                    channel.resolve(mirror, invoice.r_hash, settled=False)
                self.node.fail(detail, msat, self.node.channels.index(mirror))
        self.balance()
