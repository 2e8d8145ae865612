"""PagerDuty: what is told, under which key, within which limits, and what its answers mean."""

import hashlib
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from lnwatch.model.case import CaseState, Transition
from lnwatch.model.message import Notice
from lnwatch.model.rule import Severity
from lnwatch.notify import NOTHING_TO_TELL, Failure
from lnwatch.notify.pagerduty import BODY, NOTIFIER, PagerDuty, PagerDutySettings
from lnwatch.simulator.pagerduty import PagerDutyDouble, _errors
from lnwatch.simulator.webhook_receiver import Fault, Reply
from tests.manual_clock import ManualClock
from tests.notify.bench import DEPLOYMENT, failure, opened
from tests.notify.notices import Marking, message, notice, storm
from tests.secrets import plant

KEY = "0123456789abcdef0123456789PLANTE"
plant(KEY)


def double() -> PagerDutyDouble:
    return PagerDutyDouble(ManualClock(), frozenset({KEY}))


def service(server: PagerDutyDouble, key: str = KEY) -> PagerDuty:
    url = {"url": server.url} if server.port else {}
    notifier = opened(NOTIFIER, {"routing_key": key, **url}, ManualClock())
    assert isinstance(notifier, PagerDuty)
    return notifier


async def send(server: PagerDutyDouble, *changes: Notice, marking: Marking = Marking.NONE) -> list[str]:
    """Send each by itself; the answers."""
    notifier = service(server)
    answers = [(await notifier.send(message(change, marking=marking))).answer for change in changes]
    await notifier.close()
    return answers


async def test_an_incident_from_beginning_to_end() -> None:
    """Opened, acknowledged, resolved: one incident, in these states one after the other."""
    async with double() as server:
        await send(server, notice(), notice(Transition.ACKNOWLEDGED))
        (alert,) = server.alerts.values()
        assert alert.status == "acknowledged"
        await send(server, notice(Transition.RESOLVED))
    assert (alert.status, server.incidents) == ("resolved", 1)


@pytest.mark.parametrize(
    ("transition", "action"),
    [
        (Transition.OPENED, "trigger"),
        (Transition.REOPENED, "trigger"),
        (Transition.ESCALATED, "trigger"),
        (Transition.CHANGED, "trigger"),
        (Transition.ACKNOWLEDGED, "acknowledge"),
        (Transition.RESOLVED, "resolve"),
        (Transition.CLOSED, "resolve"),
        (Transition.EASED, None),
        (Transition.SNOOZED, None),
        (Transition.AWOKE, None),
    ],
)
async def test_only_what_it_has_a_word_for_is_sent(transition: Transition, action: str | None) -> None:
    """Each change becomes its event; the rest sends nothing, and the receipt says so."""
    async with double() as server:
        (answer,) = await send(server, notice(transition))
    assert [event["event_action"] for event in server.events] == ([action] if action else [])
    assert (answer == NOTHING_TO_TELL.answer) == (action is None)


async def test_repeating_makes_no_second_incident() -> None:
    """The same change twice is one incident: its key does not depend on when or by whom it is sent."""
    async with double() as server:
        await send(server, notice(), notice(), notice(Transition.ESCALATED, number=4, transition_number=9))
    assert (server.incidents, len(server.events)) == (1, 3)


@pytest.mark.parametrize(
    ("before", "status"),
    [((), "triggered"), ((notice(Transition.ACKNOWLEDGED),), "acknowledged")],
)
async def test_news_join_the_incident(before: tuple[Notice, ...], status: str) -> None:
    """What is known better of a case is put down in its incident: no second one, and who took it on keeps it."""
    news = notice(Transition.CHANGED, sentence="500,000 sat are locked until height 800,144.", transition_number=5)
    async with double() as server:
        await send(server, notice(), *before, news)
    (alert,) = server.alerts.values()
    assert (server.incidents, alert.status, len(alert.triggers)) == (1, status, 2)
    assert "locked until height 800,144" in alert.shown["payload"]["summary"]
    assert alert.shown["payload"]["custom_details"]["what"] == "500,000 sat are locked until height 800,144."


