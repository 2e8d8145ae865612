"""The way to one LND: a channel that follows its certificate, the macaroon, and what it costs the node."""

import asyncio
from collections.abc import AsyncGenerator
from typing import Any

from google.protobuf.message import DecodeError
from grpc import ChannelConnectivity, aio

from lnwatch.credentials import Credential
from lnwatch.errors import FailureReason, SourceError
from lnwatch.net import TlsPeek
from lnwatch.net.door import split_address
from lnwatch.sources import Cost, Place
from lnwatch.sources.lnd.errors import failure
from lnwatch.sources.lnd.methods import A, Method, Q
from lnwatch.sources.lnd.settings import LndSettings

MAX_ANSWER = 64 * 1024 * 1024  # bytes: 100,000 channels, or a page of payments with many attempts
BATCH = 200  # messages of a stream handed on together when they have piled up
_BACKLOG = 2 * BATCH
QUIET = 1.0  # seconds without an error after which a stream that says nothing stands

_OPTIONS = (
    # A stream that hangs on a dead connection would be silent for ever. LND refuses pings more often than
    # every 5 s, and any without a stream; grpc's core stops after two without data unless told otherwise.
    ("grpc.keepalive_time_ms", 60_000),
    ("grpc.keepalive_timeout_ms", 20_000),
    ("grpc.keepalive_permit_without_calls", 0),
    ("grpc.http2.max_pings_without_data", 0),
    ("grpc.use_local_subchannel_pool", 1),  # a channel that is made anew begins anew
)

_Unary = aio.UnaryUnaryMultiCallable[Any, bytes]
_Streaming = aio.UnaryStreamMultiCallable[Any, bytes]


