"""Webhooks into a running daemon from this process: how long each answer takes, and what a kill in the middle loses.

The senders are as BTCPay's: each waits for its answer before it sends the next, all together at a fixed pace.
"""

import asyncio
import hashlib
import hmac
import json
import sqlite3
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from bench.exporters import await_health
from bench.process import Program
from bench.scrape import quantile
from lnwatch.simulator.ports import free_port

SENDERS = 16
_SECRET = "of-the-bench-alone"  # noqa: S105 - nobody else has it
_STORE = "C8H1yvN6ZamjevMuWkHJcPvnWH8RsCHegqKu1oZRy3ES"
_TYPES = ("InvoiceCreated", "InvoiceProcessing", "InvoiceSettled", "InvoiceExpired")
_PATIENCE = 60.0  # seconds for what was stored to be read
_CONFIG = """\
data_dir = "{folder}"

[web]
listen = "127.0.0.1:{port}"

[site.main.btcpay.pay]
url = "http://127.0.0.1:1"
api_key = "0000000000000000000000000000000000000000"
stores = {{ shop = "{store}" }}
webhook_secret = "{secret}"
"""


@dataclass(slots=True)
class Sent:
    """Milliseconds of each answer that was 200, and the deliveries that they were of."""

    took: list[float] = field(default_factory=list)
    taken: list[str] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Steady:
    """Milliseconds."""

    count: int
    p50: float
    p99: float
    longest: float


@dataclass(frozen=True, slots=True)
class Killed:
    """What had been answered with 200 when the daemon was killed, and how much of it the next life did not know."""

    answered: int
    lost: int


@contextmanager
def daemon(folder: Path) -> Iterator[tuple[Program, int]]:
    """One with a BTCPay Server that is away: what it is told is all that it gets."""
    folder.mkdir(exist_ok=True)
    port = free_port()
    config = folder / "lnwatch.toml"
    config.write_text(_CONFIG.format(folder=folder, port=port, store=_STORE, secret=_SECRET))
    config.chmod(0o600)
    with Program(["-m", "lnwatch", "run", "--config", str(config)], folder / "log") as program:
        await_health(program, f"http://127.0.0.1:{port}")
        yield program, port


def steady(folder: Path, rate: int, seconds: float) -> Steady:
    """So many a second, for so long."""
    with daemon(folder) as (_, port):
        sent = asyncio.run(_send(port, rate, seconds))
    ordered = sorted(sent.took)
    return Steady(len(ordered), quantile(ordered, 0.5), quantile(ordered, 0.99), ordered[-1])


def killed(folder: Path, rate: int, seconds: float) -> Killed:
    """The same, with `kill -9` in the middle; then a second life, until it has read all that was stored."""
    with daemon(folder) as (program, port):
        sent = asyncio.run(_send(port, rate, seconds, kill=program))
    with daemon(folder), closing(sqlite3.connect(folder / "ledger.sqlite3")) as ledger:
        deadline = time.monotonic() + _PATIENCE
        while lost := set(sent.taken) - _read(ledger):
            if time.monotonic() > deadline:
                break
            time.sleep(0.2)
    return Killed(len(sent.taken), len(lost))


def _read(ledger: sqlite3.Connection) -> set[str]:
    return {delivery for (delivery,) in ledger.execute("SELECT original_delivery_id FROM webhook_event")}


async def _send(port: int, rate: int, seconds: float, kill: Program | None = None) -> Sent:
    numbers, sent = iter(range(int(rate * seconds))), Sent()
    started = asyncio.get_running_loop().time()

    async def sender() -> None:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        for number in numbers:
            await asyncio.sleep(started + number / rate - asyncio.get_running_loop().time())
            name, request = _request(number)
            begun = time.perf_counter()
            writer.write(request)
            head = await reader.readuntil(b"\r\n\r\n")
            length = int(head.lower().partition(b"content-length:")[2].split(b"\r\n")[0])
            await reader.readexactly(length)
            if head.startswith(b"HTTP/1.1 200 "):
                sent.took.append((time.perf_counter() - begun) * 1_000)
                sent.taken.append(name)
        writer.close()

    async def killer() -> None:
        if kill is not None:
            await asyncio.sleep(seconds / 2)
            kill.kill()

    results = await asyncio.gather(killer(), *(sender() for _ in range(SENDERS)), return_exceptions=True)
    if kill is None and (broken := [each for each in results if each is not None]):
        raise RuntimeError(f"a sender broke off: {broken[0]!r}")
    return sent


def _request(number: int) -> tuple[str, bytes]:
    """A delivery's id, and the request as BTCPay sends it."""
    name = f"D{number:08}"
    told = {
        "deliveryId": name,
        "webhookId": f"W{number % SENDERS}",
        "originalDeliveryId": name,
        "isRedelivery": False,
        "type": _TYPES[number % len(_TYPES)],
        "timestamp": int(time.time()),
        "storeId": _STORE,
        "invoiceId": f"I{number // len(_TYPES)}",
        "metadata": {"orderId": f"order-{number // len(_TYPES)}", "itemDesc": "one thing"},
    }
    body = json.dumps(told, indent=2).encode()
    signed = hmac.new(_SECRET.encode(), body, hashlib.sha256).hexdigest()
    head = (
        "POST /hooks/btcpay/main/pay HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\n"
        f"User-Agent: BTCPayServer/2.4.1\r\nBTCPay-Sig: sha256={signed}\r\nContent-Length: {len(body)}\r\n\r\n"
    )
    return name, head.encode() + body
