"""Calls of LND without a connection: messages are written and read, nothing else of gRPC is there."""

from collections.abc import AsyncGenerator, Callable, Generator, Sequence
from typing import Any

import grpc
from grpc import aio

from lnwatch.simulator.lnd import LndDouble
from lnwatch.simulator.lnd.calls import CALLS

Metadata = Sequence[tuple[str, str]]
Serializer = Callable[[Any], bytes]


class _AbortedError(Exception):
    """The call ends with this."""

    def __init__(self, code: grpc.StatusCode, text: str) -> None:
        super().__init__(text)
        self.code = code
        self.text = text


class _Context:
    """What the double asks of a call."""

    def __init__(self, metadata: Metadata) -> None:
        self._metadata = metadata

    def invocation_metadata(self) -> Metadata:
        return self._metadata

    async def abort(self, code: grpc.StatusCode, text: str) -> None:
        raise _AbortedError(code, text)


class _Call:
    """One call on its way to a node."""

    def __init__(self, double: LndDouble, path: str, sent: bytes, metadata: Metadata) -> None:
        self._double, self._path, self._context = double, path, _Context(metadata)
        self._call = CALLS[path]
        self._sent = self._call.request.FromString(sent)
        self._cancelled = False

    def cancel(self) -> None:
        """Whoever asked has heard enough."""
        self._cancelled = True

    def cancelled(self) -> bool:
        """Whether they had."""
        return self._cancelled

    def _require_node(self) -> None:
        if not self._double.running:
            raise _failed(grpc.StatusCode.UNAVAILABLE, "Connection refused")


class _Unary(_Call):
    """It has one answer."""

    def __await__(self) -> Generator[Any, None, bytes]:
        return self._answer().__await__()

    async def _answer(self) -> bytes:
        self._require_node()
        try:
            answer = self._double.answer(self._path, self._call, self._sent, self._context)
            return self._double.sent(self._path, await self._double.connections.within(answer))
        except (ConnectionResetError, _AbortedError) as error:
            raise _ended(error) from None


class _Streaming(_Call):
    """It has answers until it ends."""

    async def __aiter__(self) -> AsyncGenerator[bytes, None]:
        self._require_node()
        messages = self._double.stream(self._path, self._call, self._sent, self._context)
        try:
            while True:
                try:
                    message = await self._double.connections.within(_next(messages))
                except (ConnectionResetError, _AbortedError) as error:
                    raise _ended(error) from None
                if message is None:
                    return
                yield self._double.sent(self._path, message)
        finally:
            await messages.aclose()


async def _next(messages: Any) -> Any:  # noqa: ANN401 - grpc's messages
    return await anext(messages, None)


def _ended(error: ConnectionResetError | _AbortedError) -> aio.AioRpcError:
    if isinstance(error, _AbortedError):
        return _failed(error.code, error.text)
    return _failed(grpc.StatusCode.UNAVAILABLE, "Socket closed")


def _failed(code: grpc.StatusCode, text: str) -> aio.AioRpcError:
    return aio.AioRpcError(code, aio.Metadata(), aio.Metadata(), details=text)


class InsideChannel:
    """As much of `grpc.aio.Channel` as a client of LND needs. Deadlines are the client's own to keep."""

    def __init__(self, double: LndDouble) -> None:
        """To one node."""
        self._double = double

    def unary_unary(self, path: str, request_serializer: Serializer) -> Callable[..., _Unary]:
        """One call with one answer."""

        def ask(request: object, *, timeout: float | None = None, metadata: Metadata = ()) -> _Unary:
            del timeout
            return _Unary(self._double, path, request_serializer(request), metadata)

        return ask

    def unary_stream(self, path: str, request_serializer: Serializer) -> Callable[..., _Streaming]:
        """One call with many answers."""

        def ask(request: object, *, metadata: Metadata = ()) -> _Streaming:
            return _Streaming(self._double, path, request_serializer(request), metadata)

        return ask

    def get_state(self) -> grpc.ChannelConnectivity:
        """There is nothing that could be lost."""
        return grpc.ChannelConnectivity.READY

    async def close(self) -> None:
        """There is no connection."""
