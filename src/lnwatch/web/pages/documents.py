"""Cases for programs, in the shape that `lnwatch cases --json` and `case --json` print."""

from collections.abc import Iterable
from dataclasses import asdict

from lnwatch.model.assessment import Assessment, StandingCase
from lnwatch.model.case import Case, Fingerprint, Reason, short_id
from lnwatch.model.message import case_url, runbook_url
from lnwatch.redaction import redact, scrub
from lnwatch.store import CaseMessage, CaseRecord
from lnwatch.web.pages.cases import Wanted, living, pending

_PLAIN = ("number", "state", "severity", "owner", "found_at", "seen_at", "opened_at", "ended_at", "snoozed_until")


def listed(current: Assessment | None, over: Iterable[Case], wanted: Wanted, link_base: str) -> dict[str, object]:
    """What the page of cases shows."""

    def those(cases: Iterable[StandingCase]) -> list[dict[str, object]]:
        return [_document(one.case, link_base, one.reason) for one in cases if wanted.has(one.case)]

    return {
        "assessed_at": current.at if current is not None else None,
        "open": those(living(current)) if current is not None else [],
        "pending": those(pending(current)) if current is not None else [],
        "ended": [_document(case, link_base) for case in over if wanted.has(case)],
    }


def told(
    fingerprint: Fingerprint, record: CaseRecord | None, standing: StandingCase | None, link_base: str
) -> dict[str, object]:
    """What a case's own page shows; of what never opened only its name and its history."""
    kept = record.case if record is not None else None
    case, reason = (kept, None) if standing is None else (standing.case, standing.reason)
    shown = _document(case, link_base, reason) if case is not None else _name(fingerprint, link_base)
    return {
        **shown,
        "facts": scrub(case.facts if case is not None else {}),
        "history": [scrub(asdict(step)) for step in record.history] if record is not None else [],
        "messages": [scrub(_message(one)) for one in record.messages] if record is not None else [],
    }


def _document(case: Case, link_base: str, reason: Reason | None = None) -> dict[str, object]:
    return {
        **_name(case.fingerprint, link_base),
        **{name: getattr(case, name) for name in _PLAIN},
        **{name: redact(getattr(case, name)) for name in ("sentence", "actor", "note")},
        "reason": reason,
    }


def _name(fingerprint: Fingerprint, link_base: str) -> dict[str, object]:
    return {
        "id": short_id(fingerprint),
        "site": fingerprint.site,
        "rule": fingerprint.rule,
        "subject": redact(fingerprint.subject),
        "runbook_url": runbook_url(link_base, fingerprint.rule),
        "case_url": case_url(link_base, fingerprint),
    }


def _message(message: CaseMessage) -> dict[str, object]:
    return {
        "channel": message.channel,
        "number": message.notice.number,
        "transition": message.notice.transition,
        "at": message.notice.at,
        "status": message.status,
        "tries": message.tries,
        "not_before": message.not_before,
        "sent_at": message.sent_at,
        "failure": message.failure,
        "words": message.words,
    }
