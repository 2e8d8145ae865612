"""The read-only methods that lnwatch needs, and a few beside them, answered from a simulated node."""

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Final

from lnwatch.simulator.bitcoind.chain import SimulatedBlock
from lnwatch.simulator.bitcoind.node import Node

_INTEGERS: Final = 2**31
_TARGET: Final = "7fffff" + "0" * 58
_DIFFICULTY: Final = 4.656542373906925e-10
_ESTIMATE_MODES: Final = ("unset", "economical", "conservative")
_TYPES: Final = {str: "string", bool: "bool", int: "number", float: "number", list: "array", dict: "object"}


class RpcFailure(Exception):  # noqa: N818 - the protocol calls it an error, the caller a failure
    """An error of the node's own: `code` and `message` as in the answer."""

    def __init__(self, code: int, message: str) -> None:
        """As bitcoind throws it."""
        super().__init__(message)
        self.code = code
        self.message = message


@dataclass(frozen=True, slots=True)
class Method:
    """`answer` takes the node and the checked parameters; `params` name and type them, `needed` first.

    The types of `lenient` ones are looked at when they are used, not before: bitcoind tells of them otherwise.
    """

    answer: Callable[..., Any]
    params: tuple[tuple[str, type], ...] = ()
    needed: int = 0
    lenient: frozenset[str] = frozenset()

    def usage(self, name: str) -> str:
        """The first line of its help."""
        shown = [f'"{param}"' if kind is str else param for param, kind in self.params]
        optional = f"( {' '.join(shown[self.needed :])} )" if shown[self.needed :] else ""
        return " ".join(filter(None, [name, *shown[: self.needed], optional]))

    def placed(self, params: list[Any] | dict[str, Any]) -> list[Any]:
        """Parameters in their order, those that are named too. Raises RpcFailure."""
        if isinstance(params, list):
            return params
        left = dict(params)
        found: list[Any] = list(left.pop("args", []))
        names = [name for name, _ in self.params]
        for name in names[: len(found)]:
            if name in left:
                raise RpcFailure(-8, f"Parameter {name} specified twice both as positional and named argument")
        found += [left.pop(name, None) for name in names[len(found) :]]
        if left:
            raise RpcFailure(-8, f"Unknown named parameter {next(iter(left))}")
        while found and found[-1] is None:
            found.pop()
        return found


def call(node: Node, method: str, params: Any) -> Any:  # noqa: ANN401 - what JSON can hold
    """Answer one call. Raises RpcFailure."""
    if node.faults.warm_up is not None:
        raise RpcFailure(-28, node.faults.warm_up)
    known = METHODS.get(method)
    if known is None or (method == "listwallets" and node.wallets is None):
        raise RpcFailure(-32601, "Method not found")
    given = known.placed(params)
    if not known.needed <= len(given) <= len(known.params):
        raise RpcFailure(-1, f"{known.usage(method)}\n")  # bitcoind tells the whole help of it
    _check_types(known, given)
    return known.answer(node, **{name: value for value, (name, _) in _pairs(known, given) if value is not None})


def _pairs(method: Method, params: list[Any]) -> Iterable[tuple[Any, tuple[str, type]]]:
    return zip(params, method.params, strict=False)


def _check_types(method: Method, params: list[Any]) -> None:
    wrong = []
    for place, (value, (name, kind)) in enumerate(_pairs(method, params), 1):
        found, expected = type_name(value), _TYPES[kind]
        if found == expected or (value is None and place > method.needed):
            continue
        text = f"JSON value of type {found} is not of expected type {expected}"
        if name in method.lenient:
            raise RpcFailure(-3, text)
        wrong.append(f'    "Position {place} ({name})": "{text}"')
    if wrong:
        raise RpcFailure(-3, "Wrong type passed:\n{\n" + ",\n".join(wrong) + "\n}")
    if any(kind is int and value is not None and not _fits(value) for value, (_, kind) in _pairs(method, params)):
        raise RpcFailure(-1, "JSON integer out of range")


def _fits(value: float) -> bool:
    return isinstance(value, int) and -_INTEGERS <= value < _INTEGERS


def type_name(value: Any) -> str:  # noqa: ANN401 - what JSON can hold
    """What bitcoind calls the type of a JSON value."""
    return "null" if value is None else _TYPES[type(value)]


