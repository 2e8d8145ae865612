"""The demo's own page: what was told, when and where, and what comes of its buttons."""

from pathlib import Path

import httpx

from lnwatch.clock import SystemClock
from lnwatch.model.case import Transition
from lnwatch.notify import slack
from lnwatch.notify.pagerduty import NOTIFIER as PAGERDUTY
from lnwatch.simulator.demo.desk import DemoDesk
from lnwatch.simulator.demo.house import House
from lnwatch.simulator.demo.people import CHANNEL, ROUTING_KEY, TOKEN, People
from tests.manual_clock import ManualClock
from tests.notify.bench import opened
from tests.notify.notices import NOW, message, notice


async def test_what_was_told_is_listed_newest_first_with_its_time() -> None:
    """Slack's messages and PagerDuty's incidents are one list, and the newest state of each is shown."""
    clock = ManualClock()
    people = People(clock)
    async with people.opened():
        bot = {"bot_token": TOKEN, "channel_id": CHANNEL, "api_url": f"{people.slack.url}/api"}
        chat = opened(slack.NOTIFIER, bot, clock)
        pager = opened(PAGERDUTY, {"routing_key": ROUTING_KEY, "url": people.pagerduty.url}, clock)
        await pager.send(message())
        await clock.advance(60)
        first = await chat.send(message())
        await chat.send(message(notice(Transition.RESOLVED), reference=first.reference))
        await chat.close()
        await pager.close()
    told = people.told()
    assert [each.where for each in told] == ["Slack", "PagerDuty, triggered"]
    assert told[0].text.startswith("✅ Resolved: lightning_down at main")
    assert told[0].replies == ("Resolved by itself after 1 h.",)
    assert told[1].at == NOW


async def test_a_button_that_can_not_be_had_says_why(tmp_path: Path) -> None:
    """Who presses one while something is going wrong reads that on the page, the command gets it as its answer."""
    asked: list[tuple[str, float]] = []

    def begin(name: str, lasts: float) -> str:
        asked.append((name, lasts))
        return "" if len(asked) == 1 else "lnd-locked is not over yet"

    clock = SystemClock()
    async with DemoDesk(clock, People(clock), House(tmp_path, 1, 0), begin) as desk, httpx.AsyncClient() as browser:
        button, html = f"{desk.url}/incidents/lnd-locked", {"Accept": "text/html"}
        assert (await browser.post(button, headers=html)).headers["Location"] == "/"
        assert desk.diary == []
        assert (await browser.post(button, headers=html)).status_code == 303
        assert "lnd-locked is not over yet" in (await browser.get(desk.url)).text
        refused = await browser.post(button, data={"seconds": "25"})
        assert (refused.status_code, refused.json()) == (409, {"error": "lnd-locked is not over yet"})
    assert asked == [("lnd-locked", 180.0), ("lnd-locked", 180.0), ("lnd-locked", 25.0)]
