"""Slack as a bot: one message per case, edited in place; its thread; what rings; and what is found again."""

import json
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from lnwatch.model.case import Transition
from lnwatch.model.message import Notice
from lnwatch.notify import Failure, Notifier
from lnwatch.notify.slack import NOTIFIER
from lnwatch.simulator.slack import Channel, SlackDouble
from lnwatch.simulator.webhook_receiver import Fault, Reply
from tests import secrets
from tests.manual_clock import ManualClock
from tests.notify.bench import failure, opened
from tests.notify.notices import Marking, message, notice, storm

CHANNEL = "C0123456789"
TOKEN = "xoxb-test-token"
FOLLOWING = [each for each in Transition if each not in (Transition.OPENED, Transition.ESCALATED, Transition.REOPENED)]


@dataclass
class Workspace:
    """A double, its channel, and our bot in it."""

    clock: ManualClock
    slack: SlackDouble
    channel: Channel
    bot: Notifier

    async def tell(self, change: Notice, reference: str | None = None, marking: Marking = Marking.NONE) -> str:
        """Send; the reference afterwards. A second passes, as the token bucket sees to."""
        await self.clock.advance(1.5)
        receipt = await self.bot.send(message(change, reference=reference, marking=marking))
        assert receipt.reference is not None
        return receipt.reference

    @property
    def titles(self) -> list[str]:
        """The headers of what stands in the channel."""
        return [root["blocks"][0]["text"]["text"] for root in self.channel.roots]

    def replies(self, reference: str) -> list[str]:
        return [reply["text"] for reply in self.channel.thread(reference.split(":")[1])]

    def methods(self) -> list[str]:
        return [name for name, _ in self.slack.calls]


@pytest.fixture
async def workspace() -> AsyncIterator[Workspace]:
    clock = ManualClock()
    async with SlackDouble(clock, TOKEN) as slack:
        channel = slack.channel(CHANNEL)
        settings = {"bot_token": TOKEN, "channel_id": CHANNEL, "api_url": f"{slack.url}/api"}
        bot = opened(NOTIFIER, settings, clock)
        yield Workspace(clock, slack, channel, bot)
        await bot.close()


async def test_a_case_is_one_message_from_beginning_to_end(workspace: Workspace) -> None:
    """Opened, acknowledged, resolved: one message in the channel that shows the end, two replies below it."""
    root = await workspace.tell(notice())
    assert await workspace.tell(notice(Transition.ACKNOWLEDGED, actor="alice", note="on it"), root) == root
    assert await workspace.tell(notice(Transition.RESOLVED), root) == root
    assert workspace.titles == ["✅ Resolved: lightning_down at main"]
    assert workspace.replies(root) == ["Acknowledged by alice: on it.", "Resolved by itself after 1 h."]


@pytest.mark.parametrize("transition", FOLLOWING)
async def test_what_does_not_ring_goes_below(workspace: Workspace, transition: Transition) -> None:
    """Each change that calls nobody edits the message and adds a reply, in this order."""
    root = await workspace.tell(notice())
    await workspace.tell(notice(transition), root)
    assert workspace.methods() == ["chat.postMessage", "chat.update", "chat.postMessage"]
    assert len(workspace.replies(root)) == 1


@pytest.mark.parametrize("transition", [Transition.ESCALATED, Transition.REOPENED])
async def test_what_rings_is_a_fresh_message(workspace: Workspace, transition: Transition) -> None:
    """An escalation or a reopening is a new message, which takes the place of the old one; that one says so."""
    old = await workspace.tell(notice())
    new = await workspace.tell(notice(transition), old)
    assert new != old
    assert workspace.titles[0] == "⏬ lightning_down at main goes on in a newer message"
    assert workspace.titles[1].startswith("🔴 CRITICAL")
    await workspace.tell(notice(Transition.RESOLVED), new)
    assert workspace.titles[1].startswith("✅ Resolved")
    assert (len(workspace.replies(old)), len(workspace.replies(new))) == (0, 1)


async def test_end_of_a_snooze_is_seen_in_the_channel(workspace: Workspace) -> None:
    """Who asked to be woken is: the reply is shown outside of the thread too."""
    root = await workspace.tell(notice())
    await workspace.tell(notice(Transition.AWOKE), root)
    assert workspace.slack.calls[-1][1]["reply_broadcast"] is True


