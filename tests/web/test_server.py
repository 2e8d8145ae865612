"""Inside our own loop, over a real socket."""

import asyncio
import logging
import signal
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import httpx
import pytest
from starlette.types import ASGIApp, Receive, Scope, Send

from lnwatch.errors import ConfigError
from lnwatch.web.server import bind, serve
from lnwatch.web.settings import WebSettings
from tests import secrets
from tests.web.stage import Stage

ANY_PORT = WebSettings(listen="127.0.0.1:0")


@asynccontextmanager
async def serving(app: ASGIApp | None = None) -> AsyncIterator[str]:
    listener = bind(ANY_PORT)
    port = listener.getsockname()[1]
    task = asyncio.create_task(serve(app or Stage().app, ANY_PORT, listener))
    try:
        yield f"http://127.0.0.1:{port}"
    finally:
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task


async def test_answers_and_ends() -> None:
    """It answers over a real connection, and after being cancelled the port is free again."""
    async with serving() as url, httpx.AsyncClient() as client:
        answer = await client.get(f"{url}/healthz")
        assert answer.text == "ok\n"
        assert "server" not in answer.headers
    with pytest.raises(httpx.ConnectError):
        async with httpx.AsyncClient() as client:
            await client.get(f"{url}/healthz")


async def test_signals_and_logging_stay_ours() -> None:
    """Neither signal handlers nor log handlers are touched."""
    before = (signal.getsignal(signal.SIGINT), signal.getsignal(signal.SIGTERM))
    async with serving() as url, httpx.AsyncClient() as client:
        await client.get(f"{url}/healthz")
        assert (signal.getsignal(signal.SIGINT), signal.getsignal(signal.SIGTERM)) == before
    assert not logging.getLogger("uvicorn").handlers
    assert not logging.getLogger("uvicorn.error").handlers


async def test_an_answer_under_way_is_finished() -> None:
    """Ending waits for the answer that a reader is already being given."""
    entered, release = asyncio.Event(), asyncio.Event()

    async def slow(scope: Scope, receive: Receive, send: Send) -> None:
        entered.set()
        await release.wait()
        await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"4")]})
        await send({"type": "http.response.body", "body": b"done"})

    listener = bind(ANY_PORT)
    server = asyncio.create_task(serve(slow, ANY_PORT, listener))
    async with httpx.AsyncClient() as client:
        asked = asyncio.create_task(client.get(f"http://127.0.0.1:{listener.getsockname()[1]}/"))
        await entered.wait()
        server.cancel()
        await asyncio.sleep(0)
        release.set()
        assert (await asked).text == "done"
    with pytest.raises(asyncio.CancelledError):
        await server


async def test_no_delay_of_small_answers() -> None:
    """Nagle's algorithm is off on accepted connections, which costs 40 ms an answer otherwise."""
    listener = bind(ANY_PORT)
    assert listener.proto == socket.IPPROTO_TCP
    listener.close()


def test_a_port_that_is_taken() -> None:
    """One sentence names the key, the address and what to do."""
    taken = bind(ANY_PORT)
    listen = f"127.0.0.1:{taken.getsockname()[1]}"
    with pytest.raises(ConfigError) as refused:
        bind(WebSettings(listen=listen))
    taken.close()
    assert str(refused.value) == (
        f"web.listen: found {listen}; another program listens there: end it, or choose another port"
    )


def test_an_address_of_another_machine() -> None:
    """An address that this machine does not have is told from a port that is taken."""
    settings = WebSettings.model_validate({"listen": "192.0.2.1:8735", "token": secrets.TOKEN})
    with pytest.raises(ConfigError, match="this machine has no such address"):
        bind(settings)


def test_a_name_that_does_not_exist() -> None:
    """A host name without an address is a sentence, not a traceback."""
    settings = WebSettings.model_validate({"listen": "nowhere.invalid:8735", "token": secrets.TOKEN})
    with pytest.raises(ConfigError, match=r"web\.listen: found nowhere\.invalid:8735"):
        bind(settings)
