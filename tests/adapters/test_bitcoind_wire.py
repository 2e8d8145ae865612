"""What bitcoind answers to requests, right and wrong ones: over the simulator and over the real one."""

import base64
from typing import Any

import pytest

from tests.adapters.cores import BLOCKS, FULL, PASSWORD, WEAK, Core
from tests.adapters.http import Line, send

JSON = "Content-Type: application/json"
HTML = "Content-Type: text/html; charset=ISO-8859-1"
NOBODY = "ab" * 32
POST_ALONE = "JSONRPC server handles only POST requests"
RIGHT = base64.b64encode(f"{FULL}:{PASSWORD}".encode()).decode()


def old(method: object, *params: object, **more: object) -> dict[str, Any]:
    """A call as 1.1 has it."""
    return {"id": 1, "method": method, "params": list(params), **more}


def new(method: object, *params: object, **more: object) -> dict[str, Any]:
    """The same in 2.0."""
    return {"jsonrpc": "2.0", **old(method, *params, **more)}


def without(name: str, asked: dict[str, Any]) -> dict[str, Any]:
    """A call that lacks a member."""
    return {key: value for key, value in asked.items() if key != name}


def failed(code: int, message: str, **more: object) -> dict[str, Any]:
    """How 1.1 tells an error."""
    return {"result": None, "error": {"code": code, "message": message}, "id": 1, **more}


def failed_anew(code: int, message: str) -> dict[str, Any]:
    """How 2.0 does."""
    return {"jsonrpc": "2.0", "error": {"code": code, "message": message}, "id": 1}


def wrong_type(found: str, expected: str, place: str = "1 (height)") -> str:
    """Its words for a parameter of another type."""
    text = f"JSON value of type {found} is not of expected type {expected}"
    return f'Wrong type passed:\n{{\n    "Position {place}": "{text}"\n}}'


@pytest.mark.parametrize(
    ("line", "status", "body"),
    [
        (Line(login=None), "401 Unauthorized", ""),
        (Line(login=f"{FULL}:no"), "401 Unauthorized", ""),
        (Line(login=f"nobody:{PASSWORD}"), "401 Unauthorized", ""),
        (Line(login=FULL), "401 Unauthorized", ""),
        (Line(login=None, headers=("Authorization: Bearer x",)), "401 Unauthorized", ""),
        (Line(login=None, headers=(f"Authorization: basic {RIGHT}",)), "401 Unauthorized", ""),
        (Line(login=None, headers=("Authorization: Basic !!!",)), "401 Unauthorized", ""),
        (Line("GET"), "405 Method Not Allowed", POST_ALONE),
        (Line("GET", login=None), "405 Method Not Allowed", POST_ALONE),
        (Line("PUT"), "405 Method Not Allowed", POST_ALONE),
        (Line("DELETE"), "405 Method Not Allowed", ""),
        (Line("OPTIONS"), "405 Method Not Allowed", ""),
        (Line("PATCH"), "405 Method Not Allowed", ""),
        (Line(path="/x"), "404 Not Found", ""),
        (Line(path="/x", login=None), "404 Not Found", ""),
        (Line(path="/wallet/x"), "404 Not Found", ""),
        (Line("GET", path="/rest/chaininfo.json"), "404 Not Found", ""),
        (Line(path="/?a=1"), "404 Not Found", ""),
    ],
)
async def test_refused_before_it_is_read(core: Core, line: Line, status: str, body: str) -> None:
    """Method, path and login are looked at in this order, each with its own status."""
    heard = await send(core.port, new("getblockcount"), line)
    assert (heard.status, heard.body) == (f"HTTP/1.1 {status}", body)
    asks = ('WWW-Authenticate: Basic realm="jsonrpc"',) if heard.code == 401 else ()
    assert heard.shown == tuple(sorted((HTML, "Content-Length", "Date", *asks)))


@pytest.mark.parametrize(
    ("line", "shown"),
    [
        (Line(), ("Content-Length", JSON, "Date")),
        (Line(headers=("Content-Type: text/plain",)), ("Content-Length", JSON, "Date")),
        (Line(headers=("Connection: close",)), ("Connection: close", "Content-Length", JSON, "Date")),
        (Line(version="HTTP/1.0"), (JSON,)),
    ],
)
async def test_headers_of_an_answer(core: Core, line: Line, shown: tuple[str, ...]) -> None:
    """An answer is in the version of its request, and ends the connection where that asks for it."""
    heard = await send(core.port, new("getblockhash", 0), line)
    assert (heard.status, heard.shown) == (f"{line.version} 200 OK", shown)


