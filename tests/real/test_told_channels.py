"""Money at risk in channels: an invoice that is left, a backup that went back, a force close to its end."""

from collections.abc import Iterator

import pytest

from tests.audience import CALLED_OFF, ENDED, PAGED, TOLD, Audience, Heard
from tests.real.testbed.bed import Bed, HoldInvoice
from tests.real.testbed.daemon import SITE, Daemon, node_settings, quick, running
from tests.real.testbed.waiting import until

pytestmark = pytest.mark.real

RULES = {"invoice_held": {"held_seconds": "3s"}, "backup_stale": {"after": "2s"}}


@pytest.fixture(scope="module")
def held(bed: Bed) -> Iterator[HoldInvoice]:
    """A payment that is accepted and left, from before lnwatch came."""
    held = bed.hold_invoice(5_000)
    with bed.paying(held.request):
        try:
            bed.accepted(held)
            yield held
        finally:
            if bed.merchant.invoice(held.payment_hash)["state"] == "ACCEPTED":
                bed.merchant.settle(held.preimage)


@pytest.fixture(scope="module")
def desk(bed: Bed, audience: Audience, held: HoldInvoice, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Daemon]:
    """A daemon that looks at the backup and at closing channels as often as it may."""
    site = {"lnd": {"ln1": node_settings(bed.merchant, quick("backup", "pending"))}, "rules": RULES}
    folder = tmp_path_factory.mktemp("told") / "lnwatch"
    with running(folder, site, {"notify": audience.telling()}, secrets=bed.secrets()) as daemon:
        daemon.in_state("ln1", "up")
        yield daemon


def test_invoice_left(bed: Bed, desk: Daemon, audience: Audience, held: HoldInvoice) -> None:
    """A payment that is neither taken nor given back is told, and its end when somebody decides."""
    case = ("invoice_held", f"invoice:{held.payment_hash}")
    audience.hears(SITE, {case: Heard(TOLD, PAGED)})
    bed.merchant.settle(held.preimage)
    audience.hears(SITE, {case: Heard(ENDED, CALLED_OFF)})


@pytest.fixture(scope="module")
def old_backup(bed: Bed, desk: Daemon) -> bytes:
    """The merchant's backup as it is before there is one channel more."""
    return bed.merchant.backup.read_bytes()


@pytest.fixture(scope="module")
def channel(bed: Bed, old_backup: bytes) -> str:
    """One more channel of the merchant, whose funds the customer shares. Its channel point."""
    bed.introduce(bed.merchant, bed.customer)
    point = bed.merchant.open_channel(bed.customer, 600_000, push=200_000)
    bed.confirm()
    bed.channels_active(bed.merchant, 3)
    return point


def test_backup_put_back(bed: Bed, audience: Audience, old_backup: bytes, channel: str) -> None:
    """A backup from before a channel was opened is told, with what it lacks; a good one ends it."""
    until("LND has written its backup", lambda: bed.merchant.backup.read_bytes() != old_backup)
    before, good = audience.heard(SITE), bed.merchant.backup.read_bytes()
    case = ("backup_stale", "node:ln1")
    bed.merchant.backup.write_bytes(old_backup)
    try:
        audience.hears(SITE, before | {case: Heard(TOLD, PAGED)})
        assert "lacks 1 open channel" in audience.said(SITE, case)[0]
    finally:
        bed.merchant.backup.write_bytes(good)
    audience.hears(SITE, before | {case: Heard(ENDED, CALLED_OFF)})


def test_force_close(bed: Bed, audience: Audience, channel: str) -> None:
    """A force close is told at once, its maturity height when it is known, and its end when our money is back."""
    before, case = audience.heard(SITE), ("force_close", f"channel:{channel}")
    bed.merchant.close_channel(channel, force=True)
    audience.hears(SITE, before | {case: Heard(TOLD, PAGED)})
    bed.mine_until(lambda: bool(bed.merchant.pending()["pending_force_closing_channels"]))
    audience.hears(SITE, before | {case: Heard((*TOLD, "changed"), (*PAGED, *PAGED))})
    (closing,) = bed.merchant.pending()["pending_force_closing_channels"]
    matures = f"is locked until height {closing['maturity_height']:,}"
    assert all(matures in text for text in audience.said(SITE, case))
    incidents, shown = audience.incident(SITE, case)
    assert incidents == 1
    assert matures in shown
    bed.mine_until(lambda: not bed.merchant.pending()["pending_force_closing_channels"])
    audience.hears(SITE, before | {case: Heard((*TOLD, "changed", "resolved"), (*PAGED, *CALLED_OFF))})
