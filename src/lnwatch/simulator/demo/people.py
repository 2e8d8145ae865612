"""Who hears of things in the demo: a Slack, a PagerDuty, and the shop that BTCPay tells of payments."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any, Final

from lnwatch.clock import Clock
from lnwatch.simulator.pagerduty import PagerDutyDouble
from lnwatch.simulator.slack import SlackDouble
from lnwatch.simulator.webhook_receiver import Receiver, Reply, Request, WebhookReceiver

TOKEN: Final = "xoxb-demo-token"  # noqa: S105 - the demo's own Slack alone knows it
CHANNEL: Final = "C0DEMO0001"
ROUTING_KEY: Final = "d" * 32
SECRET: Final = "w" * 32
_KEPT: Final = 200  # requests


class ShopReceiver(Receiver):
    """The shop's software; `broken` answers every webhook with an error, `heard` counts them."""

    broken = False
    heard = 0

    def answer(self, request: Request) -> Reply:  # noqa: ARG002 - the same to all
        """Taken, or not."""
        self.heard += 1
        del self.received[:-_KEPT]
        return Reply(500, b"the shop's database is away") if self.broken else Reply(200, b"OK")


@dataclass(frozen=True, slots=True)
class Told:
    """A message as it stands: when (epoch seconds), where, of what, and the replies to it."""

    at: float
    where: str
    text: str
    replies: tuple[str, ...] = ()


class People:
    """Everybody who is told."""

    def __init__(self, clock: Clock) -> None:
        """Nobody was told anything yet."""
        self.slack = SlackDouble(clock, TOKEN)
        self.channel = self.slack.channel(CHANNEL)
        self.pagerduty = PagerDutyDouble(clock, frozenset({ROUTING_KEY}))
        self.hook = WebhookReceiver(clock, SECRET)
        self.shop = ShopReceiver(clock)

    @asynccontextmanager
    async def opened(self) -> AsyncIterator[None]:
        """All that listens."""
        async with self.slack, self.pagerduty, self.hook, self.shop:
            yield

    def told(self) -> list[Told]:
        """Every message, newest first."""
        posts = [
            Told(float(each["ts"]), "Slack", str(each["text"]), self._replies(each)) for each in self.channel.roots
        ]
        incidents = [
            Told(each.at, f"PagerDuty, {each.status}", str(each.shown["payload"]["summary"]))
            for each in self.pagerduty.alerts.values()
        ]
        return sorted([*incidents, *posts], key=lambda each: each.at, reverse=True)

    def _replies(self, message: dict[str, Any]) -> tuple[str, ...]:
        return tuple(str(each["text"]) for each in self.channel.thread(str(message["ts"])))
