"""Faults between lnwatch and what it reads or tells: on the wire, in its certificate, in what comes by itself."""

from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Final

from lnwatch.simulator.kestrel import Reply
from lnwatch.simulator.scenario.causes.components import reissue
from lnwatch.simulator.scenario.causes.shape import How, Place
from lnwatch.simulator.webhook_receiver import Receiver
from lnwatch.simulator.wire import KINDS, SILENT, BrokenWire

_CERTIFICATES: Final[Mapping[str, tuple[float, str]]] = {  # age in days, for which host instead of ours
    "tls_expired": (500.0, ""),
    "tls_wrong_name": (0.0, "elsewhere.example"),
}
_ON_A_PATH: Final[Mapping[str, Reply]] = {
    "error": Reply(500),
    "forbidden": Reply(403),
    "not_found": Reply(404),
    "too_many": Reply(429, b"slow down", {"Retry-After": "30"}),
    "bad_gateway": Reply(502, b"<html><body>502 Bad Gateway</body></html>", {"Content-Type": "text/html"}),
}


@dataclass(frozen=True, slots=True)
class _Endpoint:
    """Something with a port, which it can leave to another and have back."""

    port: int
    leave: Callable[[], Awaitable[None]]
    come_back: Callable[[], Awaitable[None]]


def _of(receiver: Receiver) -> _Endpoint:
    return _Endpoint(receiver.port, receiver.stop, receiver.start)


_ENDPOINTS: Final[Mapping[str, Callable[[Place], _Endpoint]]] = {
    "bitcoind": lambda at: _Endpoint(at.stage.bitcoind.port, at.stage.bitcoind.close, at.stage.bitcoind.listen),
    "nbxplorer": lambda at: _Endpoint(at.stage.nbxplorer.port, at.stage.nbxplorer.close, at.stage.nbxplorer.listen),
    "btcpay": lambda at: _Endpoint(at.stage.btcpay.port, at.stage.btcpay.close, at.stage.btcpay.listen),
    "lnd": lambda at: _Endpoint(at.stage.lnd.port, at.stage.lnd.stop, at.stage.lnd.start),
    "slack": lambda at: _of(at.people.slack),
    "pagerduty": lambda at: _of(at.people.pagerduty),
    "shop": lambda at: _of(at.people.shop),
}
WHOM: Final[Mapping[str, tuple[str, ...]]] = {
    **dict.fromkeys(_ENDPOINTS, KINDS),
    "btcpay": (*KINDS, "error"),
    "lnd": (*SILENT, *_CERTIFICATES),
    "streams": ("cut", "duplicated", "reordered"),
    "webhooks": ("duplicated", "reordered", "replayed"),
}


def wrong_path(how: How) -> str:
    """What is wrong with the path of a fault; empty where nothing is."""
    if how.kind == "error" and not how.path:
        return "`path` is missing: what of BTCPay answers with an error"
    if how.path and (how.who != "btcpay" or how.kind not in _ON_A_PATH):
        return f"`path` goes with btcpay alone, and there with {', '.join(_ON_A_PATH)}"
    return ""


@asynccontextmanager
async def fault(place: Place, how: How) -> AsyncIterator[None]:
    """The daemon alone meets it; customers and the other systems go on as before."""
    if how.path:
        failing = place.stage.btcpay.faults.failing
        failing[how.path] = _ON_A_PATH[how.kind]
        yield
        del failing[how.path]
    elif how.who == "streams":
        place.stage.lnd.faults.streams = how.kind
        yield
        place.stage.lnd.faults.streams = ""
    elif how.who == "webhooks":
        place.stage.btcpay.core.dispatcher.fault = how.kind
        yield
        place.stage.btcpay.core.dispatcher.fault = ""
    elif (how.who, how.kind) == ("lnd", "hang"):
        place.stage.lnd.faults.hanging.add("*")
        yield
        place.stage.lnd.faults.hanging.clear()
    elif how.kind in _CERTIFICATES:
        age_days, host = _CERTIFICATES[how.kind]
        await reissue(place, age_days=age_days, host=host)
        yield
        await reissue(place)
    else:
        async with _broken(place, how):
            yield


@asynccontextmanager
async def _broken(place: Place, how: How) -> AsyncIterator[None]:
    endpoint = _ENDPOINTS[how.who](place)
    await endpoint.leave()
    wire = BrokenWire(place.stage.clock, endpoint.port, how.kind)
    await wire.start()
    yield
    await wire.stop()
    await endpoint.come_back()
