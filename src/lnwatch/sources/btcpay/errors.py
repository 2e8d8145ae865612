"""What BTCPay's refusals mean: one table from status and code to a reason and a sentence for the operator."""

import json
from typing import Any, NamedTuple

from lnwatch.errors import FailureReason, SourceError
from lnwatch.net import Answer

_LONGEST = 300  # characters of BTCPay's own words


class AbsentError(SourceError):
    """BTCPay denies one thing by its id: it does not exist, or the key may not see it. It says no more."""


class WordlessError(SourceError):
    """An empty 500. Server info gives it while NBXplorer is away, and BTCPay itself is well."""


class PartInactiveError(SourceError):
    """The store has no such part (a wallet, a Lightning node): a fact, no fault."""


class Row(NamedTuple):
    """`{permission}`, `{what}` and `{words}` are filled in; `what` is the thing that was asked for."""

    status: int
    code: str
    reason: FailureReason
    sentence: str
    kind: type[SourceError] = SourceError


_NO_KEY = "BTCPay does not know the API key (any more): make one under Manage Account, API Keys, and give it to lnwatch"
_LACKS = "the API key lacks {permission} for {what}, or that does not exist: BTCPay does not tell which"

# The first row that fits counts; an empty code fits any answer of that status in BTCPay's own form.
TABLE = (
    Row(401, "", FailureReason.REJECTED, _NO_KEY),
    Row(403, "", FailureReason.FORBIDDEN, _LACKS),
    Row(404, "lightning-not-configured", FailureReason.UNSUPPORTED, "{what}: no Lightning node", PartInactiveError),
    Row(404, "unknown-cryptocode", FailureReason.UNSUPPORTED, "{what}: not of this server", PartInactiveError),
    Row(404, "", FailureReason.FAILED, "BTCPay does not know {what} ({words})", AbsentError),
    Row(400, "", FailureReason.FAILED, "BTCPay refuses to tell {what}: {words}"),
    Row(408, "", FailureReason.TIMEOUT, "BTCPay gave up on {what}: {words}"),
    Row(422, "", FailureReason.FAILED, "BTCPay does not take the question for {what}: {words}"),
    Row(429, "", FailureReason.OVERLOADED, "BTCPay asks lnwatch to slow down ({words})"),
    Row(503, "lightning-node-unavailable", FailureReason.FAILED, "BTCPay can't reach the Lightning node: {words}"),
)
# An answer without a body says only this much.
_EMPTY = {
    404: (FailureReason.UNSUPPORTED, "this BTCPay Server does not know the question for {what}: it is too old"),
    405: (FailureReason.UNSUPPORTED, "this BTCPay Server does not know the question for {what}: it is too old"),
    500: (FailureReason.FAILED, "BTCPay failed inside when asked for {what} (HTTP 500, no words): see its log"),
}
_IN_FRONT = (
    "something in front of BTCPay (a proxy, a firewall, a login page) refuses lnwatch (HTTP {status}): let it "
    "through to {where}"
)
_UNSUPPORTED_CALL = "NotSupportedException"


def failure(answer: Answer, what: str, *, single: bool = False) -> SourceError | None:
    """Why an answer is none, None where it is one. `what` names the thing asked for, in words for people.

    `single` marks a question for one thing by its id, where 403 may only mean that it does not exist.
    """
    if 200 <= answer.status < 300:
        return None
    body = _body(answer)
    if body is None:
        return _wordless(answer, what)
    code, words = body
    for row in TABLE:
        if row.status == answer.status and row.code in ("", code):
            kind = AbsentError if single and answer.status == 403 else row.kind
            return _told(row, kind, answer, what, words)
    return _general(answer)


def _told(row: Row, kind: type[SourceError], answer: Answer, what: str, words: "_Words") -> SourceError:
    reason = row.reason
    if reason is FailureReason.FAILED and _UNSUPPORTED_CALL in words.text:
        reason, kind = FailureReason.UNSUPPORTED, PartInactiveError
    permission = words.permission if answer.status == 403 else None
    sentence = row.sentence.format(permission=permission or "a permission", what=what, words=words.text)
    return kind(reason, sentence, permission=permission, retry_after=answer.retry_after)


def _wordless(answer: Answer, what: str) -> SourceError:
    """An answer that is not in BTCPay's form: nothing at all, or somebody else's page."""
    if not answer.body.strip():
        if answer.status in _EMPTY:
            reason, sentence = _EMPTY[answer.status]
            kind = WordlessError if answer.status == 500 else SourceError
            return kind(reason, sentence.format(what=what))
    elif answer.status in (401, 403):
        return SourceError(FailureReason.REJECTED, _IN_FRONT.format(status=answer.status, where=answer.where))
    return _general(answer)


def _general(answer: Answer) -> SourceError:
    try:
        answer.raise_for_status()
    except SourceError as error:
        return error
    return SourceError(FailureReason.MALFORMED, f"{answer.where} answered with HTTP {answer.status}")


class _Words(NamedTuple):
    text: str
    permission: str | None


def _body(answer: Answer) -> tuple[str, _Words] | None:
    """Code and words of a refusal in BTCPay's form: an object, or a list of what is wrong with the request."""
    try:
        body: Any = json.loads(answer.body)
    except (ValueError, RecursionError):
        return None
    if isinstance(body, list):
        parts = [f"{part.get('path')}: {part.get('message')}" for part in body if isinstance(part, dict)]
        return "", _Words("; ".join(parts)[:_LONGEST], None)
    if not isinstance(body, dict) or not isinstance(body.get("code"), str):
        return None
    permission = body.get("missingPermission")
    text = str(body.get("message", ""))[:_LONGEST]
    return body["code"], _Words(text, permission[:200] if isinstance(permission, str) else None)


def not_json(answer: Answer, what: str) -> SourceError:
    """An answer with a good status and something else than JSON in it."""
    if "html" in answer.headers.get("content-type", "") or answer.body.lstrip()[:1] == b"<":
        message = (
            f"{answer.where} answered the question for {what} with a web page: `url` has to lead to BTCPay Server "
            "itself, and not to a login or maintenance page in front of it"
        )
    else:
        message = f"{answer.where} answered the question for {what} with something else than JSON, or cut short"
    return SourceError(FailureReason.MALFORMED, message)
