"""The boards over a real lnwatch of real nodes: every expression returns figures from a real Prometheus."""

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from lnwatch.store.apply.snapshots import NEXT_BLOCK_FEE, PENDING_BACKUPS, ROUND_TRIP
from tests import moved_clock
from tests.dashboards.reading import unanswered
from tests.moved_clock import move
from tests.real.testbed.bed import Bed
from tests.real.testbed.customer import send_coins
from tests.real.testbed.daemon import Daemon, merged, quick, running, site_settings
from tests.real.testbed.prometheus import Prometheus
from tests.real.testbed.shop import PRICE, Shop
from tests.real.testbed.waiting import until

pytestmark = [pytest.mark.real, pytest.mark.real("prometheus"), pytest.mark.timeout(300)]

AN_HOUR_AGO = -3_700  # seconds


@pytest.fixture
def desk(bed: Bed, shop: Shop, tmp_path: Path) -> Iterator[Daemon]:
    """A daemon over the merchant's stack, for which a second is long to hold an invoice. It looked at the same nodes
    for a moment under a clock of an hour ago: what is usual is a median of hours that are over."""
    bed.teach_fees()
    settings = {"notify": shop.telling(), "rules": {"invoice_held": {"held_seconds": "1s"}}}
    more = {
        "btcpay": {"pay": {"api_key": shop.owner, "webhooks_interval": "3s"}},  # less sees no webhooks
        "probe": {"page": {"url": f"{shop.btcpay.url}/api/v1/health", "interval": "2s", "time_limit": "1s"}},
        "kpis": {"stores": {"shop": {"daily_volume": "1000000 sat"}}},
    }
    site = merged(merged(site_settings(bed, quick()), shop.settings()), more)
    offset = tmp_path / "offset"
    move(offset, AN_HOUR_AGO)
    program = (sys.executable, "-P", moved_clock.__file__, offset)
    with running(tmp_path / "lnwatch", site, settings, program=program) as daemon:
        until("the hour has figures", lambda: seen_whole(daemon), timeout=60)
        daemon.process.stop()
        move(offset, 0)
        daemon.start()
        until("the node is up", lambda: daemon.state_of("ln1") == "up", timeout=60)
        shop.tell(f"http://127.0.0.1:{daemon.port}/hooks/btcpay/main/pay")
        yield daemon


def seen_whole(daemon: Daemon) -> bool:
    """Whether everything that has a usual figure was read, and stored."""
    stored = daemon.ledger.rows("SELECT DISTINCT series FROM hourly")
    return {ROUND_TRIP, NEXT_BLOCK_FEE, PENDING_BACKUPS} <= {row["series"] for row in stored}


@pytest.fixture
def prometheus(desk: Daemon, tmp_path: Path) -> Iterator[Prometheus]:
    server = Prometheus(tmp_path / "prometheus", f"127.0.0.1:{desk.port}", {"lnwatch": "/metrics"})
    try:
        server.start()
        yield server
    finally:
        server.close()


def sell(bed: Bed, shop: Shop) -> None:
    """One customer pays over Lightning and then once more on-chain, one on-chain, and one leaves without paying."""
    twice, slow, _ = [shop.order(name) for name in ("twice", "slow", "left")]
    bed.pay(shop.destination(twice, "BTC-LN"))
    until("it is settled", lambda: shop.status(twice)[0] == "Settled")
    for invoice in (twice, slow):
        send_coins(bed.customer, shop.destination(invoice, "BTC-CHAIN"), PRICE)
    until("both are there", lambda: shop.status(slow)[0] == "Processing")


def test_every_expression_has_an_answer(bed: Bed, shop: Shop, desk: Daemon, prometheus: Prometheus) -> None:
    """While a held invoice is told of, each expression returns figures, without an exception."""
    sent = 'sum(lnwatch_notifications_total{outcome="sent"})'
    before = until("it is scraped", lambda: prometheus.query(sent), timeout=60)[0][1]

    def answered() -> bool:
        assert prometheus.value(sent) > before
        silent = unanswered(prometheus)
        assert not silent, "\n".join(map(str, silent))
        return True

    sell(bed, shop)
    seen = "SELECT count(*) FROM watched_transaction WHERE first_seen_at IS NOT NULL"
    until("both transactions are seen", lambda: desk.ledger.value(seen) >= 2, timeout=60)
    bed.mine()
    held = bed.hold_invoice(1_000)
    with bed.paying(held.request):
        try:
            bed.accepted(held)
            until("everything is answered", answered, timeout=150, pause=1)
        finally:
            bed.merchant.settle(held.preimage)
