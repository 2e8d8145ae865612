"""The boards over a real lnwatch of real nodes: every expression returns figures from a real Prometheus."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.audience import Audience
from tests.dashboards.reading import unanswered
from tests.real.testbed.bed import Bed
from tests.real.testbed.daemon import Daemon, quick, running, site_settings
from tests.real.testbed.prometheus import Prometheus
from tests.real.testbed.waiting import until

pytestmark = [pytest.mark.real, pytest.mark.real("prometheus"), pytest.mark.timeout(300)]

# What there is nothing to see of on the bed, and why.
NOT_HERE = {
    "lnwatch_bitcoind_usual_fee_rate_satoshis_per_vbyte": "a median of hours",
    "lnwatch_bitcoind_fee_rate_satoshis_per_vbyte": "on regtest bitcoind has too few transactions to estimate a fee",
    "lnwatch_watchtower_pending_backups": "the merchant's node has no watchtower client",
}


@pytest.fixture
def audience() -> Iterator[Audience]:
    with Audience().running() as started:
        yield started


@pytest.fixture
def desk(bed: Bed, audience: Audience, tmp_path: Path) -> Iterator[Daemon]:
    """A daemon over the merchant's stack, for which a second is long to hold an invoice."""
    settings = {"notify": audience.telling(), "rules": {"invoice_held": {"held_seconds": "1s"}}}
    with running(tmp_path / "lnwatch", site_settings(bed, quick()), settings) as daemon:
        until("the node is up", lambda: daemon.state_of("ln1") == "up", timeout=60)
        yield daemon


@pytest.fixture
def prometheus(desk: Daemon, tmp_path: Path) -> Iterator[Prometheus]:
    server = Prometheus(tmp_path / "prometheus", f"127.0.0.1:{desk.port}", {"lnwatch": "/metrics"})
    try:
        server.start()
        yield server
    finally:
        server.close()


def test_every_expression_has_an_answer(bed: Bed, prometheus: Prometheus) -> None:
    """While a held invoice is told of, each expression returns figures; what the bed lacks is named here."""
    sent = 'sum(lnwatch_notifications_total{outcome="sent"})'
    before = until("it is scraped", lambda: prometheus.query(sent), timeout=60)[0][1]

    def answered() -> bool:
        assert prometheus.value(sent) > before
        silent = [one for one in unanswered(prometheus) if not any(name in one.expr for name in NOT_HERE)]
        assert not silent, "\n".join(map(str, silent))
        return True

    held = bed.hold_invoice(1_000)
    with bed.paying(held.request):
        try:
            bed.accepted(held)
            until("everything is answered", answered, timeout=90, pause=1)
        finally:
            bed.merchant.settle(held.preimage)