class LndClient:
    """Calls one node. Everything it raises is a SourceError; its messages hold no secret."""

    def __init__(self, place: Place, settings: LndSettings) -> None:
        """Connect to nothing yet; credentials are read at each call."""
        self.address = settings.address
        self.cost = Cost()
        self._clock = place.clock
        self._door = place.door
        self._macaroon_file = settings.macaroon_file
        self._macaroon = Credential(settings.macaroon, settings.macaroon_file)
        self._roots = Credential(path=settings.tls_cert_file)
        self._roots_used: bytes | None = None
        self._channel: aio.Channel | None = None
        self._closing: set[asyncio.Task[None]] = set()

    @property
    def encrypted(self) -> bool:
        """Whether there is a certificate to look at."""
        return not self.address.startswith("unix:")

    def macaroon(self) -> bytes:
        """The macaroon in binary form. Raises SourceError where its file is gone, or empty."""
        if self._macaroon_file is None:
            return bytes.fromhex(self._macaroon.text().strip())
        content = self._macaroon.read()
        if not content:
            message = f"{self._macaroon_file} is empty: copy the macaroon again"
            raise SourceError(FailureReason.CREDENTIAL_UNREADABLE, message)
        return content

    async def call(self, method: Method[Q, A], request: Q, *, seconds: float) -> A:
        """Ask once, and give up after `seconds`."""
        metadata = self._metadata(method)
        channel = self._open()
        ask: _Unary = channel.unary_unary(method.path, request_serializer=_serialized)
        self.cost.calls += 1
        call = ask(request, timeout=seconds, metadata=metadata)
        try:
            async with asyncio.timeout(seconds):  # grpc's own goes by the machine's clock; it has LND stop as well
                return self._parsed(method, await call)
        except TimeoutError as error:
            raise SourceError(FailureReason.TIMEOUT, f"{self.address} did not answer within our deadline") from error
        except aio.AioRpcError as error:
            self._drop_lost(channel)
            raise failure(error, method, self._door, self.address) from error
        except asyncio.CancelledError as error:
            raise _renewed(error, call) from error

    async def stream(self, method: Method[Q, A], request: Q, *, greeted: bool = False) -> AsyncGenerator[list[A], None]:
        """Messages as they come, those that piled up together; the first list says that the stream stands.

        A stream that is not `greeted` by its server stands when it was not refused within a second.
        """
        metadata = self._metadata(method)
        ask: _Streaming = self._open().unary_stream(method.path, request_serializer=_serialized)
        call = ask(request, metadata=metadata)
        queue: asyncio.Queue[A | SourceError] = asyncio.Queue(_BACKLOG)
        pump = asyncio.create_task(self._pump(call, method, queue))
        try:
            if not greeted:
                yield await self._first(queue)
            while True:
                yield _drained(queue, await queue.get())
        finally:
            call.cancel()
            pump.cancel()
            await asyncio.gather(pump, return_exceptions=True)

    async def certificate(self, *, seconds: float) -> TlsPeek:
        """The certificate that the node presents."""
        return await self._door.tls(*split_address(self.address), self._present_roots(), seconds=seconds)

    async def close(self) -> None:
        """Let go of the connection."""
        channel, self._channel = self._channel, None
        if channel is not None:
            await channel.close()
        await asyncio.gather(*self._closing)

    def _open(self) -> aio.Channel:
        """The channel, made anew when the certificate to trust was replaced."""
        roots = self._present_roots()
        if self._channel is None or roots != self._roots_used:
            self._drop()
            self._channel = self._door.grpc(
                self.address, root_certificates=roots, max_receive_bytes=MAX_ANSWER, options=_OPTIONS
            )
            self._roots_used = roots
        return self._channel

    def _drop(self) -> None:
        old, self._channel = self._channel, None
        if old is not None:
            task = asyncio.create_task(old.close())
            self._closing.add(task)
            task.add_done_callback(self._closing.discard)

    def _drop_lost(self, channel: aio.Channel) -> None:
        """Have the next call connect anew where nobody could be reached: grpc would pause between its tries, and each
        call fail meanwhile though the node is back. How often we ask is pause enough."""
        if channel is self._channel and channel.get_state() is ChannelConnectivity.TRANSIENT_FAILURE:
            self._drop()

    def _present_roots(self) -> bytes | None:
        return self._roots.read() if self._roots.path is not None else None

    def _metadata(self, method: Method[Any, Any]) -> tuple[tuple[str, str], ...]:
        return (("macaroon", self.macaroon().hex()),) if method.permission else ()

    def _parsed(self, method: Method[Any, A], data: bytes) -> A:
        self.cost.bytes_received += len(data)
        try:
            return method.answer.FromString(data)
        except DecodeError as error:
            message = f"{self.address} answered {method.path} with something else than LND does"
            raise SourceError(FailureReason.MALFORMED, message) from error

    async def _pump(self, call: Any, method: Method[Any, A], queue: asyncio.Queue[A | SourceError]) -> None:  # noqa: ANN401 - grpc's calls have no public generic type
        try:
            async for data in call:
                await queue.put(self._parsed(method, data))
            end = SourceError(FailureReason.REFUSED, "LND ended the stream")
        except aio.AioRpcError as error:
            end = failure(error, method, self._door, self.address)
        except asyncio.CancelledError as error:
            end = _renewed(error, call)
        except SourceError as error:
            end = error
        await queue.put(end)

    async def _first(self, queue: asyncio.Queue[A | SourceError]) -> list[A]:
        get = asyncio.ensure_future(queue.get())
        quiet = asyncio.ensure_future(self._clock.sleep(QUIET))
        try:
            await asyncio.wait((get, quiet), return_when=asyncio.FIRST_COMPLETED)
            return _drained(queue, get.result()) if get.done() else []
        finally:
            get.cancel()
            quiet.cancel()


def _serialized(request: Any) -> bytes:  # noqa: ANN401 - grpc hands it over untyped
    data: bytes = request.SerializeToString()
    return data


def _drained(queue: asyncio.Queue[A | SourceError], first: A | SourceError) -> list[A]:
    """`first` and what is there already, up to a failure, which is told next. Raises it where it is first."""
    if isinstance(first, SourceError):
        raise first
    found = [first]
    while len(found) < BATCH and not queue.empty():
        following = queue.get_nowait()
        if isinstance(following, SourceError):
            queue.put_nowait(following)
            break
        found.append(following)
    return found


def _renewed(error: asyncio.CancelledError, call: Any) -> SourceError:  # noqa: ANN401 - see above
    """A call that was cancelled with its channel. Raises `error` where it is our own task that must end."""
    task = asyncio.current_task()
    if not call.cancelled() or (task is not None and task.cancelling()):
        raise error
    return SourceError(FailureReason.REFUSED, "the connection is being made anew")
