"""Rule `credential_too_strong`: more rights than are needed."""

from lnwatch.model.view import CredentialScope
from lnwatch.rules.credential_too_strong import RULE
from tests.rules.views import judged, make_target, make_view


def test_found_with_the_rights_that_are_not_needed() -> None:
    """How many, which, and all of them in the facts."""
    excess = ("the macaroon grants onchain:write", "the macaroon grants offchain:write.")
    node = make_target("lnd", credential=CredentialScope((), excess))
    finding = judged(RULE, make_view(node), node).only
    assert finding.sentence == (
        "The credential for source:ln1 (lnd) has 2 rights that lnwatch does not need (limit 0): "
        "the macaroon grants offchain:write, and 1 more."
    )
    assert finding.facts["right 2"] == "the macaroon grants onchain:write"


def test_the_order_of_rights_is_no_new_evidence() -> None:
    """A case that was closed by hand stays closed while the same rights are too many."""
    one = make_target("lnd", credential=CredentialScope((), ("a", "b")))
    other = make_target("lnd", credential=CredentialScope((), ("b", "a")))
    view = make_view(one)
    assert judged(RULE, view, one).only.evidence == judged(RULE, view, other).only.evidence


def test_one_right_too_many_is_enough() -> None:
    """The edge is none."""
    node = make_target("lnd", credential=CredentialScope((), ("the macaroon grants offchain:write",)))
    assert judged(RULE, make_view(node), node).only.sentence.endswith(
        "has 1 right that lnwatch does not need (limit 0): the macaroon grants offchain:write."
    )


def test_quiet_with_what_it_needs_or_less() -> None:
    """Too little is another rule's."""
    node = make_target("lnd", credential=CredentialScope((("peers:read", "peers are not seen"),), ()))
    assert judged(RULE, make_view(node), node).clear


def test_unknown_while_its_rights_are_not_told() -> None:
    """What nobody looked at is not modest."""
    node = make_target("lnd", credential=None)
    assert list(judged(RULE, make_view(node), node).unknown) == ["source:ln1"]
