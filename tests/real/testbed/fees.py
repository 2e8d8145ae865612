"""Teaches a bitcoind what a fee is: it estimates one from transactions that it saw wait and be mined."""

import struct

from tests.real.testbed.bitcoin import Bitcoind

# Whoever knows the script may spend from here, without a key: P2WSH of OP_TRUE.
EVERYBODYS = "bcrt1qft5p2uhsdcdc3l2ua4ap5qqfg4pjaqlp250x7us7a8qqhrxrxfsqseac85"
_SCRIPT = bytes.fromhex("00204ae81572f06e1b88fd5ced7a1a000945432e83e1551e6f721ee9c00b8cc33260")
_WITNESS = bytes.fromhex("010151")

# Above LND's own cap of 10 for a commitment, so that its channels stay as they are.
RATES = tuple(range(20, 36))  # satoshis per vB; so many transactions go into each block
BLOCKS = 24  # the node looks at no target that is further than half of what it has seen
_SIZE = 95  # vB of a transaction with one input and one output
_SHARE = 100_000  # satoshis of each output


def teach_fees(bitcoind: Bitcoind, block_hash: str) -> None:
    """Mine blocks of transactions that pay; `block_hash` is of a ripe block that was mined for everybody."""
    coinbase = bitcoind.ask("getblock", block_hash, 2)["tx"][0]
    purse = bitcoind.ask("sendrawtransaction", spend(coinbase["txid"], 0, [_SHARE] * BLOCKS * len(RATES)), 0)
    bitcoind.mine(1)
    for block in range(BLOCKS):
        paying = enumerate(RATES, block * len(RATES))
        bitcoind.ask_all("sendrawtransaction", [(spend(purse, n, [_SHARE - rate * _SIZE]),) for n, rate in paying])
        bitcoind.mine(1)


def spend(txid: str, index: int, amounts: list[int]) -> str:
    """A transaction that moves what everybody may spend back to everybody, in so many parts. Hexadecimal."""
    outputs = b"".join(struct.pack("<qB", amount, len(_SCRIPT)) + _SCRIPT for amount in amounts)
    parts = (
        struct.pack("<iBB", 2, 0, 1),
        b"\x01" + bytes.fromhex(txid)[::-1] + struct.pack("<IBI", index, 0, 0xFFFFFFFD),
        struct.pack("<BH", 0xFD, len(amounts)) if len(amounts) > 252 else struct.pack("<B", len(amounts)),
        outputs,
        _WITNESS,
        struct.pack("<I", 0),
    )
    return b"".join(parts).hex()
