"""Proposals for tests: a call and a move, and a book that is written step by step."""

from dataclasses import replace
from typing import Any

from lnwatch.domain.book import Book
from lnwatch.model.action import Action, Deed, Proposal, Step, proposal_id
from lnwatch.model.case import Fingerprint
from lnwatch.model.money import Msat

NOW = 1_800_000_000.0
PEER = "03" + "cc" * 32


def call(**changes: Any) -> Proposal:  # noqa: ANN401 - fields of Proposal
    """Have ln1 call a peer."""
    usual = Proposal(
        site="main",
        automation="peer_reconnect",
        action=Action.CONNECT_PEER,
        node="ln1",
        subject=f"peer:{PEER}",
        touches=(f"peer:{PEER}",),
        parameters={"public_key": PEER},
        amount_msat=Msat(0),
        fee_limit_msat=Msat(0),
        sentence="Have node:ln1 call its peer.",
        mends=Fingerprint("main", "channel_inactive", "channel:aa:0"),
        added={"addresses": "198.51.100.7:9735"},
    )
    return replace(usual, **changes)


def move(number: int = 0, **changes: Any) -> Proposal:  # noqa: ANN401 - fields of Proposal
    """Move 300,000 sat of inbound between two channels."""
    usual = Proposal(
        site="main",
        automation="channel_rebalance",
        action=Action.REBALANCE_CHANNEL,
        node="ln1",
        subject=f"channel:{number:02x}:0",
        touches=(f"channel:{number:02x}:0", f"channel:{number + 1:02x}:0"),
        parameters={"source_channel": f"{number}x1x0", "target_channel": f"{number + 1}x1x0"},
        amount_msat=Msat(300_000_000),
        fee_limit_msat=Msat(150_000),
        sentence="Pay 300,000 sat from node:ln1 to itself.",
    )
    return replace(usual, **changes)


def step(book: Book, at: float, about: str, deed: Deed, site: str = "main") -> Step:
    """The next step of a site's chain."""
    return Step(site, book.heads.get(site, 0) + 1, at, about, deed)


def proposed(book: Book, proposal: Proposal, at: float = NOW) -> tuple[Book, str]:
    """The book with one more proposal, and its id."""
    identity = proposal_id(proposal, at)
    return book.after([step(book, at, identity, proposal, proposal.site)]), identity
