"""A double of LND 0.19 to 0.21: gRPC over TLS with macaroons, as the real one speaks, over a node in memory."""

from lnwatch.simulator.lnd.invoices import InvoiceBook
from lnwatch.simulator.lnd.macaroons import READONLY, Bakery
from lnwatch.simulator.lnd.node import Node
from lnwatch.simulator.lnd.server import LndDouble

__all__ = ["READONLY", "Bakery", "InvoiceBook", "LndDouble", "Node"]
