"""Decisions about cases as people read them: why, in which state, and what became of a message."""

from lnwatch.model.assessment import StandingCase
from lnwatch.model.case import Case, CaseState, Reason, Transition
from lnwatch.model.rule import Owner, Severity
from lnwatch.redaction import redact
from lnwatch.store import CaseMessage, Delivery
from lnwatch.web.pages import words

SEVERITY_MARKS = {Severity.CRITICAL: "bad", Severity.WARNING: "wait", Severity.INFO: "none"}

REASONS = {
    Reason.PENDING: "Found; it opens if it lasts.",
    Reason.VANISHED: "Gone again before it had lasted long enough: it did not open.",
    Reason.LASTED: "Found for as long as the rule asks: opened.",
    Reason.STILL_FOUND: "Found again, and it is known already.",
    Reason.INHIBITED: "Nobody is told: the case that it comes from is told instead.",
    Reason.SILENCED: "Nobody is told: a silence is in force.",
    Reason.MAINTENANCE: "Maintenance is announced: nobody is told, and what was not open before does not open.",
    Reason.GRACE: "Nobody is told yet: everything restarts together, which may take four minutes.",
    Reason.RELEASED: "Told now: what kept it untold is over.",
    Reason.WORSE: "Told again: it is worse than what was told.",
    Reason.BETTER: "Told: it is milder than what was told.",
    Reason.HELD_UNKNOWN: "An input is missing, so nothing can be said: kept as it is.",
    Reason.KEEP_FIRING: "Not found any more, but not for long enough to be over.",
    Reason.CLEAR: "Not found any more: over.",
    Reason.CLEAR_UNTOLD: "Not found any more: over. Nobody had been told of it, so nobody is told of its end.",
    Reason.FLAPPING: "Came back soon after its end: the same case goes on.",
    Reason.ACKNOWLEDGED: "A person took it.",
    Reason.SNOOZED: "A person wants it quiet for a while.",
    Reason.SNOOZE_ENDED: "The snooze ended, and it is still so.",
    Reason.CLOSED_BY_HAND: "A person closed it.",
    Reason.HELD_CLOSED: "Stays closed: the evidence is what it was when a person closed it.",
    Reason.NEW_EVIDENCE: "Told: it is as grave as before, but what is known of it has changed.",
    Reason.NOT_CONFIGURED: "What it is about is not watched any more: ended.",
    Reason.NOTHING: "Nothing is wrong.",
}

STATES = {
    CaseState.PENDING: "Pending",
    CaseState.OPEN: "Open",
    CaseState.ACKNOWLEDGED: "Acknowledged",
    CaseState.SNOOZED: "Snoozed",
    CaseState.RESOLVED: "Resolved",
    CaseState.CLOSED: "Closed",
}

TOLD = {
    Transition.OPENED: "that it opened",
    Transition.ESCALATED: "that it got worse",
    Transition.EASED: "that it got milder",
    Transition.CHANGED: "what is known better of it",
    Transition.ACKNOWLEDGED: "that a person took it",
    Transition.SNOOZED: "that it is snoozed",
    Transition.AWOKE: "that its snooze ended",
    Transition.RESOLVED: "that it resolved",
    Transition.CLOSED: "that it was closed",
    Transition.REOPENED: "that it came back",
}

_PLAIN = frozenset(
    {Reason.PENDING, Reason.LASTED, Reason.STILL_FOUND, Reason.ACKNOWLEDGED, Reason.SNOOZED, Reason.CLEAR}
    | {Reason.CLOSED_BY_HAND}
)
_BY_PERSONS = frozenset({CaseState.ACKNOWLEDGED, CaseState.SNOOZED, CaseState.CLOSED})


def why(standing: StandingCase) -> str:
    """What its state alone does not say: what keeps it untold, or why it still stands; empty where that is plain."""
    if standing.reason in _PLAIN:
        return ""
    said = REASONS[standing.reason]
    return f"{said.removesuffix('.')}: {redact(standing.muted_by)}." if standing.muted_by else said


def owner(who: Owner) -> str:
    """Whose it is, as it is spoken."""
    return "on-call" if who is Owner.ONCALL else who.value


def mark(case: Case) -> str:
    """Colour and shape: how much it matters, or that it is over."""
    if case.state is CaseState.RESOLVED:
        return "good"
    return "none" if case.state is CaseState.CLOSED else SEVERITY_MARKS[case.severity]


def state(case: Case, now: float) -> str:
    """How much it matters, where it stands since when, and what a person said to it."""
    begun = case.opened_at or case.found_at
    by = f" by {redact(case.actor)}" if case.actor and case.state in _BY_PERSONS else ""
    note = f": {redact(case.note)}" if case.note and case.state in _BY_PERSONS else ""
    match case.state:
        case CaseState.PENDING:
            stands = f"pending for {words.span(now - case.found_at)}"
        case CaseState.RESOLVED | CaseState.CLOSED:
            after = f", after {words.span(case.ended_at - begun)}" if case.ended_at is not None else ""
            stands = f"{case.state}{by} {words.ago(case.ended_at, now)}{after}"
        case CaseState.OPEN:
            stands = f"open for {words.span(now - begun)}"
        case CaseState.ACKNOWLEDGED | CaseState.SNOOZED:
            until = f" until {words.instant(case.snoozed_until)}" if case.snoozed_until is not None else ""
            stands = f"open for {words.span(now - begun)}, {case.state}{by}{until}"
    return f"{case.severity.capitalize()}, {stands}{note}"


def delivery(message: CaseMessage, now: float) -> tuple[str, str]:
    """A mark, and what became of a message."""
    failed = f" after {words.count(message.tries, 'try', 'tries')}: {redact(message.words)}" if message.words else ""
    match message.status:
        case Delivery.SENT if message.sent_at is None:
            return "good", "needed no sending"
        case Delivery.SENT:
            return "good", f"sent {words.instant(message.sent_at)}"
        case Delivery.PARKED:
            return "bad", f"can't be sent{failed}"
        case Delivery.CLAIMED:
            return "wait", "being sent"
        case _ if message.tries:
            left = message.not_before - now
            again = f"in {words.span(left)}" if left > 0 else "now"
            return "wait", f"not sent yet, tried again {again}{failed}"
        case _:
            return "none", "waits for its turn"
