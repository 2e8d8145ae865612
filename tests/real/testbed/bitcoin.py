"""A real bitcoind on a regtest chain of its own."""

import hashlib
import hmac
from collections.abc import Mapping, Sequence
from operator import itemgetter
from pathlib import Path
from typing import Any

import httpx

from tests.real.testbed.ports import free_port
from tests.real.testbed.process import Process
from tests.real.testbed.relay import Relay
from tests.real.testbed.waiting import until
from tests.requirements import RELAYED, require

# Nobody's coins: an address that no wallet of the bed owns.
THROW_AWAY = "mfWxJ45yp2SFn7UciZyNpvDKrzbhyfKrY8"
USER, PASSWORD, SALT = "lnd", "lnd-password", "a51fd03cd7f2b0a4"


class RpcError(Exception):
    """bitcoind answered with an error: its code and text."""

    def __init__(self, code: int, message: str) -> None:
        super().__init__(f"{code}: {message}")
        self.code = code


def _result(answer: Mapping[str, Any]) -> Any:  # noqa: ANN401 - whatever JSON the method answers
    if problem := answer.get("error"):
        if problem["code"] == -28:  # warming up
            raise ConnectionError(problem["message"])
        raise RpcError(problem["code"], problem["message"])
    return answer["result"]


class Bitcoind:
    """LND logs in with a password that stays; lnwatch uses the cookie, which is new at every start."""

    def __init__(self, folder: Path, *, connect: "Bitcoind | None" = None, flags: Sequence[str] = ()) -> None:
        folder.mkdir(parents=True)
        self.folder = folder
        self.rpc_port = free_port()
        self._relay = Relay(free_port(), self.rpc_port) if RELAYED else None
        self.p2p_port = free_port(run=2)  # bitcoind takes the next one too, for onion peers
        digest = hmac.new(SALT.encode(), PASSWORD.encode(), hashlib.sha256).hexdigest()
        listening = ["-connect=0", "-listen=1", f"-bind=127.0.0.1:{self.p2p_port}"]
        peers = [f"-connect=127.0.0.1:{connect.p2p_port}", "-listen=0"] if connect else listening
        self.process = Process(
            folder.name,
            [
                require("stack") / "bitcoind",
                "-regtest",
                f"-datadir={folder}",
                "-server",
                "-txindex",
                f"-rpcauth={USER}:{SALT}${digest}",
                f"-rpcport={self.rpc_port}",
                *peers,
                "-listenonion=0",
                "-dnsseed=0",
                "-natpmp=0",
                "-fallbackfee=0.0001",
                "-dbcache=16",
                "-par=1",
                "-rpcworkqueue=256",
                "-nodebuglogfile",
                "-printtoconsole",
                *flags,
            ],
            folder / "bitcoind.log",
        )
        self.http = httpx.Client(base_url=self.url, auth=(USER, PASSWORD), timeout=20)

    @property
    def url(self) -> str:
        """Of the JSON-RPC server."""
        return f"http://127.0.0.1:{self.rpc_port}"

    @property
    def lnd_port(self) -> int:
        """Where LND finds the JSON-RPC server."""
        return self._relay.server_port if self._relay else self.rpc_port

    @property
    def cookie(self) -> Path:
        """The credential that lnwatch is given."""
        return self.folder / "regtest" / ".cookie"

    def start(self) -> None:
        """Start it and wait until it serves."""
        if self._relay:
            self._relay.start()
        self.process.start()
        until(f"{self.folder.name} answers", lambda: self.ask("getblockcount") is not None)

    def ask(self, method: str, *params: object) -> Any:  # noqa: ANN401 - whatever JSON the method answers
        """Call one method. Raises RpcError with bitcoind's own words, OSError where it does not answer."""
        try:
            response = self.http.post("/", json={"jsonrpc": "2.0", "id": 1, "method": method, "params": params})
        except httpx.TransportError as error:
            raise ConnectionError(f"{self.folder.name} does not answer: {error}") from error
        return _result(response.json())

    def ask_all(self, method: str, calls: Sequence[Sequence[object]]) -> list[Any]:
        """Call one method with each of these parameters, in one batch. Raises RpcError for the first refusal."""
        asked = [{"jsonrpc": "2.0", "id": n, "method": method, "params": params} for n, params in enumerate(calls)]
        answers = self.http.post("/", json=asked).json()
        return [_result(answer) for answer in sorted(answers, key=itemgetter("id"))]

    @property
    def height(self) -> int:
        """Of the active chain's tip."""
        return int(self.ask("getblockcount"))

    def mine(self, blocks: int = 1, address: str = THROW_AWAY) -> list[str]:
        """Mine blocks on the tip at once. Their hashes."""
        return list(self.ask("generatetoaddress", blocks, address))

    def mine_empty(self, blocks: int = 1) -> list[str]:
        """Mine blocks that leave the mempool as it is. Their hashes."""
        return [str(self.ask("generateblock", "raw(51)", [])["hash"]) for _ in range(blocks)]

    def block_of(self, txid: str) -> str | None:
        """The hash of the block of the active chain that holds a transaction; None while it waits."""
        try:
            found = self.ask("getrawtransaction", txid, True)
        except RpcError:
            return None
        return str(found["blockhash"]) if found.get("confirmations") else None

    def stop(self) -> None:
        """Stop it in good order, so that the chain is on disk."""
        self.process.stop()

    def close(self) -> None:
        """Stop it for good."""
        self.process.stop()
        self.http.close()
        if self._relay:
            self._relay.close()
