"""What people ask through the inbox: that BTCPay tells us what happens, with a key of theirs for this once."""

import asyncio
import re
from collections.abc import Awaitable, Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from pydantic import SecretStr

from lnwatch.clock import Clock
from lnwatch.credentials import world_readable
from lnwatch.domain.book import LIVING
from lnwatch.domain.documents import document
from lnwatch.errors import InboxError, LedgerError
from lnwatch.executor.btcpay import PERMISSION, LentKeys
from lnwatch.executor.executor import PAUSED, Executor
from lnwatch.model.action import NONE_AT_ALL, Action, Need, Nothing, Proposal, ProposalView
from lnwatch.sources.btcpay import BtcpaySettings
from lnwatch.store import Request

AUTOMATION = "webhook_register"
LOOK_EVERY = 0.5  # seconds between two looks at what became of what was asked
PATIENCE = 120.0  # seconds until it must be proposed at least
_KEY = re.compile(r"[\x21-\x7e]{20,200}")

Body = Mapping[str, object]
Handler = Callable[[Request], Awaitable[Body]]
Servers = Mapping[tuple[str, str], BtcpaySettings]  # by site and name


def hook_url(base: str, site: str, name: str) -> str:
    """Where a server tells us what happens."""
    return f"{base}/hooks/btcpay/{site}/{name}"


@dataclass(slots=True)
class _Errand:
    """One thing that was asked at `at`; `refused` says why nothing was even proposed."""

    draft: Proposal
    at: float
    begun: bool = False
    refused: str = ""
    over: bool = False


class Registrations:
    """By kind: `register_webhook` {site, source, store, url, key_file, actor}, which is begun and answered at once,
    and `registration` {site, store} -> {refused, proposal}, what became of it. A refusal is an InboxError.

    The key is read once and kept in memory until all is over; after a restart it has to be lent again.
    """

    def __init__(self, executor: Executor, servers: Servers, keys: LentKeys, clock: Clock) -> None:
        self._executor = executor
        self._servers = servers
        self._keys = keys
        self._clock = clock
        self._errands: dict[Need, _Errand] = {}
        self._asked = asyncio.Event()
        self.handlers: Mapping[str, Handler] = {"register_webhook": self._register, "registration": self._tell}

    async def run(self) -> None:
        """Have done what was asked, and forget each key as soon as that is over, until cancelled."""
        while True:
            await self._asked.wait()
            self._asked.clear()
            while under_way := [(need, errand) for need, errand in self._errands.items() if not errand.over]:
                for need, errand in under_way:
                    await self._follow(need, errand)
                await self._clock.sleep(LOOK_EVERY)

    async def _follow(self, need: Need, errand: _Errand) -> None:
        if not errand.begun:
            errand.begun = True
            with suppress(LedgerError):  # told by the engine; the executor's next round takes it up
                await self._executor.want(errand.draft)
        view = self._view(errand)
        if view is not None:
            errand.over = view.record.state not in LIVING
        elif (nothing := self._nothing(need)) is not None and nothing.reason != PAUSED:
            errand.refused, errand.over = nothing.sentence, True
        elif self._clock.now() - errand.at > PATIENCE:  # whoever asked has left, and must not be surprised
            errand.refused, errand.over = "Nothing could be begun in time.", True
        if errand.over:
            self._executor.unwant(need)
            self._keys.forget(need)

    def _view(self, errand: _Errand) -> ProposalView | None:
        """What was proposed since it was asked, or stood already."""
        found = None
        for view in self._executor.standing().proposals:
            record = view.record
            if record.proposal.need == errand.draft.need and (record.at >= errand.at or record.state in LIVING):
                found = view
        return found

    def _nothing(self, need: Need) -> Nothing | None:
        held = self._executor.standing().nothing
        return next((each for each in held if (each.site, each.automation, each.subject) == need), None)

    async def _register(self, request: Request) -> Body:
        asked = {name: _text(request.body, name) for name in ("site", "source", "store", "url", "key_file", "actor")}
        settings = self._servers.get((asked["site"], asked["source"]))
        if settings is None:
            raise InboxError(f"there is no BTCPay Server {asked['source']} at site {asked['site']}")
        if (store_id := settings.stores.get(asked["store"])) is None:
            raise InboxError(f"{asked['source']} watches no store {asked['store']}: name it in `stores` first")
        if settings.signs is None:
            raise InboxError(
                f"site.{asked['site']}.btcpay.{asked['source']}: set `webhook_secret_file`, where the secret is to be "
                "written, and restart lnwatch"
            )
        if self._executor.standing().kill_switch.on:
            raise InboxError("the kill switch is on: nothing is done")
        draft = _draft(asked, store_id)
        self._keys.lend(draft.need, _key(Path(asked["key_file"])))
        self._errands[draft.need] = _Errand(draft, self._clock.now())
        self._asked.set()
        return {"store": draft.subject, "url": asked["url"]}

    async def _tell(self, request: Request) -> Body:
        need = (_text(request.body, "site"), AUTOMATION, f"store:{_text(request.body, 'store')}")
        errand = self._errands.get(need)
        if errand is None:
            raise InboxError("nobody asked for that since lnwatch was started: ask again, with the key")
        view = self._view(errand)
        return {"refused": errand.refused, "proposal": None if view is None else document(view.record, view)}


def _draft(asked: Mapping[str, str], store_id: str) -> Proposal:
    store, source, url = asked["store"], asked["source"], asked["url"]
    subject = f"store:{store}"
    return Proposal(
        site=asked["site"],
        automation=AUTOMATION,
        action=Action.REGISTER_WEBHOOK,
        node=source,
        subject=subject,
        touches=(subject,),
        parameters={"store_id": store_id, "url": url},
        amount_msat=NONE_AT_ALL,
        fee_limit_msat=NONE_AT_ALL,
        sentence=f"Have {source} tell what happens in store {store} at {url}, as {asked['actor']} asks.",
    )


def _key(path: Path) -> SecretStr:
    """The key in a file, which is read once. Raises InboxError; no message shows what the file holds."""
    if world_readable(path):
        raise InboxError(f"everybody on this machine can read {path}: `chmod 600 {path}`, better still make a new key")
    try:
        text = path.read_text(encoding="ascii").strip()
    except OSError as error:
        raise InboxError(f"the daemon can't read {path}: {error.strerror}") from error
    except UnicodeDecodeError:
        text = ""
    if not _KEY.fullmatch(text):
        raise InboxError(f"{path} holds no API key: one with {PERMISSION} for this store is needed, and nothing else")
    return SecretStr(text)


def _text(body: Body, name: str) -> str:
    value = body.get(name, "")
    if not isinstance(value, str) or not value.strip():
        raise InboxError(f"`{name}` must be given")
    return value.strip()
