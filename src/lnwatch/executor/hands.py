"""What hands are: the only code that changes another system."""

from typing import Protocol

from lnwatch.model.action import Intent, Proposal, Receipt


class FutileError(Exception):
    """There is no point in a proposal: a reason for programs, and a sentence."""

    def __init__(self, reason: str, sentence: str) -> None:
        super().__init__(sentence)
        self.reason = reason
        self.sentence = sentence


class Hands(Protocol):
    """Hands for one kind of action on one node."""

    @property
    def name(self) -> str:
        """Stands in every intent: budgets are counted per pair of hands."""
        ...

    async def prepare(self, draft: Proposal) -> Proposal:
        """Add what only the other system knows, once per new proposal and before its digest is taken.

        Changes nothing there. Raises FutileError where it is pointless, SourceError where it can't be told.
        """
        ...

    def intend(self, proposal: Proposal) -> Intent:
        """What is stored before `act`; the reference is one by which the other system can be asked afterwards."""
        ...

    async def act(self, proposal: Proposal, intent: Intent) -> Receipt:
        """Do it once. Raises SourceError where it is not known what came of it: then it is looked up."""
        ...

    async def look_up(self, proposal: Proposal, intent: Intent) -> Receipt:
        """Find out what came of an intent, changing nothing. Raises SourceError where that can't be told now."""
        ...
