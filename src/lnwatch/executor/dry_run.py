"""Hands that do nothing: the default, and the only ones for what would move money."""

from typing import Protocol

from lnwatch.model.action import Intent, Outcome, Proposal, Receipt

NAME = "dry_run"


class Preparer(Protocol):
    """Asks the other system what a proposal lacks; it can't change anything there."""

    async def prepare(self, draft: Proposal) -> Proposal:
        """As `Hands.prepare`."""
        ...


class DryRunHands:
    """Everything happens as with real ones, but for the deed itself."""

    name = NAME

    def __init__(self, preparer: Preparer) -> None:
        self._preparer = preparer

    async def prepare(self, draft: Proposal) -> Proposal:
        """The same questions as real hands ask."""
        return await self._preparer.prepare(draft)

    def intend(self, proposal: Proposal) -> Intent:
        """Nobody knows it elsewhere, so its digest will do for a reference."""
        return Intent(proposal.digest, self.name, proposal.digest)

    async def act(self, proposal: Proposal, intent: Intent) -> Receipt:  # noqa: ARG002 - the contract's
        """Say what would have been done."""
        exact = ", ".join(f"{name} {text}" for name, text in {**proposal.parameters, **proposal.added}.items())
        return Receipt(Outcome.REHEARSED, f"a dry run: nothing was done; it would have been {proposal.action}, {exact}")

    async def look_up(self, proposal: Proposal, intent: Intent) -> Receipt:  # noqa: ARG002 - the contract's
        """Nothing can have been done."""
        return Receipt(Outcome.REHEARSED, "a dry run that was cut off: nothing was done", looked_up=True)
