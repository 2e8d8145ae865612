"""`kill -9` at each step of a call, over both backends: never twice, nothing forgotten."""

import asyncio
import json
import signal
import time
from pathlib import Path

import pytest
from pydantic import SecretStr

from lnwatch.domain.book import Book
from lnwatch.executor.lnd import GRANT
from lnwatch.model.action import ProposalRecord
from lnwatch.simulator.lnd import LndDouble, Node
from lnwatch.store import LedgerSettings, open_ledger
from tests.executor.killed import LIVES, STEPS
from tests.manual_clock import ManualClock

HOST = "198.51.100.0:9735"  # what the node's first peer announces
# By the step at which it dies: how often the node was asked in the end, and what became of the proposal.
ENDS = {
    "": (1, "done"),
    "Proposal before": (1, "done"),
    "Proposal after": (1, "done"),
    "Intent before": (1, "done"),
    "Intent after": (0, "failed"),
    "act before": (0, "failed"),
    "act after": (1, "done"),
    "Receipt before": (1, "done"),
    "Receipt after": (1, "done"),
}


async def run(url: str, folder: Path, peer: str, wanted: str) -> int:
    """One life of the process; its exit status."""
    ended = await asyncio.to_thread(LIVES.run, [url, str(folder), peer, wanted])
    assert ended.returncode in {0, -signal.SIGKILL}, ended.stderr
    return ended.returncode


async def record_of(url: str, folder: Path) -> ProposalRecord:
    """What the journal says in the end: it holds together, and there is one proposal."""
    ledger = await open_ledger(LedgerSettings(url=SecretStr(url)), folder, ManualClock())
    book = Book().after(await ledger.journal.read())
    await ledger.close()
    assert not book.unsettled
    (record,) = book.records.values()
    return record


@pytest.mark.timeout(120)
@pytest.mark.parametrize("step", ["", *STEPS])
async def test_killed_at_each_step(ledger_url: str, tmp_path: Path, step: str) -> None:
    """Wherever it dies, the next life knows what was done and what was not, and the node is asked once at most."""
    node = Node(now=time.time)
    double = LndDouble(node, tmp_path)
    await double.start()
    peer = node.channels[0].remote_pubkey
    node.doors[HOST] = peer
    node.lose(peer)
    hands = tmp_path / "hands.macaroon"
    hands.write_bytes(node.bakery.bake([GRANT]))
    hands.chmod(0o600)
    block = {
        "address": double.address,
        "tls_cert_file": str(double.certificate),
        "macaroon_file": str(double.macaroon),
    }
    (tmp_path / "node.json").write_text(json.dumps(block))
    try:
        assert await run(ledger_url, tmp_path, peer, step) == (-signal.SIGKILL if step else 0)
        for _ in range(2):
            assert await run(ledger_url, tmp_path, peer, "") == 0
        asked, state = ENDS[step]
        assert double.calls["/lnrpc.Lightning/ConnectPeer"] == asked
        record = await record_of(ledger_url, tmp_path)
        assert record.state == state
        assert record.receipt is not None
        assert record.receipt.looked_up is (step in {"Intent after", "act before", "act after", "Receipt before"})
        assert any(one.pub_key == peer for one in node.peers) is bool(asked)
    finally:
        await double.stop()
