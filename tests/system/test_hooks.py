"""A BTCPay Server that tells lnwatch what happens, both as they are: registered, believed when proved, never lost."""

import json
import threading
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest

from lnwatch.clock import SystemClock
from lnwatch.simulator.bitcoind import Chain
from lnwatch.simulator.btcpay import BtcpayDouble, Invoice
from lnwatch.simulator.nbxplorer import Indexer
from tests.audience import Audience
from tests.real.testbed.daemon import Daemon, running
from tests.real.testbed.waiting import until
from tests.web.hooks import METRIC, PATH, body_of, signature

pytestmark = pytest.mark.timeout(240)

BURST = 400
SENDERS = 8


class Shop(Audience):
    """A BTCPay Server with one store, in a thread of its own."""

    def __init__(self, folder: Path) -> None:
        super().__init__()
        clock = SystemClock()
        chain = Chain(clock)
        chain.mine(116)
        self.folder = folder
        self.btcpay = BtcpayDouble(clock, Indexer(clock, chain))
        self.store = self.btcpay.add_store()
        self.owner = self.btcpay.add_key(self.store, "canmodifystoresettings", label="owner").secret
        self.monitor = self.btcpay.add_key(self.store, "canviewstoresettings", "canviewwallet").secret

    @asynccontextmanager
    async def opened(self) -> AsyncIterator[None]:
        async with self.btcpay, super().opened():
            yield

    def site(self) -> dict[str, object]:
        """The blocks of a site that reads it; by itself it is polled once an hour."""
        pace = dict.fromkeys(("invoices_interval", "history_interval", "payouts_interval", "rates_interval"), "1h")
        block = {"url": self.btcpay.url, "api_key": self.monitor, "webhook_secret_file": self.secret_file}
        return {
            "btcpay": {"pay": {**block, **pace, "stores": {"shop": self.store.id}, "interval": "5s", "timeout": "4s"}}
        }

    @property
    def secret_file(self) -> Path:
        return self.folder / "webhook.secret"

    def key_file(self) -> Path:
        """A key for this once."""
        key = self.do(lambda: self.btcpay.add_key(self.store, "webhooks.canmodifywebhooks", label="once").secret)
        file = self.folder / "once.key"
        file.touch(0o600)
        file.write_text(f"{key}\n")
        return file

    def create(self) -> Invoice:
        """An invoice of a customer."""
        path = f"{self.btcpay.url}/api/v1/stores/{self.store.id}/invoices"
        headers = {"Authorization": f"token {self.owner}"}
        answer = httpx.post(path, json={"amount": "10.00", "currency": "EUR"}, headers=headers).raise_for_status()
        return self.do(lambda: self.btcpay.core.invoices[answer.json()["id"]])

    @property
    def webhooks(self) -> list[str]:
        return self.do(lambda: [each.url for each in self.btcpay.core.dispatcher.webhooks.values()])


@pytest.fixture
def shop(tmp_path: Path) -> Iterator[Shop]:
    with Shop(tmp_path).running() as made:
        yield made


def counted(daemon: Daemon) -> dict[str, float]:
    """What was counted at the hook, zeros left out."""
    found = daemon.scrape().by("result", METRIC, site="main")
    return {result: value for result, value in found.items() if value}


def told(daemon: Daemon) -> dict[str, str]:
    """What the ledger knows that webhooks said: type by delivery."""
    rows = daemon.ledger.rows("SELECT original_delivery_id, type FROM webhook_event")
    return {row["original_delivery_id"]: row["type"] for row in rows}


def test_registered_and_believed_when_proved(shop: Shop, tmp_path: Path) -> None:
    """One command has BTCPay tell everything; what it tells is read at once, though it is polled once an hour."""
    with running(tmp_path / "lnwatch", shop.site(), {"executor": {"dry_run": False}}) as daemon:
        daemon.in_state("pay", "up")
        register = ("webhook", "register", "pay", "shop", "--key-file", shop.key_file())
        first = daemon.command(*register)
        assert (first.returncode, first.stderr) == (0, "")
        assert "was created" in first.stdout
        assert shop.webhooks == [f"http://127.0.0.1:{daemon.port}{PATH}"]
        again = daemon.command(*register, "--json")
        assert json.loads(again.stdout)["outcome"].endswith("was there already")
        assert len(shop.webhooks) == 1

        invoice = shop.create()
        shop.do(lambda: shop.btcpay.pay_over_lightning(invoice))
        until("all was told", lambda: len(told(daemon)) == 5, timeout=30)
        assert counted(daemon) == {"accepted": 5}
        query = "SELECT status FROM merchant_invoice WHERE id = :invoice"
        until("it was proved", lambda: daemon.ledger.value(query, invoice=invoice.id) == "settled", timeout=30)