async def test_first_word_on_a_case_may_be_any(workspace: Workspace) -> None:
    """Where no message of the case is known, its present state is a message of its own."""
    await workspace.tell(notice(Transition.RESOLVED))
    assert workspace.titles == ["✅ Resolved: lightning_down at main"]


async def test_deleted_message_is_made_anew(workspace: Workspace) -> None:
    """Somebody deleted the message: the next change is a fresh one, and the one that stands from then on."""
    root = await workspace.tell(notice())
    workspace.channel.messages.clear()
    new = await workspace.tell(notice(Transition.RESOLVED), root)
    assert new != root
    assert workspace.titles == ["✅ Resolved: lightning_down at main"]


@pytest.mark.parametrize("error", ["edit_window_closed", "cant_update_message", "block_mismatch"])
async def test_message_that_may_not_be_edited_still_gets_its_reply(workspace: Workspace, error: str) -> None:
    """A workspace that forbids edits keeps the thread."""
    root = await workspace.tell(notice())
    workspace.slack.refusals["chat.update"] = [error]
    assert await workspace.tell(notice(Transition.RESOLVED), root) == root
    assert workspace.replies(root) == ["Resolved by itself after 1 h."]


async def test_locked_thread_becomes_a_fresh_message(workspace: Workspace) -> None:
    """Where nothing can be added below, it is said in the channel."""
    root = await workspace.tell(notice())
    workspace.slack.refusals["chat.postMessage"] = ["restricted_action_thread_locked"]
    assert await workspace.tell(notice(Transition.RESOLVED), root) != root
    assert len(workspace.titles) == 2


async def test_refused_metadata_does_not_keep_the_message(workspace: Workspace) -> None:
    """A workspace that forbids metadata gets the message without."""
    workspace.slack.refusals["chat.postMessage"] = ["metadata_must_be_sent_from_app"]
    await workspace.tell(notice())
    (root,) = workspace.channel.roots
    assert "metadata" not in root


async def test_message_carries_what_it_is_about(workspace: Workspace) -> None:
    """Case, opening and change stand in the metadata, for us and for other apps."""
    await workspace.tell(notice())
    payload = workspace.channel.roots[0]["metadata"]["event_payload"]
    assert payload["subject"] == "node:ln1"
    assert (payload["number"], payload["transition"], payload["transition_number"]) == (3, "opened", 1)


async def test_nothing_that_is_sent_holds_a_secret(workspace: Workspace) -> None:
    """Not the text, not the blocks, and not the metadata that nobody sees."""
    root = await workspace.tell(notice(subject=f"invoice:{secrets.PAYMENT_REQUEST}", sentence=secrets.EMAIL))
    await workspace.tell(notice(Transition.ACKNOWLEDGED, actor=secrets.EMAIL, note=secrets.MACAROON.hex()), root)
    assert secrets.leaked(json.dumps(workspace.slack.calls)) == []


async def test_links_and_mentions_are_dead(workspace: Workspace) -> None:
    """Nothing that a rule says becomes a mention, a link of its own or a preview."""
    await workspace.tell(notice(sentence="<!channel> see <https://evil.example|here> & @everyone"))
    sent = workspace.slack.calls[0][1]
    assert "&lt;!channel&gt; see &lt;https://evil.example|here&gt; &amp; @everyone" in sent["text"]
    assert sent["blocks"][1]["text"]["verbatim"] is True
    assert (sent["unfurl_links"], sent["unfurl_media"]) == (False, False)
    kinds = {element["type"] for block in sent["blocks"] for element in block.get("elements", [])}
    assert kinds == {"mrkdwn", "button"}


async def test_digest_is_one_message_with_a_thread_for_all(workspace: Workspace) -> None:
    """A storm is one message; what follows for one of its cases is a reply that names it, and edits nothing."""
    await workspace.clock.advance(1)
    receipt = await workspace.bot.send(message(*storm(30)))
    assert receipt.reference is not None
    await workspace.tell(notice(Transition.RESOLVED, subject="node:ln7"), receipt.reference)
    assert workspace.titles == ["🔴 30 cases at main: 30 opened"]
    assert workspace.methods() == ["chat.postMessage", "chat.postMessage"]
    (reply,) = workspace.channel.thread(receipt.reference.split(":")[1])
    assert reply["text"] == "lightning_down node:ln7 at main: Resolved by itself after 1 h."


