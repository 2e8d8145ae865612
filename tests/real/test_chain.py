"""What the chain does to channels: closings, a reorganisation that undoes one, a force close to its end."""

from collections.abc import Iterator
from typing import Any

import pytest

from tests.real.testbed.bed import Bed
from tests.real.testbed.daemon import Daemon, quick, running, site_settings
from tests.real.testbed.truth import agree, node_figures, pending_figures
from tests.real.testbed.waiting import until

pytestmark = pytest.mark.real


@pytest.fixture(scope="module")
def desk(bed: Bed, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Daemon]:
    """A daemon that looks often at channels on their way in and out."""
    site = site_settings(bed, quick("pending"))
    with running(tmp_path_factory.mktemp("chain") / "lnwatch", site, secrets=bed.secrets()) as daemon:
        yield daemon


@pytest.fixture
def channel(bed: Bed) -> str:
    """One more channel of the merchant, whose funds the customer shares. Its channel point."""
    bed.introduce(bed.merchant, bed.customer)
    point = bed.merchant.open_channel(bed.customer, 600_000, push=200_000)
    bed.confirm()
    bed.channels_active(bed.merchant, 3)
    return point


def same(bed: Bed, desk: Daemon) -> None:
    """Wait until what is exported of channels, open and pending, is what the node says."""
    agree(desk, lambda: node_figures(bed.merchant, "ln1") | pending_figures(bed.merchant, "ln1"))


def watched(desk: Daemon, txid: str) -> dict[str, Any]:
    """The entry of the watch list. Raises LookupError while there is none."""
    (row,) = desk.ledger.rows("SELECT * FROM watched_transaction WHERE txid = :txid", txid=txid) or [{}]
    if not row:
        raise LookupError(f"{txid} is not watched")
    return dict(row)


def height_of(desk: Daemon, txid: str, height: int | None) -> None:
    """Wait until a watched transaction is known to be confirmed at this height, or to be waiting."""

    def there() -> bool:
        row = watched(desk, txid)
        assert row["block_height"] == height, row
        return True

    until(f"{txid} at {height}", there, timeout=60, pause=0.3)


def test_reorganisation_undoes_a_closing(bed: Bed, desk: Daemon, channel: str) -> None:
    """A closing transaction that was confirmed waits again after a reorganisation, whose depth is kept."""
    same(bed, desk)
    txid = bed.merchant.close_channel(channel)
    same(bed, desk)
    until("it is watched", lambda: watched(desk, txid)["first_seen_at"], timeout=60)
    bed.mine(2)
    first = bed.bitcoind.height - 1
    height_of(desk, txid, first)
    old_tip = bed.bitcoind.ask("getbestblockhash")
    bed.reorganise(2)
    height_of(desk, txid, None)
    rows = desk.ledger.rows("SELECT * FROM reorganisation ORDER BY at")
    assert [(row["depth"], row["fork_height"], row["old_tip"]) for row in rows] == [(2, first - 1, old_tip)]
    bed.mine(1)
    height_of(desk, txid, bed.bitcoind.height)
    bed.mine(6)
    same(bed, desk)
    closed = "SELECT kind, closing_txid FROM closed_channel WHERE point = :point"
    until("the end is told", lambda: desk.ledger.rows(closed, point=channel), timeout=60)
    assert desk.ledger.rows(closed, point=channel) == [{"kind": "cooperative", "closing_txid": txid}]


def test_force_close_to_full_maturity(bed: Bed, desk: Daemon, channel: str) -> None:
    """A force close is told from its transaction over its limbo until the last output is swept."""
    same(bed, desk)
    txid = bed.merchant.close_channel(channel, force=True)
    same(bed, desk)
    assert desk.scrape().value("lnwatch_lightning_channels", node="ln1", state="closing") == 1
    bed.mine_until(lambda: bool(bed.merchant.pending()["pending_force_closing_channels"]))
    same(bed, desk)
    assert desk.scrape().value("lnwatch_lightning_channels", node="ln1", state="force_closing") == 1
    assert desk.scrape().value("lnwatch_lightning_limbo_balance_satoshis", node="ln1") > 0
    bed.mine_until(lambda: not bed.merchant.pending()["pending_force_closing_channels"])
    same(bed, desk)
    assert desk.scrape().value("lnwatch_lightning_limbo_balance_satoshis", node="ln1") == 0
    closed = "SELECT kind, closing_txid FROM closed_channel WHERE point = :point"
    until("the end is told", lambda: desk.ledger.rows(closed, point=channel), timeout=60)
    assert desk.ledger.rows(closed, point=channel) == [{"kind": "local_force", "closing_txid": txid}]
