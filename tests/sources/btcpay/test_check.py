"""The one look at everything, over the double."""

from pathlib import Path

import pytest

from lnwatch.model.snapshot import TargetState
from lnwatch.sources import Checkup, Scope
from tests.sources.btcpay.bed import Bed, bed

UNSEEN = (
    "this key does not show webhook deliveries and the Lightning node's balance, as BTCPay has no right for that which "
    "only reads"
)


def key(shop: Bed, *policies: str) -> str:
    return shop.world.btcpay.add_key(shop.world.store, *policies).secret


async def test_the_key_that_is_recommended() -> None:
    """A key that reads settings and wallet is enough, and nothing is wrong."""
    async with bed() as shop:
        found = await shop.source.check()
    assert found == Checkup(
        reachable=True,
        state=TargetState.UP,
        version="2.4.1",
        supported=True,
        scope=Scope.ENOUGH,
        clock_offset=found.clock_offset,
        synced=True,
        warnings=(UNSEEN,),
    )
    assert found.clock_offset == pytest.approx(0, abs=1)


@pytest.mark.parametrize(
    ("policies", "scope", "missing"),
    [
        (("canviewinvoices",), Scope.TOO_LITTLE, ["settings", "wallet", "payouts", "pullpayments", "requests"]),
        (("canviewstoresettings",), Scope.TOO_LITTLE, ["wallet"]),
        (("canviewwallet",), Scope.TOO_LITTLE, ["invoices", "settings", "payouts", "pullpayments", "requests"]),
        (("canmodifystoresettings",), Scope.TOO_MUCH, []),
        (("canviewstoresettings", "canviewwallet", "canuselightningnode"), Scope.TOO_MUCH, []),
        (("canviewstoresettings", "canviewwallet", "cancreateinvoice"), Scope.TOO_MUCH, []),
    ],
)
async def test_what_a_key_lacks_and_what_it_has_too_much(
    policies: tuple[str, ...], scope: Scope, missing: list[str]
) -> None:
    """Each right that is lacking is named with its store and its cost, each beyond reading with what it could do."""
    async with bed() as shop:
        shop.open(api_key=key(shop, *policies))
        found = await shop.source.check()
    assert found.scope is scope
    assert len(found.missing) == len(missing)
    for (permission, cost), part in zip(found.missing, missing, strict=True):
        assert part in permission
        assert permission.endswith("for store shop")
        assert cost
    assert bool(found.excess) == (scope is Scope.TOO_MUCH)
    assert found.problems == ()


async def test_deliveries_that_are_wanted() -> None:
    """Where deliveries are wanted the right for them is no excess, and lacking it is told."""
    async with bed() as shop:
        wanted = key(shop, "canviewstoresettings", "canviewwallet", "webhooks.canmodifywebhooks")
        shop.open(api_key=wanted, deliveries=True)
        assert (await shop.source.check()).scope is Scope.ENOUGH
        shop.open(deliveries=True)
        assert [name for name, _ in (await shop.source.check()).missing] == [
            "btcpay.store.webhooks.canmodifywebhooks for store shop"
        ]


async def test_webhooks_that_do_not_reach_lnwatch() -> None:
    """None that leads here, one that is off, one with another secret: each is told, where the key may see webhooks."""
    async with bed() as shop:
        made = shop.world
        wanted = key(shop, "canviewstoresettings", "canviewwallet", "webhooks.canmodifywebhooks")

        async def warnings() -> list[str]:
            shop.open(api_key=wanted, deliveries=True, webhook_secret="a-secret-of-tests")
            return list((await shop.source.check()).warnings)

        absent = (
            "no webhook of store shop that is on leads to /hooks/btcpay/main/btcpay: "
            "`lnwatch webhook register btcpay shop`"
        )
        assert await warnings() == [absent]
        made.hook.statuses = [401] * 9
        body = {"url": f"{made.hook.url}/hooks/btcpay/main/btcpay", "enabled": False}
        hook = (await made.call("POST", f"{made.base}/webhooks", body)).json()["id"]
        assert await warnings() == [absent]
        await made.call("PUT", f"{made.base}/webhooks/{hook}", {**body, "enabled": True})
        assert await warnings() == []
        await made.create()
        await made.pass_time(2)
        (refused,) = await warnings()
        assert "lnwatch refuses what store shop tells" in refused
        shop.open(webhook_secret="a-secret-of-tests")
        assert (await shop.source.check()).warnings == (UNSEEN,)


