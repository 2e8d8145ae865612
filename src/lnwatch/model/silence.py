"""A silence or a maintenance window: data with an author, a reason and an end."""

from dataclasses import dataclass
from enum import StrEnum


class SilenceKind(StrEnum):
    """A silence mutes messages; announced maintenance also leaves the SLI."""

    SILENCE = "silence"
    MAINTENANCE = "maintenance"


@dataclass(frozen=True, slots=True)
class Silence:
    """What is muted from `starts_at` to `ends_at` (epoch seconds).

    Each matcher is a glob (`*` for anything) over what its name says; all must match.
    """

    id: str
    kind: SilenceKind
    author: str
    reason: str
    starts_at: float
    ends_at: float
    site: str = "*"
    rule: str = "*"
    subject: str = "*"
    owner: str = "*"
    severity: str = "*"