@pytest.mark.parametrize(
    ("body", "status", "answer"),
    [
        (b"", 500, failed(-32700, "Parse error", id=None)),
        (b"{nope", 500, failed(-32700, "Parse error", id=None)),
        (b'{"id":1,"method":"getblockcount"} x', 500, failed(-32700, "Parse error", id=None)),
        (b'{"id":NaN,"method":"getblockcount"}', 500, failed(-32700, "Parse error", id=None)),
        (b'{"id":"\xff","method":"getblockcount"}', 500, failed(-32700, "Parse error", id=None)),
        (b'\xef\xbb\xbf{"id":1,"method":"getblockcount"}', 500, failed(-32700, "Parse error", id=None)),
        (5, 500, failed(-32700, "Top-level object parse error", id=None)),
        ("x", 500, failed(-32700, "Top-level object parse error", id=None)),
        (None, 500, failed(-32700, "Top-level object parse error", id=None)),
        ({}, 400, without("id", failed(-32600, "Missing method"))),
        (old("x", jsonrpc="3.0"), 400, failed(-32600, "JSON-RPC version not supported")),
        (old("x", jsonrpc="1.1"), 400, failed(-32600, "JSON-RPC version not supported")),
        (old("x", jsonrpc=2), 400, failed(-32600, "jsonrpc field must be a string")),
        (old(5), 400, failed(-32600, "Method must be a string")),
        (old(None), 400, failed(-32600, "Missing method")),
        (without("method", old("x")), 400, failed(-32600, "Missing method")),
        (old("uptime") | {"params": "x"}, 400, failed(-32600, "Params must be an array or object")),
        (new(5), 400, failed_anew(-32600, "Method must be a string")),
        (without("method", new("x")), 400, failed_anew(-32600, "Missing method")),
        (new("uptime") | {"params": "x"}, 400, failed_anew(-32600, "Params must be an array or object")),
        (old("nothing"), 404, failed(-32601, "Method not found")),
        (new("nothing"), 200, failed_anew(-32601, "Method not found")),
        (old("listwallets"), 404, failed(-32601, "Method not found")),
    ],
)
async def test_what_is_no_call(core: Core, body: object, status: int, answer: object) -> None:
    """What can't be read has its own code, and a status of HTTP also in 2.0."""
    heard = await send(core.port, body)
    assert (heard.code, heard.content) == (status, answer)


ZEROTH = ("getblockhash", 0)
CHECKED = [
    (("getblockhash", "a"), -3, wrong_type("string", "number")),
    (("getblockhash", None), -3, wrong_type("null", "number")),
    (("getblockhash", True), -3, wrong_type("bool", "number")),
    (("getblockhash", 1.5), -1, "JSON integer out of range"),
    (("getblockhash", 10**20), -1, "JSON integer out of range"),
    (("getblockhash", 10**9), -8, "Block height out of range"),
    (("getblockhash", -1), -8, "Block height out of range"),
    (("getblockheader", "ab"), -8, "hash must be of length 64 (not 2, for 'ab')"),
    (("getblockheader", "zz" * 32), -8, f"hash must be hexadecimal string (not '{'zz' * 32}')"),
    (("getblockheader", NOBODY), -5, "Block not found"),
    (("getblock", "ab"), -8, "blockhash must be of length 64 (not 2, for 'ab')"),
    (("getblock", NOBODY), -5, "Block not found"),
    (("getblock", NOBODY, "x"), -3, "JSON value of type string is not of expected type number"),
    (("getmempoolentry", NOBODY), -5, "Transaction not in mempool"),
    (("getmempoolentry", "ab"), -8, "txid must be of length 64 (not 2, for 'ab')"),
    (("getmempoolentry", "zz" * 32), -8, f"txid must be hexadecimal string (not '{'zz' * 32}')"),
    (("getmempoolentry", 5), -3, wrong_type("number", "string", "1 (txid)")),
    (("estimatesmartfee", 0), -8, "Invalid conf_target, must be between 1 and 1008"),
    (("estimatesmartfee", 1_009), -8, "Invalid conf_target, must be between 1 and 1008"),
    (("estimatesmartfee", None), -3, wrong_type("null", "number", "1 (conf_target)")),
    (("estimatesmartfee", 2, 5), -3, wrong_type("number", "string", "2 (estimate_mode)")),
    (
        ("estimatesmartfee", 2, "x"),
        -8,
        'Invalid estimate_mode parameter, must be one of: "unset", "economical", "conservative"',
    ),
]


