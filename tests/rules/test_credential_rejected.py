"""Rule `credential_rejected`: not accepted, by us or by them."""

import pytest

from lnwatch.model.snapshot import TargetState
from lnwatch.model.view import Fault, TargetView
from lnwatch.rules.credential_rejected import RULE
from tests.assessments import NOW
from tests.rules.views import failing, judged, make_target, make_view, with_collector

NODE = make_target("lnd", since=NOW - 600)


@pytest.mark.parametrize(
    ("reason", "message"),
    [
        ("rejected", "the macaroon was revoked (its root key is gone): bake a new one"),
        ("tls", "the certificate of 127.0.0.1:10009 is not the expected one"),
        ("credential_unreadable", "can't read /secrets/readonly.macaroon: Permission denied"),
    ],
)
def test_found_when_nothing_can_be_read(reason: str, message: str) -> None:
    """Refused, a foreign certificate and an unreadable file are told with their reason and what stops."""
    node = failing(NODE, TargetState.REJECTED, reason, message)
    finding = judged(RULE, make_view(node), node).only
    assert finding.sentence == (
        "source:ln1 (lnd) can't be read at all since 2027-01-15 07:00:00 UTC: "
        f"lnwatch's credential or its certificate is not accepted, {message}."
    )
    assert finding.facts["stops"] == "everything that lnwatch reads of it"
    assert finding.evidence == reason


def test_found_when_a_part_is_refused() -> None:
    """What stops working is named."""
    node = with_collector(
        NODE, "peers", success=False, fault=Fault(NOW - 30, "rejected", "the macaroon has expired", None)
    )
    assert judged(RULE, make_view(node), node).only.sentence == (
        "source:ln1 (lnd) refuses lnwatch's credential, so that peers can't be read: the macaroon has expired."
    )


@pytest.mark.parametrize(
    ("at", "found"), [pytest.param(NOW - 600, True, id="since it serves"), pytest.param(NOW - 601, False, id="before")]
)
def test_what_was_refused_before_the_source_came_back_is_over(at: float, found: bool) -> None:
    """A slow collector that has not run since the new credential came holds no case open."""
    node = with_collector(NODE, "closed", success=False, fault=Fault(at, "rejected", "revoked", None))
    assert bool(judged(RULE, make_view(node), node).found) is found


def test_quiet_while_accepted() -> None:
    """A source that serves accepts, whatever else fails."""
    node = with_collector(NODE, "peers", success=False, fault=Fault(NOW, "timeout", "no answer", None))
    assert judged(RULE, make_view(node), node).clear


def test_a_missing_permission_is_another_rule() -> None:
    """Known but not allowed is not rejected."""
    node = failing(NODE, TargetState.REJECTED, "forbidden", "the macaroon lacks info:read", permission="info:read")
    assert judged(RULE, make_view(node), node).clear


@pytest.mark.parametrize(
    "state", [TargetState.DOWN, TargetState.STARTING, TargetState.LOCKED, TargetState.HANGING, None]
)
def test_unknown_while_nobody_looks_at_it(state: TargetState | None) -> None:
    """A source that is away has not accepted anything."""
    node: TargetView = failing(NODE, state)
    assert list(judged(RULE, make_view(node), node).unknown) == ["source:ln1"]
