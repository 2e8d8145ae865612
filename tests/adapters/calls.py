"""Raw gRPC to an LND: requests that no client of ours would make, and LND's own words for them."""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

import grpc
from google.protobuf.message import Message

from lnwatch.grpc_stubs import simulated_lnd_pb2 as sim
from tests.adapters.nodes import Door

LIGHTNING = "/lnrpc.Lightning/"
GET_INFO = f"{LIGHTNING}GetInfo"
PATIENCE = 20.0  # seconds for an answer
A = TypeVar("A", bound=Message)
Metadata = Sequence[tuple[str, str]]


@dataclass(frozen=True, slots=True)
class Refusal:
    """A gRPC status that is not OK."""

    code: str
    text: str


def unknown(text: str) -> Refusal:
    """What nearly every error of LND is."""
    return Refusal("UNKNOWN", text)


@dataclass(frozen=True, slots=True)
class Caller:
    """Calls one node, with a macaroon unless other metadata is given."""

    channel: grpc.aio.Channel
    door: Door

    async def data(
        self, path: str, request: Message | bytes = b"", *, name: str = "readonly", metadata: Metadata | None = None
    ) -> bytes | Refusal:
        """An answer as it came, or why there is none."""
        call: Any = self.channel.unary_unary(path)
        try:
            told: bytes = await call(_written(request), metadata=self._metadata(name, metadata), timeout=PATIENCE)
        except grpc.aio.AioRpcError as error:
            return _refusal(error)
        return told

    async def ask(self, path: str, request: Message, answer: type[A], *, name: str = "readonly") -> A:
        """An answer that must come."""
        told = await self.data(path, request, name=name)
        assert isinstance(told, bytes), told
        return answer.FromString(told)

    async def refused(self, path: str, request: Message | bytes = b"", *, name: str = "readonly") -> Refusal | None:
        """Why there is no answer; None where there is one."""
        told = await self.data(path, request, name=name)
        return told if isinstance(told, Refusal) else None

    async def stream_refused(
        self, path: str, request: Message | bytes = b"", *, metadata: Metadata | None = None
    ) -> Refusal:
        """Why a stream ends before its first message."""
        stream: Any = self.channel.unary_stream(path)
        call = stream(_written(request), metadata=self._metadata("readonly", metadata), timeout=PATIENCE)
        try:
            async for message in call:
                raise AssertionError(message)
        except grpc.aio.AioRpcError as error:
            return _refusal(error)
        raise AssertionError("it ended well")

    @asynccontextmanager
    async def stream(self, path: str, request: Message | bytes, message: type[A]) -> AsyncIterator[AsyncIterator[A]]:
        """What a stream tells, from the moment on at which the node answered."""
        open_: Any = self.channel.unary_stream(path)
        call = open_(_written(request), metadata=self._metadata("readonly", None), timeout=3 * PATIENCE)

        async def messages() -> AsyncIterator[A]:
            async for data in call:
                yield message.FromString(data)

        try:
            yield messages()
        finally:
            call.cancel()

    def _metadata(self, name: str, metadata: Metadata | None) -> Metadata:
        return (("macaroon", self.door.macaroon(name).hex()),) if metadata is None else metadata


def _written(request: Message | bytes) -> bytes:
    return request if isinstance(request, bytes) else request.SerializeToString()


def _refusal(error: grpc.aio.AioRpcError) -> Refusal:
    return Refusal(error.code().name, error.details() or "")


@asynccontextmanager
async def calling(door: Door, trusted: Path | None = None) -> AsyncIterator[Caller]:
    """Ways to a node whose certificate is trusted, or to one of which another is expected."""
    credentials = grpc.ssl_channel_credentials((trusted or door.certificate).read_bytes())
    async with grpc.aio.secure_channel(door.address, credentials) as channel:
        yield Caller(channel, door)


EMPTY = sim.Empty()