@pytest.mark.parametrize(("asked", "code", "message"), CHECKED)
async def test_bad_parameters(core: Core, asked: tuple[object, ...], code: int, message: str) -> None:
    """Each is refused in bitcoind's own words, with HTTP 500 in 1.1 and 200 in 2.0."""
    heard = await send(core.port, old(*asked))
    assert (heard.code, heard.content) == (500, failed(code, message))
    heard = await send(core.port, new(*asked))
    assert (heard.code, heard.content) == (200, failed_anew(code, message))


@pytest.mark.parametrize(
    ("asked", "usage"),
    [
        (("getblockhash",), "getblockhash height"),
        (("getblockhash", 1, 2), "getblockhash height"),
        (("getblockcount", 1), "getblockcount"),
        (("getmempoolentry",), 'getmempoolentry "txid"'),
        (("getblockheader",), 'getblockheader "blockhash" ( verbose )'),
        (("getblock",), 'getblock "blockhash" ( verbosity )'),
        (("estimatesmartfee", 2, "economical", 1), 'estimatesmartfee conf_target ( "estimate_mode" )'),
        (("uptime", None), "uptime"),
    ],
)
async def test_a_wrong_number_of_parameters(core: Core, asked: tuple[object, ...], usage: str) -> None:
    """It is answered with the help of the method, which begins with its usage."""
    error = (await send(core.port, old(*asked))).content["error"]
    assert (error["code"], error["message"].partition("\n")[0]) == (-1, usage)


@pytest.mark.parametrize(
    ("params", "answer"),
    [
        ([0], None),
        ({"height": 0}, None),
        ({"args": [0]}, None),
        ({"hight": 0}, (-8, "Unknown named parameter hight")),
        ({"height": 0, "other": 1}, (-8, "Unknown named parameter other")),
        (
            {"args": [0], "height": 0},
            (-8, "Parameter height specified twice both as positional and named argument"),
        ),
        ({"height": "a"}, (-3, wrong_type("string", "number"))),
    ],
)
async def test_named_parameters(core: Core, params: object, answer: tuple[int, str] | None) -> None:
    """Parameters may have names, and an unknown one is named."""
    heard = await send(core.port, new("getblockhash") | {"params": params})
    first = (await send(core.port, new("getblockhash", 0))).content
    assert heard.content == (first if answer is None else failed_anew(*answer))


@pytest.mark.parametrize(
    "asked", [("estimatesmartfee", 2), ("estimatesmartfee", 2, None), ("estimatesmartfee", 2, "UNSET")]
)
async def test_no_estimate(core: Core, asked: tuple[object, ...]) -> None:
    """A node that saw no fees says so, and names no target."""
    told = (await send(core.port, old(*asked))).content["result"]
    assert told == {"errors": ["Insufficient data or no feerate found"], "blocks": 0}


@pytest.mark.parametrize(
    ("asked", "answer"),
    [
        (without("id", old(*ZEROTH)), {"result": "HASH", "error": None}),
        (old(*ZEROTH, id=None), {"result": "HASH", "error": None, "id": None}),
        (old(*ZEROTH, id={"a": [1]}), {"result": "HASH", "error": None, "id": {"a": [1]}}),
        (old(*ZEROTH, jsonrpc="1.0"), {"result": "HASH", "error": None, "id": 1}),
        (new(*ZEROTH, id="x"), {"jsonrpc": "2.0", "result": "HASH", "id": "x"}),
        (new(*ZEROTH, id=None), {"jsonrpc": "2.0", "result": "HASH", "id": None}),
    ],
)
async def test_ids(core: Core, asked: dict[str, Any], answer: dict[str, Any]) -> None:
    """The id comes back as it was, and is left out where there was none."""
    first = (await send(core.port, old(*ZEROTH))).content["result"]
    heard = await send(core.port, asked)
    assert (heard.code, heard.content) == (200, answer | {"result": first})


async def test_a_notification(core: Core) -> None:
    """A call of 2.0 without an id gets no answer, alone and in a batch."""
    for body in (without("id", new("uptime")), [without("id", new("uptime"))]):
        heard = await send(core.port, body)
        assert (heard.status, heard.body, heard.shown) == ("HTTP/1.1 204 No Content", "", ("Date",))


async def test_a_key_that_comes_twice(core: Core) -> None:
    """Of two members of one name the first counts."""
    heard = await send(core.port, b'{"id":1,"id":2,"method":"getblockhash","params":[0]}')
    assert heard.content["id"] == 1


