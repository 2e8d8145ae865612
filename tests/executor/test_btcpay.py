"""Hands that register a webhook at a double of BTCPay: once, with a secret that is never lost, and a key that is."""

import stat
from pathlib import Path

import pytest

from lnwatch.errors import FailureReason, SourceError
from lnwatch.executor.btcpay import PERMISSION
from lnwatch.executor.hands import FutileError
from lnwatch.model.action import Outcome
from lnwatch.simulator.kestrel import Reply
from tests.executor.shopfront import URL, front, registration

UNPROCESSABLE = "BTCPay does not take the question for the webhooks of the store: Url: Invalid Url"


async def test_created(tmp_path: Path) -> None:
    """Everything is told to our address, tried again where it fails, and signed with what only we can read."""
    async with front(tmp_path) as shop:
        receipt = await shop.do()
        (made,) = shop.webhooks
        assert (receipt.outcome, receipt.words) == (Outcome.DONE, f"webhook {made.id} was created")
        assert (made.url, made.enabled, made.automatic_redelivery, made.everything) == (URL, True, True, True)
        assert made.secret == shop.secret_file.read_text().strip()
        assert len(made.secret) >= 40
        assert stat.S_IMODE(shop.secret_file.stat().st_mode) == 0o600


async def test_a_second_time_finds_the_first(tmp_path: Path) -> None:
    """Nothing is created or changed where it stands as it should."""
    async with front(tmp_path) as shop:
        await shop.do()
        secret = shop.secret_file.read_text()
        ready = await shop.hands.prepare(shop.draft)
        assert ready.added == {"webhook": shop.webhooks[0].id}
        receipt = await shop.hands.act(ready, shop.hands.intend(ready))
        assert (receipt.outcome, receipt.words) == (Outcome.DONE, f"webhook {shop.webhooks[0].id} was there already")
        assert len(shop.webhooks) == len(shop.asked("POST")) == 1
        assert shop.secret_file.read_text() == secret


async def test_a_second_store_shares_the_secret(tmp_path: Path) -> None:
    """The secret is one for each server: what stands in the file already is used."""
    (tmp_path / "webhook.secret").write_text("of an earlier one\n")
    async with front(tmp_path) as shop:
        await shop.world.register()  # somebody else's
        assert (await shop.do()).outcome is Outcome.DONE
        assert shop.webhooks[-1].secret == "of an earlier one"
        assert len(shop.webhooks) == 2


@pytest.mark.parametrize("wrong", ["secret lost", "switched off"])
async def test_mended(tmp_path: Path, wrong: str) -> None:
    """One whose secret nobody knows any more, or that was switched off, is put right, not doubled."""
    async with front(tmp_path) as shop:
        await shop.do()
        old = shop.webhooks[0].secret
        if wrong == "secret lost":
            shop.secret_file.unlink()
        else:
            shop.webhooks[0].enabled = False
        receipt = await shop.do()
        (made,) = shop.webhooks
        assert receipt.words == f"webhook {made.id} was there already, and was mended"
        assert made.enabled
        assert made.secret == shop.secret_file.read_text().strip()
        assert (made.secret == old) is (wrong == "switched off")


async def test_a_dry_run_changes_nothing(tmp_path: Path) -> None:
    """It asks what the real hands ask, tries the key by that, and leaves nothing anywhere."""
    async with front(tmp_path) as shop:
        shop.hire(dry_run=True)
        shop.lend()
        receipt = await shop.do()
        assert receipt.outcome is Outcome.REHEARSED
        assert "webhook none yet" in receipt.words
        assert not shop.webhooks
        assert not shop.secret_file.exists()


@pytest.mark.parametrize(
    ("policies", "words"),
    [(("canviewstoresettings",), "lacks btcpay.store.webhooks.canmodifywebhooks"), ((), "does not know the API key")],
)
async def test_a_key_that_may_not(tmp_path: Path, policies: tuple[str, ...], words: str) -> None:
    """A key without the right, or that is revoked, is told of before anything is proposed."""
    async with front(tmp_path) as shop:
        key = shop.lend(*policies)
        if not policies:
            del shop.world.btcpay.core.credentials.keys[key]
        with pytest.raises(FutileError, match=words) as told:
            await shop.hands.prepare(shop.draft)
        assert key not in str(told.value)


async def test_refused(tmp_path: Path) -> None:
    """What BTCPay does not take was not done, and its words say why."""
    async with front(tmp_path) as shop:
        draft = registration(shop.world.store.id, "ftp://desk.example/hooks")
        receipt = await shop.hands.act(draft, shop.hands.intend(draft))
        assert (receipt.outcome, receipt.words) == (Outcome.FAILED, UNPROCESSABLE)
        assert not shop.webhooks


@pytest.mark.parametrize("fault", [Reply(500), Reply(502, b"<html>")])
async def test_not_known(tmp_path: Path, fault: Reply) -> None:
    """A fault behind the request leaves open what came of it, and so it is said; the list tells afterwards."""
    async with front(tmp_path) as shop:
        await shop.do()
        (made,) = shop.webhooks
        made.enabled = False
        ready = await shop.hands.prepare(shop.draft)
        intent = shop.hands.intend(ready)
        shop.world.btcpay.faults.failing[f"webhooks/{made.id}"] = fault
        with pytest.raises(SourceError):
            await shop.hands.act(ready, intent)
        receipt = await shop.hands.look_up(ready, intent)
        assert (receipt.outcome, receipt.looked_up) == (Outcome.FAILED, True)
        shop.world.btcpay.faults.failing.clear()
        assert (await shop.do()).outcome is Outcome.DONE
        receipt = await shop.hands.look_up(ready, intent)
        assert (receipt.outcome, receipt.looked_up) == (Outcome.DONE, True)


async def test_looked_up_without_the_key(tmp_path: Path) -> None:
    """After a restart the key is gone: the server's own may tell, where it may list webhooks; else it takes another."""
    async with front(tmp_path) as shop:
        await shop.do()
        ready = await shop.hands.prepare(shop.draft)
        intent = shop.hands.intend(ready)
        shop.hire()
        with pytest.raises(SourceError, match="lend one with `lnwatch webhook register main/pay shop") as told:
            await shop.hands.look_up(ready, intent)
        assert (told.value.reason, told.value.permission) == (FailureReason.FORBIDDEN, PERMISSION)
        own = shop.world.btcpay.add_key(shop.world.store, "webhooks.canmodifywebhooks").secret
        shop.hire(deliveries=True, api_key=own)
        assert (await shop.hands.look_up(ready, intent)).outcome is Outcome.DONE


async def test_no_place_for_the_secret(tmp_path: Path) -> None:
    """Where the file can't be written nothing is begun at BTCPay."""
    async with front(tmp_path) as shop:
        shop.hire(webhook_secret_file="no/such/folder/secret")
        shop.lend()
        receipt = await shop.do()
        assert receipt.outcome is Outcome.FAILED
        assert receipt.words.startswith("not begun: can't keep the secret: can't write ")
        assert receipt.words.endswith("no/such/folder/secret: No such file or directory")
        assert not shop.webhooks


async def test_nobody_answers(tmp_path: Path) -> None:
    """A server that is away is told of, and nothing is proposed."""
    async with front(tmp_path) as shop:
        await shop.world.btcpay.close()
        with pytest.raises(FutileError, match="can't connect") as told:
            await shop.hands.prepare(shop.draft)
        assert told.value.reason == FailureReason.REFUSED
        await shop.world.btcpay.listen()
