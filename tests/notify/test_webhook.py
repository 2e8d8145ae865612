"""The signed webhook: what a receiver that follows its documentation can rely on."""

import hashlib
import hmac
import json
from pathlib import Path

import pytest
from pydantic import ValidationError

from lnwatch.model.case import Transition
from lnwatch.notify import Failure
from lnwatch.notify.webhook import NOTIFIER, WebhookSettings, sign
from lnwatch.simulator.webhook_receiver import Fault, Reply, WebhookReceiver
from tests.manual_clock import ManualClock
from tests.notify.bench import failure, opened
from tests.notify.notices import NOW, Marking, message, mixed, notice
from tests.secrets import plant

SECRET = "planted-webhook-secret-0123456789"
plant(SECRET)
GOLDEN = Path(__file__).parent / "golden" / "webhook.json"


async def test_body_is_the_documented_one() -> None:
    """The whole body, compared with a file: receivers depend on each name in it."""
    clock = ManualClock()
    async with WebhookReceiver(clock, SECRET) as receiver:
        hook = opened(NOTIFIER, {"url": f"{receiver.url}/lnwatch?x=1", "secret": SECRET}, clock)
        assert (await hook.send(message(marking=Marking.TEST))).answer == "HTTP 204"
        assert await hook.find(message()) is None
        await hook.close()
    (body,) = receiver.deliveries.values()
    assert body == json.loads(GOLDEN.read_text())
    assert (receiver.received[0].path, receiver.received[0].query) == ("/lnwatch", {"x": "1"})


async def test_repeats_are_known_by_their_id() -> None:
    """A retry, also of a digest in another order, bears the id of the first: a receiver can drop it."""
    clock = ManualClock()
    async with WebhookReceiver(clock, SECRET) as receiver:
        hook = opened(NOTIFIER, {"url": receiver.url, "secret": SECRET}, clock)
        found = mixed()
        for sent in (message(), message(marking=Marking.POSSIBLE_REPEAT), message(*found), message(*reversed(found))):
            await hook.send(sent)
        await hook.send(message(notice(Transition.RESOLVED)))
        await hook.close()
    assert len(receiver.received) == 5
    assert len(receiver.deliveries) == 3


async def test_wrong_secret_is_rejected() -> None:
    """A receiver that checks the signature refuses, and that is the credential's fault."""
    clock = ManualClock()
    async with WebhookReceiver(clock, SECRET) as receiver:
        hook = opened(NOTIFIER, {"url": receiver.url, "secret": "another-secret-0123456789"}, clock)
        assert (await failure(hook, message())).failure is Failure.REJECTED
        await hook.close()
    assert receiver.deliveries == {}


async def test_old_signature_is_worth_nothing() -> None:
    """The time is signed too: what somebody recorded can't be played back later."""
    clock = ManualClock()
    receiver = WebhookReceiver(clock, SECRET)
    async with receiver:
        hook = opened(NOTIFIER, {"url": receiver.url, "secret": SECRET}, clock)
        await hook.send(message())
        await hook.close()
    assert receiver.answer(receiver.received[0]).status == 204
    await clock.advance(301)
    assert receiver.answer(receiver.received[0]).status == 401


def test_signature_is_over_time_and_body() -> None:
    """HMAC-SHA256 under the secret over `TIMESTAMP.BODY`, in hex."""
    expected = hmac.new(b"secret", b'1800000000.{"a":1}', hashlib.sha256).hexdigest()
    assert sign("secret", int(NOW), b'{"a":1}') == f"v1={expected}"


@pytest.mark.parametrize(
    ("reply", "expected"),
    [
        (Reply(301, b"", {"Location": "https://elsewhere.example/"}), Failure.INVALID),
        (Reply(307, b"", {"Location": "https://elsewhere.example/"}), Failure.INVALID),
        (Reply(400), Failure.INVALID),
        (Reply(401), Failure.REJECTED),
        (Reply(404), Failure.GONE),
        (Reply(408), Failure.TIMEOUT),
        (Reply(410), Failure.GONE),
        (Reply(413), Failure.INVALID),
        (Reply(422), Failure.INVALID),
        (Reply(429, b"", {"Retry-After": "12"}), Failure.RATE_LIMITED),
        (Reply(500), Failure.SERVER),
        (Reply(504), Failure.SERVER),
        (Fault.LOST_ANSWER, Failure.TIMEOUT),
    ],
)
async def test_refusals(reply: Reply | Fault, expected: Failure) -> None:
    """Every status but 2xx is a failure of its kind; a redirect is not followed."""
    clock = ManualClock()
    async with WebhookReceiver(clock, SECRET) as receiver:
        receiver.faults.append(reply)
        hook = opened(NOTIFIER, {"url": receiver.url, "secret": SECRET}, clock)
        assert (await failure(hook, message())).failure is expected
        await hook.close()
    assert len(receiver.received) == 1


async def test_half_a_character_is_sent_as_a_question() -> None:
    """What no encoding can carry does not keep the message."""
    clock = ManualClock()
    async with WebhookReceiver(clock, SECRET) as receiver:
        hook = opened(NOTIFIER, {"url": receiver.url, "secret": SECRET}, clock)
        await hook.send(message(notice(sentence="half \ud800 a pair", facts={"\udfff": "\ud83d"})))
        await hook.close()
    (body,) = receiver.deliveries.values()
    assert body["cases"][0]["sentence"] == "half ? a pair"


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"secret": SECRET}, "exactly one of `url`"),
        ({"url": "https://x.example/", "url_file": "/u", "secret": SECRET}, "exactly one of `url`"),
        ({"url": "https://x.example/"}, "exactly one of `secret`"),
        ({"url": "https://x.example/", "secret": "planted"}, "at least 16 characters"),
        ({"url": "planted", "secret": SECRET}, "absolute address"),
    ],
)
def test_bad_settings_say_what_to_write(settings: dict[str, str], words: str) -> None:
    """Each mistake is one sentence with the remedy, and shows no secret."""
    with pytest.raises(ValidationError) as caught:
        WebhookSettings.model_validate(settings)
    (problem,) = caught.value.errors()
    assert words in problem["msg"]
    assert "planted" not in problem["msg"]
