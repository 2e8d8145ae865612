"""Runs the application inside our own event loop; signals and logging stay ours."""

import asyncio
import errno
import socket
from collections.abc import Generator
from contextlib import contextmanager

import structlog
import uvicorn
from starlette.types import ASGIApp

from lnwatch.errors import ConfigError, ConfigProblem
from lnwatch.web.settings import WebSettings

log = structlog.get_logger()

_REMEDIES = {
    errno.EADDRINUSE: "another program listens there: end it, or choose another port",
    errno.EACCES: "ports below 1024 are for privileged programs: choose a higher one",
    errno.EADDRNOTAVAIL: "this machine has no such address: choose one of its own",
}
_PATIENCE = 5  # seconds for answers under way when we end
_IDLE = 75  # seconds: longer than between two scrapes, so that Prometheus keeps its connection


class _Server(uvicorn.Server):
    """uvicorn without its signal handlers, and without the ten looks a second at the clock and whether it should
    end."""

    def __init__(self, config: uvicorn.Config) -> None:
        super().__init__(config)
        self._ending = asyncio.Event()

    def end(self) -> None:
        """Let answers under way end, then return from `serve`."""
        self.should_exit = True
        self._ending.set()

    async def main_loop(self) -> None:
        """Wait for the end."""
        await self._ending.wait()

    @contextmanager
    def capture_signals(self) -> Generator[None, None, None]:
        """Leave signals to whoever owns the process."""
        yield


def bind(settings: WebSettings) -> socket.socket:
    """The socket that we listen on. Raises ConfigError where the address can't be had."""
    try:
        return _listen(settings.host, settings.port)
    except OSError as error:
        remedy = _REMEDIES.get(error.errno or 0, f"it can't be listened on: {error.strerror}")
        raise ConfigError(ConfigProblem("web.listen", settings.listen, remedy)) from error


def _listen(host: str, port: int) -> socket.socket:
    family, _, _, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)[0]
    # asyncio turns Nagle's delay (40 ms an answer) off only where the protocol is named.
    listener = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if family == socket.AF_INET6 and host == "::" and socket.has_dualstack_ipv6():
            listener.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 0)
        listener.bind(address)
        listener.listen(512)
    except OSError:
        listener.close()
        raise
    return listener


async def serve(app: ASGIApp, settings: WebSettings, listener: socket.socket | None = None) -> None:
    """Answer requests until cancelled, then let those under way end.

    Raises ConfigError where `listener` was not given and the address can't be had.
    """
    listener = listener or bind(settings)
    server = _Server(
        uvicorn.Config(
            app,
            log_config=None,
            access_log=False,
            lifespan="off",
            server_header=False,
            date_header=False,  # ours is made when it is needed
            proxy_headers=False,
            timeout_keep_alive=_IDLE,
            timeout_graceful_shutdown=_PATIENCE,
            limit_concurrency=256,
        )
    )
    _tell(settings, listener)
    running = asyncio.ensure_future(server.serve(sockets=[listener]))
    try:
        await asyncio.shield(running)
    except asyncio.CancelledError:
        server.end()
        await running
        raise
    finally:
        listener.close()


def _tell(settings: WebSettings, listener: socket.socket) -> None:
    host, port = listener.getsockname()[:2]
    address = f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
    shown = [name for name, given in (("token", settings.tokens()), ("password", settings.passwords())) if given]
    log.info("web listens", address=address, authentication=" or ".join(shown) or "none", links=settings.link_base)
    if not settings.local:
        log.warning("web is open to other machines in plain HTTP: put TLS in front of it", address=address)
