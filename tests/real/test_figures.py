"""What lnwatch exports equals what bitcoind and LND themselves say at that block."""

import time
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from shutil import disk_usage

import pytest

from tests.real.testbed.bed import Bed
from tests.real.testbed.bitcoin import Bitcoind
from tests.real.testbed.daemon import Daemon, quick, running, site_settings
from tests.real.testbed.truth import (
    agree,
    chain_figures,
    channel_figures,
    key,
    node_figures,
    pending_figures,
    wallet_figures,
)
from tests.real.testbed.waiting import until

pytestmark = pytest.mark.real

PENDING = "lnwatch_lightning_pending_htlcs"
OUTCOMES = ("settled", "expired", "canceled")
ELSEWHERE = 256 * 1024 * 1024  # bytes of disk that others may take or free meanwhile


@pytest.fixture(scope="module")
def desk(bed: Bed, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Daemon]:
    """A daemon over the merchant's stack, started after some invoices had become history."""
    bed.pay(bed.merchant.add_invoice(1_111)["payment_request"])
    bed.merchant.cancel(bed.merchant.add_invoice(2_222)["r_hash"])
    site = site_settings(bed, quick("wallet", "invoices", "backup"))
    with running(tmp_path_factory.mktemp("desk") / "lnwatch", site, secrets=bed.secrets()) as daemon:
        yield daemon


def same(bed: Bed, desk: Daemon) -> None:
    """Wait until everything that is exported is what the nodes say."""
    agree(desk, lambda: node_figures(bed.merchant, "ln1") | chain_figures(bed.bitcoind, "core"))
    agree(desk, lambda: channel_figures(bed.merchant, "ln1"), "/metrics/channels")


def counters(desk: Daemon) -> dict[str, float]:
    """The node's own invoices by outcome, and what they brought."""
    exposition = desk.scrape()
    counts = {name: exposition.value("lnwatch_lightning_invoices_total", outcome=name) for name in OUTCOMES}
    return counts | {"received": exposition.value("lnwatch_lightning_received_satoshis_total", node="ln1")}


def counted(desk: Daemon, before: dict[str, float], **more: float) -> None:
    """Wait until the counters grew by exactly this much."""
    wanted = {name: value + more.get(name, 0) for name, value in before.items()}

    def same() -> bool:
        now = counters(desk)
        assert now == wanted, f"{now}, not {wanted}"
        return True

    until("the counters tell it", same, timeout=60, pause=0.3)


def test_history_feeds_rollups_alone(bed: Bed, desk: Daemon) -> None:
    """Invoices that were final before lnwatch was born are in its roll-ups to the satoshi, and in no counter."""
    own = bed.merchant.invoices()
    settled = [int(invoice["amt_paid_msat"]) for invoice in own if invoice["state"] == "SETTLED"]
    ended = [invoice for invoice in own if invoice["state"] == "CANCELED"]  # expired ones among them

    def read() -> bool:
        query = "SELECT series, SUM(n) AS n, SUM(sum) AS sum FROM bucket WHERE width = 3600 GROUP BY series"
        rows = {row["series"].removeprefix("lightning_invoice_"): row for row in desk.ledger.rows(query)}
        assert (rows["settled"]["n"], rows["settled"]["sum"]) == (len(settled), sum(settled))
        assert sum(rows[outcome]["n"] for outcome in ("canceled", "expired") if outcome in rows) == len(ended)
        return True

    until("history is read", read, timeout=60)
    finished = {"source": "ln1", "collector": "invoice_history"}
    until("it is finished", lambda: desk.scrape().value("lnwatch_backfill_finished", **finished) == 1)
    assert set(counters(desk).values()) == {0}


def test_every_figure_is_the_nodes_own(bed: Bed, desk: Daemon) -> None:
    """Chain, channels, balances, peers and wallet are exported as the nodes tell them, also after a block."""
    agree(desk, lambda: pending_figures(bed.merchant, "ln1") | wallet_figures(bed.merchant, "ln1"))
    same(bed, desk)
    bed.mine(2)
    same(bed, desk)


def test_payments_count_once(bed: Bed, desk: Daemon) -> None:
    """Payments over one hop and over two move balances and counters by exactly their amounts."""
    before = counters(desk)
    bed.pay(bed.merchant.add_invoice(30_000)["payment_request"], bed.hub)
    bed.pay(bed.merchant.add_invoice(12_345)["payment_request"])
    counted(desk, before, settled=2, received=42_345)
    same(bed, desk)


