"""Who is told, from owner, severity and site; and at what hour."""

from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from lnwatch.model.case import Transition
from lnwatch.model.rule import Owner, Severity
from lnwatch.notify._quiet import QuietHours
from lnwatch.notify._routing import RINGING, Routing, RoutingSettings
from tests.notify.notices import NOW, notice

CHANNELS = {"page": "pagerduty", "ops": "slack", "money": "slack", "hook": "webhook", "mail": "apprise"}
SITES = ("main", "branch")
THERE = ("`hook`", "`mail`", "`money`", "`ops`", "`page`")


def routing(**settings: object) -> Routing:
    return Routing(RoutingSettings.model_validate(settings), CHANNELS, SITES)


def names(found: Routing, *told: str, transition: Transition = Transition.OPENED, **traits: object) -> list[str]:
    change = notice(transition, **traits)  # type: ignore[arg-type]  # as the case says
    destinations = found.destinations(change, told)
    return [destination.channel for destination in destinations]


@pytest.mark.parametrize(
    ("severity", "expected"),
    [(Severity.CRITICAL, ["page", "ops", "money"]), (Severity.WARNING, ["ops", "money"]), (Severity.INFO, [])],
)
def test_usual_way(severity: Severity, expected: list[str]) -> None:
    """Without a route: critical to every pager and chat, warning to chat, info waits in the queue."""
    assert names(routing(), severity=severity) == expected


ROUTES = [
    {"owners": ["treasury", "finance"], "channels": ["money"]},
    {"severities": ["info"], "channels": ["mail"]},
    {"sites": ["branch"], "severities": ["critical"], "channels": ["page", "hook"]},
    {"sites": ["branch"], "channels": []},
]


@pytest.mark.parametrize(
    ("traits", "expected"),
    [
        pytest.param({"owner": Owner.TREASURY}, ["money"], id="by owner, whatever the severity"),
        pytest.param({"severity": Severity.INFO}, ["mail"], id="by severity"),
        pytest.param({"site": "branch"}, ["page", "hook"], id="by site and severity"),
        pytest.param({"site": "branch", "severity": Severity.WARNING}, [], id="to nobody, on purpose"),
        pytest.param({"site": "branch", "owner": Owner.FINANCE}, ["money"], id="the first that matches counts"),
        pytest.param({}, ["page", "ops", "money"], id="what none matches goes the usual way"),
    ],
)
def test_first_route_that_matches_counts(traits: dict[str, Any], expected: list[str]) -> None:
    """Every list that a route names must hold; the first such route decides."""
    assert names(routing(routes=ROUTES), **traits) == expected


@pytest.mark.parametrize("transition", [each for each in Transition if each not in RINGING])
def test_what_follows_goes_where_the_case_was_told(transition: Transition) -> None:
    """A resolve reaches everybody who was told, and nobody else: also where routes or severity changed since."""
    assert names(routing(), "page", transition=transition, severity=Severity.INFO) == ["page"]
    assert names(routing(routes=ROUTES), "ops", "hook", transition=transition, owner=Owner.TREASURY) == ["ops", "hook"]
    assert names(routing(), transition=transition) == []


def test_escalation_reaches_those_who_were_told_as_well() -> None:
    """What becomes critical goes the way of critical things, and on to whom had it before."""
    assert names(routing(), "mail", transition=Transition.ESCALATED) == ["page", "ops", "money", "mail"]


def test_channel_that_is_no_more_gets_nothing() -> None:
    """A channel that was told and is not configured any more is left out."""
    assert names(routing(), "gone", transition=Transition.RESOLVED) == []


@pytest.mark.parametrize("transition", sorted(RINGING))
def test_alertmanager_pages_alone(transition: Transition) -> None:
    """With `paging = "alertmanager"` nothing critical rings at a pager of ours, told before or not."""
    found = routing(paging="alertmanager", routes=[{"severities": ["critical"], "channels": ["page", "ops"]}])
    assert names(found, "page", transition=transition) == ["ops"]


def test_alertmanager_leaves_warnings_and_resolves() -> None:
    """A warning that a route leads to a pager still goes there, and a resolve ends what an earlier setting told."""
    found = routing(paging="alertmanager", routes=[{"severities": ["warning"], "channels": ["page"]}])
    assert names(found, severity=Severity.WARNING) == ["page"]
    assert names(found, "page", transition=Transition.RESOLVED) == ["page"]


@pytest.mark.parametrize(
    ("settings", "broken", "expected"),
    [
        pytest.param({}, "ops", ["money"], id="the other chat"),
        pytest.param({"routes": [{"channels": ["ops"]}]}, "ops", ["page", "money", "hook", "mail"], id="all others"),
        pytest.param({"routes": [{"channels": ["ops", "mail"]}]}, "ops", ["mail"], id="the rest of the route"),
        pytest.param({}, "unknown", ["ops", "money"], id="a channel that is none"),
    ],
)
def test_failing_channel_is_told_through_the_others(
    settings: dict[str, object], broken: str, expected: list[str]
) -> None:
    """That a channel does not work is not told by that channel, and always by another."""
    found = names(routing(**settings), rule="delivery_failing", subject=f"delivery:{broken}", severity=Severity.WARNING)
    assert found == expected


