"""What is asked through the inbox: begun at once, followed to its end, with a key that is forgotten then."""

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Any

import pytest

from lnwatch.domain.book import Book
from lnwatch.errors import InboxError
from lnwatch.executor.executor import Executor
from lnwatch.executor.registration import LOOK_EVERY, PATIENCE, Registrations
from lnwatch.executor.requests import Requests
from lnwatch.executor.settings import BLOCK
from lnwatch.simulator.kestrel import Reply
from lnwatch.store import LedgerSettings, Request, open_ledger
from tests.executor.shopfront import URL, Front, front, settings_for
from tests.manual_clock import ManualClock


class Desk:
    """An executor, whoever asks of it, and time."""

    def __init__(self, shop: Front, executor: Executor, clock: ManualClock) -> None:
        self.shop = shop
        self.executor = executor
        self.clock = clock
        servers = {("main", "pay"): settings_for(shop.world.btcpay.url, shop.world.store.id, shop.folder)}
        self.registrations = Registrations(executor, servers, shop.hired.keys, clock)

    async def ask(self, kind: str, **body: object) -> Mapping[str, Any]:
        handlers = {**self.registrations.handlers, **Requests(self.executor).handlers}
        return await handlers[kind](Request("r", kind, body, self.clock.now()))

    async def register(self, key: str | None = None, **body: object) -> Mapping[str, Any]:
        file = self.shop.folder / "once.key"
        if key is not None:
            file.touch(0o600)
            file.write_text(f"{key}\n")
        asked = {"site": "main", "source": "pay", "store": "shop", "url": URL, "key_file": str(file), "actor": "ann"}
        return await self.ask("register_webhook", **(asked | body))

    async def follow(self) -> Mapping[str, Any]:
        """What became of it, once something did."""
        for _ in range(200):
            await self.clock.advance(LOOK_EVERY)
            await asyncio.sleep(0.02)
            told = await self.ask("registration", site="main", store="shop")
            found = told["proposal"]
            if told["refused"] or (found and (found["ended_at"] or found["verdict"]["ground"] == "needs_approval")):
                await self.clock.advance(LOOK_EVERY)
                return told
        raise AssertionError(f"nothing came of it: {told}")


@asynccontextmanager
async def desk(folder: Path, *, dry_run: bool = False, **settings: object) -> AsyncIterator[Desk]:
    """An executor that was restored and has asked its automations once."""
    async with front(folder) as shop:
        shop.hire(dry_run=dry_run)
        clock = ManualClock()
        ledger = await open_ledger(LedgerSettings(path=folder / "ledger.sqlite3"), folder, clock)
        block = BLOCK.model_validate({"dry_run": dry_run, **settings})
        executor = Executor(ledger.journal, shop.hired.crew, block, clock)
        await executor.restore()
        await executor.consider([])
        ready = Desk(shop, executor, clock)
        task = asyncio.create_task(ready.registrations.run())
        try:
            yield ready
        finally:
            task.cancel()
            with suppress(asyncio.CancelledError):
                await task
            book = Book().after(await ledger.journal.read())
            assert not book.unsettled
            await ledger.close()


def right_key(shop: Front) -> str:
    return shop.world.btcpay.add_key(shop.world.store, "webhooks.canmodifywebhooks").secret


async def test_asked_and_done(tmp_path: Path) -> None:
    """One request, one webhook; the journal says who asked, and the key is gone from memory at the end."""
    async with desk(tmp_path) as ready:
        await ready.register(right_key(ready.shop))
        told = (await ready.follow())["proposal"]
        assert (told["state"], told["hands"]) == ("done", "btcpay")
        assert told["sentence"] == f"Have pay tell what happens in store shop at {URL}, as ann asks."
        assert told["outcome"] == f"webhook {ready.shop.webhooks[0].id} was created"
        assert ready.shop.hired.keys.of(ready.shop.draft.need) is None


async def test_asked_again(tmp_path: Path) -> None:
    """The second one finds the first, a moment later too."""
    async with desk(tmp_path) as ready:
        for outcome in ("was created", "was there already"):
            await ready.register(right_key(ready.shop))
            told = (await ready.follow())["proposal"]
            assert told["outcome"] == f"webhook {ready.shop.webhooks[0].id} {outcome}"
        assert len(ready.shop.webhooks) == 1


async def test_rehearsed(tmp_path: Path) -> None:
    """The usual dry run goes the whole way, and does nothing."""
    async with desk(tmp_path, dry_run=True) as ready:
        await ready.register(right_key(ready.shop))
        assert (await ready.follow())["proposal"]["state"] == "rehearsed"
        assert not ready.shop.webhooks
        assert ready.shop.hired.keys.of(ready.shop.draft.need) is None


