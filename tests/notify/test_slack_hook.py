"""Slack's incoming webhook, and the settings of both forms."""

import pytest
from pydantic import ValidationError

from lnwatch.model.case import Transition
from lnwatch.notify import Failure
from lnwatch.notify.slack import NOTIFIER, SlackSettings
from lnwatch.simulator.slack import SlackDouble
from lnwatch.simulator.webhook_receiver import Fault, Reply
from tests.manual_clock import ManualClock
from tests.notify.bench import failure, opened
from tests.notify.notices import message, mixed, notice
from tests.secrets import plant

HOOK = "/services/T000/B000/planted-hook-secret"
CHANNEL = "C0123456789"
TOKEN = {"bot_token": "xoxb-1", "channel_id": CHANNEL}
plant("planted-hook-secret")


async def test_each_change_is_a_message_of_its_own() -> None:
    """A webhook can't edit: beginning, end and digest are three messages, each whole."""
    clock = ManualClock()
    async with SlackDouble(clock) as slack:
        channel, slack.hooks[HOOK] = slack.channel(CHANNEL), CHANNEL
        hook = opened(NOTIFIER, {"webhook_url": slack.url + HOOK}, clock)
        for sent in (message(), message(notice(Transition.RESOLVED), reference="C1:2.3"), message(*mixed())):
            assert (await hook.send(sent)).answer == "webhook: ok"
        assert await hook.find(message()) is None
        await hook.close()
    assert [root["blocks"][0]["text"]["text"][0] for root in channel.roots] == ["🔴", "✅", "🔴"]


async def test_address_from_a_file_is_read_anew(tmp_path: pytest.TempPathFactory) -> None:
    """A webhook that was replaced works without a restart."""
    path = tmp_path / "hook"  # type: ignore[operator]  # a Path
    clock = ManualClock()
    async with SlackDouble(clock) as old, SlackDouble(clock) as new:
        for slack in (old, new):
            slack.channel(CHANNEL)
            slack.hooks[HOOK] = CHANNEL
        hook = opened(NOTIFIER, {"webhook_url_file": str(path)}, clock)
        path.write_text(f"{old.url}{HOOK}\n")
        await hook.send(message())
        path.write_text(f"{new.url}{HOOK}\n")
        await hook.send(message())
        path.write_text("planted-hook-secret, by mistake")
        assert (await failure(hook, message())).failure is Failure.REJECTED
        await hook.close()
    assert (len(old.received), len(new.received)) == (1, 1)


@pytest.mark.parametrize(
    ("reply", "expected"),
    [
        (Reply(400, b"invalid_payload"), Failure.INVALID),
        (Reply(400, b"invalid_blocks"), Failure.INVALID),
        (Reply(403, b"action_prohibited"), Failure.REJECTED),
        (Reply(403, b"invalid_token"), Failure.REJECTED),
        (Reply(404, b"no_service"), Failure.GONE),
        (Reply(404, b"channel_not_found"), Failure.GONE),
        (Reply(410, b"channel_is_archived"), Failure.GONE),
        (Reply(404, b"<html>not here</html>"), Failure.GONE),
        (Reply(429, b"rate_limited", {"Retry-After": "3"}), Failure.RATE_LIMITED),
        (Reply(500, b"rollup_error"), Failure.SERVER),
        (Reply(200, b"<html>a captive portal</html>"), Failure.INVALID),
        (Fault.LOST_ANSWER, Failure.TIMEOUT),
    ],
)
async def test_refusals(reply: Reply | Fault, expected: Failure) -> None:
    """Status and word together say what is the matter; the address, which is a secret, is never told."""
    clock = ManualClock()
    async with SlackDouble(clock) as slack:
        slack.faults.append(reply)
        hook = opened(NOTIFIER, {"webhook_url": slack.url + HOOK}, clock)
        found = await failure(hook, message())
        await hook.close()
    assert found.failure is expected
    assert "planted" not in found.message


async def test_double_itself_refuses_as_slack_does() -> None:
    """Unknown, archived and spoilt: the double's own words are understood."""
    clock = ManualClock()
    async with SlackDouble(clock) as slack:
        channel = slack.channel(CHANNEL)
        hook = opened(NOTIFIER, {"webhook_url": slack.url + HOOK}, clock)
        assert (await failure(hook, message())).failure is Failure.GONE
        slack.hooks[HOOK], channel.archived = CHANNEL, True
        assert "archived" in (await failure(hook, message())).message
        await hook.close()


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({}, "set exactly one of"),
        ({"webhook_url": "https://hooks.slack.com/services/x", **TOKEN}, "set exactly one of"),
        ({"bot_token": "xoxb-1"}, "`channel_id` goes with"),
        ({"webhook_url": "https://hooks.slack.com/x", "channel_id": CHANNEL}, "`channel_id` goes with"),
        ({**TOKEN, "channel_id": "#alerts"}, "write the channel's id"),
        ({**TOKEN, "bot_token": "planted-not-a-token"}, "begins with `xoxb-`"),
        ({"webhook_url": "hooks.slack.com/planted"}, "absolute address"),
        ({"webhook_url": "ftp://hooks.slack.com/planted"}, "absolute address"),
        ({**TOKEN, "api_url": "slack.com"}, "absolute address"),
        ({**TOKEN, "chanel": "x"}, "Extra inputs"),
    ],
)
def test_bad_settings_say_what_to_write(settings: dict[str, str], words: str) -> None:
    """Each mistake is one sentence with the remedy, and shows no secret."""
    with pytest.raises(ValidationError) as caught:
        SlackSettings.model_validate(settings)
    (problem,) = caught.value.errors()
    assert words in problem["msg"]
    assert "planted" not in problem["msg"]
