"""Who is told: a Slack with one channel and a PagerDuty with one service, on real sockets in a thread of their own."""

import asyncio
import threading
from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from typing import Any, Self, TypeVar

from lnwatch.clock import SystemClock
from lnwatch.simulator.pagerduty import PagerDutyDouble
from lnwatch.simulator.slack import Channel, SlackDouble
from tests.real.testbed.waiting import until

T = TypeVar("T")

TOKEN = "xoxb-test-token"
CHAT = "C0123456789"
ROUTING_KEY = "0123456789abcdef0123456789abcdef"

Case = tuple[str, str]  # rule and subject
DIGEST: Case = ("digest", "")
TOLD, ENDED = ("opened",), ("opened", "resolved")  # at Slack
PAGED, CALLED_OFF = ("trigger",), ("trigger", "resolve")  # at PagerDuty


@dataclass(frozen=True, slots=True)
class Heard:
    """What came of one case, in order: transitions at Slack, actions at PagerDuty."""

    slack: tuple[str, ...] = ()
    pager: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Post:
    """One message in the channel as it stands now; all but the text of it is empty for a digest."""

    site: str
    rule: str
    subject: str
    transition: str
    text: str


class Audience:
    """Both doubles; `do` runs what a test wants of them where they live."""

    def __init__(self) -> None:
        clock = SystemClock()
        self.slack = SlackDouble(clock, TOKEN)
        self.slack.channels[CHAT] = Channel(CHAT)
        self.pagerduty = PagerDutyDouble(clock, frozenset({ROUTING_KEY}))
        self._loop = asyncio.new_event_loop()
        self._up, self._end = threading.Event(), asyncio.Event()
        self._thread = threading.Thread(target=self._loop.run_until_complete, args=[self._serve()])

    def do(self, job: Callable[[], T]) -> T:
        """Run `job` in the doubles' own thread and return its answer."""

        async def wrapped() -> T:
            return job()

        return asyncio.run_coroutine_threadsafe(wrapped(), self._loop).result(10)

    def telling(self) -> dict[str, object]:
        """The blocks of a channel of Slack and a service of PagerDuty."""
        slack = {"bot_token": TOKEN, "channel_id": CHAT, "api_url": f"{self.slack.url}/api"}
        return {
            "slack": {"ops": slack},
            "pagerduty": {"oncall": {"routing_key": ROUTING_KEY, "url": self.pagerduty.url}},
        }

    def posts(self) -> list[Post]:
        """Everything in the channel, replies included, oldest first."""
        return self.do(lambda: [_post(message) for message in self.slack.channels[CHAT].messages.values()])

    def said(self, site: str, case: Case) -> list[str]:
        """What was posted of a case: the message that stands for it, as it is now, then the replies to it."""
        return [post.text for post in self.posts() if (post.site, post.rule, post.subject) == (site, *case)]

    def incidents(self) -> list[str]:
        """The state of each alert at PagerDuty."""
        return self.do(lambda: [alert.status for alert in self.pagerduty.alerts.values()])

    def incident(self, site: str, case: Case) -> tuple[int, str]:
        """How many incidents PagerDuty made of a case, and what the newest one says now."""

        def found() -> tuple[int, str]:
            (alert,) = (alert for alert in self.pagerduty.alerts.values() if _named(alert.shown) == (site, *case))
            return alert.incidents, str(alert.shown["payload"]["summary"])

        return self.do(found)

    def hears(self, site: str, cases: Mapping[Case, Heard], timeout: float = 60) -> None:
        """Wait until exactly this has come of a site."""

        def same() -> bool:
            found = self.heard(site)
            assert found == cases, found
            return True

        until(f"what is told of {site}", same, timeout=timeout, pause=0.2)

    def heard(self, site: str) -> dict[Case, Heard]:
        """All that came of a site; a digest, which may be of any site, as DIGEST."""
        slack: dict[Case, tuple[str, ...]] = {}
        for post in self.posts():
            if post.site in (site, ""):
                about = (post.rule, post.subject) if post.site else DIGEST
                slack[about] = (*slack.get(about, ()), post.transition)
        pager: dict[Case, tuple[str, ...]] = {}
        for of, *named, action in self.do(lambda: list(_actions(self.pagerduty.events))):
            if of == site:
                about = (named[0], named[1])
                pager[about] = (*pager.get(about, ()), action)
        return {about: Heard(slack.get(about, ()), pager.get(about, ())) for about in {**slack, **pager}}

    @asynccontextmanager
    async def opened(self) -> AsyncIterator[None]:
        """All that listens; what is more of it goes around this."""
        async with self.slack, self.pagerduty:
            yield

    async def _serve(self) -> None:
        async with self.opened():
            self._up.set()
            await self._end.wait()

    @contextmanager
    def running(self) -> Iterator[Self]:
        """Listen until the end of the block."""
        self._thread.start()
        assert self._up.wait(20), "the doubles did not start"
        try:
            yield self
        finally:
            self._loop.call_soon_threadsafe(self._end.set)
            self._thread.join(20)
            self._loop.close()


def _post(message: dict[str, Any]) -> Post:
    named = message["metadata"]["event_payload"]
    site, rule, subject, transition = (str(named.get(key, "")) for key in ("site", "rule", "subject", "transition"))
    return Post(site, rule, subject, transition, str(message["text"]))


def _named(trigger: dict[str, Any]) -> tuple[str, str, str]:
    """Site, rule and subject."""
    payload = trigger["payload"]
    return payload["group"], payload["class"], payload["component"]


def _actions(events: list[dict[str, Any]]) -> Iterator[tuple[str, str, str, str]]:
    """Site, rule, subject and action of each event; one that is no trigger bears the key of an earlier one."""
    names: dict[str, tuple[str, str, str]] = {}
    for event in events:
        key = event["dedup_key"]
        if "payload" in event:
            names[key] = _named(event)
        yield (*names[key], event["event_action"])
