"""A merchant's BTCPay Server: a first start over years of invoices, what quiet stores cost, and how soon it is told."""

import asyncio
import json
import sqlite3
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx

from bench.backfill import value
from bench.exporters import await_health
from bench.merchant import SECRET
from bench.process import Program
from bench.scrape import quantile
from lnwatch.clock import SystemClock
from lnwatch.simulator.ports import free_port
from lnwatch.simulator.webhook_receiver import Receiver, Reply, Request

OPEN = 50  # invoices of a store
SELL_EVERY = 10.0  # seconds, while history is read
_LOOK_EVERY = 1.0  # seconds
_PATIENCE = 60.0  # seconds for anything to come up
_CONFIG = """\
data_dir = "{folder}"

[web]
listen = "127.0.0.1:{port}"

[site.main.btcpay.pay]
url = "{url}"
api_key = "{key}"
webhook_secret = "{secret}"
stores = {{ {stores} }}
{more}
"""


@dataclass(frozen=True, slots=True)
class House:
    """A daemon and the merchant that it watches."""

    program: Program
    base: str
    merchant: str
    folder: Path

    def page(self) -> str:
        """`/metrics` now."""
        return httpx.get(f"{self.base}/metrics", timeout=30).raise_for_status().text

    def asked(self) -> int:
        """How many questions the merchant was asked."""
        counts = httpx.get(f"{self.merchant}/bench/counts", timeout=30).raise_for_status().json()
        return sum(counts["calls"].values())

    def ledger(self) -> sqlite3.Connection:
        """Its ledger, to look into."""
        return sqlite3.connect(f"file:{self.folder / 'ledger.sqlite3'}?mode=ro", uri=True, timeout=30)


@contextmanager
def merchant(folder: Path, *arguments: str) -> Iterator[dict[str, object]]:
    """Run the stand-in until the block ends; where it answers, its key, and the ids of its stores."""
    folder.mkdir(parents=True)
    with Program(["-m", "bench.merchant", str(folder), *arguments], folder / "merchant.log") as program:
        deadline = time.monotonic() + _PATIENCE
        while not (up := folder / "up.json").exists() or not up.read_text():
            program.alive()
            if time.monotonic() > deadline:
                raise TimeoutError("the stand-in did not come up")
            time.sleep(0.1)
        yield json.loads(up.read_text())


@contextmanager
def house(folder: Path, *arguments: str, opened: int = OPEN, more: str = "") -> Iterator[House]:
    """A merchant with so many open invoices a store, and a daemon that begins to watch it, `more` in its
    configuration."""
    port = free_port()
    hook = f"http://127.0.0.1:{port}/hooks/btcpay/main/pay"
    with merchant(folder, "--open", str(opened), "--hook", hook, *arguments) as up:
        stores = up["stores"]
        if not isinstance(stores, dict):
            raise TypeError("the stand-in names its stores")
        named = ", ".join(f'{slug} = "{store}"' for slug, store in stores.items())
        config = folder / "lnwatch.toml"
        values = {"folder": folder, "port": port, "url": up["url"], "key": up["key"], "secret": SECRET}
        config.write_text(_CONFIG.format(**values, stores=named, more=more))
        config.chmod(0o600)
        with Program(["-m", "lnwatch", "run", "--config", str(config)], folder / "log") as program:
            await_health(program, f"http://127.0.0.1:{port}")
            yield House(program, f"http://127.0.0.1:{port}", str(up["url"]), folder)


@dataclass(frozen=True, slots=True)
class Start:
    """A first start: seconds since the start of the process until open invoices were judged, until all of history was
    read and stored, and until it was orders; CPU seconds for it; megabytes; the largest age of an assessment that a
    scrape met, and what one took, in seconds; and seconds from a sale beside it to its settled order, sorted."""

    live_after: float
    read_after: float
    finished_after: float
    cpu: float
    peak: float
    oldest: float
    assessment: float
    sold: tuple[float, ...]

    @property
    def sold_median(self) -> float:
        """The middle one."""
        return quantile(self.sold, 0.5)


def first_start(folder: Path, past: int, *, patience: float) -> Start:
    """Read a history while something is sold now and then. Raises TimeoutError, or RuntimeError where some is lost."""
    live_after, read_after, oldest, sold = 0.0, 0.0, 0.0, []
    with house(folder, "--past", str(past)) as at:
        next_sale = time.monotonic() + SELL_EVERY / 2
        while True:
            page = at.page()
            age = time.monotonic() - at.program.started
            if not live_after and value(page, "lnwatch_invoices_open") >= OPEN:
                live_after = age
            if live_after:
                oldest = max(oldest, time.time() - value(page, "lnwatch_assessment_timestamp_seconds"))
            if not read_after and value(page, "lnwatch_backfill_finished", 'collector="history_shop0"') == 1:
                read_after = age
            with closing(at.ledger()) as ledger:
                if read_after and not _stale(ledger):
                    break
            if age > patience:
                raise TimeoutError(f"after {age:.0f} s not all of {past:,} invoices were orders")
            if time.monotonic() >= next_sale:
                sold.append(_sale(at))
                next_sale += SELL_EVERY
            time.sleep(_LOOK_EVERY)
        use = at.program.use()
        with closing(at.ledger()) as ledger:
            _complete(ledger, past + OPEN + len(sold))
    took = value(page, "lnwatch_assessment_seconds_total") / value(page, "lnwatch_assessments_total")
    return Start(live_after, read_after, age, use.cpu, use.peak, oldest, took, tuple(sorted(sold)))


