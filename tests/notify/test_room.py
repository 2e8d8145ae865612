"""The room: every service is found by its one name, and a test message suits each of them."""

import re
from typing import Any

import pytest

from lnwatch import notify
from lnwatch.discover import discover
from lnwatch.model.message import Marking
from lnwatch.notify import NotifierKind, slack
from lnwatch.notify._format import render
from lnwatch.notify._identity import message_id, notice_id
from lnwatch.notify._trial import trial
from lnwatch.simulator.pagerduty import PagerDutyDouble
from lnwatch.simulator.slack import SlackDouble
from tests.manual_clock import ManualClock
from tests.notify.bench import DEPLOYMENT, opened
from tests.notify.notices import LINKS, NOW, message, notice, storm

FOUND = discover(notify, "NOTIFIER", NotifierKind)
KEY = "0123456789abcdef0123456789abcdef"


def test_services_are_found() -> None:
    """The folder's listing is the list of services; each kind's name is its own."""
    usual = {"long_tail": "apprise", "pagerduty": "pagerduty", "slack": "slack", "webhook": "webhook"}
    assert usual.items() <= {stem: kind.kind for stem, kind in FOUND.items()}.items()
    assert len({kind.kind for kind in FOUND.values()}) == len(FOUND)


@pytest.mark.parametrize("kind", FOUND.values(), ids=FOUND)
def test_every_secret_may_stand_in_a_file(kind: NotifierKind[Any]) -> None:
    """What is secret has a `_file` beside it."""
    fields = kind.settings.model_fields
    secrets = [name for name, field in fields.items() if "Secret" in str(field.annotation)]
    assert secrets
    assert all(f"{name}_file" in fields for name in secrets)


@pytest.mark.parametrize("kind", FOUND.values(), ids=FOUND)
def test_every_pace_is_one(kind: NotifierKind[Any]) -> None:
    """A service without a limit would be flooded in a storm."""
    assert 0 < kind.per_minute <= 600
    assert 0 < kind.burst <= 30


def test_ids_tell_changes_apart() -> None:
    """Each change of each opening has its own id; a digest that of its set, a single message that of its notice."""
    changes = [notice(), notice(number=4), notice(transition_number=2), notice(subject="node:ln2"), notice(site="b")]
    ids = {notice_id(DEPLOYMENT, change) for change in changes}
    assert len(ids) == len(changes)
    assert notice_id("another", changes[0]) not in ids
    assert all(re.fullmatch(r"[0-9a-f]{64}", each) for each in ids)
    assert message_id(DEPLOYMENT, message(changes[0])) == notice_id(DEPLOYMENT, changes[0])
    assert message_id(DEPLOYMENT, message(*storm(12))) not in ids


def test_ids_can_t_run_into_each_other() -> None:
    """What ends one part can't begin the next."""
    assert notice_id("a", notice(site="b", rule="c:d")) != notice_id("a", notice(site="b:c", rule="d"))


def test_trial_says_that_it_is_one() -> None:
    """Nobody can take it for real: title, text and the runbook for when it does not arrive."""
    sent = trial("ops", LINKS, NOW)
    text = render(sent)
    assert sent.marking is Marking.TEST
    assert text.title == "TEST INFO: delivery_failing at lnwatch"
    assert "nothing is wrong" in text.warning
    assert text.links[0][1] == f"{LINKS}/runbooks/delivery_failing"


async def test_trial_is_taken_by_real_services() -> None:
    """A test arrives in the channel, and rings the pager without leaving an incident."""
    clock = ManualClock()
    async with SlackDouble(clock) as chat, PagerDutyDouble(clock, frozenset({KEY})) as pager:
        channel = chat.channel("C0123456789")
        token = {"bot_token": "xoxb-test-token", "channel_id": channel.id, "api_url": f"{chat.url}/api"}
        for kind, settings in (
            (slack.NOTIFIER, token),
            (FOUND["pagerduty"], {"routing_key": KEY, "url": pager.url}),
        ):
            notifier = opened(kind, settings, clock)
            assert "ok" in (await notifier.send(trial("ops", LINKS, NOW))).answer or pager.events
            await notifier.close()
    assert len(channel.roots) == 1
    assert [alert.status for alert in pager.alerts.values()] == ["resolved"]
