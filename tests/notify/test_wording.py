"""Words of one's own: what a template may hold, and what becomes of it in the two services that take one."""

from typing import Any

import pytest
from pydantic import ValidationError

from lnwatch.model.case import Transition
from lnwatch.model.message import Message
from lnwatch.notify import NotifierKind, long_tail, webhook
from lnwatch.notify._format import render
from lnwatch.notify._wording import FIELDS, Wording
from lnwatch.simulator.webhook_receiver import Sink, WebhookReceiver
from tests.manual_clock import ManualClock
from tests.notify.bench import opened
from tests.notify.notices import LINKS, Marking, message, mixed, notice
from tests.secrets import MACAROON, leaked

SECRET = "0123456789abcdef"
SAID = "node:ln1 (lnd) has given no answer since 2027-01-15 07:58:00 UTC: connection refused."


def words(wording: Wording, sent: Message, limit: int = 1_000) -> tuple[str, str]:
    return wording.words(sent, render(sent), "the usual title", limit)


def test_every_field_has_its_value() -> None:
    """Each field of the list stands for one thing about the case."""
    template = "|".join(f"{{{field}}}" for field in FIELDS)
    assert words(Wording(text=template), message())[1].split("|") == [
        "🔴",
        "CRITICAL: lightning_down at main",
        SAID,
        "main",
        "lightning_down",
        "node:ln1",
        "critical",
        "oncall",
        "open",
        f"{LINKS}/runbooks/lightning_down",
        f"{LINKS}/cases/main/lightning_down/node%3Aln1",
    ]


@pytest.mark.parametrize(
    ("template", "problem"),
    [
        ("{sentense}", "it has no field `{sentense}`: did you mean `{sentence}`?"),
        ("{}", "it has no field `{}`: there is `{icon}`, `{title}`, "),
        ("{0}", "it has no field `{0}`: there is "),
        ("{sentence.__class__}", "it has no field `{sentence.__class__}`: "),
        ("{sentence[0]}", "it has no field `{sentence[0]}`: "),
        ("{site!r}", "it has no field `{site!r}`: did you mean `{site}`?"),
        ("{site:>9999999}", "it has no field `{site:>9999999}`: "),
        ("{site:{rule}}", "it has no field `{site:{rule}}`: "),
        ("{site", "each `{` needs its `}`; a brace of the text itself is written twice"),
        ("site}", "each `{` needs its `}`; a brace of the text itself is written twice"),
    ],
)
@pytest.mark.parametrize("key", ["title", "text"])
def test_what_can_t_be_filled_in_is_refused(key: str, template: str, problem: str) -> None:
    """Only plain names of the list: no index, attribute or format, through which more could be reached."""
    with pytest.raises(ValidationError) as caught:
        Wording.model_validate({key: template})
    assert problem in caught.value.errors()[0]["msg"]


@pytest.mark.parametrize(
    ("wording", "sent", "expected"),
    [
        (Wording(), message(), ("the usual title", None)),
        (Wording(title="{severity} at {site}"), message(), ("critical at main", None)),
        (Wording(title="{site}\n{rule}"), message(), ("main lightning_down", None)),
        (Wording(title="{site}"), message(marking=Marking.TEST), ("TEST main", None)),
        (Wording(text="{{{site}}}"), message(), ("the usual title", "{main}")),
        (Wording(text="{sentence}"), message(notice(sentence="{rule}")), ("the usual title", "{rule}")),
        (
            Wording(text="{state}: {sentence}"),
            message(notice(Transition.RESOLVED)),
            ("the usual title", f"resolved: Resolved by itself after 1 h. It was: {SAID}"),
        ),
        (Wording(title="{site}", text="{site}"), message(*mixed()), ("the usual title", None)),
    ],
)
def test_words_take_the_place_of_the_usual(wording: Wording, sent: Message, expected: tuple[str, str | None]) -> None:
    """Title and text each for itself; a title stays on its line, many cases in one message keep the usual words."""
    title, text = expected
    usual = words(Wording(), sent)[1]
    assert words(wording, sent) == (title, usual if text is None else text)


@pytest.mark.parametrize("marking", [Marking.TEST, Marking.POSSIBLE_REPEAT])
def test_what_is_special_stays_said(marking: Marking) -> None:
    """A test and a possible repetition are told as such, whatever the template."""
    sent = message(marking=marking)
    assert words(Wording(text="{site}"), sent)[1] == f"{render(sent).warning}\nmain"


def test_words_are_cut_and_covered() -> None:
    """A template makes no text longer than the service takes, and brings no secret to light."""
    sent = message(notice(sentence=f"macaroon {MACAROON.hex()} " * 9))
    title, text = words(Wording(title="{sentence}" * 9, text="{sentence}" * 9), sent, 100)
    assert (len(title) <= 250, len(text)) == (True, 100)
    assert not leaked(title + text)


@pytest.mark.parametrize(
    ("kind", "receiver", "settings", "key"),
    [
        (webhook.NOTIFIER, WebhookReceiver(ManualClock(), SECRET), {"secret": SECRET}, "text"),
        (long_tail.NOTIFIER, Sink(ManualClock()), {}, "message"),
    ],
    ids=["webhook", "apprise"],
)
@pytest.mark.filterwarnings("ignore:'imghdr' is deprecated:DeprecationWarning")
async def test_services_are_told_in_these_words(
    kind: NotifierKind[Any], receiver: WebhookReceiver | Sink, settings: dict[str, str], key: str
) -> None:
    """What arrives is what the template says."""
    if kind is long_tail.NOTIFIER:
        pytest.importorskip("apprise")
    async with receiver:
        url = receiver.url if kind is webhook.NOTIFIER else f"json://127.0.0.1:{receiver.port}/in"
        wording = {"title": "{severity}: {rule}", "text": "{sentence} See {runbook}"}
        channel = opened(kind, {"url": url, **settings, **wording}, ManualClock())
        await channel.send(message())
        await channel.close()
    body = receiver.received[0].json()
    assert (body["title"], body[key]) == (
        "critical: lightning_down",
        f"{SAID} See {LINKS}/runbooks/lightning_down",
    )
