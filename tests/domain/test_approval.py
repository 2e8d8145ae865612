"""Who must have approved, for how long that holds, and what exactly."""

from dataclasses import replace

import pytest

from lnwatch.domain.approval import Approvers, Policy, allowed
from lnwatch.model.action import Approval, Ground, ProposalRecord
from lnwatch.model.money import Msat
from tests.domain.proposals import NOW, move

DIGEST = move().digest
Said = tuple[float, str]


def judged(approvers: Approvers, *said: Said, digest: str = DIGEST) -> Ground:
    approvals = tuple((NOW - ago, Approval(actor, digest)) for ago, actor in said)
    record = ProposalRecord("p", move(), NOW - 90_000, approvals=approvals)
    return allowed(record, Policy(approvers, holds=3_600, delay=600), NOW).ground


@pytest.mark.parametrize(
    ("approvers", "said", "ground"),
    [
        (Approvers.NOBODY, [], Ground.ACT),
        (Approvers.ONE, [], Ground.NEEDS_APPROVAL),
        (Approvers.ONE, [(0, "ann")], Ground.ACT),
        (Approvers.ONE, [(3_599, "ann")], Ground.ACT),
        (Approvers.ONE, [(3_600, "ann")], Ground.NEEDS_APPROVAL),
        (Approvers.ONE, [(-1, "ann")], Ground.NEEDS_APPROVAL),
        (Approvers.TWO, [], Ground.NEEDS_APPROVAL),
        (Approvers.TWO, [(5, "ann")], Ground.NEEDS_SECOND),
        (Approvers.TWO, [(5, "ann"), (1, "ann")], Ground.NEEDS_SECOND),
        (Approvers.TWO, [(5, "ann"), (1, " Ann ")], Ground.NEEDS_SECOND),
        (Approvers.TWO, [(5, "ann"), (1, "ben")], Ground.ACT),
        (Approvers.TWO, [(3_600, "ann"), (1, "ben")], Ground.NEEDS_SECOND),
        (Approvers.SOLO, [], Ground.NEEDS_APPROVAL),
        (Approvers.SOLO, [(599, "ann")], Ground.DELAYED),
        (Approvers.SOLO, [(600, "ann")], Ground.ACT),
        (Approvers.SOLO, [(600, "ann"), (1, "ann")], Ground.ACT),
        (Approvers.SOLO, [(4_199, "ann")], Ground.ACT),
        (Approvers.SOLO, [(4_200, "ann")], Ground.NEEDS_APPROVAL),
    ],
)
def test_policies(approvers: Approvers, said: list[Said], ground: Ground) -> None:
    """As many different people as the policy asks for, each not too long ago, one alone not too soon."""
    assert judged(approvers, *said) is ground


@pytest.mark.parametrize(
    "changes",
    [{"amount_msat": Msat(300_000_001)}, {"fee_limit_msat": Msat(1)}, {"node": "ln2"}, {"added": {"route": "1x1x1"}}],
)
def test_bound_to_what_was_shown(changes: dict[str, object]) -> None:
    """An approval of anything but these exact parameters is none."""
    other = replace(move(), **changes)  # type: ignore[arg-type]  # a table of fields
    assert judged(Approvers.ONE, (1, "ann"), digest=other.digest) is Ground.NEEDS_APPROVAL


def test_words_are_no_parameter() -> None:
    """The same thing told in other words is the same thing."""
    assert replace(move(), sentence="Move it.").digest == DIGEST
