"""A daemon that reads all of a shop's systems, what it is asked, and what it must agree with."""

import json
import subprocess
from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from tests.real.testbed.bed import Bed
from tests.real.testbed.daemon import Daemon, merged, quick, running, site_settings
from tests.real.testbed.shop import Shop
from tests.real.testbed.waiting import until

BRIEF = 0.5  # minutes, the shortest life of an invoice
LIGHTNING, CHAIN = "BTC-LN", "BTC-CHAIN"
_HOOK = "/hooks/btcpay/main/pay"


@contextmanager
def at_the_desk(bed: Bed, shop: Shop, folder: Path) -> Iterator[Daemon]:
    """A daemon that reads all four systems, and to which BTCPay tells everything."""
    site = merged(site_settings(bed, quick("invoices", "payments")), shop.settings())
    with running(folder / "lnwatch", site, secrets=[*bed.secrets(), shop.monitor]) as daemon:
        for source in ("core", "ln1", "pay", "nbx"):
            daemon.in_state(source, "up")
        until("the store is read", lambda: daemon.scrape().has("lnwatch_invoices_open", store="shop"), timeout=60)
        shop.tell(f"http://127.0.0.1:{daemon.port}{_HOOK}")
        yield daemon


def asked(desk: Daemon, *words: str) -> Any:  # noqa: ANN401 - JSON is anything
    """What a command answers in JSON."""
    done: subprocess.CompletedProcess[str] = desk.command(*words, "--json")
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def told(desk: Daemon, find: str) -> dict[str, Any]:
    """The one order that is found."""
    (order,) = asked(desk, "order", find)["orders"]
    return dict(order)


def final(desk: Daemon, bought: Mapping[str, str]) -> dict[str, dict[str, Any]]:
    """Every order, once all are final."""

    def orders() -> dict[str, dict[str, Any]]:
        found = {name: told(desk, invoice) for name, invoice in bought.items()}
        left = [name for name, order in found.items() if order["final_at"] is None]
        assert not left, left
        return found

    return until("all orders are final", orders, timeout=200, pause=2)


def counters(desk: Daemon) -> dict[str, float]:
    """What is counted of the store's orders, zeros left out; a payment over LNURL has none here."""
    shown = desk.scrape()
    names = ("lnwatch_orders_total", "lnwatch_invoices_total")
    found = {
        f"{name} {labels['rail']} {labels['outcome']}": value
        for name in names
        for labels, value in shown.all(name, store="shop")
    }
    found |= {
        f"payments {method}": value
        for method, value in shown.by("method", "lnwatch_payments_total", store="shop").items()
    }
    found["refunds"] = shown.value("lnwatch_refunds_total", store="shop")
    for labels, value in shown.all("lnwatch_settlement_latency_seconds_count", store="shop"):
        found[f"{labels['leg']} {labels['rail']}"] = value
    return {name: value for name, value in found.items() if value}


def reckoned(orders: Mapping[str, dict[str, Any]]) -> dict[str, float]:
    """The same, out of what `lnwatch order` told."""
    counts = Counter[str]()
    for order in orders.values():
        counts[f"lnwatch_orders_total {order['rail']} {order['outcome']}"] += 1
        counts[f"lnwatch_invoices_total {order['rail']} {order['outcome']}"] += len(order["invoices"])
        counts["refunds"] += order["refunded_at"] is not None
        counts.update(f"{leg['leg']} {leg['rail']}" for leg in order["legs"])
    return dict(+counts)


def check_counters(desk: Daemon, orders: Mapping[str, dict[str, Any]]) -> None:
    """The metrics agree with what was told."""

    def same() -> bool:
        shown = {name: value for name, value in counters(desk).items() if not name.startswith("payments")}
        assert shown == reckoned(orders), (shown, reckoned(orders))
        return True

    until("the counters agree", same, timeout=30)
