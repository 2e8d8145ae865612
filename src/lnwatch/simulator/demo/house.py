"""The demo's folder, its ports, and the configuration of its daemon."""

import fcntl
import json
import os
import secrets
import shutil
import socket
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from lnwatch.errors import LnwatchError
from lnwatch.simulator.btcpay.webhooks import Webhook
from lnwatch.simulator.demo.people import CHANNEL, ROUTING_KEY, SECRET, TOKEN, People
from lnwatch.simulator.world.stage import Stage

SITE: Final = "demo"
STATE: Final = "demo.json"
_LOCK: Final = "demo.lock"
_QUICK: Final = (
    *("bitcoind_down", "lightning_down", "lightning_locked", "btcpay_down", "nbxplorer_down", "nbxplorer_behind"),
    *("channel_inactive", "checkout_unreachable", "shop_webhooks_failing"),
)


class DemoError(LnwatchError):
    """Why there is no demo, in one sentence."""


@dataclass(frozen=True, slots=True)
class House:
    """Where the demo lives, where its pages are, and what its Lightning node is called."""

    folder: Path
    port: int
    desk_port: int
    node: str = "node"

    @property
    def page(self) -> str:
        """The daemon's."""
        return f"http://127.0.0.1:{self.port}"

    @property
    def desk(self) -> str:
        """The demo's own."""
        return f"http://127.0.0.1:{self.desk_port}"

    @property
    def config(self) -> Path:
        """The daemon's configuration."""
        return self.folder / "lnwatch.toml"

    def state(self) -> None:
        """Write down where another shell finds us."""
        (self.folder / STATE).write_text(json.dumps({"page": self.page, "desk": self.desk, "pid": os.getpid()}))


def _taken(folder: Path) -> bool:
    """Whether a demo runs there."""
    try:
        with (folder / _LOCK).open() as lock:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    except OSError:
        pass
    return False


def running(folder: Path) -> dict[str, Any]:
    """Where the demo of a folder is. Raises DemoError where none runs."""
    if not _taken(folder):
        raise DemoError(f"no demo runs in {folder}: start one with `lnwatch demo`, or name its folder with --folder")
    with suppress(OSError, ValueError):
        return dict(json.loads((folder / STATE).read_text()))
    raise DemoError(f"the demo in {folder} is still starting")


@contextmanager
def occupied(house: House) -> Iterator[None]:
    """Have the folder and the ports for ourselves, with nothing left of an earlier demo. Raises DemoError."""
    folder, there = house.folder, f"a demo runs in {house.folder} already; stop it, or choose another with --folder"
    if _taken(folder):
        raise DemoError(there)
    if house.port == house.desk_port:
        raise DemoError(f"port {house.port} can't serve both pages; choose another with --desk-port")
    for port, option in ((house.port, "--port"), (house.desk_port, "--desk-port")):
        _try_port(port, option)
    try:
        folder.mkdir(parents=True, exist_ok=True)
        if any(folder.iterdir()) and not (folder / _LOCK).exists():
            raise DemoError(f"{folder} holds other things than a demo; choose another folder with --folder")
        lock = (folder / _LOCK).open("a")
    except OSError as error:
        raise DemoError(f"can't write to {folder}: {error.strerror}; choose another folder with --folder") from error
    with lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise DemoError(there) from None
        for each in [each for each in folder.iterdir() if each.name != _LOCK]:
            if each.is_dir() and not each.is_symlink():
                shutil.rmtree(each)
            else:
                each.unlink()
        yield


def _try_port(port: int, option: str) -> None:
    with socket.socket() as tried:
        tried.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            tried.bind(("127.0.0.1", port))
        except OSError as error:
            raise DemoError(f"port {port} can't be had: {error.strerror}; choose another with {option}") from error


@dataclass(frozen=True, slots=True)
class Pace:
    """How often the daemon asks and how long it waits for answers, and after how long rules tell that are `quick`."""

    often: str = "5s"
    answer: str = "3s"
    invoices: str = "10s"
    slow: str = "20s"
    tells_after: str = "15s"


def listens(house: House, stage: Stage, *, does: bool) -> None:
    """Whether BTCPay is to tell the daemon: what it told before anybody listens would count as failed."""
    for webhook in stage.btcpay.core.dispatcher.webhooks.values():
        if webhook.url.startswith(house.page):
            webhook.enabled = does


