"""Every failure that lnwatch knows, in one tree.

LnwatchError
├── ConfigError      what the operator wrote can't be used; exit status 2, nothing started
├── SourceError      a system that we read did not answer as it should; carries a FailureReason
├── LedgerError      the ledger can't be read or written; carries a LedgerTrouble
└── InboxError       what a person asked for can't be done; the answer says why

Foreign errors become one of these at the border, with their cause.
"""

from dataclasses import dataclass
from enum import StrEnum


class LnwatchError(Exception):
    """Base of everything that lnwatch raises on purpose."""


@dataclass(frozen=True, slots=True)
class ConfigProblem:
    """One thing that is wrong with the configuration: a single line for the operator.

    `key` is dotted as in the file (`site.main.lnd.ln1.address`) or an environment name; `found` is
    what stood there, already redacted; `remedy` says what is allowed and what to write instead.
    """

    key: str
    found: str
    remedy: str

    def __str__(self) -> str:
        """The line as it is printed."""
        return f"{self.key}: found {self.found}; {self.remedy}"


class ConfigError(LnwatchError):
    """The configuration can't be used. `problems` has one entry per line to print."""

    def __init__(self, *problems: ConfigProblem) -> None:
        """Keep the problems in the order in which they were found."""
        super().__init__("\n".join(str(problem) for problem in problems))
        self.problems = problems


class FailureReason(StrEnum):
    """Why a source failed, from a closed list: it labels metrics and decides the target's state."""

    REFUSED = "refused"  # nothing listens, no route, name not found
    TIMEOUT = "timeout"  # accepted, then silence until our deadline
    TLS = "tls"  # the certificate is not the expected one, or expired
    REJECTED = "rejected"  # credential wrong or revoked
    FORBIDDEN = "forbidden"  # credential known, permission missing
    STARTING = "starting"  # warm-up; answers soon
    LOCKED = "locked"  # wallet locked or not yet created
    SYNCING = "syncing"  # answers, but can't serve until it caught up
    OVERLOADED = "overloaded"  # 429, 503, work queue full
    UNSUPPORTED = "unsupported"  # this version does not know the call
    MALFORMED = "malformed"  # an answer that breaks the protocol, too large or truncated
    FAILED = "failed"  # it answered with an error of its own
    CREDENTIAL_UNREADABLE = "credential_unreadable"  # our own file is gone or can't be read
    BUG = "bug"  # an exception of our own, caught at the collector


class SourceError(LnwatchError):
    """A source did not answer as it should.

    `message` is for a person and never holds a secret; `permission` names what the credential lacks;
    `retry_after` is for how many seconds the source asks to be left alone.
    """

    def __init__(
        self, reason: FailureReason, message: str, *, permission: str | None = None, retry_after: float | None = None
    ) -> None:
        """Say why from the closed list, and in words."""
        super().__init__(message)
        self.reason = reason
        self.message = message
        self.permission = permission
        self.retry_after = retry_after


class LedgerTrouble(StrEnum):
    """Why the ledger can't be used."""

    FULL = "full"
    LOCKED = "locked"
    READ_ONLY = "read_only"
    CORRUPT = "corrupt"
    UNREACHABLE = "unreachable"
    VERSION = "version"
    FAILED = "failed"


class LedgerError(LnwatchError):
    """The ledger can't be read or written; `message` says what to do."""

    def __init__(self, trouble: LedgerTrouble, message: str) -> None:
        """Say why from the closed list, and in words."""
        super().__init__(message)
        self.trouble = trouble
        self.message = message


class InboxError(LnwatchError):
    """A request from the inbox can't be carried out."""
