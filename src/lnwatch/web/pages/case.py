"""A case's own page: what is wrong, since when, what to do, and everything that was decided and told of it."""

from collections.abc import Iterator
from dataclasses import dataclass

from lnwatch.model.assessment import StandingCase
from lnwatch.model.case import LIVING, Case, CaseState, Fingerprint, short_id
from lnwatch.redaction import redact, scrub
from lnwatch.store import CaseMessage, CaseRecord, HistoryStep
from lnwatch.web.pages import decisions, words
from lnwatch.web.pages.cases import ENDED, CaseLine, line


@dataclass(frozen=True, slots=True)
class Happened:
    """One line of the timeline: a decision (`told` empty) or a message to the channel that `told` names."""

    at: str
    mark: str
    told: str
    what: str
    why: str


@dataclass(frozen=True, slots=True)
class Opening:
    """What happened in one opening of the case, oldest first."""

    number: int
    happened: tuple[Happened, ...]


@dataclass(frozen=True, slots=True)
class CasePage:
    """Everything that the template needs; `line` is None for what was seen and never opened. `trouble` says why the
    timeline is not all there."""

    fingerprint: Fingerprint
    subject: str
    now: str
    line: CaseLine | None
    commands: tuple[tuple[str, str], ...]  # what a person may do now, and what it means
    rows: tuple[tuple[str, str, str], ...]  # name, text, and what is shown when pointed at
    facts: tuple[tuple[str, str], ...]
    openings: tuple[Opening, ...]
    trouble: str


def case_page(
    fingerprint: Fingerprint, record: CaseRecord | None, standing: StandingCase | None, now: float, trouble: str
) -> CasePage:
    """The page of a case at `now`, as far as it is known."""
    kept = record.case if record is not None else None
    case = kept if standing is None else standing.case
    why = decisions.why(standing) if standing is not None else ""
    return CasePage(
        fingerprint=fingerprint,
        subject=redact(fingerprint.subject),
        now=words.instant(now),
        line=line(case, now, why) if case is not None else None,
        commands=tuple(_commands(case)) if case is not None else (),
        rows=tuple(_rows(case, record, now)) if case is not None else (),
        facts=tuple(_facts(case)) if case is not None else (),
        openings=tuple(_openings(record, now)) if record is not None else (),
        trouble=trouble,
    )


def _rows(case: Case, record: CaseRecord | None, now: float) -> Iterator[tuple[str, str, str]]:
    yield "Subject", redact(case.fingerprint.subject), ""
    yield "Site", case.fingerprint.site, ""
    if case.scope:
        yield "Source", case.scope, ""
    yield "For", decisions.owner(case.owner), "who has to do something about it"
    yield "First seen", words.ago(case.found_at, now), words.instant(case.found_at)
    if case.opened_at is not None:
        yield "Opened", words.ago(case.opened_at, now), words.instant(case.opened_at)
    if case.clear_since is not None and case.state not in ENDED:
        yield "Clear", f"for {words.span(now - case.clear_since)}", words.instant(case.clear_since)
    if case.ended_at is not None:
        yield "Ended", words.ago(case.ended_at, now), words.instant(case.ended_at)
    if case.snoozed_until is not None:
        yield "Snoozed until", words.instant(case.snoozed_until), ""
    if record is not None:
        told = sorted({one.channel for one in record.messages if one.notice.number == case.number})
        yield "Told", ", ".join(told) or "nobody", "the channels that a message went to, or waits for"
    if case.number > 1:
        yield "Occurrence", f"{case.number:,}", "each came after the one before had been over for a while"
    if case.flaps:
        yield "Came back", words.count(case.flaps, "time"), "soon after its end, as the same case"


def _commands(case: Case) -> Iterator[tuple[str, str]]:
    name = short_id(case.fingerprint)
    if case.state in LIVING:
        yield f"lnwatch ack {name}", "you are at it"
        yield f"lnwatch snooze {name} --for 2h", "not now"
    if case.state in LIVING or case.state is CaseState.PENDING:
        yield f"lnwatch close {name} --reason '…'", "it is done, or is no fault"


def _facts(case: Case) -> Iterator[tuple[str, str]]:
    for name, value in case.facts.items():
        yield redact(name), str(scrub(value, name))


def _openings(record: CaseRecord, now: float) -> Iterator[Opening]:
    """The newest opening first; within it decisions and messages as they came, a message after its decision."""
    told: dict[int, list[tuple[float, int, int, str, Happened]]] = {}
    sentences: dict[int, str] = {}
    for step in record.history:
        happened = _decision(step, sentences.get(step.number, ""))
        told.setdefault(step.number, []).append((step.at, 0, step.step, "", happened))
        sentences[step.number] = step.sentence
    for message in record.messages:
        notice = message.notice
        place = (notice.at, 1, notice.transition_number, message.channel)
        told.setdefault(notice.number, []).append((*place, _message(message, now)))
    for number in sorted(told, reverse=True):
        yield Opening(number, tuple(entry[-1] for entry in sorted(told[number], key=lambda entry: entry[:4])))


def _decision(step: HistoryStep, before: str) -> Happened:
    by = f" By {redact(step.actor)}{f': {redact(step.note)}' if step.note else ''}." if step.actor else ""
    news = f" {redact(step.sentence)}" if step.sentence != before else ""
    over = step.state is None or step.state in ENDED
    return Happened(
        at=words.instant(step.at),
        mark="good" if over else decisions.SEVERITY_MARKS[step.severity],
        told="",
        what=f"{decisions.STATES[step.state] if step.state is not None else 'Gone'} · {step.severity}",
        why=f"{decisions.REASONS[step.reason]}{by}{news}",
    )


def _message(message: CaseMessage, now: float) -> Happened:
    mark, became = decisions.delivery(message, now)
    return Happened(
        at=words.instant(message.notice.at),
        mark=mark,
        told=message.channel,
        what=decisions.TOLD[message.notice.transition],
        why=became,
    )
