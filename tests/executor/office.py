"""An executor whose other system is a list: what was done there, and what goes wrong."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from lnwatch.errors import FailureReason, SourceError
from lnwatch.executor.executor import Executor
from lnwatch.executor.hands import FutileError
from lnwatch.executor.requests import Requests
from lnwatch.executor.settings import BLOCK
from lnwatch.model.action import Action, Intent, Offer, Outcome, Proposal, Receipt
from lnwatch.store import Ledger, Request
from tests.domain.proposals import call, move
from tests.manual_clock import ManualClock

CALL = call(added={})
MOVE = move(parameters={"source_channel": "1x1x0", "target_channel": "2x1x0"})
LOST = SourceError(FailureReason.TIMEOUT, "no answer")


@dataclass
class ListedHands:
    """`fault` is raised by the next act, after the deed where `late`; `away` by every question."""

    name: str = "lnd"
    done: list[str] = field(default_factory=list)
    asked: list[str] = field(default_factory=list)
    fault: SourceError | None = None
    late: bool = False
    away: bool = False
    futile: FutileError | None = None

    async def prepare(self, draft: Proposal) -> Proposal:
        self.asked.append(draft.subject)
        if self.futile is not None:
            raise self.futile
        if self.away:
            raise LOST
        return replace(draft, added={"found": "it"})

    def intend(self, proposal: Proposal) -> Intent:
        return Intent(proposal.digest, self.name, proposal.subject)

    async def act(self, proposal: Proposal, intent: Intent) -> Receipt:
        fault, self.fault = self.fault, None
        if fault is not None and not self.late:
            raise fault
        self.done.append(intent.reference)
        if fault is not None:
            raise fault
        return Receipt(Outcome.DONE, "done", proposal.amount_msat, proposal.fee_limit_msat)

    async def look_up(self, proposal: Proposal, intent: Intent) -> Receipt:
        if self.away:
            raise LOST
        if intent.reference in self.done:
            return Receipt(Outcome.DONE, "found", proposal.amount_msat, proposal.fee_limit_msat, looked_up=True)
        return Receipt(Outcome.FAILED, "not there", looked_up=True)


@dataclass
class Office:
    """Everything around an executor; `restart` is a new process over the same ledger."""

    ledger: Ledger
    clock: ManualClock
    hands: ListedHands
    settings: Mapping[str, Any]
    executor: Executor

    async def restart(self, **settings: Any) -> None:  # noqa: ANN401 - blocks of the settings
        self.settings = {**self.settings, **settings}
        self.executor = _executor(self.ledger, self.clock, self.hands, self.settings)
        await self.executor.restore()

    async def consider(self, *offers: Offer) -> None:
        await self.executor.consider(offers)

    async def ask(self, kind: str, **body: object) -> Mapping[str, Any]:
        return await Requests(self.executor).handlers[kind](Request("r", kind, body, self.clock.now()))

    async def approve(self, actor: str, number: int = -1) -> Mapping[str, Any]:
        record = list(self.executor.book.records.values())[number]
        return await self.ask("approve", proposal=record.id, digest=record.proposal.digest, actor=actor, note="")

    @property
    def states(self) -> list[str]:
        return [record.state.value for record in self.executor.book.records.values()]

    @property
    def grounds(self) -> list[str]:
        return [view.verdict.ground.value for view in self.executor.standing().proposals]

    @property
    def reasons(self) -> list[str]:
        return [each.reason for each in self.executor.standing().nothing]

    async def steps(self) -> list[str]:
        return [type(step.deed).__name__ for step in await self.ledger.journal.read()]


def _executor(ledger: Ledger, clock: ManualClock, hands: ListedHands, settings: Mapping[str, Any]) -> Executor:
    crew = {("main", node, action): (hands,) for node in ("ln1", "ln2") for action in Action}
    return Executor(ledger.journal, crew, BLOCK.model_validate(settings), clock)


def make_office(ledger: Ledger, **settings: Any) -> Office:  # noqa: ANN401 - blocks of the settings
    """One that has not been restored yet: the first `consider` does what is needed."""
    clock, hands = ManualClock(), ListedHands()
    return Office(ledger, clock, hands, settings, _executor(ledger, clock, hands, settings))
