"""The journal of what was proposed, allowed and done: a chain of steps per site."""

from lnwatch.store.journal.chain import BrokenChainError
from lnwatch.store.journal.journal import Journal, JournalMovedError

__all__ = ["BrokenChainError", "Journal", "JournalMovedError"]
