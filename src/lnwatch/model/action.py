"""What lnwatch wants to do, who allowed it, what is about to be done, and what came of it."""

import hashlib
import json
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Generic, TypeVar

from lnwatch.model.case import Fingerprint
from lnwatch.model.money import Msat
from lnwatch.model.view import View


class Action(StrEnum):
    """What can be done to another system; each kind has hands of its own, and a policy."""

    CONNECT_PEER = "connect_peer"
    REBALANCE_CHANNEL = "rebalance_channel"
    REGISTER_WEBHOOK = "register_webhook"


MOVES_MONEY = frozenset({Action.REBALANCE_CHANNEL})
NONE_AT_ALL = Msat(0)
UNKNOWN = "unknown"  # the reason of a Nothing that can't tell: it says nothing against what was proposed before


@dataclass(frozen=True, slots=True)
class Proposal:
    """One thing that an automation wants done, with its exact parameters.

    `node` is the slug of the source that would act, `subject` what it is done to, `touches` every subject
    whose budget it draws on. `added` is what the hands found out before its digest was taken (a route, an
    address); an automation leaves it empty. `mends` is the case that it would end.
    """

    site: str
    automation: str
    action: Action
    node: str
    subject: str
    touches: tuple[str, ...]
    parameters: Mapping[str, str]
    amount_msat: Msat
    fee_limit_msat: Msat
    sentence: str
    mends: Fingerprint | None = None
    added: Mapping[str, str] = field(default_factory=dict)

    @property
    def need(self) -> "Need":
        """What there is at most one living proposal for."""
        return (self.site, self.automation, self.subject)

    @property
    def digest(self) -> str:
        """What an approval is bound to: everything but the words. SHA-256 in hexadecimal."""
        exact = [
            *(self.site, self.automation, self.action.value, self.node, self.subject, list(self.touches)),
            *(dict(self.parameters), dict(self.added), self.amount_msat, self.fee_limit_msat),
        ]
        return hashlib.sha256(json.dumps(exact, sort_keys=True, separators=(",", ":")).encode()).hexdigest()


Need = tuple[str, str, str]  # site, automation, subject


def proposal_id(proposal: Proposal, at: float) -> str:
    """Ten hex digits that people type: the same parameters at another time are another proposal."""
    return hashlib.sha256(f"{proposal.digest} {at!r}".encode()).hexdigest()[:10]


@dataclass(frozen=True, slots=True)
class Nothing:
    """Why nothing was proposed for a subject: a reason for programs, a sentence for people."""

    site: str
    automation: str
    subject: str
    reason: str
    sentence: str


Offer = Proposal | Nothing

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Automation(Generic[T]):
    """The well-known `AUTOMATION` of a module in `automations/`; `id` is the module's name.

    `propose` is pure: it gets a View and the thresholds in force, and answers for each subject that it
    looked at with a proposal, or with the reason why there is none.
    """

    id: str
    action: Action
    thresholds: type[T]
    propose: Callable[[View, T], Iterable[Offer]]


class Ground(StrEnum):
    """Why a proposal is carried out now, or is not."""

    ACT = "act"
    NEEDS_APPROVAL = "needs_approval"
    NEEDS_SECOND = "needs_second"
    DELAYED = "delayed"  # one person alone allowed it: it waits, so that they can think again
    OVER_BUDGET = "over_budget"
    UNSETTLED = "unsettled"  # what became of an earlier action is not known yet
    STOPPED = "stopped"  # the kill switch is on
    UNTRUSTED = "untrusted"  # the journal does not hold together
    NO_HANDS = "no_hands"
    NOT_OFFERED = "not_offered"  # its automation has not asked for it since lnwatch started
    OVER = "over"


@dataclass(frozen=True, slots=True)
class Verdict:
    """Whether a proposal may be carried out now, with a named reason and a sentence, also when it may not."""

    ground: Ground
    words: str

    @property
    def acts(self) -> bool:
        """Whether it may."""
        return self.ground is Ground.ACT


