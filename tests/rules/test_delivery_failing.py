"""Rule `delivery_failing`: channels of delivery whose messages are parked."""

from lnwatch.model.view import Episode, OwnHealth, View
from lnwatch.rules.delivery_failing import RULE
from tests.assessments import NOW
from tests.rules.views import judged, make_view


def own(**deliveries: Episode) -> View:
    return make_view(site="lnwatch", own=OwnHealth(deliveries=deliveries))


def test_found_with_since_when_and_why() -> None:
    """Which channel, since when, and what the service said."""
    finding = judged(RULE, own(slack=Episode(NOW - 300, None, "invalid_auth: the token was revoked."))).only
    assert finding.subject == "delivery:slack"
    assert finding.sentence == (
        "Messages to delivery:slack have not left since 2027-01-15 07:55:00 UTC, for 5 min now: "
        "invalid_auth: the token was revoked."
    )


def test_found_from_the_first_second() -> None:
    """Messages are parked after all retries: there is nothing more to wait for."""
    assert judged(RULE, own(slack=Episode(NOW, None, "gone"))).found


def test_each_channel_is_a_case() -> None:
    """Slack and PagerDuty fail each by itself."""
    broken = Episode(NOW - 60, None, "refused")
    verdict = judged(RULE, own(slack=broken, pagerduty=broken, mail=Episode(NOW - 60, NOW - 30, "refused")))
    assert set(verdict.found) == {"delivery:slack", "delivery:pagerduty"}


def test_quiet_when_all_is_delivered() -> None:
    """No trouble, and trouble that is over."""
    assert judged(RULE, own()).clear
    assert judged(RULE, own(slack=Episode(NOW - 60, NOW, "refused"))).clear


def test_new_trouble_is_new_evidence() -> None:
    """A case that was closed by hand comes back with the next outage, not with each message."""
    first, later = (judged(RULE, own(slack=Episode(NOW - age, None, "x"))).only.evidence for age in (600, 60))
    assert first != later


def test_unknown_without_own_health() -> None:
    """Nothing known is not well."""
    assert list(judged(RULE, make_view(site="lnwatch")).unknown) == [None]