async def test_digest_brings_earlier_messages_up_to_date(workspace: Workspace) -> None:
    """Cases of a digest that have messages of their own are edited: none stays red that is over."""
    roots = [await workspace.tell(notice(subject=f"node:ln{number}")) for number in range(3)]
    ends = [notice(Transition.RESOLVED, subject=f"node:ln{number}") for number in range(12)]
    await workspace.clock.advance(2)
    await workspace.bot.send(message(*ends, references=(*roots, *[None] * 9)))
    assert [title[0] for title in workspace.titles] == ["✅"] * 4


async def test_digest_is_sent_though_nothing_can_be_edited(workspace: Workspace) -> None:
    """That earlier messages can't be brought up to date does not fail the digest."""
    root = await workspace.tell(notice(subject="node:ln0"))
    await workspace.clock.advance(2)
    workspace.slack.refusals["chat.update"] = ["fatal_error"]
    receipt = await workspace.bot.send(message(*storm(11), references=(root, *[None] * 10)))
    assert receipt.reference is not None


@pytest.mark.parametrize(
    "change", [notice(), notice(Transition.RESOLVED), notice(Transition.ESCALATED), notice(Transition.AWOKE)]
)
async def test_what_was_sent_is_found_again(workspace: Workspace, change: Notice) -> None:
    """Root, reply and fresh message alike are found by what they carry, among others like them."""
    root = await workspace.tell(notice(transition_number=0)) if change.transition is not Transition.OPENED else None
    await workspace.tell(notice(subject="node:other"))
    sent = message(change, reference=root)
    assert await workspace.bot.find(sent) is None
    reference = await workspace.tell(change, root)
    await workspace.tell(notice(subject="node:another"))
    assert await workspace.bot.find(sent) == reference


async def test_digest_is_found_by_exactly_its_notices(workspace: Workspace) -> None:
    """The same set in another order is the same digest, another set is not."""
    found = storm(12)
    await workspace.clock.advance(1)
    receipt = await workspace.bot.send(message(*found))
    assert await workspace.bot.find(message(*reversed(found))) == receipt.reference
    assert await workspace.bot.find(message(*found[:-1])) is None


async def test_another_installation_is_not_mistaken_for_us(workspace: Workspace) -> None:
    """Two lnwatch that write to one channel do not find each other's messages."""
    await workspace.tell(notice())
    for root in workspace.channel.roots:
        root["metadata"]["event_payload"]["id"] = "0" * 64
    assert await workspace.bot.find(message(notice())) is None


async def test_find_goes_through_pages(workspace: Workspace) -> None:
    """A busy channel is looked through page by page, where Slack gives only a few at a time."""
    workspace.slack._page = 15
    reference = await workspace.tell(notice())
    for number in range(40):
        await workspace.tell(notice(subject=f"node:{number}"))
    assert await workspace.bot.find(message(notice())) == reference


@pytest.mark.parametrize("error", ["missing_scope", "not_in_channel", "ratelimited", "internal_error"])
async def test_who_may_not_look_finds_nothing(workspace: Workspace, error: str) -> None:
    """Without the scope, or when the service is out of sorts, the answer is None and no failure."""
    await workspace.tell(notice())
    workspace.slack.refusals["conversations.history"] = [error]
    assert await workspace.bot.find(message(notice())) is None


@pytest.mark.parametrize(
    ("error", "expected"),
    [
        ("invalid_auth", Failure.REJECTED),
        ("token_revoked", Failure.REJECTED),
        ("account_inactive", Failure.REJECTED),
        ("missing_scope", Failure.REJECTED),
        ("not_in_channel", Failure.REJECTED),
        ("restricted_action", Failure.REJECTED),
        ("channel_not_found", Failure.GONE),
        ("is_archived", Failure.GONE),
        ("ratelimited", Failure.RATE_LIMITED),
        ("rate_limited", Failure.RATE_LIMITED),
        ("message_limit_exceeded", Failure.RATE_LIMITED),
        ("msg_too_long", Failure.INVALID),
        ("msg_blocks_too_long", Failure.INVALID),
        ("invalid_blocks", Failure.INVALID),
        ("no_text", Failure.INVALID),
        ("a_word_of_next_year", Failure.INVALID),
        ("internal_error", Failure.SERVER),
        ("fatal_error", Failure.SERVER),
        ("service_unavailable", Failure.SERVER),
        ("team_added_to_org", Failure.SERVER),
    ],
)
async def test_ok_false_is_a_failure(workspace: Workspace, error: str, expected: Failure) -> None:
    """HTTP 200 with `"ok": false` is a failure, of the kind that Slack's word means, named in the message."""
    workspace.slack.refusals["chat.postMessage"] = [error]
    found = await failure(workspace.bot, message())
    assert found.failure is expected
    assert error in found.message