@dataclass(frozen=True, slots=True)
class Approval:
    """A person's yes to exactly the parameters of `digest`."""

    actor: str
    digest: str
    note: str = ""


@dataclass(frozen=True, slots=True)
class Rejection:
    """A person's no, with the reason."""

    actor: str
    note: str


class Withdrawn(StrEnum):
    """Why a proposal ended without anybody's doing."""

    GONE = "gone"  # its automation no longer asks for it
    CHANGED = "changed"  # it asks for something else by now
    EXPIRED = "expired"


@dataclass(frozen=True, slots=True)
class Withdrawal:
    """The end of a proposal that nobody carried out."""

    reason: Withdrawn


@dataclass(frozen=True, slots=True)
class Intent:
    """What is about to be done, stored before it is: the hands that will do it, and under which reference the
    other system will know it."""

    digest: str
    hands: str
    reference: str


class Outcome(StrEnum):
    """What came of an intent."""

    DONE = "done"
    FAILED = "failed"  # it had no effect, and never will
    REHEARSED = "rehearsed"  # by hands that do nothing


@dataclass(frozen=True, slots=True)
class Receipt:
    """What came of an intent, and what it cost in the end. `looked_up`: found out afterwards, by asking."""

    outcome: Outcome
    words: str
    amount_msat: Msat = NONE_AT_ALL
    fee_msat: Msat = NONE_AT_ALL
    looked_up: bool = False


@dataclass(frozen=True, slots=True)
class KillSwitch:
    """Whether everything is stopped, and who said so last."""

    on: bool
    actor: str = ""
    note: str = ""


OFF = KillSwitch(on=False)
Deed = Proposal | Approval | Rejection | Withdrawal | Intent | Receipt | KillSwitch


@dataclass(frozen=True, slots=True)
class Step:
    """One row of the journal of `site`: step `number` (from 1) at `at`, about one proposal or (empty) about none."""

    site: str
    number: int
    at: float
    proposal: str
    deed: Deed


class ProposalState(StrEnum):
    """Where in its life a proposal stands."""

    PROPOSED = "proposed"
    INTENDED = "intended"  # begun; what came of it is not known yet
    DONE = "done"
    FAILED = "failed"
    REHEARSED = "rehearsed"
    REJECTED = "rejected"
    WITHDRAWN = "withdrawn"


@dataclass(frozen=True, slots=True)
class ProposalRecord:
    """All that the journal says of one proposal. Times in epoch seconds; approvals with the time of each."""

    id: str
    proposal: Proposal
    at: float
    state: ProposalState = ProposalState.PROPOSED
    approvals: tuple[tuple[float, Approval], ...] = ()
    intent: Intent | None = None
    intended_at: float | None = None
    receipt: Receipt | None = None
    ended_at: float | None = None
    end: Rejection | Withdrawal | None = None


@dataclass(frozen=True, slots=True)
class ProposalView:
    """A proposal as people see it, with why it is carried out or is not."""

    record: ProposalRecord
    verdict: Verdict


Post = tuple[str, str, Action]  # site, node, what is done there


@dataclass(frozen=True, slots=True)
class Used:
    """Which share of a site's budget for an action is spent; `window` is `day` (24 hours) or `month` (30 days)."""

    site: str
    action: Action
    window: str
    share: float


@dataclass(frozen=True, slots=True)
class Standing:
    """All that the executor has to show: what it was asked for, why it was not asked for more, whether it is stopped.

    `trouble` is why nothing at all is done, where the journal does not hold together. `automations` are those
    that are asked, `hands` the name of those that act at each post, `came_of` counts the receipts since the
    journal began.
    """

    proposals: tuple[ProposalView, ...] = ()
    nothing: tuple[Nothing, ...] = ()
    kill_switch: KillSwitch = OFF
    trouble: str = ""
    automations: tuple[str, ...] = ()
    hands: Mapping[Post, str] = field(default_factory=dict)
    came_of: Mapping[tuple[str, Action, Outcome], int] = field(default_factory=dict)
    budgets: tuple[Used, ...] = ()


NOTHING_STANDS = Standing()
