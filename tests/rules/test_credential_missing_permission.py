"""Rule `credential_missing_permission`: known, and not allowed what lnwatch needs."""

import pytest

from lnwatch.model.snapshot import TargetState
from lnwatch.model.view import CredentialScope, Fault
from lnwatch.rules.credential_missing_permission import RULE
from tests.assessments import NOW
from tests.rules.views import failing, judged, make_target, make_view, with_collector

SCOPE = CredentialScope((("peers:read", "peers are not seen"), ("offchain:read", "channels are not seen")), ())
FORBIDDEN = Fault(NOW, "forbidden", "the macaroon lacks peers:read, which ListPeers needs", "peers:read")


def test_found_with_what_it_costs() -> None:
    """Each right is named, and what it costs to lack it."""
    node = make_target("lnd", credential=SCOPE)
    finding = judged(RULE, make_view(node), node).only
    assert finding.sentence == (
        "The credential for source:ln1 (lnd) lacks 2 permissions that lnwatch needs (offchain:read and peers:read); "
        "without offchain:read: channels are not seen."
    )
    assert finding.facts["peers:read"] == "peers are not seen"
    assert finding.evidence == "offchain:read peers:read"


def test_found_by_what_was_forbidden() -> None:
    """A source that does not tell its rights tells them by refusing."""
    node = with_collector(make_target("lnd"), "peers", success=False, fault=FORBIDDEN)
    assert list(judged(RULE, make_view(node), node).only.facts) == ["peers:read"]


def test_found_when_the_first_call_is_forbidden() -> None:
    """A credential that may not even ask how the source is leaves nothing to read."""
    core = failing(make_target("bitcoind"), TargetState.REJECTED, "forbidden", "refuses every call (HTTP 403)")
    assert "(a right for `status`)" in judged(RULE, make_view(core), core).only.sentence


def test_quiet_with_all_it_needs() -> None:
    """Nothing missing and nothing refused is well; so is a source that serves without telling its rights."""
    told = make_target("lnd", credential=CredentialScope((), ()))
    assert judged(RULE, make_view(told), told).clear
    untold = make_target("host")
    assert judged(RULE, make_view(untold), untold).clear


def test_a_refusal_from_before_it_came_back_is_over() -> None:
    """The edge: a refusal counts from the moment on that the source serves."""
    node = with_collector(make_target("lnd", since=NOW), "peers", success=False, fault=FORBIDDEN)
    assert judged(RULE, make_view(node), node).found
    later = with_collector(make_target("lnd", since=NOW + 1), "peers", success=False, fault=FORBIDDEN)
    assert judged(RULE, make_view(later), later).clear


@pytest.mark.parametrize("state", [TargetState.DOWN, TargetState.LOCKED, None])
def test_unknown_while_it_can_not_be_tried(state: TargetState | None) -> None:
    """A source that is away has refused nothing."""
    node = failing(make_target("lnd"), state)
    assert list(judged(RULE, make_view(node), node).unknown) == ["source:ln1"]


def test_a_rejected_credential_is_another_rule() -> None:
    """Who is not known lacks everything: that is told as rejected, and nobody can tell what it may do."""
    node = failing(make_target("lnd"), TargetState.REJECTED, "rejected")
    assert judged(RULE, make_view(node), node).unknown