@pytest.mark.parametrize(
    ("reply", "expected", "retry_after"),
    [
        (Reply.of(429, {"ok": False, "error": "ratelimited"}, {"Retry-After": "30"}), Failure.RATE_LIMITED, 30.0),
        (Reply(429, b"", {"Retry-After": "7"}), Failure.RATE_LIMITED, 7.0),
        (Reply(500, b"oops"), Failure.SERVER, None),
        (Reply(503, b"<html>", {"Retry-After": "5"}), Failure.SERVER, 5.0),
        (Reply(200, b"<html>login"), Failure.SERVER, None),
        (Reply(302, b"", {"Location": "https://x.example/"}), Failure.INVALID, None),
        (Reply(403, b"no"), Failure.REJECTED, None),
        (Fault.HANG_UP, Failure.TIMEOUT, None),
        (Fault.LOST_ANSWER, Failure.TIMEOUT, None),
    ],
)
async def test_transport_failures(
    workspace: Workspace, reply: Reply | Fault, expected: Failure, retry_after: float | None
) -> None:
    """What the wire does is told apart: where the message may have arrived, the failure says `timeout`."""
    workspace.slack.faults.append(reply)
    found = await failure(workspace.bot, message())
    assert (found.failure, found.retry_after) == (expected, retry_after)


async def test_nobody_there_is_unreachable(workspace: Workspace) -> None:
    """A refused connection surely sent nothing."""
    await workspace.slack.stop()
    assert (await failure(workspace.bot, message())).failure is Failure.UNREACHABLE


async def test_real_pace_is_refused_with_the_time_to_wait(workspace: Workspace) -> None:
    """Beyond the burst Slack says for how long to be quiet, and we hand it on."""
    failures = []
    for number in range(7):
        try:
            await workspace.bot.send(message(notice(subject=f"node:{number}")))
        except Exception as error:  # noqa: BLE001 - looked at below
            failures.append(error)
    assert [(error.failure, error.retry_after) for error in failures] == [(Failure.RATE_LIMITED, 1.0)] * 2  # type: ignore[attr-defined]  # DeliveryErrors


async def test_details_of_a_refusal_are_told(workspace: Workspace) -> None:
    """Slack's own sentence about what is wrong reaches the operator."""
    workspace.slack.faults.append(
        Reply.of(200, {"ok": False, "error": "invalid_blocks", "response_metadata": {"messages": ["[ERROR] too odd"]}})
    )
    assert "too odd" in (await failure(workspace.bot, message())).message


async def test_token_file_is_read_anew(workspace: Workspace, tmp_path: Path) -> None:
    """A rotated token works without a restart; an unreadable or empty file is told by its name, never by content."""
    path = tmp_path / "token"
    settings = {"bot_token_file": str(path), "channel_id": CHANNEL, "api_url": f"{workspace.slack.url}/api"}
    bot = opened(NOTIFIER, settings, workspace.clock)
    assert str(path) in (await failure(bot, message())).message
    path.write_text("\n")
    assert "empty" in (await failure(bot, message())).message
    path.write_text("xoxb-planted-wrong-token\n")
    found = await failure(bot, message())
    assert found.failure is Failure.REJECTED
    assert "planted" not in found.message
    path.write_text(f"{TOKEN}\n")
    assert (await bot.send(message())).answer.startswith("chat.postMessage: ok")
    await bot.close()


async def test_marked_messages_say_so(workspace: Workspace) -> None:
    """A test and a possible repeat can't be taken for an ordinary message, in the channel or in a thread."""
    root = await workspace.tell(notice(), marking=Marking.TEST)
    assert workspace.titles == ["🔴 TEST CRITICAL: lightning_down at main"]
    await workspace.tell(notice(Transition.RESOLVED), root, marking=Marking.POSSIBLE_REPEAT)
    assert "You may have had this already" in workspace.replies(root)[0]
