"""What goes wrong on stage, as somebody meets it who asks the doubles over their sockets."""

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from pathlib import Path
from typing import Any

import grpc
import httpx
import pytest
from cryptography import x509

from lnwatch.clock import SystemClock
from lnwatch.grpc_stubs import simulated_lnd_pb2 as sim
from lnwatch.simulator.btcpay.webhooks import Webhook
from lnwatch.simulator.demo.people import People
from lnwatch.simulator.lnd.macaroons import RefusedError
from lnwatch.simulator.scenario.causes import CAUSES, How, Place
from lnwatch.simulator.scenario.causes.faults import WHOM
from lnwatch.simulator.world import shops
from lnwatch.simulator.world.hostclock import HostClock
from lnwatch.simulator.world.stage import Stage

DAY = 86_400


@pytest.fixture
async def place(tmp_path: Path) -> AsyncIterator[Place]:
    """A stage at its beginning, with everybody who is told."""
    stage = Stage(shops("stage", int(SystemClock().now() * 1_000), games=200), tmp_path)
    stage.clock.go_live()
    people = People(stage.clock)
    async with stage.opened(), people.opened():
        yield Place(stage, people, HostClock(stage.clock))


def wrong(place: Place, what: str, how: How = How()) -> AbstractAsyncContextManager[None]:  # noqa: B008 - frozen
    return CAUSES[what].on_stage(place, how)


async def met(url: str, headers: Mapping[str, str] | None = None) -> int | str:
    """The status of what is answered, or how the client fails."""
    async with httpx.AsyncClient(timeout=0.5) as client:
        try:
            return (await client.get(url, headers=headers)).status_code
        except httpx.HTTPError as error:
            return type(error).__name__


ADDRESSES: dict[str, Callable[[Place], str]] = {
    "bitcoind": lambda at: at.stage.bitcoind.url,
    "nbxplorer": lambda at: f"{at.stage.nbxplorer.url}/health",
    "btcpay": lambda at: f"{at.stage.btcpay.url}/api/v1/health",
    "slack": lambda at: at.people.slack.url,
    "pagerduty": lambda at: at.people.pagerduty.url,
    "shop": lambda at: at.people.shop.url,
}


@pytest.mark.parametrize("who", ADDRESSES)
async def test_a_fault_is_met_at_its_endpoint_alone(place: Place, who: str) -> None:
    """And all is as before when it is over; nobody else notices."""
    before = {each: await met(url(place)) for each, url in ADDRESSES.items()}
    started = place.stage.bitcoind.node.started_at
    for kind, answer in (("refuse", "ConnectError"), ("bad_gateway", 502), ("hang", "ReadTimeout")):
        async with wrong(place, "fault", How(who=who, kind=kind)):
            during = {each: await met(url(place)) for each, url in ADDRESSES.items()}
        assert during == {**before, who: answer}
    assert {each: await met(url(place)) for each, url in ADDRESSES.items()} == before
    assert place.stage.bitcoind.node.started_at == started


async def test_a_path_can_fail_alone(place: Place) -> None:
    """What stands beside it answers."""
    login = {"Authorization": f"token {place.stage.key}"}
    info, health = (f"{place.stage.btcpay.url}/api/v1/{each}" for each in ("server/info", "health"))
    async with wrong(place, "fault", How(who="btcpay", kind="error", path="/api/v1/server/info")):
        assert (await met(info, headers=login), await met(health)) == (500, 200)
    assert await met(info, headers=login) == 200


async def test_a_key_loses_one_permission(place: Place) -> None:
    """What needs it is forbidden, what does not is not."""
    stage = place.stage
    login = {"Authorization": f"token {stage.key}"}
    store = f"{stage.btcpay.url}/api/v1/stores/{stage.stores['games'].id}"
    asked = (f"{store}/invoices", f"{store}/webhooks")
    async with wrong(place, "permission_lost", How(who="webhooks.canmodifywebhooks")):
        assert [await met(each, headers=login) for each in asked] == [200, 403]
    assert [await met(each, headers=login) for each in asked] == [200, 200]


