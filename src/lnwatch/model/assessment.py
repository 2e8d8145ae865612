"""The answer of one cycle over every site; frozen, so that the exporter and the pages read it without a lock,
a query or a call."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from lnwatch.model.action import NOTHING_STANDS, Standing
from lnwatch.model.case import Case, Fingerprint, Reason
from lnwatch.model.rule import Owner, Severity
from lnwatch.model.silence import Silence
from lnwatch.model.view import View


@dataclass(frozen=True, slots=True)
class LedgerHealth:
    """Whether the ledger can be written, and what stands against it."""

    writable: bool
    trouble: str
    backend: str


@dataclass(frozen=True, slots=True)
class Coverage:
    """Whether a rule can fire here: for one source, or (`scope` empty) for the site as a whole.

    `severity` and `owner` are those in force; a finding may differ from them. Where it can't fire, `why`
    names what is missing or unknown, `grant` what to configure or grant.
    """

    site: str
    rule: str
    scope: str
    severity: Severity
    owner: Owner
    covered: bool
    why: str = ""
    grant: str = ""


@dataclass(frozen=True, slots=True)
class StandingCase:
    """A case and why it was last decided as it was: a pending, living, closed or newly ended one.

    `muted_by` names the parent, the silence or the window that keeps it untold.
    """

    case: Case
    reason: Reason
    muted_by: str = ""


@dataclass(frozen=True, slots=True)
class Assessment:
    """`cycle` counts since the process started, and all of them took `seconds`; `cases` are those that are not
    over, or not for long; `coverage` has every rule of every site at least once; `silences` those in force or to
    come; `acting` is what the executor has to show."""

    at: float
    cycle: int
    views: Mapping[str, View]
    ledger: LedgerHealth
    starts: int
    seconds: float = 0.0
    cases: Mapping[Fingerprint, StandingCase] = field(default_factory=dict)
    coverage: tuple[Coverage, ...] = ()
    silences: tuple[Silence, ...] = ()
    acting: Standing = NOTHING_STANDS
