"""What stands in the customers' way for a while: set by whoever lets something go wrong, read by whatever happens."""

from dataclasses import dataclass


@dataclass(slots=True)
class Causes:
    """`checkout`: the shop gets invoices; `node`: the Lightning node takes payments; `known`: BTCPay reaches it;
    `indexer`: BTCPay gives out addresses; `outflows`: what was received is paid out again.

    `upstream` is the share of Lightning payments that die on their way beside the usual ones, `staying` how many of
    those who would have bought still do, `ticket` what prices are multiplied by.
    """

    checkout: bool = True
    node: bool = True
    known: bool = True
    indexer: bool = True
    outflows: bool = True
    upstream: float = 0.0
    staying: float = 1.0
    ticket: float = 1.0
