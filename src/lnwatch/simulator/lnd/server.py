"""The socket of the double: TLS, macaroons, the wallet's state, faults, and an account of what was asked."""

import asyncio
from collections import Counter
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import grpc
from google.protobuf.message import DecodeError, Message

from lnwatch.grpc_stubs import simulated_lnd_pb2 as sim
from lnwatch.simulator.listener import Connections
from lnwatch.simulator.lnd.calls import CALLS, Call, CallError
from lnwatch.simulator.lnd.certificate import self_signed
from lnwatch.simulator.lnd.macaroons import ADMIN, READONLY, RefusedError
from lnwatch.simulator.lnd.node import Node

_STATES: dict[int, str] = {
    sim.WAITING_TO_START: "waiting to start, RPC services not available",
    sim.NON_EXISTING: "wallet not created, create one to enable full RPC access",
    sim.LOCKED: "wallet locked, unlock it to enable full RPC access",
    sim.UNLOCKED: "the RPC server is in the process of starting up, but not yet ready to accept calls",
}


@dataclass
class Faults:
    """What goes wrong on purpose, by the last part of a call's path; `*` is every call, the State service too.

    `streams` are `cut` as soon as they begin, or their messages `duplicated`, or `reordered` by twos.
    """

    hanging: set[str] = field(default_factory=set)
    failing: dict[str, str] = field(default_factory=dict)
    latency: float = 0.0
    streams: str = ""

    def hang(self, path: str) -> bool:
        """Whether a call is never answered."""
        return "*" in self.hanging or path.rpartition("/")[2] in self.hanging


class LndDouble:
    """Serves one node. In `directory` lie `tls.cert`, `readonly.macaroon` and `admin.macaroon`, as LND writes
    them. `calls` and `bytes_sent` are counted by path.
    """

    def __init__(
        self, node: Node, directory: Path, *, clock_now: Callable[[], float] | None = None, listens: bool = True
    ) -> None:
        """Write the credentials; listen from `start` on. A certificate is valid by `clock_now` (the node's).

        Where it never `listens`, it answers calls from within this process alone.
        """
        self.node = node
        self.directory = directory
        self.faults = Faults()
        self.calls: Counter[str] = Counter()
        self.bytes_sent: Counter[str] = Counter()
        self.port = 0
        self.running = False
        self.connections = Connections()  # from within this process
        self._listens = listens
        self._now = clock_now or node.now
        self._server: grpc.aio.Server | None = None
        self._certificate, self._key = self_signed(self._now())
        self._write_credentials()

    @property
    def address(self) -> str:
        """Where it listens."""
        return f"127.0.0.1:{self.port}"

    @property
    def certificate(self) -> Path:
        """The certificate to trust."""
        return self.directory / "tls.cert"

    @property
    def macaroon(self) -> Path:
        """The read-only macaroon."""
        return self.directory / "readonly.macaroon"

    async def start(self) -> None:
        """Listen on 127.0.0.1, again on the same port after a stop."""
        self.running = True
        if not self._listens:
            return
        server = grpc.aio.server(options=(("grpc.so_reuseport", 0), ("grpc.max_send_message_length", -1)))
        server.add_generic_rpc_handlers((_Handler(self),))
        credentials = grpc.ssl_server_credentials([(self._key, self._certificate)])
        self.port = server.add_secure_port(self.address, credentials)
        await server.start()
        self._server = server

    async def stop(self) -> None:
        """Go away at once, as a killed process does."""
        self.running = False
        await self.connections.cut()
        server, self._server = self._server, None
        if server is not None:
            await server.stop(None)

    def renew_certificate(self, *, age_days: float = 0.0, host: str = "") -> None:
        """What LND does at a start when its certificate is gone; takes effect with the next start.

        It may be an old one, or one for another host.
        """
        self._certificate, self._key = self_signed(self._now(), age_days=age_days, host=host)
        _replace(self.certificate, self._certificate, 0o644)

    def _write_credentials(self) -> None:
        _replace(self.certificate, self._certificate, 0o644)
        _replace(self.macaroon, self.node.bakery.bake(READONLY), 0o644)
        _replace(self.directory / "admin.macaroon", self.node.bakery.bake(ADMIN), 0o640)

    async def answer(self, path: str, call: Call, request: Message, context: Any) -> Message:  # noqa: ANN401 - grpc's own
        """One unary call."""
        await self.admit(path, call, context)
        try:
            answer = call.answer(self.node, request)
            if isinstance(answer, Awaitable):
                answer = await answer
        except CallError as error:
            await context.abort(grpc.StatusCode[error.code], error.text)
        if not isinstance(answer, Message):
            raise TypeError(path)
        return answer

    async def stream(self, path: str, call: Call, request: Message, context: Any) -> AsyncGenerator[Message, None]:  # noqa: ANN401 - likewise
        """One stream."""
        await self.admit(path, call, context)
        answer = call.answer(self.node, request)
        if not isinstance(answer, AsyncIterator):
            raise TypeError(path)
        async for message in self._disturbed(answer, context):
            yield message

    async def _disturbed(self, messages: AsyncIterator[Message], context: Any) -> AsyncIterator[Message]:  # noqa: ANN401 - grpc's own
        """A stream with its faults; one that began before a cut ends with its next message."""
        held: Message | None = None
        if self.faults.streams == "cut":
            await context.abort(grpc.StatusCode.UNAVAILABLE, "error reading from server: EOF")
        async for message in messages:
            if self.faults.streams == "cut":
                await context.abort(grpc.StatusCode.UNAVAILABLE, "error reading from server: EOF")
            if self.faults.streams == "reordered" and held is None:
                held = message
                continue
            yield message
            if self.faults.streams == "duplicated":
                yield message
            if held is not None:
                yield held
                held = None

    def sent(self, path: str, message: Message) -> bytes:
        """Serialise and count."""
        data = message.SerializeToString()
        self.bytes_sent[path] += len(data)
        return data

    async def admit(self, path: str, call: Call, context: Any) -> None:  # noqa: ANN401 - likewise
        """State first, then the macaroon, as LND's interceptors stand; faults after both."""
        self.calls[path] += 1
        if call.permission and self.node.state in _STATES:
            await context.abort(grpc.StatusCode.UNKNOWN, _STATES[self.node.state])
        if call.permission:
            try:
                written = [str(value) for key, value in context.invocation_metadata() if key == "macaroon"]
                self.node.bakery.verify(written, call.permission, path, self.node.now())
            except RefusedError as error:
                await context.abort(grpc.StatusCode.UNKNOWN, str(error))
        if self.faults.hang(path):
            await asyncio.Event().wait()
        if self.faults.latency:
            await asyncio.sleep(self.faults.latency)
        if text := self.faults.failing.get(path.rpartition("/")[2]):
            await context.abort(grpc.StatusCode.UNKNOWN, text)


