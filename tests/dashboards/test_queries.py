"""Every expression of the boards against a real Prometheus that scrapes a daemon over a simulated merchant."""

import sys
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path

import pytest

from lnwatch.grpc_stubs import simulated_lnd_pb2 as sim
from lnwatch.simulator.lnd.node import Scale
from lnwatch.store.apply.snapshots import NEXT_BLOCK_FEE
from tests import moved_clock
from tests.dashboards.merchant import Merchant
from tests.dashboards.reading import unanswered
from tests.moved_clock import move
from tests.real.testbed.daemon import Daemon, merged, running
from tests.real.testbed.prometheus import Prometheus
from tests.real.testbed.waiting import until

pytestmark = [pytest.mark.real("prometheus"), pytest.mark.timeout(300)]

AN_HOUR_AGO = -3_700  # seconds


@pytest.fixture
def world(tmp_path: Path) -> Iterator[Merchant]:
    """A merchant of whom there is everything to see, as two sites."""
    made = Merchant(tmp_path, Scale(channels=3, invoices=10))
    made.node.watchtower = sim.WatchtowerStats(num_backups=3, num_pending_backups=1, num_sessions_acquired=1)
    made.bitcoind.node.fees = {target: Decimal("0.00002") for target in (1, 2, 3, 6, 12, 144)}
    with made.running():
        yield made


@pytest.fixture
def daemon(world: Merchant, tmp_path: Path) -> Iterator[Daemon]:
    """One that looked at its merchant for a moment under a clock of an hour ago: medians are of hours that are over."""
    backup = tmp_path / "channel.backup"
    backup.write_bytes(world.node.backup())
    more = {"lnd": {"ln1": {"backup_file": backup}}, "host": {"here": {"interval": "2s", "deadline": "1500ms"}}}
    site = merged(world.settings(), more)
    settings = {
        "site": {"second": site},  # what is joined by site must hold for more than one
        "notify": world.telling(),
        "rules": {"invoice_held": {"held_seconds": "1s"}},
    }
    offset = tmp_path / "offset"
    move(offset, AN_HOUR_AGO)
    program = (sys.executable, "-P", moved_clock.__file__, offset)
    with running(tmp_path / "lnwatch", site, settings, program=program) as started:
        until("the hour has figures", lambda: NEXT_BLOCK_FEE in series_of(started))
        started.process.stop()
        move(offset, 0)
        started.start()
        world.tell(f"http://127.0.0.1:{started.port}/hooks/btcpay/main/pay")
        yield started


def series_of(daemon: Daemon) -> set[str]:
    """What the ledger has figures by hour of."""
    return {row["series"] for row in daemon.ledger.rows("SELECT DISTINCT series FROM hourly")}


@pytest.fixture
def prometheus(daemon: Daemon, tmp_path: Path) -> Iterator[Prometheus]:
    server = Prometheus(tmp_path / "prometheus", f"127.0.0.1:{daemon.port}", {"lnwatch": "/metrics"})
    try:
        server.start()
        yield server
    finally:
        server.close()


def held_invoice(world: Merchant) -> None:
    """A customer's money arrives, and nobody settles or cancels."""
    world.node.hold(world.node.invoices.add(1_000_000).add_index)


def test_every_expression_has_an_answer(world: Merchant, daemon: Daemon, prometheus: Prometheus) -> None:
    """With a case open and told of, each expression returns figures, without an exception."""
    until("it is scraped", lambda: prometheus.value("sum(lnwatch_findings)") == 0)
    until("the store is read", lambda: prometheus.value("sum(lnwatch_invoices_open)") == 0, timeout=40)
    world.sell()
    seen = "SELECT count(*) FROM watched_transaction WHERE first_seen_at IS NOT NULL"
    until("both sites saw both transactions", lambda: daemon.ledger.value(seen) >= 4, timeout=60)
    world.mine()
    world.do(lambda: held_invoice(world))
    until("a case is told of", lambda: prometheus.value('sum(lnwatch_notifications_total{outcome="sent"})') > 0)

    def answered() -> bool:
        silent = unanswered(prometheus)
        assert not silent, "\n".join(map(str, silent))
        return True

    until("everything is answered", answered, timeout=120, pause=1)
