"""Proposals for tests: a call and a move, and a book that is written step by step."""

from dataclasses import replace
from typing import Any

from lnwatch.domain.book import Book
from lnwatch.model.action import (
    Action,
    Approval,
    Deed,
    Ground,
    Intent,
    KillSwitch,
    Nothing,
    Outcome,
    Proposal,
    ProposalRecord,
    ProposalState,
    ProposalView,
    Receipt,
    Standing,
    Step,
    Used,
    Verdict,
    proposal_id,
)
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


def called(**changes: Any) -> ProposalRecord:  # noqa: ANN401 - fields of ProposalRecord
    """A call that was made ten minutes ago."""
    draft = call()
    usual = ProposalRecord(
        id="c0ffee0123",
        proposal=draft,
        at=NOW - 620,
        state=ProposalState.DONE,
        intent=Intent(draft.digest, "lnd", PEER),
        intended_at=NOW - 610,
        receipt=Receipt(Outcome.DONE, "connected at 198.51.100.7:9735"),
        ended_at=NOW - 600,
    )
    return replace(usual, **changes)


def awaited(**changes: Any) -> ProposalRecord:  # noqa: ANN401 - likewise
    """A move that one of two people has allowed."""
    route = {"route": "0x1x0 790000x0x0 1x1x0", "fee_msat": "2150"}
    draft = move(added=route)
    approvals = ((NOW - 60, Approval("anna", draft.digest, "looks right")),)
    return replace(ProposalRecord("beefed4567", draft, NOW - 300, approvals=approvals), **changes)


def standing(**changes: Any) -> Standing:  # noqa: ANN401 - fields of Standing
    """A call that was made, a move that waits, a node that needs no other."""
    usual = Standing(
        proposals=(
            ProposalView(called(), Verdict(Ground.OVER, "it is done")),
            ProposalView(awaited(), Verdict(Ground.NEEDS_SECOND, "anna approved it, a second person must too")),
        ),
        nothing=(Nothing("main", "peer_reconnect", "node:ln1", "all_online", "Every channel of node:ln1 is online."),),
        kill_switch=KillSwitch(on=False),
        automations=("channel_rebalance", "peer_reconnect"),
        hands={
            ("main", "ln1", Action.CONNECT_PEER): "lnd",
            ("main", "ln1", Action.REBALANCE_CHANNEL): "dry_run",
        },
        came_of={("main", Action.CONNECT_PEER, Outcome.DONE): 7, ("main", Action.CONNECT_PEER, Outcome.FAILED): 2},
        budgets=tuple(
            Used("main", action, window, share)
            for action, share in ((Action.CONNECT_PEER, 0.125), (Action.REBALANCE_CHANNEL, 0.0))
            for window in ("day", "month")
        ),
    )
    return replace(usual, **changes)
