"""Delivery to the doubles of Slack and PagerDuty over real sockets, with an outbox that survives its processes."""

from lnwatch.model.message import Notice
from lnwatch.notify import slack
from lnwatch.notify._delivery import Channel, Delivery
from lnwatch.notify.pagerduty import NOTIFIER as PAGERDUTY
from lnwatch.simulator.pagerduty import PagerDutyDouble
from lnwatch.simulator.slack import SlackDouble
from tests.manual_clock import ManualClock
from tests.notify.bench import opened
from tests.notify.notices import LINKS
from tests.notify.outbox import MemoryOutbox

KEY = "0123456789abcdef0123456789abcdef"
TOKEN = "xoxb-test-token"
CHANNEL = "C0123456789"


class World:
    """Real notifiers over real sockets, and an outbox that survives them."""

    def __init__(self, clock: ManualClock, chat: SlackDouble, pager: PagerDutyDouble) -> None:
        self.clock = clock
        self.outbox = MemoryOutbox()
        self.chat = chat
        self.channel = chat.channel(CHANNEL)
        self.pager = pager
        self.delivery = self.start()

    def start(self) -> Delivery:
        token = {"bot_token": TOKEN, "channel_id": CHANNEL, "api_url": f"{self.chat.url}/api"}
        key = {"routing_key": KEY, "url": self.pager.url}
        channels = {
            "ops": Channel(opened(slack.NOTIFIER, token, self.clock), slack.NOTIFIER),
            "page": Channel(opened(PAGERDUTY, key, self.clock), PAGERDUTY),
        }
        return Delivery(self.outbox, channels, self.clock, LINKS)

    async def run(self, steps: int = 100) -> None:
        """Until both channels have nothing left to do, in so many steps each."""
        for channel in ("ops", "page"):
            for _ in range(steps):
                if not await self.delivery.step(channel):
                    delay = self.delivery._lanes[channel].delay()
                    if delay <= 0:
                        break
                    await self.clock.advance(delay)

    async def tell(self, *notices: Notice, steps: int = 100) -> None:
        self.outbox.put("ops", *notices)
        self.outbox.put("page", *notices)
        await self.run(steps)
