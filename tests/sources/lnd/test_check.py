import pytest

from lnwatch.grpc_stubs import simulated_lnd_pb2 as sim
from lnwatch.model.chain import Network
from lnwatch.model.snapshot import TargetState
from lnwatch.simulator.lnd import READONLY
from lnwatch.sources import Checkup, Scope
from tests.sources.lnd.bench import Bench, Builder


async def check(bench: Bench, **settings: object) -> Checkup:
    """One look; it never shows a secret, whatever it finds."""
    checkup = await bench.restart(**settings).check()
    for path in bench.directory.glob("*.macaroon"):
        content = path.read_bytes().hex()
        assert not content or content not in repr(checkup)
    return checkup


async def test_all_is_well(bench: Bench) -> None:
    """A node with a macaroon that can only read, kept to ourselves, passes without a word."""
    bench.double.macaroon.chmod(0o600)
    checkup = await check(bench)
    assert checkup.tls_lifetime_left == pytest.approx(1.0, abs=0.01)
    assert checkup == Checkup(
        reachable=True,
        state=TargetState.UP,
        version="0.21.2",
        supported=True,
        network=Network.REGTEST,
        scope=Scope.ENOUGH,
        tls_expires_at=checkup.tls_expires_at,
        tls_lifetime_left=checkup.tls_lifetime_left,
        synced=True,
    )


async def test_world_readable(bench: Bench) -> None:
    """LND writes its read-only macaroon for everybody: a warning, no more."""
    checkup = await check(bench)
    assert checkup.problems == ()
    assert len(checkup.warnings) == 1
    assert "everybody on this machine can read" in checkup.warnings[0]


async def test_too_much(bench: Bench) -> None:
    """A macaroon that can do more is a warning, and a problem where everybody can read it."""
    admin = bench.directory / "admin.macaroon"
    checkup = await check(bench, macaroon_file=str(admin))
    assert (checkup.scope, checkup.problems) == (Scope.TOO_MUCH, ())
    assert "readonly.macaroon" in checkup.warnings[0]
    admin.chmod(0o644)
    checkup = await check(bench, macaroon_file=str(admin))
    assert "chmod 600" in checkup.problems[0]


@pytest.mark.parametrize(
    ("operations", "missing"),
    [
        (set(READONLY) - {"onchain:read"}, {"onchain:read": "the anchor reserve"}),
        (
            {"offchain:read", "onchain:read", "peers:read", "invoices:read", "uri:/lnrpc.Lightning/GetInfo"},
            {"uri:/lnrpc.Lightning/GetNodeInfo": "usable inbound is overstated"},
        ),
        (
            {"info:read", "offchain:read", "onchain:read", "peers:read"},
            {"invoices:read": "settlements at once"},
        ),
    ],
)
async def test_too_little(bench: Bench, operations: set[str], missing: dict[str, str]) -> None:
    """What the macaroon lacks is named, with what it costs."""
    weak = bench.directory / "weak.macaroon"
    weak.write_bytes(bench.node.bakery.bake(operations))
    checkup = await check(bench, macaroon_file=str(weak))
    assert checkup.scope is Scope.TOO_LITTLE
    assert {name for name, _ in checkup.missing} == set(missing)
    for name, cost in checkup.missing:
        assert missing[name] in cost


async def test_backup_needs_its_call(bench: Bench) -> None:
    """The call that proves the backup is needed only where there is one, which must be readable."""
    weak = bench.directory / "weak.macaroon"
    granted = {f"uri:/lnrpc.Lightning/{name}" for name in ("PendingChannels", "ListChannels")}
    weak.write_bytes(bench.node.bakery.bake({"info:read"} | granted))
    without = await check(bench, macaroon_file=str(weak))
    backup = bench.directory / "channel.backup"
    missing = await check(bench, macaroon_file=str(weak), backup_file=str(backup))
    assert {name for name, _ in missing.missing} - {name for name, _ in without.missing} == {
        "uri:/lnrpc.Lightning/VerifyChanBackup"
    }
    assert any("channel.backup" in words for words in missing.problems)