def configure(
    house: House, stage: Stage, people: People, pace: Pace, rules: Mapping[str, Mapping[str, object]] | None = None
) -> None:
    """Write the daemon's configuration, and have BTCPay tell the daemon and the shop of what happens.

    `rules` are limits of its own, instead of those with which the pace has it tell earlier.
    """
    secret = secrets.token_hex(16)
    _add_webhooks(house, stage, people, secret)
    (house.folder / "data").mkdir(mode=0o700)
    stage.lnd.macaroon.chmod(0o600)
    newest = next(reversed(stage.btcpay.core.invoices))
    backup = house.folder / "channel.backup"
    backup.write_bytes(stage.node.backup())
    quick = {"interval": pace.often, "deadline": pace.answer}
    shop = {"interval": pace.often, "timeout": pace.answer, "invoices_interval": pace.invoices, "rates_interval": "60s"}
    login = {"user": stage.monitor.name, "password": stage.monitor.password}
    site: dict[str, Mapping[str, object]] = {
        "bitcoind.core": {"url": stage.bitcoind.url, **login, **quick},
        "nbxplorer.nbx": {"url": stage.nbxplorer.url, **quick},
        "btcpay.pay": {
            "url": stage.btcpay.url,
            "api_key": stage.key,
            "stores": {name: store.id for name, store in stage.stores.items()},
            "webhook_secret": secret,
            "deliveries": True,
            "webhooks_interval": pace.slow,
            **shop,
        },
        f"lnd.{house.node}": {
            "address": stage.lnd.address,
            "tls_cert_file": stage.lnd.certificate,
            "macaroon_file": stage.lnd.macaroon,
            "backup_file": backup,
            "invoices_interval": pace.slow,
            "node_interval": pace.often,
            "channels_interval": pace.often,
            "timeout": pace.answer,
        },
        "probe.checkout": {
            "url": f"{stage.btcpay.url}/i/{newest}",
            "text": "Checkout",
            "interval": pace.invoices,
            "time_limit": pace.answer,
        },
    }
    blocks: dict[str, Mapping[str, object]] = {
        "": {"data_dir": house.folder / "data"},
        "web": {"listen": f"127.0.0.1:{house.port}"},
        **{f"site.{SITE}.{name}": block for name, block in site.items()},
        "notify.slack.chat": {"bot_token": TOKEN, "channel_id": CHANNEL, "api_url": f"{people.slack.url}/api"},
        "notify.pagerduty.pager": {"routing_key": ROUTING_KEY, "url": people.pagerduty.url},
        "notify.webhook.hook": {"secret": SECRET, "url": f"{people.hook.url}/lnwatch"},
        **({f"rules.{rule}": {"after": pace.tells_after} for rule in _QUICK} if pace.tells_after else {}),
        **{f"rules.{rule}": limits for rule, limits in (rules or {}).items()},
    }
    head = "# Of a simulated merchant: it asks more often, and waits less before it tells, than you would have it.\n"
    house.config.write_text(head + "\n".join(_block(name, block) for name, block in blocks.items()))
    house.config.chmod(0o600)


def _add_webhooks(house: House, stage: Stage, people: People, secret: str) -> None:
    hooks = {"lnwatch": f"{house.page}/hooks/btcpay/{SITE}/pay", "shop": f"{people.shop.url}/btcpay"}
    for store in stage.stores.values():
        for name, url in hooks.items():
            webhook = Webhook(stage.btcpay.core.ids.make("webhook"), store.id, url, secret)
            stage.btcpay.core.dispatcher.webhooks[webhook.id] = webhook
            if name == "shop":
                webhook.specific, webhook.everything = ("InvoiceSettled", "InvoiceExpired", "InvoiceCreated"), False


def _block(name: str, values: Mapping[str, object]) -> str:
    lines = [f"[{name}]"] if name else []
    return "\n".join([*lines, *(f"{key} = {_value(value)}" for key, value in values.items()), ""])


def _value(value: object) -> str:
    if isinstance(value, bool | int | float):
        return json.dumps(value)
    if isinstance(value, Mapping):
        return "{ " + ", ".join(f"{key} = {_value(each)}" for key, each in value.items()) + " }"
    return json.dumps(str(value))
