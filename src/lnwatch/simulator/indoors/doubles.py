"""Everybody whom a daemon reaches without a socket, and who reaches it."""

import ssl
from collections.abc import Iterable
from typing import Any, cast

import httpx
from grpc import aio

from lnwatch.simulator.indoors.grpc import InsideChannel
from lnwatch.simulator.indoors.http import Double, InsideTransport
from lnwatch.simulator.world.stage import Stage


class Indoors:
    """A stage and `others`, as the daemon's door has them inside."""

    def __init__(self, stage: Stage, others: Iterable[Double] = ()) -> None:
        """Before the stage opens, so that its webhooks stay inside as well."""
        self._lnd = stage.lnd
        self._doubles: list[Double] = [stage.bitcoind, stage.nbxplorer, stage.btcpay, *others]
        self._programs: dict[int, httpx.ASGITransport] = {}
        stage.btcpay.core.dispatcher.transport = self.transport()

    def show(self, port: int, pages: Any) -> None:  # noqa: ANN401 - what ASGI calls an application
        """Somebody's pages are at a port of 127.0.0.1."""
        self._programs[port] = httpx.ASGITransport(pages)

    def transport(self) -> httpx.AsyncBaseTransport:
        """HTTP to all of them."""
        return InsideTransport(self._doubles, self._programs)

    def channel(self) -> aio.Channel:
        """GRPC to LND."""
        return cast("aio.Channel", InsideChannel(self._lnd))

    def certificate(self) -> bytes:
        """LND's, as DER."""
        return ssl.PEM_cert_to_DER_cert(self._lnd.certificate.read_text())
