"""One notice as words: its title, what changed, since when it is so."""

from dataclasses import replace

from lnwatch.domain.wording import duration, moment
from lnwatch.model.case import CaseState, Transition, short_id
from lnwatch.model.message import Notice, case_url, runbook_url
from lnwatch.model.rule import Owner, Severity
from lnwatch.notify._text import Text, cut
from lnwatch.redaction import redact, scrub

ICONS = {Severity.CRITICAL: "🔴", Severity.WARNING: "🟠", Severity.INFO: "🔵"}
_STATE_ICONS = {
    CaseState.ACKNOWLEDGED: "👀",
    CaseState.SNOOZED: "💤",
    CaseState.RESOLVED: "✅",
    CaseState.CLOSED: "☑️",
}
_STATE_WORDS = {
    CaseState.ACKNOWLEDGED: "Acknowledged",
    CaseState.SNOOZED: "Snoozed",
    CaseState.RESOLVED: "Resolved",
    CaseState.CLOSED: "Closed",
}
_ASIDES = {
    Transition.ESCALATED: " (escalated)",
    Transition.EASED: " (eased)",
    Transition.REOPENED: " (again)",
    Transition.AWOKE: " (snooze ended)",
}
RUNBOOK = "What to do (runbook)"
ENDED = frozenset({CaseState.RESOLVED, CaseState.CLOSED})
_MOST_FACTS = 20
_LONGEST_FACT = 300
_LONGEST_NOTE = 500


def clean(notice: Notice) -> Notice:
    """The notice as it may leave: secrets covered, each text on one line, facts few and short."""
    named = notice.fingerprint
    return replace(
        notice,
        fingerprint=replace(named, site=line(named.site), rule=line(named.rule), subject=line(named.subject)),
        sentence=line(notice.sentence),
        facts={
            cut(line(name), _LONGEST_FACT): cut(line(str(scrub(value, name))), _LONGEST_FACT)
            for name, value in list(notice.facts.items())[:_MOST_FACTS]
        },
        actor=cut(line(notice.actor), _LONGEST_FACT),
        note=cut(line(notice.note), _LONGEST_NOTE),
        root=cut(line(notice.root), _LONGEST_FACT),
    )


def icon(notice: Notice) -> str:
    """The state at a glance; words say the same beside it."""
    return _STATE_ICONS.get(notice.state) or ICONS[notice.severity]


def describe(notice: Notice, link_base: str, missed: Transition | None = None) -> Text:
    """A notice, cleaned before, as the case stands with it, and what of it could not be told in time."""
    named, ended = notice.fingerprint, notice.state in ENDED
    return Text(
        icon=icon(notice),
        title=f"{_standing(notice)}: {named.rule} at {named.site}",
        sentence=f"{change(notice, missed)} It was: {notice.sentence}" if ended else notice.sentence,
        lines=tuple(line for line in (_who(notice), _when(notice), _by_whom(notice), _root(notice)) if line),
        facts=() if ended else tuple(notice.facts.items()),
        links=((RUNBOOK, runbook_url(link_base, named.rule)), ("Case", case_url(link_base, named))),
    )


def change(notice: Notice, missed: Transition | None = None) -> str:
    """What changed, in one sentence, for those who have the case before their eyes, or missed its news."""
    by = f" by {notice.actor}" if notice.actor else ""
    why = f": {notice.note.rstrip('.')}" if notice.note else ""
    late = f", before you could be told that it had {missed.value}" if missed is not None else ""
    word = notice.transition.value.capitalize()
    match notice.transition:
        case Transition.OPENED | Transition.REOPENED:
            said = f"{word} as {notice.severity}. {notice.sentence}"
        case Transition.ESCALATED | Transition.EASED:
            said = f"{word} to {notice.severity}. {notice.sentence}"
        case Transition.CHANGED:
            said = f"It is known better now. {notice.sentence}"
        case Transition.AWOKE:
            said = f"The snooze ended, and it is still so. {notice.sentence}"
        case Transition.RESOLVED:
            said = f"Resolved by itself{_after(notice)}{late}."
        case Transition.CLOSED:
            said = f"Closed{by}{_after(notice)}{late}{why}."
        case Transition.SNOOZED:
            until = f" until {moment(notice.until)}" if notice.until is not None else ""
            said = f"Snoozed{by}{until}{why}."
        case Transition.ACKNOWLEDGED:
            said = f"Acknowledged{by}{why}."
    return said


def _standing(notice: Notice) -> str:
    if notice.state in _STATE_WORDS:
        severity = "" if notice.state in ENDED else f" ({notice.severity})"
        return f"{_STATE_WORDS[notice.state]}{severity}"
    return f"{notice.severity.upper()}{_ASIDES.get(notice.transition, '')}"


def _who(notice: Notice) -> str:
    owner = "on-call" if notice.owner is Owner.ONCALL else notice.owner.value
    again = f" · occurrence {notice.number}" if notice.number > 1 else ""
    return f"{notice.fingerprint.subject} · for {owner}{again} · case {short_id(notice.fingerprint)}"


def _when(notice: Notice) -> str:
    begun = notice.opened_at if notice.opened_at is not None else notice.found_at
    if notice.ended_at is not None and notice.state in ENDED:
        return f"From {moment(begun)} to {moment(notice.ended_at)} ({duration(notice.ended_at - begun)})"
    if begun - notice.found_at >= 1:
        return f"Open since {moment(begun)}, first seen {moment(notice.found_at)}"
    return f"Since {moment(begun)}"


def _by_whom(notice: Notice) -> str:
    return change(notice) if notice.transition in (Transition.ACKNOWLEDGED, Transition.SNOOZED) else ""


def _root(notice: Notice) -> str:
    return f"Comes from {notice.root}" if notice.root and notice.state not in ENDED else ""


def _after(notice: Notice) -> str:
    begun = notice.opened_at if notice.opened_at is not None else notice.found_at
    return f" after {duration(notice.ended_at - begun)}" if notice.ended_at is not None else ""


def line(text: str) -> str:
    """A foreign text as it may leave: secrets covered, on one line."""
    whole = text.encode(errors="replace").decode()  # half a surrogate pair can't be sent
    return " ".join(redact(whole).split())