@pytest.mark.parametrize(
    ("route", "words"),
    [
        ({"channels": ["opps"]}, "route 1 leads to the channel `opps`, which is not configured: did you mean `ops`?"),
        (
            {"channels": ["xyz"]},
            f"route 1 leads to the channel `xyz`, which is not configured; there is {', '.join(THERE)}",
        ),
        (
            {"channels": ["ops"], "sites": ["mian"]},
            "route 1 is for the site `mian`, which is not configured: did you mean `main`?",
        ),
    ],
)
def test_route_to_nowhere_is_one_sentence(route: dict[str, object], words: str) -> None:
    """A channel or site that is not configured is named, with the nearest that is."""
    with pytest.raises(ValueError, match="not configured") as caught:
        routing(routes=[route])
    assert str(caught.value) == words


def test_route_without_any_channel_configured() -> None:
    """With no channel at all the sentence says so."""
    settings = RoutingSettings.model_validate({"routes": [{"channels": ["ops"]}]})
    with pytest.raises(ValueError, match="there is none at all"):
        Routing(settings, {}, SITES)


def test_own_cases_can_be_routed() -> None:
    """The daemon's own site is one of the sites."""
    found = routing(routes=[{"sites": ["lnwatch"], "channels": ["mail"]}])
    assert names(found, site="lnwatch") == ["mail"]


def test_channels_that_nothing_reaches_are_known() -> None:
    """A channel that neither a route nor the usual way leads to can be warned of."""
    assert routing().unreached == ("hook", "mail")
    assert routing(routes=[{"channels": ["hook"]}]).unreached == ("mail",)


NIGHT = {"start": "22:00", "end": "07:00", "zone": "Europe/Berlin"}


def at(text: str) -> float:
    return datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp()


@pytest.mark.parametrize(
    ("hours", "moment", "until"),
    [
        pytest.param(NIGHT, "2027-01-15T21:00:00", "2027-01-16T06:00:00", id="begins on the minute, in winter"),
        pytest.param(NIGHT, "2027-01-15T20:59:59", None, id="not a second before"),
        pytest.param(NIGHT, "2027-01-16T05:59:59", "2027-01-16T06:00:00", id="after midnight"),
        pytest.param(NIGHT, "2027-01-16T06:00:00", None, id="ends on the minute"),
        pytest.param(NIGHT, "2027-07-15T20:00:00", "2027-07-16T05:00:00", id="in summer time"),
        pytest.param(NIGHT, "2027-03-27T21:30:00", "2027-03-28T05:00:00", id="the night that is an hour short"),
        pytest.param(NIGHT, "2027-10-30T20:30:00", "2027-10-31T06:00:00", id="the night that is an hour long"),
        pytest.param({"start": "12:00", "end": "13:00"}, "2027-01-15T12:30:00", "2027-01-15T13:00:00", id="by day"),
        pytest.param({**NIGHT, "days": ["fri"]}, "2027-01-16T03:00:00", "2027-01-16T06:00:00", id="of the night of"),
        pytest.param({**NIGHT, "days": ["sat"]}, "2027-01-16T03:00:00", None, id="not of the night before"),
    ],
)
def test_quiet_hours(hours: dict[str, object], moment: str, until: str | None) -> None:
    """Local time, over midnight, by the day on which they begin, through changes of the clocks."""
    found = QuietHours.model_validate(hours).until(at(moment))
    assert found == (None if until is None else at(until))


@given(st.floats(1_700_000_000, 2_000_000_000), st.sampled_from(["22:00", "00:00", "08:30"]), st.sampled_from(["UTC"]))
def test_quiet_hours_end_ahead_and_stay_ended(moment: float, start: str, zone: str) -> None:
    """Their end lies ahead, less than a day off, and outside of them."""
    hours = QuietHours.model_validate({"start": start, "end": "07:00", "zone": zone})
    end = hours.until(moment)
    if end is not None:
        assert moment < end <= moment + 86_400
        assert hours.until(end) is None


def test_quiet_hours_hold_what_rings_alone() -> None:
    """An opening waits for the morning; an end, and what is never muted, does not."""
    morning = {"start": "07:30", "end": "09:00"}
    found = routing(routes=[{"channels": ["ops"], "quiet_hours": morning}])
    (held,) = found.destinations(notice(), ())
    (loud,) = found.destinations(notice(never_muted=True), ())
    (end,) = found.destinations(notice(Transition.RESOLVED), ("ops",))
    assert (held.not_before, loud.not_before, end.not_before) == (NOW + 3_600, NOW, NOW)


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"routes": [{}]}, "Field required"),
        ({"routes": [{"channels": ["Ops!"]}]}, "a name is lower-case"),
        ({"routes": [{"channels": [], "owners": ["boss"]}]}, "'oncall'"),
        ({"routes": [{"channels": [], "quiet_hours": {"start": "7", "end": "8"}}]}, "`HH:MM`"),
        ({"routes": [{"channels": [], "quiet_hours": {"start": "07:00", "end": "07:00"}}]}, "never end"),
        ({"routes": [{"channels": [], "quiet_hours": {**NIGHT, "zone": "Europe/Nowhere"}}]}, "no such time zone"),
        ({"routes": [{"channels": [], "quiet_hours": {**NIGHT, "zone": "../x"}}]}, "no such time zone"),
        ({"routes": [{"channels": [], "quiet_hours": {**NIGHT, "days": []}}]}, "at least 1"),
        ({"paging": "nobody"}, "'lnwatch' or 'alertmanager'"),
    ],
)
def test_bad_settings_say_what_to_write(settings: dict[str, object], words: str) -> None:
    """Each mistake is one sentence with the remedy."""
    with pytest.raises(ValidationError) as caught:
        RoutingSettings.model_validate(settings)
    assert words in caught.value.errors()[0]["msg"]
