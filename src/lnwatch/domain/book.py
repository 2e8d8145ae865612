"""What follows from the steps of the journal: where each proposal stands, and whether everything is stopped."""

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace

from lnwatch.domain.budget import MONTH
from lnwatch.model.action import (
    OFF,
    Action,
    Approval,
    Deed,
    Intent,
    KillSwitch,
    Need,
    Outcome,
    Proposal,
    ProposalRecord,
    ProposalState,
    Receipt,
    Rejection,
    Step,
    Withdrawal,
    proposal_id,
)

KEPT = MONTH + 86_400.0  # seconds after its end that a proposal is remembered: longer than any budget looks back
LIVING = frozenset({ProposalState.PROPOSED, ProposalState.INTENDED})
_AFTER = {
    Outcome.DONE: ProposalState.DONE,
    Outcome.FAILED: ProposalState.FAILED,
    Outcome.REHEARSED: ProposalState.REHEARSED,
}


@dataclass(frozen=True, slots=True)
class Book:
    """The journal, folded. `heads` has the number of the last step of each site's chain; `came_of` counts every
    receipt, also of what was forgotten."""

    records: Mapping[str, ProposalRecord] = field(default_factory=dict)
    heads: Mapping[str, int] = field(default_factory=dict)
    kill_switch: KillSwitch = OFF
    came_of: Mapping[tuple[str, Action, Outcome], int] = field(default_factory=dict)

    def after(self, steps: Iterable[Step]) -> "Book":
        """The book with these steps, in order. Raises ValueError for a step that can't follow."""
        records, heads, kill_switch = dict(self.records), dict(self.heads), self.kill_switch
        came_of = Counter(self.came_of)
        for step in steps:
            if step.number != heads.get(step.site, 0) + 1:
                raise ValueError(f"step {step.number} of site {step.site} does not follow the one before")
            heads[step.site] = step.number
            if isinstance(step.deed, KillSwitch):
                kill_switch = step.deed
            else:
                record = records[step.proposal] = _followed(records.get(step.proposal), step)
                if isinstance(step.deed, Receipt):
                    came_of[step.site, record.proposal.action, step.deed.outcome] += 1
        return Book(records, heads, kill_switch, came_of)

    def forgetting(self, now: float) -> "Book":
        """The book without what ended so long ago that nothing depends on it any more."""
        kept = {
            key: record
            for key, record in self.records.items()
            if record.ended_at is None or record.ended_at > now - KEPT
        }
        return replace(self, records=kept) if len(kept) < len(self.records) else self

    def living(self, need: Need) -> ProposalRecord | None:
        """The proposal for a need that is not over."""
        return next((record for record in self.open if record.proposal.need == need), None)

    def last(self, need: Need) -> float | None:
        """When something was last proposed for a need."""
        return max((record.at for record in self.records.values() if record.proposal.need == need), default=None)

    @property
    def open(self) -> tuple[ProposalRecord, ...]:
        """What is not over, oldest first."""
        return tuple(record for record in self.records.values() if record.state in LIVING)

    @property
    def unsettled(self) -> tuple[ProposalRecord, ...]:
        """What was begun, and nobody knows yet what came of it."""
        return tuple(record for record in self.records.values() if record.state is ProposalState.INTENDED)


def _followed(record: ProposalRecord | None, step: Step) -> ProposalRecord:
    deed = step.deed
    if isinstance(deed, Proposal):
        if record is not None or step.proposal != proposal_id(deed, step.at):
            raise ValueError(f"proposal {step.proposal} is there already, or is not what its id says")
        return ProposalRecord(step.proposal, deed, step.at)
    if record is None:
        raise ValueError(f"proposal {step.proposal} was never made")
    due = ProposalState.INTENDED if isinstance(deed, Receipt) else ProposalState.PROPOSED
    if record.state is not due:
        raise ValueError(f"proposal {record.id} is {record.state}: no {type(deed).__name__.lower()} can follow")
    if isinstance(deed, Approval | Intent) and deed.digest != record.proposal.digest:
        raise ValueError(f"the {type(deed).__name__.lower()} is of something else than proposal {record.id}")
    return _grown(record, step.at, deed)


def _grown(record: ProposalRecord, at: float, deed: Deed) -> ProposalRecord:
    match deed:
        case Receipt():
            return replace(record, state=_AFTER[deed.outcome], receipt=deed, ended_at=at)
        case Approval():
            return replace(record, approvals=(*record.approvals, (at, deed)))
        case Intent():
            return replace(record, state=ProposalState.INTENDED, intent=deed, intended_at=at)
        case Rejection():
            return replace(record, state=ProposalState.REJECTED, end=deed, ended_at=at)
        case Withdrawal():
            return replace(record, state=ProposalState.WITHDRAWN, end=deed, ended_at=at)
    raise ValueError(f"a step of an unknown kind for proposal {record.id}")