async def test_recurrence_is_an_incident_of_its_own() -> None:
    """After a resolve the next opening rings again, under the same key."""
    async with double() as server:
        await send(server, notice(), notice(Transition.RESOLVED), notice(number=4))
    assert (server.incidents, len(server.alerts)) == (2, 1)


@pytest.mark.parametrize("other", [{"site": "other"}, {"rule": "lightning_locked"}, {"subject": "node:ln2"}])
async def test_every_case_has_a_key_of_its_own(other: dict[str, str]) -> None:
    """Site, rule and subject each make another incident."""
    async with double() as server:
        await send(server, notice(), notice(**other))  # type: ignore[arg-type]  # names alone
    assert server.incidents == 2


def test_key_is_the_documented_one() -> None:
    """64 hex digits over installation, site, rule and subject: it must never change between versions."""
    event = service(double())._event("resolve", message())
    parts = f'["{DEPLOYMENT}", "main", "lightning_down", "node:ln1"]'
    assert event["dedup_key"] == hashlib.sha256(parts.encode()).hexdigest()
    assert event["dedup_key"].startswith("5412f27558ec")


async def test_trigger_says_it_all() -> None:
    """Summary, severity, source, times, details and both links stand where PagerDuty looks for them."""
    async with double() as server:
        await send(server, notice(facts={"state": "down"}))
    (event,) = server.events
    assert event["payload"] == {
        "summary": "CRITICAL: lightning_down at main: node:ln1 (lnd) has given no answer since "
        "2027-01-15 07:58:00 UTC: connection refused.",
        "source": "main",
        "severity": "critical",
        "timestamp": "2027-01-15T08:00:00.000+00:00",
        "component": "node:ln1",
        "group": "main",
        "class": "lightning_down",
        "custom_details": {
            "state": "down",
            "what": "node:ln1 (lnd) has given no answer since 2027-01-15 07:58:00 UTC: connection refused.",
            "about": "node:ln1 · for on-call · occurrence 3 · case 59a1ab89\n"
            "Open since 2027-01-15 08:00:00 UTC, first seen 2027-01-15 07:59:00 UTC",
        },
    }
    assert [link["href"] for link in event["links"]] == [
        "https://desk.example/runbooks/lightning_down",
        "https://desk.example/cases/main/lightning_down/node%3Aln1",
    ]


@pytest.mark.parametrize("severity", Severity)
async def test_severity_is_kept(severity: Severity) -> None:
    """Ours are three of PagerDuty's four."""
    async with double() as server:
        await send(server, notice(severity=severity))
    assert server.events[0]["payload"]["severity"] == severity.value


async def test_many_cases_are_many_events() -> None:
    """A digest is taken apart: each case is an incident that can be acknowledged by itself."""
    async with double() as server:
        notifier = service(server)
        await notifier.send(message(*storm(12)))
        await notifier.close()
    assert server.incidents == 12


async def test_a_test_leaves_no_incident_behind() -> None:
    """A test rings under a key of its own and is resolved at once; a real case is not touched."""
    async with double() as server:
        await send(server, notice())
        await send(server, notice(), marking=Marking.TEST)
    assert sorted(alert.status for alert in server.alerts.values()) == ["resolved", "triggered"]
    assert server.events[1]["payload"]["severity"] == "info"


@given(st.text(max_size=3_000), st.dictionaries(st.text(max_size=600), st.text(max_size=4_000), max_size=60), st.text())
def test_every_event_is_within_the_limits(sentence: str, facts: dict[str, str], subject: str) -> None:
    """Whatever a rule says, PagerDuty has nothing against it: fields, lengths, bytes."""
    event = service(double())._event("trigger", message(notice(sentence=sentence, facts=facts, subject=subject)))
    assert list(_errors({**event, "routing_key": KEY})) == []
    assert len(json.dumps(event).encode()) < BODY


