"""`kill -9` at any moment, again and again, while payments flow: nothing is lost and nothing counts twice."""

import random
import time
from pathlib import Path

import pytest

from tests.real.testbed.bed import Bed
from tests.real.testbed.daemon import Daemon, Table, quick, running, site_settings
from tests.real.testbed.ledger import LedgerFile
from tests.real.testbed.lnd import Json, unb64
from tests.real.testbed.traffic import Traffic
from tests.real.testbed.waiting import until

pytestmark = [pytest.mark.real, pytest.mark.timeout(300)]

FINAL = {"SETTLED": {"settled"}, "CANCELED": {"canceled", "expired"}}


def kill_again_and_again(daemon: Daemon, times: int) -> None:
    """Let it live for a moment of any length, kill it where it stands, and start it again."""
    chance = random.Random(times)
    for _ in range(times):
        time.sleep(chance.uniform(0.3, 4.0))
        daemon.process.check()
        daemon.process.kill()
        daemon.process.start()


def own_invoices(bed: Bed) -> dict[str, Json]:
    """The node's own list, by payment hash."""
    return {unb64(invoice["r_hash"]): invoice for invoice in bed.merchant.invoices()}


def counters_tell(daemon: Daemon, traffic: Traffic) -> bool:
    """Whether the counters are what the customers did."""
    exposition = daemon.scrape()
    counts = exposition.by("outcome", "lnwatch_lightning_invoices_total", node="ln1")
    received = exposition.value("lnwatch_lightning_received_satoshis_total", node="ln1")
    assert (counts, received) == (traffic.outcomes, traffic.received)
    return True


def ledger_is_the_nodes(ledger: LedgerFile, invoices: dict[str, Json]) -> None:
    """Row by row, what the ledger holds of these invoices is what the node says."""
    rows = {row["payment_hash"]: row for row in ledger.rows("SELECT * FROM lightning_invoice")}
    assert not invoices.keys() - rows.keys(), "lost"
    for payment_hash, invoice in invoices.items():
        row = rows[payment_hash]
        assert row["state"] in FINAL[invoice["state"]], (row, invoice)
        assert row["add_index"] == int(invoice["add_index"]), (row, invoice)
        assert row["settle_index"] == int(invoice["settle_index"]), (row, invoice)
        assert row["paid_msat"] == int(invoice["amt_paid_msat"]), (row, invoice)


def survive(bed: Bed, folder: Path, settings: Table, kills: int, ledger: LedgerFile | None = None) -> None:
    """Kill lnwatch while payments flow; in the end counters and rows are the node's own."""
    history = own_invoices(bed).keys()
    traffic = Traffic(bed)
    with running(folder, site_settings(bed, quick("invoices")), settings, secrets=bed.secrets()) as daemon:
        until("it is born", lambda: daemon.scrape().has("lnwatch_site_birth_timestamp_seconds", site="main"))
        until("the node is up", lambda: daemon.state_of("ln1") == "up")
        with traffic.flowing():
            kill_again_and_again(daemon, kills)
        assert traffic.outcomes["settled"] > kills
        until("the counters tell it", lambda: counters_tell(daemon, traffic), timeout=90, pause=0.5)
        assert daemon.scrape().value("lnwatch_starts_total", site="lnwatch") <= kills + 1
        since = {key: invoice for key, invoice in own_invoices(bed).items() if key not in history}
        ledger_is_the_nodes(ledger or daemon.ledger, since)


def test_twenty_kills(bed: Bed, tmp_path: Path) -> None:
    """Killed twenty times over its SQLite file, lnwatch ends with the node's own figures."""
    survive(bed, tmp_path / "lnwatch", {}, kills=20)


@pytest.mark.real("postgres")
def test_kills_over_postgresql(bed: Bed, tmp_path: Path, postgres_url: str) -> None:
    """The same over PostgreSQL, whose connections die with the process."""
    settings = {"ledger": {"url": postgres_url}}
    survive(bed, tmp_path / "lnwatch", settings, kills=5, ledger=LedgerFile(postgres_url))
