"""The recorded stories of payments, played on the double."""

import pytest

from tests.simulator.btcpay.replay import Story, set_processors
from tests.simulator.btcpay.world import RECORDED, world

STORIES = sorted(path.stem for path in (RECORDED / "stories").iterdir())
# What came before on the same server, and is seen in the lists of a later story.
BEFORE = {"21": ("20",), "22": ("20", "21"), "25": ("20", "21", "22")}
PAYING_OUT = "2"  # stories from 20 on had payout processors
WITHOUT_WEBHOOK = "25"


@pytest.mark.parametrize("name", STORIES)
async def test_a_recorded_story_goes_the_same_way(name: str) -> None:
    """Statuses, answers, webhooks with their order and fields are as a real BTCPay gave them."""
    number = name[:2]
    async with world() as made:
        if name.startswith(PAYING_OUT):
            await set_processors(made)
        hook = await made.register()
        likeness = None
        for earlier in (*BEFORE.get(number, ()), number):
            story = Story(made, next(each for each in STORIES if each.startswith(earlier)), likeness)
            if earlier == WITHOUT_WEBHOOK:
                await made.call("DELETE", f"{made.base}/webhooks/{hook}")
            await story.play()
            likeness = story.likeness