async def test_a_batch_with_errors(core: Core) -> None:
    """Each call of a batch is answered in its place, by its own version, and what is none has the id before it."""
    calls = [new(*ZEROTH), new("nothing", id=2), old("getblockhash", "x", id=3), 5, new("uptime", id=4) | {"params": 7}]
    heard = await send(core.port, calls)
    first = (await send(core.port, old(*ZEROTH))).content["result"]
    assert heard.code == 200
    assert heard.content == [
        {"jsonrpc": "2.0", "result": first, "id": 1},
        failed_anew(-32601, "Method not found") | {"id": 2},
        failed(-3, wrong_type("string", "number"), id=3),
        failed(-32600, "Invalid Request object", id=3),
        failed_anew(-32600, "Params must be an array or object") | {"id": 4},
    ]


@pytest.mark.parametrize(
    ("body", "answer"),
    [([], []), ([1], [failed(-32600, "Invalid Request object", id=None)])],
)
async def test_odd_batches(core: Core, body: object, answer: object) -> None:
    """An empty batch is answered by an empty one, and what is no call by an error."""
    heard = await send(core.port, body)
    assert (heard.code, heard.content) == (200, answer)


NO_STRING = "JSON value of type {} is not of expected type string"


@pytest.mark.parametrize(
    ("body", "status", "answer"),
    [
        (new("getblockcount"), 403, None),
        (new("nothing"), 403, None),
        ([new("uptime"), new("getblockcount")], 403, None),
        (old(5), 400, failed(-32600, "Method must be a string")),
        ([old(5)], 500, failed(-32700, NO_STRING.format("number"), id=None)),
        ([{"id": 1}], 500, failed(-32700, NO_STRING.format("null"), id=None)),
        ([1], 400, failed(-32600, "Invalid Request object", id=None)),
    ],
)
async def test_whitelist(core: Core, body: object, status: int, answer: object) -> None:
    """Who may call little gets 403 without a word, for a batch as soon as one call of it is too much."""
    heard = await send(core.port, body, Line(login=f"{WEAK}:{PASSWORD}"))
    assert (heard.code, heard.content if heard.body else None) == (status, answer)


MEMBERS = {
    ("getblockchaininfo",): (
        "chain blocks headers bestblockhash bits target difficulty time mediantime verificationprogress "
        "initialblockdownload chainwork size_on_disk pruned warnings"
    ),
    ("getnetworkinfo",): (
        "version subversion protocolversion localservices localservicesnames localrelay timeoffset networkactive "
        "connections connections_in connections_out networks relayfee incrementalfee localaddresses warnings"
    ),
    ("getmempoolinfo",): (
        "loaded size bytes usage total_fee maxmempool mempoolminfee minrelaytxfee incrementalrelayfee unbroadcastcount "
        "permitbaremultisig maxdatacarriersize limitclustercount limitclustersize optimal"
    ),
    ("getblockheader", "TIP"): (
        "hash confirmations height version versionHex merkleroot time mediantime nonce bits target difficulty "
        "chainwork nTx previousblockhash"
    ),
    ("getmempoolentry", "TXID"): (
        "vsize weight time height descendantcount descendantsize ancestorcount ancestorsize wtxid chunkweight fees "
        "depends spentby unbroadcast"
    ),
}


@pytest.mark.parametrize("asked", MEMBERS, ids=lambda asked: asked[0])
async def test_members_of_answers(core: Core, asked: tuple[str, ...]) -> None:
    """Each answer has the members that this release gives, in their order."""
    params = [{"TIP": core.tip, "TXID": core.broadcast}[name]() for name in asked[1:]]
    found = (await send(core.port, old(asked[0], *params))).content["result"]
    assert list(found) == MEMBERS[asked].split()


async def test_chain_in_figures(core: Core) -> None:
    """Height, tip and header of one chain agree with each other."""
    asked = ("getblockcount", "getbestblockhash", "getblockchaininfo")
    count, best, info = [one["result"] for one in (await send(core.port, [old(name) for name in asked])).content]
    header = (await send(core.port, old("getblockheader", best))).content["result"]
    block = (await send(core.port, old("getblock", best))).content["result"]
    assert count >= BLOCKS
    assert (info["chain"], info["blocks"], info["headers"], info["bestblockhash"]) == ("regtest", count, count, best)
    assert (header["height"], header["confirmations"], header["nTx"]) == (count, 1, len(block["tx"]))
    assert "nextblockhash" not in header
    before = (await send(core.port, old("getblockheader", header["previousblockhash"]))).content["result"]
    assert (before["confirmations"], before["nextblockhash"]) == (2, best)