async def test_a_key_never_had_what_it_lacks(tmp_path: Path) -> None:
    """From the beginning on."""
    spec = shops("stage", int(SystemClock().now() * 1_000), games=200)
    stage = Stage(spec, tmp_path, lacking=("webhooks.canmodifywebhooks",))
    held = stage.btcpay.core.credentials.keys[stage.key].permissions
    assert held
    assert not any("webhooks" in each for each in held)


async def test_the_checkout_is_closed_to_customers_alone(place: Place) -> None:
    """The API goes on answering."""
    async with wrong(place, "page_unreachable"):
        assert await met(f"{place.stage.btcpay.url}/i/any") == "ReadTimeout"
        assert await met(f"{place.stage.btcpay.url}/api/v1/health") == 200
    assert await met(f"{place.stage.btcpay.url}/i/any") == 404


async def test_a_macaroon_is_revoked_and_there_again(place: Place) -> None:
    """In LND's words."""
    written, bakery = [place.stage.lnd.macaroon.read_bytes().hex()], place.stage.node.bakery
    async with wrong(place, "macaroon_revoked"):
        with pytest.raises(RefusedError, match="root key with id 0 doesn't exist"):
            bakery.verify(written, "info:read", "/lnrpc.Lightning/GetInfo", 0.0)
    bakery.verify(written, "info:read", "/lnrpc.Lightning/GetInfo", 0.0)


@pytest.mark.parametrize(
    ("what", "how", "days", "name"),
    [
        ("certificate_old", How(amount=60), 60, "localhost"),
        ("fault", How(who="lnd", kind="tls_expired"), -75, "localhost"),
        ("fault", How(who="lnd", kind="tls_wrong_name"), 425, "elsewhere.example"),
    ],
)
async def test_a_certificate_is_old_or_anothers(place: Place, what: str, how: How, days: int, name: str) -> None:
    """The file shows what LND shows; afterwards there is a fresh one."""

    def read() -> tuple[float, bool]:
        found = x509.load_pem_x509_certificate(place.stage.lnd.certificate.read_bytes())
        names = found.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
        left = (found.not_valid_after_utc.timestamp() - place.stage.clock.now()) / DAY
        return left, name in names.get_values_for_type(x509.DNSName)

    async with wrong(place, what, how):
        left, named = read()
    assert (round(left), named) == (days, True)
    assert round(read()[0]) == 425


@asynccontextmanager
async def states(place: Place) -> AsyncIterator[Any]:
    """LND's stream of its wallet's states, which asks for no macaroon."""
    credentials = grpc.ssl_channel_credentials(place.stage.lnd.certificate.read_bytes())
    async with grpc.aio.secure_channel(place.stage.lnd.address, credentials) as channel:
        stream = channel.unary_stream(
            "/lnrpc.State/SubscribeState", sim.Empty.SerializeToString, sim.StateResponse.FromString
        )
        yield stream(sim.Empty())


@pytest.mark.parametrize(
    ("kind", "heard"),
    [
        ("", [sim.SERVER_ACTIVE, sim.LOCKED, sim.UNLOCKED, sim.RPC_ACTIVE]),
        ("duplicated", [sim.SERVER_ACTIVE, sim.SERVER_ACTIVE, sim.LOCKED, sim.LOCKED]),
        ("reordered", [sim.LOCKED, sim.SERVER_ACTIVE, sim.RPC_ACTIVE, sim.UNLOCKED]),
    ],
)
async def test_what_a_stream_tells_may_be_disturbed(place: Place, kind: str, heard: list[int]) -> None:
    """Twice, or by twos in another order."""
    place.stage.lnd.faults.streams = kind
    async with states(place) as stream:

        async def tell() -> None:
            while not place.stage.node.states.listeners:  # noqa: ASYNC110 - it tells nobody who listens
                await asyncio.sleep(0.01)
            for each in (sim.LOCKED, sim.UNLOCKED, sim.RPC_ACTIVE):
                place.stage.node.enter(each)

        telling = asyncio.ensure_future(tell())
        assert [(await stream.read()).state for _ in heard] == heard
        await telling


async def test_a_stream_is_cut(place: Place) -> None:
    """As a connection that ends."""
    async with wrong(place, "fault", How(who="streams", kind="cut")), states(place) as stream:
        with pytest.raises(grpc.aio.AioRpcError) as raised:
            await stream.read()
        assert raised.value.code() is grpc.StatusCode.UNAVAILABLE


