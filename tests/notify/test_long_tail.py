"""Everything else through apprise: sent by its own library over a real socket, in a thread, with a deadline."""

import asyncio
import builtins
import sys
import threading

import pytest
from pydantic import ValidationError

from lnwatch.errors import ConfigError
from lnwatch.model.case import Transition
from lnwatch.notify import Failure
from lnwatch.notify.long_tail import NOTIFIER, AppriseSettings
from lnwatch.simulator.webhook_receiver import Fault, Reply, Sink
from tests.manual_clock import ManualClock
from tests.notify.bench import failure, opened
from tests.notify.notices import message, mixed, notice
from tests.secrets import plant

plant("planted-apprise-password")

pytest.importorskip("apprise")
# What apprise's plugins import is theirs.
pytestmark = pytest.mark.filterwarnings("ignore:'imghdr' is deprecated:DeprecationWarning")


def address(sink: Sink) -> str:
    """Apprise's own way to name a receiver of JSON."""
    return f"json://operator:planted-apprise-password@127.0.0.1:{sink.port}/in"


@pytest.mark.parametrize(
    ("sent", "title", "kind"),
    [
        (message(), "🔴 CRITICAL: lightning_down at main", "failure"),
        (message(notice(Transition.RESOLVED)), "✅ Resolved: lightning_down at main", "success"),
        (message(*mixed()), "🔴 13 cases at main: 12 opened, 1 resolved", "failure"),
    ],
)
async def test_message_arrives(sent: object, title: str, kind: str) -> None:
    """Title, text with the runbook's link, and the kind that apprise colours by."""
    clock = ManualClock()
    async with Sink(clock) as sink:
        channel = opened(NOTIFIER, {"url": address(sink)}, clock)
        assert (await channel.send(sent)).answer == "apprise: sent"  # type: ignore[arg-type]  # a Message
        assert await channel.find(message()) is None
        await channel.close()
    (request,) = sink.received
    body = request.json()
    assert (body["title"], body["type"]) == (title, kind)
    assert "https://desk.example/runbooks/" in body["message"]


async def test_loop_goes_on_meanwhile() -> None:
    """Apprise blocks its thread and not the loop."""
    clock = ManualClock()
    async with Sink(clock) as sink:
        threads = set[int]()
        answer = sink.answer

        def noting(request: object) -> Reply:
            threads.add(threading.get_ident())
            return answer(request)  # type: ignore[arg-type]  # a Request

        sink.answer = noting  # type: ignore[method-assign]  # the double runs on this loop: it answered while we waited
        channel = opened(NOTIFIER, {"url": address(sink)}, clock)
        await channel.send(message())
        await channel.close()
    assert threads == {threading.get_ident()}


async def test_silence_ends_at_the_deadline() -> None:
    """What takes too long is a timeout: it may have arrived."""
    clock = ManualClock()
    async with Sink(clock) as sink:
        sink.faults.append(Fault.SILENCE)
        channel = opened(NOTIFIER, {"url": f"{address(sink)}?rto=2", "deadline": "1s"}, clock)
        assert (await failure(channel, message())).failure is Failure.TIMEOUT
        await channel.close()
        await asyncio.to_thread(_join_apprise)


@pytest.mark.parametrize(("reply", "said"), [(Reply(500), "500"), (Reply(401), "401")])
async def test_refusal_is_told_in_apprise_s_words(reply: Reply, said: str) -> None:
    """Apprise answers no more than no; what it logged says why, without the password."""
    clock = ManualClock()
    async with Sink(clock) as sink:
        sink.faults.append(reply)
        channel = opened(NOTIFIER, {"url": address(sink)}, clock)
        found = await failure(channel, message())
        await channel.close()
    assert found.failure is Failure.SERVER
    assert said in found.message
    assert "planted" not in found.message


async def test_address_that_is_none_is_told_once() -> None:
    """A URL that apprise does not know is not tried again."""
    channel = opened(NOTIFIER, {"url": "nosuchservice://planted-apprise-password"}, ManualClock())
    found = await failure(channel, message())
    await channel.close()
    assert found.failure is Failure.INVALID
    assert "planted" not in found.message


def test_missing_package_is_one_clear_line(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without the extra the start says what to install."""
    monkeypatch.setitem(sys.modules, "apprise", None)  # the way to have an import fail
    with pytest.raises(ConfigError) as caught:
        opened(NOTIFIER, {"url": "json://x"}, ManualClock())
    (problem,) = caught.value.problems
    assert str(problem) == (
        "notify.apprise.ops: found no package `apprise`; "
        "install it with `pip install 'lnwatch[apprise]'`, or take the channel out"
    )


def test_room_does_not_hide_the_package() -> None:
    """`import apprise` finds the library, whatever the modules of the room are called."""
    module = builtins.__import__("apprise")
    assert "lnwatch" not in (module.__file__ or "")


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({}, "exactly one of"),
        ({"url": "json://x", "url_file": "/u"}, "exactly one of"),
        ({"url": "json://x", "deadline": "2m"}, "`1s` to `40s`"),
        ({"url": "json://x", "deadline": 5}, "text with a unit"),
    ],
)
def test_bad_settings_say_what_to_write(settings: dict[str, object], words: str) -> None:
    """Each mistake is one sentence with the remedy."""
    with pytest.raises(ValidationError) as caught:
        AppriseSettings.model_validate(settings)
    assert words in caught.value.errors()[0]["msg"]


def _join_apprise() -> None:
    for thread in threading.enumerate():
        if thread.name.startswith("apprise-"):
            thread.join(5)