class _Handler(grpc.GenericRpcHandler):
    """Finds the call by its path; LND's server is Go's, and so are its words for what it does not know."""

    def __init__(self, double: LndDouble) -> None:
        self._double = double

    def service(self, handler_call_details: grpc.HandlerCallDetails) -> "grpc.RpcMethodHandler[Any, Any]":
        path = handler_call_details.method
        call = CALLS.get(path)
        if call is None:
            return grpc.unary_unary_rpc_method_handler(_unknown(path))

        def serialize(message: Message) -> bytes:
            return self._double.sent(path, message)

        if call.streams:

            async def stream(data: bytes, context: Any) -> AsyncIterator[Message]:  # noqa: ANN401 - grpc's own
                request = _read(call, data)
                if request is None:
                    await self._double.admit(path, call, context)  # only whoever may call is told
                    await context.abort(*_unreadable("failed to unmarshal the received message"))
                else:
                    async for message in self._double.stream(path, call, request, context):
                        yield message

            return grpc.unary_stream_rpc_method_handler(stream, None, serialize)

        async def answer(data: bytes, context: Any) -> Message:  # noqa: ANN401 - likewise
            request = _read(call, data)
            if request is None:
                await context.abort(*_unreadable("error unmarshalling request"))
                raise TypeError(path)
            return await self._double.answer(path, call, request, context)

        return grpc.unary_unary_rpc_method_handler(answer, None, serialize)


def _read(call: Call, data: bytes) -> Message | None:
    try:
        return call.request.FromString(data)
    except DecodeError:
        return None


def _unreadable(failed: str) -> tuple[grpc.StatusCode, str]:
    return grpc.StatusCode.INTERNAL, f"grpc: {failed}: proto: cannot parse invalid wire-format data"


def _unknown(path: str) -> Callable[[bytes, Any], Any]:
    async def refuse(_request: bytes, context: Any) -> None:  # noqa: ANN401 - grpc's own
        await context.abort(grpc.StatusCode.UNIMPLEMENTED, _why_not(path))

    return refuse


def _why_not(path: str) -> str:
    """Go's words for a call that nobody serves."""
    service, slash, method = path.removeprefix("/").rpartition("/")
    if not slash:
        return f'malformed method name: "{path}"'
    known = any(name.startswith(f"/{service}/") for name in CALLS)
    return f"unknown method {method} for service {service}" if known else f"unknown service {service}"


def _replace(path: Path, content: bytes, mode: int) -> None:
    fresh = path.with_suffix(".new")
    fresh.write_bytes(content)
    fresh.chmod(mode)
    fresh.replace(path)
