"""What judges: a rule is a pure function of a View that answers for each subject."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Generic, TypeVar

from lnwatch.model.view import TargetView, View


class Severity(StrEnum):
    """How much it matters: critical pages now, warning is for the day, info is context."""

    CRITICAL = "critical"
    WARNING = "warning"
    INFO = "info"

    @property
    def rank(self) -> int:
        """Higher is worse."""
        return ("info", "warning", "critical").index(self.value)


class Owner(StrEnum):
    """Who has to do something about it."""

    ONCALL = "oncall"
    OPERATORS = "operators"
    SUPPORT = "support"
    TREASURY = "treasury"
    FINANCE = "finance"
    SECURITY = "security"


class Scope(StrEnum):
    """What a rule is run for: once per site, per source, per Lightning node, or for the daemon itself."""

    SITE = "site"
    SOURCE = "source"
    NODE = "node"
    DAEMON = "daemon"


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that is wrong with one subject (`kind:id`).

    `sentence` names the subject, the figure and the limit. `severity` and `owner` None: the rule's own.
    `facts` are shown beside the case; `evidence` is what a person's `close` holds on: while it is
    unchanged the case stays closed.
    """

    subject: str
    sentence: str
    severity: Severity | None = None
    owner: Owner | None = None
    facts: Mapping[str, str] = field(default_factory=dict)
    evidence: str = ""


@dataclass(frozen=True, slots=True)
class Unknown:
    """A rule can't tell, for one subject or (None) for its whole scope; `why` names the missing input."""

    why: str
    subject: str | None = None


Answer = Finding | Unknown  # a subject that is in neither is clear


@dataclass(frozen=True, slots=True)
class Need:
    """An input without which a rule can't tell: a fresh snapshot of `collector` of the scope's source."""

    collector: str


T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Rule(Generic[T]):
    """The well-known `RULE` of a module in `rules/`; `id` is the module's name.

    `judge` gets the View, the source that it is run for (None for scopes `site` and `daemon`) and the
    thresholds in force. `kinds` are the kinds of source it runs for (empty: all, or all Lightning ones
    with scope `node`). `after` and `keep_firing` in seconds: how long a finding is pending before its
    case opens, and how long a clear one is held before it resolves. `parents` inhibit its messages.
    `tells_changes`: while a case lives, other evidence is news to those who were told of it.
    """

    id: str
    scope: Scope
    severity: Severity
    owner: Owner
    thresholds: type[T]
    judge: Callable[[View, TargetView | None, T], Iterable[Answer]]
    after: float = 0.0
    keep_firing: float = 0.0
    kinds: tuple[str, ...] = ()
    needs: tuple[Need, ...] = ()
    parents: tuple[str, ...] = ()
    never_muted: bool = False
    tells_changes: bool = False
    grant: str = ""  # what to configure or grant where it can't fire