def _blockchain_info(node: Node) -> dict[str, Any]:
    tip = node.chain.tip
    info: dict[str, Any] = {
        "chain": node.network,
        "blocks": tip.height,
        "headers": tip.height + node.headers_ahead,
        "bestblockhash": tip.hash,
        **({"bits": "207fffff", "target": _TARGET} if node.major >= 29 else {}),
        "difficulty": _DIFFICULTY,
        "time": tip.time,
        "mediantime": node.chain.median_time(tip),
        "verificationprogress": float(node.verification_progress) if node.verification_progress < 1 else 1,
        "initialblockdownload": node.initial_block_download,
        "chainwork": f"{2 * (tip.height + 1):064x}",
        "size_on_disk": 300 * (tip.height + 1),
        "pruned": node.prune_height is not None,
    }
    if node.prune_height is not None:
        info |= {"pruneheight": node.prune_height, "automatic_pruning": True, "prune_target_size": 576_716_800}
    return info | {"warnings": _warnings(node)}


def _warnings(node: Node) -> str | list[str]:
    """A list since 28; before, one string with the newest."""
    if node.major >= 28:
        return list(node.warnings)
    return node.warnings[-1] if node.warnings else ""


def _network_info(node: Node) -> dict[str, Any]:
    return {
        "version": node.version,
        "subversion": node.agent,
        "protocolversion": 70_016 if node.major < 31 else 70_017,
        "localservices": "0000000000000c09",
        "localservicesnames": ["NETWORK", "WITNESS", "NETWORK_LIMITED", "P2P_V2"],
        "localrelay": True,
        "timeoffset": 0,
        "networkactive": node.network_active,
        "connections": node.peers_in + node.peers_out,
        "connections_in": node.peers_in,
        "connections_out": node.peers_out,
        "networks": [_network(name, reachable=name.startswith("ip")) for name in _NETWORKS],
        "relayfee": Decimal("0.00000100"),
        "incrementalfee": Decimal("0.00000100"),
        "localaddresses": [],
        "warnings": _warnings(node),
    }


_NETWORKS: Final = ("ipv4", "ipv6", "onion", "i2p", "cjdns")


def _network(name: str, *, reachable: bool) -> dict[str, Any]:
    return {
        "name": name,
        "limited": not reachable,
        "reachable": reachable,
        "proxy": "",
        "proxy_randomize_credentials": False,
    }


def _mempool_info(node: Node) -> dict[str, Any]:
    _need_mempool(node)
    size = len(node.chain.mempool) + node.others
    info: dict[str, Any] = {
        "loaded": True,
        "size": size,
        "bytes": 141 * size,
        "usage": 64 + 1_200 * size,
        "total_fee": Decimal("0.00000141") * size if size else Decimal("0.00000000"),
        "maxmempool": 300_000_000,
        "mempoolminfee": node.mempool_min_fee,
        "minrelaytxfee": Decimal("0.00000100") if node.major >= 30 else Decimal("0.00001000"),
        "incrementalrelayfee": Decimal("0.00000100") if node.major >= 30 else Decimal("0.00001000"),
        "unbroadcastcount": 0,
    }
    if node.version < 319_900:
        info["fullrbf"] = True
    if node.major >= 30:
        info |= {"permitbaremultisig": True, "maxdatacarriersize": 100_000}
    if node.major >= 31:
        info |= {"limitclustercount": 64, "limitclustersize": 101_000, "optimal": True}
    return info


def _need_mempool(node: Node) -> None:
    if node.mempool_disabled:
        raise RpcFailure(-33, "Mempool disabled or instance not found")


def _smart_fee(node: Node, conf_target: int, estimate_mode: str = "economical") -> dict[str, Any]:
    if not 1 <= conf_target <= 1_008:
        raise RpcFailure(-8, "Invalid conf_target, must be between 1 and 1008")
    if estimate_mode.lower() not in _ESTIMATE_MODES:
        listed = ", ".join(f'"{known}"' for known in _ESTIMATE_MODES)
        raise RpcFailure(-8, f"Invalid estimate_mode parameter, must be one of: {listed}")
    if node.mempool_disabled:
        raise RpcFailure(-32603, "Fee estimation disabled")
    rate = node.fees.get(conf_target)
    if rate is None:
        return {"errors": ["Insufficient data or no feerate found"], "blocks": 0}
    return {"feerate": rate.quantize(Decimal("0.00000001")), "blocks": conf_target}


def _block_hash(node: Node, height: int) -> str:
    if not 0 <= height <= node.chain.tip.height:
        raise RpcFailure(-8, "Block height out of range")
    return node.chain.active[height].hash


