"""JSON-RPC as bitcoind frames it: 1.1 and 2.0, single and in batches, each with its HTTP status."""

import json
import re
from collections.abc import Iterable
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Final

from lnwatch.simulator.bitcoind.methods import RpcFailure, call, type_name
from lnwatch.simulator.bitcoind.node import Node, User

_PARSE_ERROR: Final = -32700
_INVALID_REQUEST: Final = -32600
_STATUS: Final = {_INVALID_REQUEST: 400, -32601: 404}
_AMOUNT: Final = re.compile(r'"amount:([0-9.]+)"')


@dataclass(slots=True)
class _Request:
    """One call while it is read. As in bitcoind it outlives its place in a batch: a request without an id
    of its own that can't be read answers with the id before."""

    id: Any = None
    notification: bool = False
    modern: bool = False
    method: str = ""
    params: Any = None

    def read(self, value: Any, *, versions: bool) -> None:  # noqa: ANN401 - what JSON can hold
        if not isinstance(value, dict):
            raise RpcFailure(_INVALID_REQUEST, "Invalid Request object")
        self.notification = "id" not in value
        self.id = value.get("id")
        self.modern = False
        version = value.get("jsonrpc") if versions else None
        if version is not None and not isinstance(version, str):
            raise RpcFailure(_INVALID_REQUEST, "jsonrpc field must be a string")
        if version not in (None, "1.0", "2.0"):
            raise RpcFailure(_INVALID_REQUEST, "JSON-RPC version not supported")
        self.modern = version == "2.0"
        method, params = value.get("method"), value.get("params")
        if method is None:
            raise RpcFailure(_INVALID_REQUEST, "Missing method")
        if not isinstance(method, str):
            raise RpcFailure(_INVALID_REQUEST, "Method must be a string")
        if params is not None and not isinstance(params, list | dict):
            raise RpcFailure(_INVALID_REQUEST, "Params must be an array or object")
        self.method, self.params = method, [] if params is None else params

    def reply(self, result: Any = None, failure: RpcFailure | None = None) -> dict[str, Any]:  # noqa: ANN401 - what JSON can hold
        error = None if failure is None else {"code": failure.code, "message": failure.message}
        reply: dict[str, Any] = {"jsonrpc": "2.0"} if self.modern else {}
        if not self.modern or failure is None:
            reply["result"] = result
        if not self.modern or failure is not None:
            reply["error"] = error
        return reply if self.notification else reply | {"id": self.id}


def answer(node: Node, user: User, body: bytes) -> tuple[int, bytes | None]:
    """HTTP status and body for a request of a user whose password was right; None: no body at all."""
    request = _Request()
    try:
        value = json.loads(body.decode(), object_pairs_hook=_first_of_each, parse_constant=_refuse)
    except ValueError:
        return _error(request, RpcFailure(_PARSE_ERROR, "Parse error"))
    if node.locks_out(user):
        return 403, None
    if isinstance(value, list):
        return _batch(node, user, value)
    if not isinstance(value, dict):
        return _error(request, RpcFailure(_PARSE_ERROR, "Top-level object parse error"))
    return _single(node, user, request, value)


def _first_of_each(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for key, value in pairs:
        found.setdefault(key, value)
    return found


def _refuse(constant: str) -> None:
    raise ValueError(constant)


def _single(node: Node, user: User, request: _Request, value: dict[str, Any]) -> tuple[int, bytes | None]:
    try:
        request.read(value, versions=node.major >= 28)
    except RpcFailure as failure:
        return _error(request, failure)  # with its status, also in 2.0
    if not node.may_call(user, request.method):
        return 403, None
    try:
        reply = request.reply(call(node, request.method, request.params))
    except RpcFailure as failure:
        if not request.modern:
            return _error(request, failure)
        reply = request.reply(failure=failure)
    return (204, None) if request.modern and request.notification else (200, _encode(reply))


def _batch(node: Node, user: User, values: list[Any]) -> tuple[int, bytes | None]:
    if user.whitelist is not None:
        if not all(isinstance(value, dict) for value in values):
            return _error(_Request(), RpcFailure(_INVALID_REQUEST, "Invalid Request object"))
        for method in (value.get("method") for value in values):
            if not isinstance(method, str):
                kind = type_name(method)
                failure = RpcFailure(_PARSE_ERROR, f"JSON value of type {kind} is not of expected type string")
                return _error(_Request(), failure)
            if not node.may_call(user, method):
                return 403, None
    request = _Request()
    replies = [reply for reply in _replies(node, request, values) if reply is not None]
    return (204, None) if values and not replies else (200, _encode(replies))


def _replies(node: Node, request: _Request, values: Iterable[Any]) -> Iterable[dict[str, Any] | None]:
    for value in values:
        try:
            request.read(value, versions=node.major >= 28)
            reply = request.reply(call(node, request.method, request.params))
        except RpcFailure as failure:
            reply = request.reply(failure=failure)
        yield None if request.modern and request.notification else reply


def _error(request: _Request, failure: RpcFailure) -> tuple[int, bytes]:
    """How 1.1 tells an error of a single request, and every version one of a request that it can't read."""
    return _STATUS.get(failure.code, 500), _encode(request.reply(failure=failure))


def _encode(reply: Any) -> bytes:  # noqa: ANN401 - what JSON can hold
    """Compact, with amounts as decimals of eight places, a line feed at the end."""
    text = json.dumps(reply, separators=(",", ":"), ensure_ascii=False, default=_amount)
    return _AMOUNT.sub(r"\1", text).encode() + b"\n"


def _amount(value: Any) -> str:  # noqa: ANN401 - whatever json can't write
    if isinstance(value, Decimal):
        return f"amount:{value:.8f}"
    raise TypeError(f"{type(value).__name__} has no place in an answer")
