"""A BTCPay Server with one store, hands for its webhooks, and the file in which the secret is to stand."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pydantic import SecretStr

from lnwatch.clock import Clock
from lnwatch.executor.hands import Hands
from lnwatch.executor.opening import Hired, Shopfront
from lnwatch.executor.registration import AUTOMATION, hook_url
from lnwatch.model.action import NONE_AT_ALL, Action, Proposal, Receipt
from lnwatch.net import Door
from lnwatch.simulator.btcpay.webhooks import Webhook
from lnwatch.sources import Place
from lnwatch.sources.btcpay.settings import BtcpaySettings
from tests.simulator.btcpay.world import World, world

URL = hook_url("https://desk.example", "main", "pay")
POST = ("main", "pay", Action.REGISTER_WEBHOOK)


def settings_for(btcpay: str, store: str, folder: Path, **more: object) -> BtcpaySettings:
    """As the configuration has it; its own key may only read."""
    values = {"url": btcpay, "api_key": "0" * 40, "stores": {"shop": store}, "webhook_secret_file": "webhook.secret"}
    kept = {key: value for key, value in {**values, **more}.items() if value is not None}
    return BtcpaySettings.model_validate(kept, context={"directory": folder})


def registration(store: str, url: str = URL) -> Proposal:
    """What is proposed when somebody asks for it."""
    return Proposal(
        site="main",
        automation=AUTOMATION,
        action=Action.REGISTER_WEBHOOK,
        node="pay",
        subject="store:shop",
        touches=("store:shop",),
        parameters={"store_id": store, "url": url},
        amount_msat=NONE_AT_ALL,
        fee_limit_msat=NONE_AT_ALL,
        sentence="Have pay tell what happens in store shop.",
    )


@dataclass
class Front:
    """The double, the hands, and where the secret lies."""

    world: World
    folder: Path
    hired: Hired
    clock: Clock

    @property
    def secret_file(self) -> Path:
        return self.folder / "webhook.secret"

    @property
    def hands(self) -> Hands:
        return self.hired.crew[POST][0]

    @property
    def draft(self) -> Proposal:
        return registration(self.world.store.id)

    @property
    def webhooks(self) -> list[Webhook]:
        return list(self.world.btcpay.core.dispatcher.webhooks.values())

    def hire(self, *, dry_run: bool = False, **more: object) -> None:
        """Hands anew, as after a start: no key is lent."""
        settings = settings_for(self.world.btcpay.url, self.world.store.id, self.folder, **more)
        place = Place("main", "pay", self.clock, Door(clock=self.clock))
        self.hired = Hired([], [Shopfront(place, settings)], dry_run=dry_run)

    def lend(self, *policies: str) -> str:
        """Lend a key with these rights, by default the one that it takes; the key."""
        rights = policies or ("webhooks.canmodifywebhooks",)
        key = self.world.btcpay.add_key(self.world.store, *rights, label="once").secret
        self.hired.keys.lend(self.draft.need, SecretStr(key))
        return key

    async def do(self) -> Receipt:
        ready = await self.hands.prepare(self.draft)
        return await self.hands.act(ready, self.hands.intend(ready))

    def asked(self, method: str) -> list[dict[str, Any]]:
        """What was sent by that method."""
        return [each for each in map(_sent, self.world.btcpay.exchanges) if each["method"] == method]


def _sent(exchange: Any) -> dict[str, Any]:  # noqa: ANN401 - an exchange of the double
    return {"method": exchange.method, "path": exchange.path, "sent": exchange.sent, "status": exchange.status}


@asynccontextmanager
async def front(folder: Path) -> AsyncIterator[Front]:
    """Live hands, with the right key lent."""
    async with world() as made:
        ready = Front(made, folder, Hired([], dry_run=True), made.clock)
        ready.hire()
        ready.lend()
        yield ready