@pytest.mark.parametrize(
    ("kind", "heard"),
    [
        ("", ["A", "B", "C"]),
        ("duplicated", ["A", "A", "B", "B", "C", "C"]),
        ("reordered", ["C", "B", "A"]),
        ("replayed", ["A", "B", "A", "C", "A"]),
    ],
)
async def test_webhooks_may_be_disturbed(place: Place, kind: str, heard: list[str]) -> None:
    """Each as it was sent at first, with its own signature."""
    core, store = place.stage.btcpay.core, next(iter(place.stage.stores.values()))
    core.dispatcher.webhooks["one"] = Webhook("one", store.id, place.people.shop.url, "secret")
    core.dispatcher.fault = kind
    for each in ("A", "B", "C"):
        core.dispatcher.publish(store.id, each, {}, {})
    async with asyncio.timeout(5):
        while len(place.people.shop.received) < len(heard):  # noqa: ASYNC110 - the shop tells nobody
            await asyncio.sleep(0.01)
    assert [each.json()["type"] for each in place.people.shop.received] == heard
    bodies = {each.body: each.headers["btcpay-sig"] for each in place.people.shop.received}
    assert len(bodies) == 3


@pytest.mark.parametrize(
    ("who", "kind"), [(who, kind) for who, kinds in CAUSES["restart"].whom.items() for kind in kinds]
)
async def test_what_restarts_is_back_with_its_memory_or_without(place: Place, who: str, kind: str) -> None:
    """Without: until the end."""
    stage = place.stage

    def forgot() -> bool:
        known = stage.key in stage.btcpay.core.credentials.keys
        written = [stage.lnd.macaroon.read_bytes().hex()]
        try:
            stage.node.bakery.verify(written, "info:read", "/lnrpc.Lightning/GetInfo", 0.0)
        except RefusedError:
            known = False
        return not known or stage.bitcoind.node.initial_block_download or stage.indexer.held_at is not None

    async with wrong(place, "restart", How(who=who, kind=kind, lasts=0.3)):
        if who in ADDRESSES:
            assert isinstance(await met(ADDRESSES[who](place)), int)
        assert forgot() is (kind == "lost")
    assert not forgot()


async def test_the_backup_is_written_unless_it_can_not_be(place: Place) -> None:
    """With each channel that is opened, and at the end of the trouble."""
    stage = place.stage
    file = stage.lnd.directory / "channel.backup"
    living = asyncio.ensure_future(stage.run())

    async def becomes(wanted: bytes) -> bool:
        for _ in range(40):
            await asyncio.sleep(0.1)
            if file.exists() and file.read_bytes() == wanted:
                return True
        return False

    assert await becomes(stage.node.backup())
    async with wrong(place, "backup_stuck"):
        before = stage.node.backup()
        stage.world.upkeep.open_another("harbour")
        await asyncio.sleep(2.5)
        assert stage.node.backup() != before
        assert file.read_bytes() == before
    assert await becomes(stage.node.backup())
    living.cancel()
    await asyncio.gather(living, return_exceptions=True)


async def test_a_node_that_hears_no_block_stands_still(place: Place) -> None:
    """Then it has them all."""
    stage = place.stage
    async with wrong(place, "lnd_not_synced"):
        stage.chain.mine(3)
        stage.side.block(stage.chain.tip.height)
        assert (stage.node.synced, stage.node.height) == (False, stage.chain.tip.height - 3)
    assert (stage.node.synced, stage.node.height) == (True, stage.chain.tip.height)


async def test_a_clock_jumps_and_time_goes_on(place: Place) -> None:
    """The host's alone, whose other clock does not."""
    async with wrong(place, "clock_jump", How(amount=-120)):
        pass
    assert place.host.now() == pytest.approx(place.stage.clock.now() - 120, abs=1)
    assert place.host.monotonic() == pytest.approx(place.stage.clock.monotonic(), abs=1)


def test_faults_are_tried_where_they_can_be() -> None:
    """Each endpoint with an address of its own is tried above; the others have tests of their own."""
    assert {*WHOM} == {*ADDRESSES, "lnd", "streams", "webhooks"}
