"""What stands in the customers' way for a while: set by whoever lets something go wrong, read by whatever happens."""

from dataclasses import dataclass


@dataclass(slots=True)
class Causes:
    """`shop`: the shop asks for invoices; `checkout`: it gets them; `page`: customers see them; `node`: the Lightning
    node takes payments; `known`: BTCPay reaches it; `indexer`: BTCPay gives out addresses; `outflows`: what was
    received is paid out again.

    `upstream` is the share of Lightning payments that die on their way beside the usual ones, `staying` how many of
    those who would have bought still do, `ticket` what prices are multiplied by, `underpaid` the share of those who
    send coins that sends too few, beside the usual ones.
    """

    shop: bool = True
    checkout: bool = True
    page: bool = True
    node: bool = True
    known: bool = True
    indexer: bool = True
    outflows: bool = True
    upstream: float = 0.0
    staying: float = 1.0
    ticket: float = 1.0
    underpaid: float = 0.0
