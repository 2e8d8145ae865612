"""Everybody whom a daemon reaches without a socket."""

import ssl
from collections.abc import Iterable
from typing import cast

import httpx
from grpc import aio

from lnwatch.simulator.indoors.grpc import InsideChannel
from lnwatch.simulator.indoors.http import Double, InsideTransport
from lnwatch.simulator.lnd import LndDouble
from lnwatch.simulator.world.stage import Stage


class Indoors:
    """The doubles of a stage, and `others`: of the daemon's door what `net` calls `Inside`."""

    def __init__(self, stage: Stage, others: Iterable[Double] = ()) -> None:
        """Before the stage opens, so that its webhooks stay inside as well."""
        self._lnd: LndDouble = stage.lnd
        self._doubles: list[Double] = [stage.bitcoind, stage.nbxplorer, stage.btcpay, *others]
        stage.btcpay.core.dispatcher.transport = self.transport()

    def transport(self) -> httpx.AsyncBaseTransport:
        """HTTP to all of them."""
        return InsideTransport(self._doubles)

    def channel(self) -> aio.Channel:
        """To LND."""
        return cast("aio.Channel", InsideChannel(self._lnd))

    def certificate(self) -> bytes:
        """LND's, as DER."""
        return ssl.PEM_cert_to_DER_cert(self._lnd.certificate.read_text())