@pytest.mark.parametrize(
    ("reply", "expected"),
    [
        (Reply.of(400, {"status": "invalid event", "message": "Event object is invalid"}), Failure.INVALID),
        (Reply.of(400, {"status": "invalid event", "errors": ["Invalid routing key"]}), Failure.REJECTED),
        (Reply(400, b"<html>"), Failure.INVALID),
        (Reply(413), Failure.INVALID),
        (Reply(429, b"", {"Retry-After": "9"}), Failure.RATE_LIMITED),
        (Reply(500), Failure.SERVER),
        (Reply(502), Failure.SERVER),
        (Reply(301, b"", {"Location": "https://x.example/"}), Failure.INVALID),
        (Reply(200, b"<html>a captive portal"), Failure.SERVER),
        (Reply.of(202, {"status": "failure"}), Failure.SERVER),
        (Fault.LOST_ANSWER, Failure.TIMEOUT),
        (Fault.HANG_UP, Failure.TIMEOUT),
    ],
)
async def test_refusals(reply: Reply | Fault, expected: Failure) -> None:
    """202 alone is a receipt; 400 is never tried again, 429, 5xx and the network are."""
    async with double() as server:
        server.faults.append(reply)
        notifier = service(server)
        assert (await failure(notifier, message())).failure is expected
        await notifier.close()


async def test_wrong_key_is_rejected_and_not_shown() -> None:
    """An integration that is no more is told as such, with its key covered."""
    wrong = "PLANTEDwrong0123456789abcdef0123"
    plant(wrong)
    async with double() as server:
        notifier = service(server, wrong)
        found = await failure(notifier, message())
        await notifier.close()
    assert found.failure is Failure.REJECTED
    assert wrong not in found.message


async def test_pace_is_refused() -> None:
    """Over 120 a minute PagerDuty throttles, and we know it."""
    async with double() as server:
        notifier = service(server)
        for _ in range(120):
            await notifier.send(message())
        assert (await failure(notifier, message())).failure is Failure.RATE_LIMITED
        await notifier.close()


async def test_nothing_is_looked_up() -> None:
    """Repeating is harmless and asking impossible, which the kind says."""
    assert await service(double()).find(message()) is None
    assert (NOTIFIER.idempotent, NOTIFIER.batches) == (True, False)


@pytest.mark.parametrize(
    ("settings", "address"),
    [
        ({}, "https://events.pagerduty.com/v2/enqueue"),
        ({"region": "eu"}, "https://events.eu.pagerduty.com/v2/enqueue"),
        ({"url": "https://relay.example/"}, "https://relay.example/v2/enqueue"),
    ],
)
def test_address(settings: dict[str, str], address: str) -> None:
    """The region, or a relay, says where events go."""
    assert PagerDutySettings.model_validate({"routing_key": KEY, **settings}).address == address


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({}, "exactly one of"),
        ({"routing_key": KEY, "routing_key_file": "/k"}, "exactly one of"),
        ({"routing_key": "short"}, "32 characters"),
        ({"routing_key": KEY, "region": "mars"}, "'us' or 'eu'"),
        ({"routing_key": KEY, "url": "events.pagerduty.com"}, "absolute address"),
    ],
)
def test_bad_settings_say_what_to_write(settings: dict[str, str], words: str) -> None:
    """Each mistake is one sentence with the remedy."""
    with pytest.raises(ValidationError) as caught:
        PagerDutySettings.model_validate(settings)
    assert words in caught.value.errors()[0]["msg"]


def test_closed_case_resolves_its_incident() -> None:
    """A person's word ends the incident as well."""
    event = service(double())._event("resolve", message(notice(Transition.CLOSED, state=CaseState.CLOSED)))
    assert set(event) == {"event_action", "dedup_key"}
