"""What an HTTP server answered, whole and within its size limit."""

import email.utils
from collections.abc import Mapping
from dataclasses import dataclass

from lnwatch.errors import FailureReason, SourceError

_REASONS = {
    401: FailureReason.REJECTED,
    403: FailureReason.FORBIDDEN,
    408: FailureReason.TIMEOUT,
    429: FailureReason.OVERLOADED,
    502: FailureReason.REFUSED,
    503: FailureReason.OVERLOADED,
    504: FailureReason.TIMEOUT,
}
_MEANINGS = {
    FailureReason.REJECTED: "does not accept the credential",
    FailureReason.FORBIDDEN: "knows the credential, which lacks the right",
    FailureReason.TIMEOUT: "says that what stands behind it did not answer in time",
    FailureReason.OVERLOADED: "has too much to do",
    FailureReason.REFUSED: "says that what stands behind it is not there",
    FailureReason.FAILED: "answered with an error",
}
# A server may not silence us for longer than this by what it asks.
_LONGEST_RETRY_AFTER = 3_600.0


@dataclass(frozen=True, slots=True)
class Answer:
    """Status, headers (names in lower case) and decoded body; `seconds` is the whole round trip.

    `at` is our clock when it was complete, `where` the server's name for messages.
    """

    status: int
    headers: Mapping[str, str]
    body: bytes
    seconds: float
    at: float
    where: str

    @property
    def retry_after(self) -> float | None:
        """Seconds for which the server asks to be left alone, an hour at most; None if it does not ask."""
        text = self.headers.get("retry-after", "").strip()
        if text.isascii() and text.isdigit():
            return min(float(text), _LONGEST_RETRY_AFTER)
        moment = parse_http_date(text)
        return None if moment is None else min(max(moment - self.at, 0.0), _LONGEST_RETRY_AFTER)

    def raise_for_status(self) -> None:
        """Raise SourceError unless the status is 2xx; redirects are not followed and so are errors too."""
        if 200 <= self.status < 300:
            return
        reason = _REASONS.get(self.status, FailureReason.FAILED)
        message = f"{self.where} {_MEANINGS[reason]} (HTTP {self.status})"
        if 300 <= self.status < 400:
            message = (
                f"{self.where} wants to redirect (HTTP {self.status}), which is not followed: set its final address"
            )
        raise SourceError(reason, message, retry_after=self.retry_after)


def parse_http_date(text: str) -> float | None:
    """Epoch seconds of an HTTP date, None where it is not one."""
    try:
        return email.utils.parsedate_to_datetime(text).timestamp()
    except (ValueError, OverflowError):
        return None