def _stale(ledger: sqlite3.Connection) -> bool:
    return ledger.execute("SELECT 1 FROM stale_group LIMIT 1").fetchone() is not None


def _complete(ledger: sqlite3.Connection, invoices: int) -> None:
    (found,) = ledger.execute("SELECT count(*) FROM merchant_invoice").fetchone()
    (within,) = ledger.execute("SELECT sum(json_array_length(invoices)) FROM merchant_order").fetchone()
    if (found, within) != (invoices, invoices):
        raise RuntimeError(f"of {invoices:,} invoices {found:,} are in the ledger and {within:,} in orders")


def _sale(at: House) -> float:
    """Seconds from something sold to its settled order in the ledger."""
    started = time.monotonic()
    invoice = httpx.post(f"{at.merchant}/bench/sell", timeout=30).raise_for_status().json()
    question = (
        "SELECT 1 FROM merchant_order WHERE site = 'main' AND store = 'shop0' AND id = ? AND settled_at IS NOT NULL"
    )
    with closing(at.ledger()) as ledger:
        while ledger.execute(question, (invoice,)).fetchone() is None:
            if time.monotonic() - started > _PATIENCE:
                raise TimeoutError("a sale did not become an order")
            time.sleep(0.02)
    return time.monotonic() - started


@dataclass(frozen=True, slots=True)
class Quiet:
    """Stores at which nothing happens: questions a store a minute, CPU seconds a minute, megabytes."""

    asked: float
    cpu: float
    resident: float


def quiet(folder: Path, stores: int, *, settle: float, window: float) -> Quiet:
    """Look for `window` seconds, `settle` seconds after the start."""
    with house(folder, "--stores", str(stores)) as at:
        time.sleep(settle)
        used, asked, began = at.program.use(), at.asked(), time.monotonic()
        time.sleep(window)
        minutes = (time.monotonic() - began) / 60
        now = at.program.use()
        return Quiet((at.asked() - asked) / stores / minutes, (now.cpu - used.cpu) / minutes, now.resident)


@dataclass(frozen=True, slots=True)
class AtOnce:
    """The obvious way with a history: every invoice in one answer. CPU seconds and megabytes of who reads it."""

    seconds: float
    cpu: float
    peak: float


def at_once(folder: Path, past: int) -> AtOnce:
    """Ask for everything without pages, in a process of its own."""
    with merchant(folder, "--open", str(OPEN), "--past", str(past)) as up:
        stores = up["stores"]
        if not isinstance(stores, dict):
            raise TypeError("the stand-in names its stores")
        url = f"{up['url']}/api/v1/stores/{stores['shop0']}/invoices?includePaymentMethods=true"
        command = [sys.executable, "-m", "bench.at_once", url, str(up["key"])]
        return AtOnce(**json.loads(subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout))


class _Listener(Receiver):
    """A channel that takes everything, and notes when the head of a request was there."""

    def __init__(self, reply: Reply) -> None:
        super().__init__(SystemClock())
        self.arrived: asyncio.Queue[float] = asyncio.Queue()
        self._reply = reply

    def answer(self, request: Request) -> Reply:  # noqa: ARG002 - whatever it says
        """Taken."""
        self.arrived.put_nowait(time.time())
        return self._reply


@dataclass(frozen=True, slots=True)
class Told:
    """Milliseconds from a payment in BTCPay, of which a webhook tells, to the later of two channels' requests."""

    p50: float
    p99: float


_CHANNELS = """
[notify.slack.ops]
webhook_url = "{slack}/services/T1/B1/x"

[notify.pagerduty.oncall]
routing_key = "{key}"
url = "{pagerduty}"

[routing]
routes = [{{ severities = ["warning"], channels = ["ops", "oncall"] }}]
"""


def told(folder: Path, count: int, latency: float) -> Told:
    """`count` orders that are paid twice, one after the other; BTCPay answers each question after `latency` seconds."""
    return asyncio.run(_told(folder, count, latency))


async def _told(folder: Path, count: int, latency: float) -> Told:
    slack = _Listener(Reply(200, b"ok"))
    pagerduty = _Listener(Reply.of(202, {"status": "success", "message": "", "dedup_key": "x"}))
    async with slack, pagerduty, httpx.AsyncClient(timeout=_PATIENCE) as client:
        more = _CHANNELS.format(slack=slack.url, pagerduty=pagerduty.url, key="0" * 32)
        with house(folder, "--latency", str(latency), opened=2 * count, more=more) as at:
            await asyncio.sleep(_LOOK_EVERY * 10)
            took = []
            for _ in range(count):
                at.program.alive()
                paid = (await client.post(f"{at.merchant}/bench/twice")).raise_for_status().json()
                heard = [await asyncio.wait_for(each.arrived.get(), _PATIENCE) for each in (slack, pagerduty)]
                took.append((max(heard) - paid) * 1_000)
    took.sort()
    return Told(quantile(took, 0.5), quantile(took, 0.99))
