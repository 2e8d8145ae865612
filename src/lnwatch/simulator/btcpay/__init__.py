"""A double of BTCPay Server 2.4.1: Greenfield, webhooks and checkout over real sockets, over simulated wallets."""

from lnwatch.simulator.btcpay.coins import SimulatedCoins
from lnwatch.simulator.btcpay.invoice import Invoice
from lnwatch.simulator.btcpay.server import BtcpayDouble, Exchange
from lnwatch.simulator.btcpay.store import Criterion, Processor, Store
from lnwatch.simulator.btcpay.wallet import Coin, Coins, Lightning, NodeInvoice, PaymentError, SimulatedLightning
from lnwatch.simulator.kestrel import Reply

__all__ = [
    "BtcpayDouble",
    "Coin",
    "Coins",
    "Criterion",
    "Exchange",
    "Invoice",
    "Lightning",
    "NodeInvoice",
    "PaymentError",
    "Processor",
    "Reply",
    "SimulatedCoins",
    "SimulatedLightning",
    "Store",
]
