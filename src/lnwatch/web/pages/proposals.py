"""What lnwatch would do at other systems, who has to allow it, what came of what it did, and why it does no more."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from lnwatch.domain.book import LIVING
from lnwatch.model.action import (
    Action,
    Ground,
    Proposal,
    ProposalRecord,
    ProposalState,
    ProposalView,
    Rejection,
    Standing,
)
from lnwatch.model.assessment import Assessment
from lnwatch.model.case import Fingerprint
from lnwatch.redaction import redact, scrub
from lnwatch.web.pages import words

DRY = "dry_run"  # the hands that do nothing
_FOR_PEOPLE = frozenset({Ground.NEEDS_APPROVAL, Ground.NEEDS_SECOND})
_MARKS = {ProposalState.DONE: "good", ProposalState.FAILED: "bad", ProposalState.INTENDED: "wait"}


@dataclass(frozen=True, slots=True)
class ProposalLine:
    """One proposal: `why` says what keeps it or what came of it, `rows` are its exact parameters and what was done."""

    id: str
    site: str
    mark: str
    state: str
    at: str
    when: str
    sentence: str
    why: str
    mends: Fingerprint | None
    rows: tuple[tuple[str, str], ...]
    commands: tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class HandsLine:
    """One kind of action at one node: whether it is done there, or only rehearsed."""

    action: str
    node: str
    site: str
    acts: bool
    used: str


@dataclass(frozen=True, slots=True)
class ProposalsPage:
    """Everything that the template needs; `nothing` are sentences, each with whose and about what it is."""

    mark: str
    headline: str
    stopped: bool = False
    open: tuple[ProposalLine, ...] = ()
    ended: tuple[ProposalLine, ...] = ()
    hands: tuple[HandsLine, ...] = ()
    nothing: tuple[tuple[str, str], ...] = ()


def proposals_page(assessment: Assessment | None, now: float) -> ProposalsPage:
    """The page at the instant `now`, the newest proposal first."""
    if assessment is None:
        return ProposalsPage("wait", "lnwatch has just started: nothing is known yet.")
    stands = assessment.acting
    mark, headline = wanted_of_people(stands) or ("good", "Nothing waits for a person.")
    newest = sorted(stands.proposals, key=lambda view: view.record.at, reverse=True)
    return ProposalsPage(
        mark=mark,
        headline=headline,
        stopped=stands.kill_switch.on,
        open=tuple(_line(view, now) for view in newest if view.record.state in LIVING),
        ended=tuple(_line(view, now) for view in newest if view.record.state not in LIVING),
        hands=tuple(_hands(stands)),
        nothing=tuple(
            (redact(each.sentence), f"{each.automation} at {each.site}, {redact(each.subject)}")
            for each in stands.nothing
        ),
    )


def wanted_of_people(stands: Standing) -> tuple[str, str] | None:
    """A mark and a sentence for what a person should know or do; None where there is nothing."""
    if stands.trouble:
        return "bad", f"Nothing is done at any other system: {redact(stands.trouble)}."
    if (switch := stands.kill_switch).on:
        by, note = redact(switch.actor), redact(switch.note)
        said = f" by {by}" if by else ""
        return "wait", f"The kill switch was put on{said}{f': {note}' if note else ''}. Nothing is done."
    asked = sum(view.verdict.ground in _FOR_PEOPLE for view in stands.proposals)
    begun = sum(view.record.state is ProposalState.INTENDED for view in stands.proposals)
    if begun:
        return "wait", f"What came of {words.count(begun, 'action')} is not known yet."
    if asked:
        return "wait", f"{words.count(asked, 'proposal')} {'waits' if asked == 1 else 'wait'} for a person's yes."
    return None


def _line(view: ProposalView, now: float) -> ProposalLine:
    record, proposal = view.record, view.record.proposal
    people = view.verdict.ground in _FOR_PEOPLE
    return ProposalLine(
        id=record.id,
        site=proposal.site,
        mark="wait" if people else _MARKS.get(record.state, "none"),
        state=record.state.value,
        at=words.instant(record.at),
        when=words.ago(record.at, now),
        sentence=redact(proposal.sentence),
        why=redact(_why(view)),
        mends=proposal.mends,
        rows=tuple(_rows(record, proposal)),
        commands=tuple(_commands(record, people=people)),
    )


def _why(view: ProposalView) -> str:
    record = view.record
    if isinstance(record.end, Rejection):
        return f"rejected by {record.end.actor}: {record.end.note}"
    if record.end is not None:
        return f"withdrawn: {record.end.reason}"
    return record.receipt.words if record.receipt is not None else view.verdict.words


def _rows(record: ProposalRecord, proposal: Proposal) -> Iterator[tuple[str, str]]:
    yield "Action", f"{proposal.action} at {proposal.node}, as {proposal.automation} asks"
    for name, text in {**proposal.parameters, **proposal.added}.items():
        yield redact(name).replace("_", " "), str(scrub(text, name))
    if proposal.amount_msat:
        yield "Amount", words.amount(proposal.amount_msat)
        yield "Fee at most", words.amount(proposal.fee_limit_msat)
    for at, approval in record.approvals:
        note = f": {redact(approval.note)}" if approval.note else ""
        yield "Approved", f"by {redact(approval.actor)}{note}, {words.instant(at)}"
    if record.intent is not None:
        how = "as a dry run" if record.intent.hands == DRY else f"by hands {record.intent.hands}"
        yield "Begun", f"{words.instant(record.intended_at)} {how}"
    if record.ended_at is not None:
        yield "Ended", words.instant(record.ended_at)


def _commands(record: ProposalRecord, *, people: bool) -> Iterable[tuple[str, str]]:
    if people:
        yield f"lnwatch approve {record.id}", "do it, exactly as it stands here, once"
    if record.state is ProposalState.PROPOSED:
        yield f"lnwatch reject {record.id} --reason '…'", "it must not be done"


def _hands(stands: Standing) -> Iterator[HandsLine]:
    for (site, node, action), name in sorted(stands.hands.items()):
        yield HandsLine(action.value, node, site, name != DRY, _used(stands, site, action))


def _used(stands: Standing, site: str, action: Action) -> str:
    shares = {each.window: each.share for each in stands.budgets if (each.site, each.action) == (site, action)}
    spoken = (("day", "24 hours"), ("month", "30 days"))
    told = [f"{words.percent(shares[window], 1)} of {text}" for window, text in spoken if window in shares]
    return f"used of the site's budget: {', '.join(told)}" if told else ""