def test_what_can_not_be_proved_is_said(shop: Shop, tmp_path: Path) -> None:
    """A webhook with a wrong signature opens no case: first page, coverage and metrics tell, until one is proved."""
    shop.secret_file.write_text("of-this-test-alone\n")
    body, words = body_of(storeId=shop.store.id), "none was proved since lnwatch was started"

    with running(tmp_path / "lnwatch", shop.site()) as daemon:
        daemon.in_state("pay", "up")

        def send(secret: str) -> int:
            url, sent = f"http://127.0.0.1:{daemon.port}{PATH}", {"BTCPay-Sig": signature(body, secret)}
            return httpx.post(url, content=body, headers=sent).status_code

        def why() -> str:
            rows = json.loads(daemon.command("coverage", "--json").stdout)["coverage"]
            return str(next(row["why"] for row in rows if (row["rule"], row["scope"]) == ("stream_gap", "pay")))

        def errors() -> float:
            found = daemon.scrape().by(
                "reason", "lnwatch_collector_errors_total", source="pay", collector="hook_stream"
            )
            return found["failed"]

        assert (why(), errors()) == ("", 0)
        assert send("another") == 401
        until("it is told", lambda: words in why(), timeout=60)
        assert errors() == 1
        page = httpx.get(f"http://127.0.0.1:{daemon.port}/").text
        assert words in page
        assert send("of-this-test-alone") == 200
        until("it is over", lambda: why() == "", timeout=60)


def test_a_dry_run_is_the_usual(shop: Shop, tmp_path: Path) -> None:
    """Without leave nothing is done, and that is said; a wrong name is one line."""
    with running(tmp_path / "lnwatch", shop.site()) as daemon:
        daemon.in_state("pay", "up")
        done = daemon.command("webhook", "register", "main/pay", "shop", "--key-file", shop.key_file())
        assert done.returncode == 0
        assert "a dry run: nothing was done" in done.stdout
        assert not shop.webhooks
        wrong = daemon.command("webhook", "register", "other", "shop", "--key-file", shop.key_file())
        assert (wrong.returncode, wrong.stdout) == (1, "")
        assert wrong.stderr == "lnwatch: `other` names no BTCPay Servers; there is `main/pay`\n"


class Burst(threading.Thread):
    """Sends its share of a burst, one after the other, until the daemon is gone; `taken` are those answered 200."""

    def __init__(self, daemon: Daemon, shop: Shop, first: int) -> None:
        super().__init__()
        self.taken: list[str] = []
        self._url = f"http://127.0.0.1:{daemon.port}{PATH}"
        self._secret = shop.secret_file.read_text().strip()
        self._store, self._first = shop.store.id, first

    def run(self) -> None:
        with httpx.Client() as client:
            for number in range(self._first, BURST, SENDERS):
                ids: dict[str, Any] = {"deliveryId": f"D{number}", "originalDeliveryId": f"D{number}"}
                body = body_of(
                    storeId=self._store, webhookId=f"W{self._first}", timestamp=1_795_000_000 + number, **ids
                )
                try:
                    sent = {"BTCPay-Sig": signature(body, self._secret)}
                    answer = client.post(self._url, content=body, headers=sent)
                except httpx.TransportError:
                    return
                if answer.status_code == 200:
                    self.taken.append(f"D{number}")


@pytest.mark.parametrize("after", [1, 150])
def test_killed_in_the_middle_of_a_burst(shop: Shop, tmp_path: Path, after: int) -> None:
    """Whatever was answered with 200 when it was killed is known to the next life, once."""
    shop.secret_file.write_text("of-this-test-alone\n")
    with running(tmp_path / "lnwatch", shop.site()) as daemon:
        senders = [Burst(daemon, shop, first) for first in range(SENDERS)]
        for sender in senders:
            sender.start()
        until("it is in the middle", lambda: sum(len(sender.taken) for sender in senders) >= after, pause=0.01)
        daemon.process.kill()
        for sender in senders:
            sender.join()
        taken = {delivery for sender in senders for delivery in sender.taken}
        assert after <= len(taken) < BURST
        daemon.start()
        until("all is read", lambda: taken <= set(told(daemon)), timeout=30)
        left = "SELECT count(*) FROM webhook_received WHERE parsed_at IS NULL"
        until("nothing waits", lambda: daemon.ledger.value(left) == 0, timeout=30)
