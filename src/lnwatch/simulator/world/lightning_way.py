"""BTCPay's way to the merchant's LND: it asks the simulated node for invoices, and hears of those that settle."""

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from typing import Any

from lnwatch.grpc_stubs import simulated_lnd_pb2 as sim
from lnwatch.simulator.btcpay import NodeInvoice, PaymentError
from lnwatch.simulator.btcpay.encoding import bolt11, bolt11_msat
from lnwatch.simulator.btcpay.wallet import NodePayment
from lnwatch.simulator.kestrel import Gate
from lnwatch.simulator.lnd import Node
from lnwatch.simulator.lnd.invoices import SETTLED


@dataclass(slots=True)
class LightningWay:
    """`gate` is the node, `reach` the way to it; `known` are the add indices by payment hash."""

    node: Node
    now: Callable[[], float]
    gate: Gate = field(default_factory=Gate)
    reach: Gate = field(default_factory=Gate)
    listener: Callable[[NodeInvoice], None] | None = None
    known: dict[str, int] = field(default_factory=dict)
    sent: list[NodePayment] = field(default_factory=list)
    uri: str = field(init=False)

    def __post_init__(self) -> None:
        """The node as others dial it."""
        self.uri = f"{self.node.public_key}@198.51.100.200:9735"

    async def _answer(self) -> None:
        await self.gate.wait()
        await self.reach.wait()

    async def create(self, msat: int | None, expires_in: int, description: str | bytes) -> NodeInvoice:
        """AddInvoice."""
        await self._answer()
        made_at = int(self.now())
        write = partial(_write, msat, made_at, expires_in, description)
        made = self.node.invoices.add(msat or 0, expiry=expires_in, bolt11=write)
        made.memo = description if isinstance(description, str) else ""
        self.known[made.r_hash.hex()] = made.add_index
        return _shown(made)

    def _look_up(self, payment_hash: str) -> sim.Invoice | None:
        index = self.known.get(payment_hash)
        return self.node.invoices.get(index) if index is not None else None

    async def find(self, payment_hash: str) -> NodeInvoice | None:
        """LookupInvoice."""
        await self._answer()
        found = self._look_up(payment_hash)
        return _shown(found) if found is not None else None

    async def invoices(self) -> list[NodeInvoice]:
        """Those that the node has, oldest first."""
        await self._answer()
        found = (self.node.invoices.get(index) for index in self.known.values())
        return [_shown(each) for each in found if each is not None]

    async def payments(self) -> list[NodePayment]:
        """What BTCPay had it pay."""
        await self._answer()
        return list(self.sent)

    async def pay(self, invoice: str) -> NodePayment:
        """SendPaymentV2; the world has the money move. Raises PaymentError."""
        await self._answer()
        msat = bolt11_msat(invoice)
        if msat is None:
            raise PaymentError("amount must be specified when paying a zero amount invoice")
        made = self.node.payments.send(msat)
        self.node.payments.finish(made)
        paid = NodePayment(made.payment_hash, "0" * 64, invoice, int(self.now()), msat)
        self.sent.append(paid)
        return paid

    async def info(self) -> dict[str, Any]:
        """GetInfo as BTCPay shows it."""
        await self._answer()
        active = sum(each.active for each in self.node.channels)
        return {
            "nodeURIs": [self.uri],
            "blockHeight": self.node.height,
            "alias": self.node.alias,
            "color": "#3399ff",
            "version": self.node.release,
            "peersCount": len(self.node.peers),
            "activeChannelsCount": active,
            "inactiveChannelsCount": len(self.node.channels) - active,
            "pendingChannelsCount": len(self.node.pending.pending_force_closing_channels),
        }

    async def balance(self) -> dict[str, Any]:
        """Both balances as BTCPay shows them."""
        await self._answer()
        wallet = self.node.wallet
        return {
            "onchain": {
                "confirmed": str(wallet.confirmed_balance),
                "unconfirmed": str(wallet.unconfirmed_balance),
                "reserved": str(wallet.reserved_balance_anchor_chan),
            },
            "offchain": {
                "opening": "0",
                "local": str(1_000 * sum(each.local_balance for each in self.node.channels)),
                "remote": str(1_000 * sum(each.remote_balance for each in self.node.channels)),
                "closing": str(1_000 * self.node.pending.total_limbo_balance),
            },
        }

    async def channels(self) -> list[dict[str, Any]]:
        """ListChannels as BTCPay shows it."""
        await self._answer()
        return [
            {
                "remoteNode": each.remote_pubkey,
                "isPublic": not each.private,
                "isActive": each.active,
                "capacity": f"{each.capacity}000",
                "localBalance": f"{each.local_balance}000",
                "channelPoint": each.channel_point.replace(":", "-"),
            }
            for each in self.node.channels
        ]

    def cut_off(self) -> None:
        """BTCPay can't reach the node any more; its customers can."""
        self.reach.running, self.listener = False, None

    def reconnect(self) -> None:
        """BTCPay can reach it again; it opens its stream at its next try."""
        self.reach.running = True

    def settled(self, invoice: sim.Invoice) -> None:
        """The node took a payment: whoever listens hears of it."""
        if self.listener is not None and self.reach.well:
            self.listener(_shown(invoice))


def _write(msat: int | None, made_at: int, expires_in: int, description: str | bytes, payment_hash: str) -> str:
    return bolt11(msat, payment_hash, made_at, expires_in, description)


def _shown(invoice: sim.Invoice) -> NodeInvoice:
    paid = invoice.state == SETTLED
    return NodeInvoice(
        id=invoice.r_hash.hex(),
        bolt11=invoice.payment_request,
        payment_hash=invoice.r_hash.hex(),
        preimage=invoice.r_preimage.hex(),
        msat=invoice.value_msat or None,
        expires_at=invoice.creation_date + invoice.expiry,
        paid_at=invoice.settle_date if paid else None,
        received_msat=invoice.amt_paid_msat if paid else 0,
    )