async def test_waits_for_people(tmp_path: Path) -> None:
    """Where the policy asks for a person it waits for one, the key in memory; a no ends it."""
    async with desk(tmp_path, register_webhook={"approval": "one"}) as ready:
        await ready.register(right_key(ready.shop))
        told = (await ready.follow())["proposal"]
        assert (told["state"], told["verdict"]["ground"]) == ("proposed", "needs_approval")
        assert not ready.shop.webhooks
        await ready.ask("approve", proposal=told["id"], digest=told["digest"], actor="bob", note="")
        await ready.executor.consider([])
        assert (await ready.follow())["proposal"]["state"] == "done"
        assert ready.shop.hired.keys.of(ready.shop.draft.need) is None


async def test_a_no_ends_it(tmp_path: Path) -> None:
    """What is rejected is not asked for again, and the key is forgotten."""
    async with desk(tmp_path, register_webhook={"approval": "one"}) as ready:
        await ready.register(right_key(ready.shop))
        told = (await ready.follow())["proposal"]
        await ready.ask("reject", proposal=told["id"], actor="bob", note="not from here")
        assert (await ready.follow())["proposal"]["state"] == "rejected"
        for _ in range(3):
            await ready.clock.advance(60)
            await ready.executor.consider([])
        assert len(ready.executor.book.records) == 1
        assert ready.shop.hired.keys.of(ready.shop.draft.need) is None


async def test_a_wrong_key_is_told(tmp_path: Path) -> None:
    """Nothing is proposed with a key that may not do it; the sentence says what it lacks, and not the key."""
    async with desk(tmp_path) as ready:
        key = ready.shop.world.btcpay.add_key(ready.shop.world.store).secret
        await ready.register(key)
        told = await ready.follow()
        assert told["proposal"] is None
        assert "lacks btcpay.store.webhooks.canmodifywebhooks" in told["refused"]
        assert key not in told["refused"]
        assert not ready.executor.book.records
        assert ready.shop.hired.keys.of(ready.shop.draft.need) is None


async def test_a_server_that_is_away_is_told(tmp_path: Path) -> None:
    """Nothing waits for it to come back: whoever asked is there, and asks again."""
    async with desk(tmp_path) as ready:
        key = right_key(ready.shop)
        ready.shop.world.btcpay.faults.failing["/webhooks"] = Reply(502)
        await ready.register(key)
        assert "HTTP 502" in (await ready.follow())["refused"]
        ready.shop.world.btcpay.faults.failing.clear()
        await ready.register(key)
        assert (await ready.follow())["proposal"]["state"] == "done"


REFUSED = [
    ({"source": "other"}, "there is no BTCPay Server other at site main"),
    ({"store": "other"}, "pay watches no store other"),
    ({"actor": ""}, "`actor` must be given"),
    ({"url": 5}, "`url` must be given"),
    ({"key_file": "/no/such/file"}, "the daemon can't read /no/such/file: No such file"),
]


@pytest.mark.parametrize(("body", "words"), REFUSED)
async def test_what_can_t_be_asked(tmp_path: Path, body: dict[str, object], words: str) -> None:
    """One sentence says what is wrong, and nothing is begun."""
    async with desk(tmp_path) as ready:
        with pytest.raises(InboxError, match=words):
            await ready.register(right_key(ready.shop), **body)
        with pytest.raises(InboxError, match="nobody asked for that"):
            await ready.ask("registration", site="main", store="shop")


@pytest.mark.parametrize(
    ("text", "mode"), [("", 0o600), ("two words of it", 0o600), ("é" * 40, 0o600), ("0" * 40, 0o644)]
)
async def test_files_that_hold_no_key_for_us(tmp_path: Path, text: str, mode: int) -> None:
    """Neither a file with something else in it nor one that everybody can read is used, or shown."""
    async with desk(tmp_path) as ready:
        await asyncio.to_thread((tmp_path / "once.key").write_text, text)
        (tmp_path / "once.key").chmod(mode)
        with pytest.raises(InboxError, match=r"holds no API key|everybody on this machine") as told:
            await ready.register()
        assert not text or text not in str(told.value)


async def test_the_kill_switch_stops_it(tmp_path: Path) -> None:
    """While everything is stopped no key is taken."""
    async with desk(tmp_path) as ready:
        await ready.ask("kill_switch", on=True, actor="ann", note="")
        with pytest.raises(InboxError, match="the kill switch is on"):
            await ready.register(right_key(ready.shop))


async def test_what_waits_too_long_is_dropped(tmp_path: Path) -> None:
    """Stopped before it was begun, it does not begin hours later."""
    async with desk(tmp_path) as ready:
        await ready.register(right_key(ready.shop))
        await ready.ask("kill_switch", on=True, actor="ann", note="")
        for _ in range(3):
            await ready.clock.advance(PATIENCE / 2)
            await asyncio.sleep(0.02)
        await ready.ask("kill_switch", on=False, actor="ann", note="")
        await ready.executor.consider([])
        told = await ready.ask("registration", site="main", store="shop")
        assert (told["refused"], told["proposal"]) == ("Nothing could be begun in time.", None)
        assert not ready.shop.webhooks
