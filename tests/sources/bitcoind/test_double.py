"""The double against what a real bitcoind answered."""

import asyncio
import base64
import json
from pathlib import Path
from typing import Any

import pytest

from lnwatch.simulator.bitcoind import BitcoindDouble, Chain, Node, User
from lnwatch.simulator.bitcoind.node import PRE_RELEASE
from tests.manual_clock import ManualClock

FOLDER = Path(__file__).parents[2] / "recorded" / "bitcoind-31.99"
RECORDED = {path.stem: json.loads(path.read_text()) for path in sorted(FOLDER.glob("*.json"))}
GENESIS = "0f9188f13cb7b2c71f2a335e3a4fc328bf5beb436012afca590b1a11466e2206"
FEW = frozenset({"getblockchaininfo", "getnetworkinfo", "uptime"})


def node_for(name: str, recorded: dict[str, Any]) -> Node:
    """A node in the state in which the answer was recorded."""
    chain = Chain(ManualClock())
    chain.mine(0 if name.startswith("getblock") and name != "getblockchaininfo" else 324)
    users = (User("full", "pw"), User("weak", "pw", FEW))
    node = Node(chain, version=319_900, users=users, whitelist_default=False, peers_out=0, warnings=(PRE_RELEASE,))
    if name == "getmempoolentry":
        chain.broadcast(recorded["request"]["params"][0])
    if name.startswith("warm-up"):
        text = json.dumps(recorded["response"], ensure_ascii=False)
        node.faults.warm_up = next(phase for phase in ("Loading block index…", "Verifying blocks…") if phase in text)
    return node


async def ask(double: BitcoindDouble, name: str, request: object) -> tuple[int, str, Any]:
    login = {"error-forbidden": "weak:pw", "error-forbidden-batch": "weak:pw", "error-wrong-auth": "full:no"}
    body = request if isinstance(request, str) else json.dumps(request)
    method = "GET" if request is None else "POST"
    basic = base64.b64encode(login.get(name, "full:pw").encode()).decode()
    head = f"{method} / HTTP/1.1\r\nHost: x\r\nAuthorization: Basic {basic}\r\nContent-Length: {len(body)}\r\n\r\n"
    reader, writer = await asyncio.open_connection("127.0.0.1", double.port)
    writer.write((head + body).encode())
    lines = (await reader.readuntil(b"\r\n\r\n")).decode().split("\r\n")
    headers = dict(line.split(": ", 1) for line in lines[1:] if line)
    text = (await reader.readexactly(int(headers["Content-Length"]))).decode()
    writer.close()
    await writer.wait_closed()
    try:
        return int(lines[0].split()[1]), headers["Content-Type"], json.loads(text)
    except ValueError:
        return int(lines[0].split()[1]), headers["Content-Type"], text


def shape(value: object) -> object:
    """Types in place of values; an error keeps its code and text, which are the contract."""
    if isinstance(value, dict):
        kept = {key: shape(inner) for key, inner in value.items() if key not in ("coinbase_tx", "nextblockhash")}
        return {**kept, "error": value["error"]} if value.get("error") else kept
    if isinstance(value, list):
        return [shape(inner) for inner in value]
    return "number" if isinstance(value, int | float) and not isinstance(value, bool) else type(value).__name__


@pytest.mark.parametrize("name", RECORDED)
async def test_double_answers_as_the_real_one_did(name: str) -> None:
    """Status, content type, framing, error texts and the members of each result are the recorded ones."""
    recorded = RECORDED[name]
    node = node_for(name, recorded)
    request = json.loads(json.dumps(recorded["request"]).replace(GENESIS, node.chain.active[0].hash))
    async with BitcoindDouble(node, login_delay=0.0) as double:
        status, content_type, response = await ask(double, name, request)
    assert (status, content_type) == (recorded["http_status"], recorded["content_type"])
    expected = recorded["response"]
    if name == "error-missing-param":  # the double has no help texts
        expected = {**expected, "error": {"code": -1, "message": "getblockhash height\n"}}
    assert shape(response) == shape(expected)


def test_there_is_something_to_compare_with() -> None:
    """The recordings are there."""
    assert len(RECORDED) >= 20
