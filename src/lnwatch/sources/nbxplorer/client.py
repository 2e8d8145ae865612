"""The line to one NBXplorer: its login, which changes at each of its starts, and its answers in our words."""

import base64
from pathlib import Path
from typing import Annotated, Final

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from lnwatch.credentials import Credential
from lnwatch.errors import FailureReason, SourceError
from lnwatch.model.chain import NbxplorerNode, NbxplorerStatus, Network
from lnwatch.net import Answer, HttpClient
from lnwatch.net.door import Door
from lnwatch.sources import Cost
from lnwatch.sources.nbxplorer.settings import NbxplorerSettings

CRYPTO: Final = "BTC"
_PATH: Final = f"/v1/cryptos/{CRYPTO}/status"
_REQUEST_SHARE: Final = 0.9  # of the deadline: so it is known where the time went
_MAX_BYTES: Final = 1024 * 1024
_NETWORKS: Final = {
    "mainnet": Network.MAIN,
    "testnet": Network.TEST,
    "testnet4": Network.TESTNET4,
    "signet": Network.SIGNET,
    "regtest": Network.REGTEST,
}

Height = Annotated[int, Field(strict=True, ge=0, lt=2**31)]
Line = Annotated[str, Field(max_length=100)]


class _Answer(BaseModel):
    model_config = ConfigDict(strict=True, frozen=True, extra="ignore")


class BitcoinStatus(_Answer):
    """The bitcoind behind it."""

    blocks: Height
    headers: Height
    isSynched: bool  # noqa: N815 - NBXplorer's own name


class Status(_Answer):
    """`/v1/cryptos/BTC/status`. Without its bitcoind `chainHeight` is 0, whatever was known before."""

    isFullySynched: bool  # noqa: N815 - NBXplorer's own name
    chainHeight: Height  # noqa: N815 - NBXplorer's own name
    syncHeight: Height | None = None  # noqa: N815 - NBXplorer's own name
    bitcoinStatus: BitcoinStatus | None = None  # noqa: N815 - NBXplorer's own name
    networkType: Line  # noqa: N815 - NBXplorer's own name
    cryptoCode: Line = CRYPTO  # noqa: N815 - NBXplorer's own name
    version: Line = ""


class Client:
    """Asks for the status, and for nothing else. Raises SourceError from each call."""

    def __init__(self, door: Door, settings: NbxplorerSettings, cost: Cost) -> None:
        """Connects to nothing yet."""
        self._door = door
        self._settings = settings
        self._cost = cost
        self._roots = Credential(path=settings.ca_file)
        self._cookie = Credential(path=settings.cookie_file)
        self._connected: tuple[bytes, HttpClient] | None = None

    @property
    def cookie_file(self) -> Path | None:
        """None where it runs without."""
        return self._cookie.path

    @property
    def roots(self) -> bytes | None:
        """The authority to trust, as it stands in its file now."""
        return self._roots.read() or None

    @property
    def tls_expires_at(self) -> float | None:
        """When the certificate in front of it ends; None without TLS."""
        return self._connected[1].tls_expires_at if self._connected is not None else None

    async def status(self) -> NbxplorerStatus:
        """Ask once."""
        answer = await self._get()
        if answer.status == 404:
            message = (
                f"{answer.where} does not index {CRYPTO}, or is no NBXplorer (HTTP 404): compare the port in `url`"
            )
            raise SourceError(FailureReason.UNSUPPORTED, message)
        answer.raise_for_status()
        return _read(answer)

    async def close(self) -> None:
        """Let go of connections."""
        if self._connected is not None:
            await self._connected[1].close()

    async def _get(self) -> Answer:
        login, unreadable = self._login()
        answer = await self._send(login)
        if answer.status == 401 and (fresh := self._login()[0]) != login:
            answer = await self._send(fresh)  # it restarted, and wrote a new cookie
        if answer.status != 401:
            return answer
        if unreadable is not None:
            raise unreadable
        raise SourceError(FailureReason.REJECTED, self._rejected(answer.where))

    def _login(self) -> tuple[str | None, SourceError | None]:
        """The header as it must be now. A cookie that can't be read matters only where one is asked for."""
        if self._cookie.path is None:
            return None, None
        try:
            pair = self._cookie.text()
        except SourceError as error:
            return None, error
        return ("Basic " + base64.b64encode(pair.encode()).decode() if pair else None), None

    def _rejected(self, where: str) -> str:
        if self._cookie.path is None:
            return f"{where} asks for a login: set `cookie_file` to the .cookie in NBXplorer's data folder"
        return f"{where} does not accept the cookie in {self._cookie.path}: look whether another NBXplorer wrote it"

    async def _send(self, login: str | None) -> Answer:
        self._cost.calls += 1
        client = await self._client()
        headers = {"Accept": "application/json", **({"Authorization": login} if login else {})}
        return await client.request("GET", _PATH, headers=headers)

    async def _client(self) -> HttpClient:
        """The client, made anew when the certificate to trust has changed."""
        roots = self._roots.read()
        if self._connected is None or self._connected[0] != roots:
            await self.close()
            client = self._door.http(
                base_url=self._settings.url,
                timeout=self._settings.deadline * _REQUEST_SHARE,
                roots=roots or None,
                max_bytes=_MAX_BYTES,
                on_bytes=self._count,
            )
            self._connected = (roots, client)
        return self._connected[1]

    def _count(self, received: int) -> None:
        self._cost.bytes_received += received


def _read(answer: Answer) -> NbxplorerStatus:
    where = answer.where
    try:
        status = Status.model_validate_json(answer.body)
    except ValidationError as error:
        first = error.errors(include_input=False, include_url=False)[0]
        place = ".".join(str(part) for part in first["loc"])
        message = f"{where} answered with what is no status of an NBXplorer: {place or 'the body'}: {first['msg']}"
        raise SourceError(FailureReason.MALFORMED, message) from error
    if status.cryptoCode.upper() != CRYPTO:
        message = f"{where} told of {status.cryptoCode}, and was asked for {CRYPTO}"
        raise SourceError(FailureReason.MALFORMED, message)
    network = _NETWORKS.get(status.networkType.lower())
    if network is None:
        message = f"{where} is on a chain that lnwatch does not know: {status.networkType[:40]}"
        raise SourceError(FailureReason.UNSUPPORTED, message)
    node = status.bitcoinStatus
    return NbxplorerStatus(
        network=network,
        version=status.version,
        synced=status.isFullySynched,
        chain_height=status.chainHeight if node is not None else status.chainHeight or None,
        sync_height=status.syncHeight,
        node=NbxplorerNode(node.blocks, node.headers, node.isSynched) if node is not None else None,
        rpc_seconds=answer.seconds,
    )