async def test_what_is_wrong_with_a_store() -> None:
    """A store that is denied, and a currency without a rate, are problems in one sentence each."""
    async with bed() as shop:
        shop.world.store.rates["BTC_EUR"] = None
        (problem,) = (await shop.source.check()).problems
        assert problem == "store shop has no rate for EUR (RateUnavailable): it can make no invoice"
        shop.open(stores={"shop": "NoSuchStore"})
        checkup = await shop.source.check()
        assert checkup.scope is Scope.TOO_LITTLE
        assert len(checkup.missing) == 6


async def test_host_not_in_utc() -> None:
    """A host in another zone is a warning that says what to set."""
    async with bed() as shop:
        made = shop.world
        made.btcpay.core.utc_offset = -18_000
        invoice = await made.create()
        made.btcpay.pay_over_lightning(invoice)
        await made.pass_time(20)
        warnings = (await shop.source.check()).warnings
    assert "BTCPay's host is not in UTC: it tells the times of payments 5 h ahead" in warnings[0]


async def test_nbxplorer_away() -> None:
    """NBXplorer away: the server is reachable, not synced, and it is said what is away."""
    async with bed() as shop:
        shop.world.indexer.stop()
        await shop.world.pass_time(61)
        found = await shop.source.check()
    assert (found.reachable, found.state, found.synced) == (True, TargetState.SYNCING, False)
    assert "NBXplorer is not" in found.problems[0]


@pytest.mark.parametrize(
    ("how", "state", "reachable"),
    [
        ("down", TargetState.DOWN, False),
        ("hanging", TargetState.HANGING, True),
        ("wrong key", TargetState.REJECTED, True),
        ("empty file", TargetState.REJECTED, True),
        ("no file", TargetState.REJECTED, True),
        ("not a key", TargetState.REJECTED, True),
        ("a page", TargetState.DOWN, True),
    ],
)
async def test_what_fails_is_in_the_answer(tmp_path: Path, how: str, state: TargetState, reachable: bool) -> None:
    """Whatever fails, `check` raises nothing, and shows no secret."""
    file = tmp_path / "key"
    file.write_text({"empty file": "", "not a key": "two words planted-secret"}.get(how, "planted-secret"))
    async with bed() as shop:
        if how in ("wrong key", "empty file", "not a key", "no file"):
            shop.open(api_key=None, api_key_file=str(file))
        if how == "no file":
            file.unlink()
        elif how == "down":
            shop.open(url="http://127.0.0.1:1")
        elif how == "hanging":
            shop.open(brisk=True)
            shop.world.btcpay.gate.freeze()
        elif how == "a page":
            shop.world.btcpay.faults.garbage = b"<html>"
        found = await shop.source.check()
    assert (found.state, found.reachable) == (state, reachable)
    assert len(found.problems) == 1
    assert "planted-secret" not in repr(found)


async def test_a_key_that_everybody_may_read(tmp_path: Path) -> None:
    """A world-readable key file is a warning with its remedy."""
    async with bed() as shop:
        file = tmp_path / "key"
        file.write_text(f"{shop.world.monitor}\n")
        file.chmod(0o644)
        shop.open(api_key=None, api_key_file=str(file))
        found = await shop.source.check()
        assert found.warnings[-1].endswith("take that right away (chmod o-r)")
        assert found.scope is Scope.ENOUGH
