"""What lnwatch says of credentials: right, too weak, and revoked while it runs."""

import json
from pathlib import Path
from typing import Any

import pytest

from tests.audience import CALLED_OFF, ENDED, PAGED, TOLD, Audience, Heard
from tests.real.testbed.bed import Bed
from tests.real.testbed.daemon import SITE, Daemon, chain_settings, node_settings, quick, running, site_settings
from tests.real.testbed.waiting import until

pytestmark = pytest.mark.real

# Everything that lnwatch asks of LND, so that one can be left out.
METHODS = (
    "/lnrpc.Lightning/GetInfo",
    "/lnrpc.Lightning/GetNodeInfo",
    "/lnrpc.Lightning/ListChannels",
    "/lnrpc.Lightning/PendingChannels",
    "/lnrpc.Lightning/ClosedChannels",
    "/lnrpc.Lightning/ListPeers",
    "/lnrpc.Lightning/WalletBalance",
    "/lnrpc.Lightning/ListInvoices",
    "/lnrpc.Lightning/SubscribeInvoices",
    "/lnrpc.Lightning/ListPayments",
    "/lnrpc.Lightning/ForwardingHistory",
    "/lnrpc.Lightning/SubscribeChannelEvents",
    "/lnrpc.Lightning/VerifyChanBackup",
    "/routerrpc.Router/SubscribeHtlcEvents",
    "/wtclientrpc.WatchtowerClient/Stats",
)
WEAK, REVOKED = 7, 8


def checked(daemon: Daemon) -> tuple[int, dict[str, Any]]:
    """Exit status and answer of `lnwatch check`."""
    done = daemon.command("check", "--json")
    assert "Traceback" not in done.stderr, done.stderr
    return done.returncode, json.loads(done.stdout)


def test_check_of_a_healthy_stack(bed: Bed, tmp_path: Path) -> None:
    """With LND's own read-only macaroon there is nothing to mend, and no secret is printed."""
    daemon = Daemon(tmp_path / "lnwatch", site_settings(bed, quick()))
    status, answer = checked(daemon)
    assert (status, answer["problems"]) == (0, [])
    table = daemon.command("check")
    assert table.returncode == 0
    assert all(name in table.stdout for name in ("core", "ln1", "here", "regtest", "nothing to mend"))
    assert not [secret[:6] for secret in bed.secrets() if secret in table.stdout + table.stderr]
    daemon.close()


def test_macaroon_of_exactly_what_is_needed(bed: Bed, tmp_path: Path) -> None:
    """A macaroon of nothing but the methods that lnwatch calls is enough."""
    macaroon = bed.merchant.bake(tmp_path / "least.macaroon", *METHODS)
    site = {"lnd": {"ln1": node_settings(bed.merchant, quick(), macaroon=macaroon)}}
    daemon = Daemon(tmp_path / "lnwatch", site)
    status, answer = checked(daemon)
    assert (status, answer["problems"]) == (0, [])
    daemon.close()


def test_macaroon_that_may_spend(bed: Bed, tmp_path: Path) -> None:
    """The admin macaroon works, and is called too strong."""
    site = {"lnd": {"ln1": node_settings(bed.merchant, quick(), macaroon=bed.merchant.macaroon("admin"))}}
    daemon = Daemon(tmp_path / "lnwatch", site)
    _, answer = checked(daemon)
    assert "too_much" in json.dumps(answer["sources"])
    assert answer["warnings"]
    daemon.close()


def test_weak_macaroon_is_named(bed: Bed, tmp_path: Path) -> None:
    """`check` names the permission that a macaroon lacks; the daemon runs on with everything else."""
    methods = [method for method in METHODS if "WalletBalance" not in method]
    macaroon = bed.merchant.bake(tmp_path / "weak.macaroon", *methods, root_key=WEAK)
    site = {"lnd": {"ln1": node_settings(bed.merchant, quick("wallet"), macaroon=macaroon)}}
    with running(tmp_path / "lnwatch", site, secrets=bed.secrets()) as daemon:
        status, answer = checked(daemon)
        assert status == 1
        assert [problem for problem in answer["problems"] if "WalletBalance" in problem or "onchain:read" in problem]
        until("the node is up", lambda: daemon.state_of("ln1") == "up", timeout=60)
        failed = ("lnwatch_collector_errors_total", {"collector": "wallet", "reason": "forbidden"})
        until("the wallet is forbidden", lambda: daemon.scrape().value(failed[0], **failed[1]) > 0, timeout=60)
        assert daemon.scrape().has("lnwatch_lightning_block_height", node="ln1")
        assert not daemon.scrape().has("lnwatch_wallet_balance_satoshis")


def test_macaroon_revoked_and_renewed(bed: Bed, audience: Audience, tmp_path: Path) -> None:
    """A macaroon revoked in mid-flight is told, once; a new file under its name is taken up and ends it."""
    macaroon = bed.merchant.bake(tmp_path / "ours.macaroon", *METHODS, root_key=REVOKED)
    site = {
        "lnd": {"ln1": node_settings(bed.merchant, quick(), macaroon=macaroon)},
        "bitcoind": {"core": chain_settings(bed)},
    }
    settings = {"notify": audience.telling(), "rules": {"credential_rejected": {"after": "2s"}}}
    case = ("credential_rejected", "source:ln1")
    with running(tmp_path / "lnwatch", site, settings, secrets=bed.secrets()) as daemon:
        until("the node is up", lambda: daemon.state_of("ln1") == "up", timeout=60)
        bed.merchant.revoke(REVOKED)
        until("we are rejected", lambda: daemon.state_of("ln1") == "rejected", timeout=60)
        audience.hears(SITE, {case: Heard(TOLD, PAGED)})
        assert daemon.state_of("core") == "up"
        status, answer = checked(daemon)
        assert status == 1
        assert answer["problems"]
        fresh = bed.merchant.bake(tmp_path / "fresh.macaroon", *METHODS, root_key=REVOKED + 1)
        fresh.replace(macaroon)
        until("the node is up again", lambda: daemon.state_of("ln1") == "up", timeout=60)
        audience.hears(SITE, {case: Heard(ENDED, CALLED_OFF)})
        assert daemon.scrape().value("lnwatch_starts_total", site="lnwatch") == 1