def _header(node: Node, blockhash: str, verbose: bool = True) -> dict[str, Any]:  # noqa: FBT001, FBT002 - JSON-RPC has no names
    if not verbose:
        raise RpcFailure(-32603, "this double has no serialised headers")
    return _header_of(node, _block_of(node, blockhash, "hash"))


def _block_of(node: Node, block_hash: str, name: str) -> SimulatedBlock:
    _check_hash(block_hash, name)
    block = node.chain.blocks.get(block_hash.lower())
    if block is None:
        raise RpcFailure(-5, "Block not found")
    return block


def _check_hash(text: str, name: str) -> None:
    if len(text) != 64:
        raise RpcFailure(-8, f"{name} must be of length 64 (not {len(text)}, for '{text}')")
    if not re.fullmatch(r"[0-9a-fA-F]{64}", text):
        raise RpcFailure(-8, f"{name} must be hexadecimal string (not '{text}')")


def _header_of(node: Node, block: SimulatedBlock) -> dict[str, Any]:
    active = node.chain.active
    connected = block.height < len(active) and active[block.height] is block
    header: dict[str, Any] = {
        "hash": block.hash,
        "confirmations": len(active) - block.height if connected else -1,
        "height": block.height,
        "version": 0x20000000,
        "versionHex": "20000000",
        "merkleroot": block.txids[0],
        "time": block.time,
        "mediantime": node.chain.median_time(block),
        "nonce": 0,
        "bits": "207fffff",
        **({"target": _TARGET} if node.major >= 29 else {}),
        "difficulty": _DIFFICULTY,
        "chainwork": f"{2 * (block.height + 1):064x}",
        "nTx": len(block.txids),
    }
    if block.previous_hash:
        header["previousblockhash"] = block.previous_hash
    if connected and block.height + 1 < len(active):
        header["nextblockhash"] = active[block.height + 1].hash
    return header


def _block(node: Node, blockhash: str, verbosity: int = 1) -> dict[str, Any]:
    block = _block_of(node, blockhash, "blockhash")
    if node.prune_height is not None and block.height < node.prune_height:
        raise RpcFailure(-1, "Block not available (pruned data)")
    if verbosity != 1:
        raise RpcFailure(-32603, "this double has no serialised blocks and no transactions")
    size = 81 + 200 * len(block.txids)
    return _header_of(node, block) | {
        "strippedsize": size,
        "size": size,
        "weight": 4 * size,
        "tx": list(block.txids),
    }


def _mempool_entry(node: Node, txid: str) -> dict[str, Any]:
    _check_hash(txid, "txid")
    _need_mempool(node)
    since = node.chain.mempool.get(txid.lower())
    if since is None:
        raise RpcFailure(-5, "Transaction not in mempool")
    fee = Decimal("0.00000141")
    chunked = node.major >= 31  # cluster mempool
    return {
        "vsize": 141,
        "weight": 561,
        "time": since,
        "height": node.chain.tip.height,
        "descendantcount": 1,
        "descendantsize": 141,
        "ancestorcount": 1,
        "ancestorsize": 141,
        "wtxid": txid,
        **({"chunkweight": 561} if chunked else {}),
        "fees": dict.fromkeys(("base", "modified", "ancestor", "descendant", *(["chunk"] if chunked else [])), fee),
        "depends": [],
        "spentby": [],
        **({"bip125-replaceable": True} if node.version < 319_900 else {}),
        "unbroadcast": False,
    }


METHODS: Final = {
    "getblockchaininfo": Method(_blockchain_info),
    "getnetworkinfo": Method(_network_info),
    "getmempoolinfo": Method(_mempool_info),
    "uptime": Method(lambda node: int(node.chain.clock.now() - node.started_at)),
    "estimatesmartfee": Method(_smart_fee, (("conf_target", int), ("estimate_mode", str)), 1),
    "getblockcount": Method(lambda node: node.chain.tip.height),
    "getbestblockhash": Method(lambda node: node.chain.tip.hash),
    "getblockhash": Method(_block_hash, (("height", int),), 1),
    "getblockheader": Method(_header, (("blockhash", str), ("verbose", bool)), 1),
    "getblock": Method(_block, (("blockhash", str), ("verbosity", int)), 1, frozenset({"verbosity"})),
    "getmempoolentry": Method(_mempool_entry, (("txid", str),), 1),
    "listwallets": Method(lambda node: list(node.wallets or ())),
}