@pytest.mark.parametrize(
    ("state", "seen"),
    [(sim.LOCKED, TargetState.LOCKED), (sim.NON_EXISTING, TargetState.LOCKED), (sim.UNLOCKED, TargetState.STARTING)],
)
async def test_wallet_states(bench: Bench, state: sim.WalletState, seen: TargetState) -> None:
    """A node that is there but locked or starting is reachable, and its macaroon is judged all the same."""
    bench.node.enter(state)
    checkup = await check(bench)
    assert (checkup.reachable, checkup.state, checkup.scope) == (True, seen, Scope.ENOUGH)
    assert len(checkup.problems) == 1


async def test_rejected(bench: Bench) -> None:
    """A macaroon of another node is a problem, once."""
    bench.node.bakery.root_keys["0"] = b"another wallet"
    checkup = await check(bench)
    assert (checkup.reachable, checkup.state) == (True, TargetState.REJECTED)
    assert len(checkup.problems) == 1
    assert "not made by this node" in checkup.problems[0]


async def test_damaged_macaroon(bench: Bench) -> None:
    """A file that is no macaroon is a problem, once."""
    damaged = bench.directory / "damaged.macaroon"
    damaged.write_bytes(bench.double.macaroon.read_bytes()[:50])
    checkup = await check(bench, macaroon_file=str(damaged))
    assert checkup.scope is Scope.UNKNOWN
    assert len(checkup.problems) == 1


async def test_gone(bench: Bench) -> None:
    """A node that is not there is told as such."""
    await bench.double.stop()
    checkup = await check(bench)
    assert (checkup.reachable, checkup.state, checkup.tls_expires_at) == (False, TargetState.DOWN, None)
    assert "connection refused" in checkup.problems[0]


async def test_wrong_certificate(bench: Bench) -> None:
    """A certificate that is not the expected one is told, with the end of the one that is there."""
    bench.double.renew_certificate()  # the file is new, the server still shows the old one
    checkup = await check(bench)
    assert (checkup.reachable, checkup.state) == (False, TargetState.REJECTED)
    assert checkup.tls_expires_at is not None
    assert "certificate" in checkup.problems[0]


async def test_hangs(bench: Bench) -> None:
    """A node that hangs is told from one that is gone."""
    bench.double.faults.hanging.add("GetInfo")
    checkup = await check(bench, timeout="1s")
    assert checkup.state is TargetState.HANGING
    assert "bitcoind" in checkup.problems[0]


@pytest.mark.parametrize(
    ("release", "supported", "words"),
    [("0.18.5", False, "older than 0.19"), ("0.20.1", True, "taproot"), ("0.22.0", False, "newer than 0.21")],
)
async def test_releases(build: Builder, release: str, supported: bool, words: str) -> None:
    """Releases outside the range, and those that a new Bitcoin Core would stop, are warned of."""
    bench = await build(release=release)
    checkup = await check(bench)
    assert checkup.supported is supported
    assert any(words in warning for warning in checkup.warnings)
    assert any("taproot" in warning for warning in checkup.warnings) is (release < "0.21")


async def test_unknown_network(bench: Bench) -> None:
    """A network without a name here is a warning; the node is up."""
    bench.node.network = "simnet"
    checkup = await check(bench)
    assert (checkup.reachable, checkup.state, checkup.network) == (True, TargetState.UP, None)
    assert any("simnet" in warning for warning in checkup.warnings)


async def test_ends_soon(bench: Bench) -> None:
    """A macaroon or a certificate that ends within a week is warned of."""
    limited = bench.directory / "limited.macaroon"
    limited.write_bytes(bench.node.bakery.bake(READONLY, before=bench.clock.now() + 3 * 86_400))
    checkup = await check(bench, macaroon_file=str(limited))
    assert any("the macaroon ends on" in warning for warning in checkup.warnings)
    bench.clock.shift += 420 * 86_400
    checkup = await check(bench)
    assert any("certificate ends on" in warning for warning in checkup.warnings)
