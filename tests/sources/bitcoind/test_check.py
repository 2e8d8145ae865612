from pathlib import Path

import pytest

from lnwatch.model.chain import Network
from lnwatch.model.snapshot import TargetState
from lnwatch.net import Door
from lnwatch.simulator.bitcoind import User
from lnwatch.sources import Checkup, Place, Scope
from lnwatch.sources.bitcoind import SOURCE
from lnwatch.sources.bitcoind.check import WHITELIST
from tests.net.certificates import DAY, make_identity
from tests.net.servers import serving, silence
from tests.sources.bitcoind.conftest import Bed

LOGIN = {"cookie_file": None, "user": "lnwatch", "password": "planted-secret"}


def user(*lacking: str) -> tuple[User, ...]:
    return (User("lnwatch", "planted-secret", frozenset(WHITELIST.split(",")) - set(lacking)),)


async def test_a_check_leaves_nothing_to_be_said(bed: Bed) -> None:
    """That such a user is refused what nobody needs is no news for the status page."""
    bed.node.users = user()
    source = bed.make(**LOGIN)
    await source.check()
    reading = await source.collectors[0].collect(bed.ledger)
    assert reading.target is not None
    assert reading.target.detail == ""


async def test_good_node_with_its_own_user(bed: Bed) -> None:
    """A user with exactly the whitelist that is suggested has enough, and there is nothing to say."""
    bed.node.users = user()
    assert await bed.make(**LOGIN, network="regtest").check() == Checkup(
        reachable=True,
        state=TargetState.UP,
        version="31.0",
        supported=True,
        network=Network.REGTEST,
        scope=Scope.ENOUGH,
        clock_offset=0.5,
        synced=True,
    )


@pytest.mark.parametrize(
    ("wallets", "reach"), [(None, "could stop it"), ((), "could stop it"), (("w",), "1 loaded wallet")]
)
async def test_cookie_may_do_too_much(bed: Bed, wallets: tuple[str, ...] | None, reach: str) -> None:
    """A cookie has every right: that is a warning with its remedy and the trap beside it."""
    bed.node.wallets = wallets
    checkup = await bed.make().check()
    assert (checkup.scope, checkup.problems) == (Scope.TOO_MUCH, ())
    (warning,) = checkup.warnings
    assert reach in warning
    assert f"rpcwhitelist=USER:{WHITELIST}" in warning
    assert "rpcwhitelistdefault=0" in warning


async def test_missing_rights(bed: Bed) -> None:
    """Each method that the whitelist lacks is named with what it costs."""
    bed.node.users = user("getblock", "uptime")
    checkup = await bed.make(**LOGIN).check()
    assert checkup.scope is Scope.TOO_LITTLE
    assert [method for method, _ in checkup.missing] == ["uptime", "getblock"]
    assert "confirmations" in checkup.missing[1][1]


async def test_missing_essential_right(bed: Bed) -> None:
    """Without an essential method the node is rejected for us, and the method is named."""
    bed.node.users = user("getblockchaininfo")
    checkup = await bed.make(**LOGIN).check()
    assert (checkup.reachable, checkup.state, checkup.scope) == (True, TargetState.REJECTED, Scope.TOO_LITTLE)
    assert [method for method, _ in checkup.missing] == ["getblockchaininfo"]


@pytest.mark.parametrize("how", ["down", "starting", "overloaded", "wrong login", "no cookie", "hanging"])
async def test_what_is_wrong_is_in_the_answer(bed: Bed, how: str) -> None:
    """Whatever fails, `check` raises nothing, tells the state, and shows no secret."""
    settings = LOGIN if how == "wrong login" else {}
    if how == "starting":
        bed.node.faults.warm_up = "Verifying blocks…"
    elif how == "overloaded":
        bed.node.faults.overloaded = True
    elif how == "no cookie" and bed.double.cookie is not None:
        bed.double.cookie.unlink()
    elif how == "down":
        settings = {"url": "http://127.0.0.1:1"}
    if how == "hanging":
        async with serving(silence) as port:
            checkup = await bed.make(deadline="500ms", url=f"http://127.0.0.1:{port}").check()
    else:
        checkup = await bed.make(**settings).check()
    expected = {
        "down": (False, TargetState.DOWN),
        "starting": (True, TargetState.STARTING),
        "overloaded": (True, TargetState.HANGING),
        "wrong login": (True, TargetState.REJECTED),
        "no cookie": (True, TargetState.REJECTED),
        "hanging": (True, TargetState.HANGING),
    }
    assert (checkup.reachable, checkup.state) == expected[how]
    assert len(checkup.problems) == (0 if how == "starting" else 1)
    assert "planted-secret" not in repr(checkup)


async def test_sentences(bed: Bed) -> None:
    """Another network, a network switched off, no peers and the node's own warnings are told."""
    bed.node.users = user()
    bed.node.network, bed.node.network_active, bed.node.peers_out = "main", False, 0
    bed.node.warnings = ("Unknown new rules activated",)
    checkup = await bed.make(**LOGIN, network="signet").check()
    assert checkup.problems == (
        "it is on main, the configuration says signet",
        "its network is switched off (setnetworkactive): it learns of no block",
    )
    assert checkup.warnings == ("it has no peers: it learns of no block", "it warns: Unknown new rules activated")


@pytest.mark.parametrize(("download", "ahead", "synced"), [(True, 0, False), (False, 9, False), (False, 1, True)])
async def test_sync(bed: Bed, download: bool, ahead: int, synced: bool) -> None:
    """Whether the node has caught up is told."""
    bed.node.initial_block_download, bed.node.headers_ahead = download, ahead
    checkup = await bed.make().check()
    assert checkup.synced is synced
    assert checkup.state is (TargetState.UP if synced else TargetState.SYNCING)


async def test_cookie_that_everybody_may_read(bed: Bed) -> None:
    """A cookie with rights for everybody is a warning."""
    assert bed.double.cookie is not None
    bed.double.cookie.chmod(0o644)
    checkup = await bed.make().check()
    assert any("everybody on this machine may read" in text for text in checkup.warnings)


async def test_tls(bed: Bed, tmp_path: Path) -> None:
    """Behind TLS the life of the certificate is told, also when it is not trusted."""
    identity = make_identity(begin=-10 * DAY, end=30 * DAY)
    (tmp_path / "ca.pem").write_bytes(identity.certificate)
    other = tmp_path / "other.pem"
    other.write_bytes(make_identity().certificate)
    bed.clock._now = identity.not_after.timestamp() - 20 * 86_400
    async with serving(silence, identity.server_context(tmp_path)) as port:
        for pinned, state in ((tmp_path / "ca.pem", TargetState.HANGING), (other, TargetState.REJECTED)):
            settings = SOURCE.settings.model_validate(
                {
                    "url": f"https://127.0.0.1:{port}",
                    "ca_file": str(pinned),
                    "user": "u",
                    "password": "p",
                    "deadline": "1s",
                }
            )
            source = SOURCE.open(Place("main", "btc", bed.clock, Door(clock=bed.clock)), settings)
            checkup = await source.check()
            await source.close()
            assert checkup.tls_expires_at == identity.not_after.timestamp()
            assert checkup.tls_lifetime_left == pytest.approx(0.5)
            assert checkup.state is state