def test_cancelled_and_expired_are_told_apart(bed: Bed, desk: Daemon) -> None:
    """An invoice cancelled by hand counts as canceled, one that nobody paid in time as expired, each once."""
    before = counters(desk)
    bed.merchant.add_invoice(500, expiry=2)
    bed.merchant.cancel(bed.merchant.add_invoice(600)["r_hash"])
    counted(desk, before, expired=1, canceled=1)
    time.sleep(3)
    counted(desk, before, expired=1, canceled=1)


def test_held_invoice_counts_down(bed: Bed, desk: Daemon) -> None:
    """A held HTLC is exported with its blocks to expiry, which shrink as blocks come, and goes when it settles."""
    before = counters(desk)
    held = bed.hold_invoice(7_000)
    with bed.paying(held.request):
        bed.accepted(held)
        same(bed, desk)
        left = desk.scrape().value("lnwatch_lightning_htlc_blocks_to_expiry", node="ln1")
        bed.mine(3)
        same(bed, desk)
        assert desk.scrape().value("lnwatch_lightning_htlc_blocks_to_expiry", node="ln1") == left - 3
        bed.merchant.settle(held.preimage)
    gone = partial(node_figures, bed.merchant, "ln1")
    until("LND is through with it", lambda: gone()[key(PENDING, node="ln1", direction="incoming")] == 0)
    same(bed, desk)
    assert not desk.scrape().has("lnwatch_lightning_htlc_blocks_to_expiry", node="ln1")
    counted(desk, before, settled=1, received=7_000)


def test_wallet_follows_a_deposit(bed: Bed, desk: Daemon) -> None:
    """A deposit shows as unconfirmed and, after a block, as confirmed."""
    transfer = {"addr": bed.merchant.new_address(), "amount": "123456", "sat_per_vbyte": "5"}
    bed.hub.post("/v1/transactions", transfer)
    figures = partial(wallet_figures, bed.merchant, "ln1")
    unconfirmed = key("lnwatch_wallet_balance_satoshis", node="ln1", state="unconfirmed")
    until("LND sees it", lambda: figures()[unconfirmed] == 123_456)
    agree(desk, figures)
    bed.mine(1)
    until("LND sees the block", lambda: figures()[unconfirmed] == 0)
    agree(desk, figures)


def test_peers_of_bitcoind(bed: Bed, desk: Daemon, tmp_path: Path) -> None:
    """A node that connects to bitcoind is counted as an inbound peer while it stays."""
    other = Bitcoind(tmp_path / "other", connect=bed.bitcoind)
    try:
        other.start()
        until("it is connected", lambda: bed.bitcoind.ask("getnetworkinfo")["connections_in"] == 1)
        same(bed, desk)
    finally:
        other.close()
    same(bed, desk)


def test_largest_receivable_is_receivable(bed: Bed, desk: Daemon) -> None:
    """What is exported as receivable in one part can be paid in one part, and not much more than that."""
    same(bed, desk)
    most = int(desk.scrape().value("lnwatch_lightning_largest_receivable_satoshis", node="ln1", parts="one"))
    assert most <= desk.scrape().value("lnwatch_lightning_usable_inbound_satoshis", node="ln1")
    channels = bed.merchant.channels()
    assert most <= max(
        int(channel["remote_balance"]) - int(channel["remote_constraints"]["chan_reserve_sat"]) for channel in channels
    )
    too_much = bed.hub.pay(bed.merchant.add_invoice(most + 20_000)["payment_request"], parts=1)
    assert too_much["status"] == "FAILED"
    bed.pay(bed.merchant.add_invoice(most)["payment_request"], bed.hub)
    bed.pay(bed.hub.add_invoice(most - 100_000)["payment_request"], bed.merchant)
    same(bed, desk)


def test_machine_and_backup(bed: Bed, desk: Daemon) -> None:
    """Free disk is the machine's, the backup file's time is its own, and it covers every channel."""
    until(
        "the backup is verified", lambda: desk.scrape().has("lnwatch_backup_missing_channels", node="ln1"), timeout=60
    )
    exposition = desk.scrape()
    for labels, free in exposition.all("lnwatch_host_disk_free_bytes"):
        assert abs(free - disk_usage(labels["path"]).free) < ELSEWHERE
    assert exposition.has("lnwatch_host_disk_free_bytes")
    written = exposition.value("lnwatch_backup_file_timestamp_seconds", node="ln1")
    assert written == pytest.approx(bed.merchant.backup.stat().st_mtime, abs=1e-3)
    assert exposition.value("lnwatch_backup_missing_channels", node="ln1") == 0


def test_pages(desk: Daemon) -> None:
    """The probes answer, and the first page names every source."""
    assert desk.get("/healthz").is_success
    assert desk.get("/readyz").is_success
    page = desk.get("/").raise_for_status().text
    assert all(name in page for name in ("core", "ln1", "here"))
