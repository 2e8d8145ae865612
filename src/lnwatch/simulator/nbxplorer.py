"""A double of NBXplorer 2.6: its status and health over HTTP, behind a cookie, and the indexer that BTCPay asks."""

import asyncio
import base64
import contextlib
import secrets
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final, Self

from lnwatch.clock import Clock
from lnwatch.simulator.bitcoind.chain import Chain
from lnwatch.simulator.kestrel import Gate, Kestrel, Reply, Request

_READY_WITHIN: Final = 3  # blocks, to be called fully synchronised
_WORKING_WITHIN: Final = 6  # blocks, to be Ready at all
_COOKIE_USER: Final = "__cookie__"
_VERSION: Final = "2.6.7"


class Indexer:
    """What NBXplorer knows of a chain. It follows by itself, a second late after it was away.

    `bitcoind` is the node that it follows; `held_at` a height that it does not get beyond; `core_behind`
    how many blocks the node itself lacks of its headers; `listeners` are told of each change.
    """

    def __init__(self, clock: Clock, chain: Chain) -> None:
        """In step with the chain."""
        self.clock = clock
        self.chain = chain
        self.gate = Gate()
        self.bitcoind = Gate()
        self.sync_height: int | None = chain.tip.height
        self.held_at: int | None = None
        self.core_behind = 0
        self.listeners: list[Callable[[], None]] = []
        self.catching_up = False
        self._tasks: set[asyncio.Task[None]] = set()

    def notice(self) -> None:
        """Index what is new, and tell of it."""
        if not (self.gate.well and self.bitcoind.well):
            return
        tip = self.chain.tip.height
        self.sync_height = tip if self.held_at is None else min(tip, self.held_at)
        for listener in self.listeners:
            listener()

    def stop(self) -> None:
        """Gone."""
        self.gate.running = False

    def start(self) -> None:
        """Back, and in step a second later."""
        self.gate.running = True
        self._catch_up()

    def freeze(self) -> None:
        """It accepts, and says nothing."""
        self.gate.freeze()

    def thaw(self) -> None:
        """Back, and in step a second later."""
        self.gate.thaw()
        self._catch_up()

    def _catch_up(self) -> None:
        async def later() -> None:
            await self.clock.sleep(1)
            self.catching_up = True
            self.notice()
            self.catching_up = False

        task = asyncio.get_running_loop().create_task(later())
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def status(self) -> dict[str, Any]:
        """As `/v1/cryptos/BTC/status` has it. Raises OSError, or waits while it is frozen."""
        await self.gate.wait()
        tip = self.chain.tip.height
        core = None
        if self.bitcoind.well:
            core = {
                "blocks": tip - self.core_behind,
                "headers": tip,
                "verificationProgress": 1.0 if not self.core_behind else 0.99,
                "isSynched": self.core_behind < _WORKING_WITHIN,
                "incrementalRelayFee": 0.1,
                "minRelayTxFee": 0.1,
                "externalAddresses": [],
                "capabilities": {
                    "canScanTxoutSet": True,
                    "canSupportSegwit": True,
                    "canSupportTaproot": True,
                    "canSupportTransactionCheck": True,
                },
            }
        height = tip if core is not None else 0
        behind = height - (self.sync_height or 0)
        synched = core is not None and self.sync_height is not None and behind < _READY_WITHIN
        return {
            "bitcoinStatus": core,
            "isFullySynched": synched and self.core_behind < _WORKING_WITHIN,
            "chainHeight": height,
            "syncHeight": self.sync_height,
            "networkType": "Regtest",
            "cryptoCode": "BTC",
            "instanceName": "",
            "supportedCryptoCodes": ["BTC"],
            "version": _VERSION,
        }

    @property
    def state(self) -> str:
        """As its health check calls it."""
        if not self.bitcoind.well:
            return "NotStarted"
        if self.core_behind >= _WORKING_WITHIN:
            return "CoreSynching"
        behind = self.chain.tip.height - (self.sync_height or 0)
        return "NBXplorerSynching" if behind >= _WORKING_WITHIN else "Ready"

    async def close(self) -> None:
        """Let go of what still waits."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)


class NbxplorerDouble(Kestrel):
    """Serves one indexer. `cookie` is written anew at every start; None: `--noauth`."""

    def __init__(self, indexer: Indexer, cookie: Path | None = None) -> None:
        """Nothing listens before `start`."""
        super().__init__(indexer.clock)
        self.indexer = indexer
        self.gate = indexer.gate
        self.cookie = cookie
        self._login: str | None = None

    async def start(self) -> None:
        """Write the cookie and listen."""
        if self.cookie is not None:
            self._login = f"{_COOKIE_USER}:{secrets.token_hex(32)}"
            self.cookie.write_text(self._login)
            self.cookie.chmod(0o600)
        await self.listen()
        if not self.indexer.gate.running:
            self.indexer.start()

    async def stop(self) -> None:
        """Go away, as a killed process does."""
        self.indexer.stop()
        await self.close()

    async def __aenter__(self) -> Self:
        """Start."""
        await self.start()
        return self

    async def __aexit__(self, *_: object) -> None:
        """Stop."""
        await self.stop()
        await self.indexer.close()

    async def answer(self, request: Request) -> Reply:
        """`/health` to everybody, the status of BTC to those with the cookie."""
        if request.path == "/health":
            return self._health()
        if not self._admitted(request.headers.get("authorization", "")):
            return Reply(401, headers={"WWW-Authenticate": 'Basic realm="NBXplorer"'})
        parts = request.path.strip("/").split("/")
        if len(parts) != 4 or parts[:2] != ["v1", "cryptos"] or parts[3] != "status":
            return Reply(404)
        if request.method != "GET":
            return Reply(405, headers={"Allow": "GET"})
        if parts[2].upper() != "BTC":
            value = {"httpCode": 404, "code": "cryptoCode-not-supported", "message": f"{parts[2]} is not supported"}
            return Reply.of(404, value)
        return Reply.of(200, await self.indexer.status())

    def _health(self) -> Reply:
        state = self.indexer.state
        status = "Healthy" if state == "Ready" else "Degraded"
        check = {"status": status, "data": {"BTC": state}}
        return Reply.of(200, {"status": status, "results": {"NodesHealthCheck": check}})

    def _admitted(self, header: str) -> bool:
        if self._login is None:
            return True
        scheme, _, rest = header.partition(" ")
        with contextlib.suppress(ValueError):
            return scheme.lower() == "basic" and base64.b64decode(rest, validate=True).decode() == self._login
        return False
