"""For how long something was up: weighed by time, without what is unknown and what was announced."""

from bisect import bisect_right
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from itertools import pairwise
from operator import itemgetter

from lnwatch.model.kpi import CanPay, PayabilitySpan
from lnwatch.model.silence import Silence, SilenceKind
from lnwatch.model.snapshot import TargetState
from lnwatch.model.view import StateSpan

Interval = tuple[float, float]
Changes = Sequence[tuple[float, bool | None]]  # from when on it was up, down, or nobody knows; oldest first


@dataclass(frozen=True, slots=True)
class Availability:
    """Seconds that count, and those of them in which it was down."""

    counted: float
    down: float

    def __add__(self, other: "Availability") -> "Availability":
        """Both together."""
        return Availability(self.counted + other.counted, self.down + other.down)


NEVER_SEEN = Availability(0.0, 0.0)


def availability(parts: Sequence[Changes], within: Interval, outside: Iterable[Interval]) -> Availability:
    """How long one of the parts was up `within` an interval, without what lies `outside`.

    It is down while all of them are; before its first change nothing is known of a part.
    """
    since, until = within
    left_out = [(max(start, since), min(end, until)) for start, end in outside if start < until and end > since]
    spells = [_spells(part, since, until) for part in parts]
    instants = {since, until, *(at for part in spells for at, _ in part)}
    instants.update(at for interval in left_out for at in interval)
    states: list[bool | None] = [None] * len(parts)
    counted = down = 0.0
    for start, end in pairwise(sorted(instants)):
        for index, part in enumerate(spells):
            while part and part[-1][0] <= start:
                states[index] = part.pop()[1]
        up = True if True in states else (None if None in states or not states else False)
        if up is not None and not any(first <= start < last for first, last in left_out):
            counted += end - start
            down += 0.0 if up else end - start
    return Availability(counted, down)


def _spells(part: Changes, since: float, until: float) -> list[tuple[float, bool | None]]:
    """The changes within, the newest first, after the state that was in force when it began."""
    first = bisect_right(part, since, key=itemgetter(0))
    before = [(since, part[first - 1][1])] if first else []
    return [*reversed([change for change in part[first:] if change[0] < until]), *before]


def payable(spans: Iterable[PayabilitySpan]) -> list[tuple[float, bool | None]]:
    """The changes of one rail of one store. Only *no* is downtime."""
    answers = {CanPay.YES: True, CanPay.PARTLY: True, CanPay.NO: False, CanPay.UNKNOWN: None}
    return sorted(((span.at, answers[span.answer]) for span in spans), key=lambda change: change[0])


def running(spans: Iterable[StateSpan]) -> list[tuple[float, bool | None]]:
    """The changes of one component. Whether it runs is unknown while it rejects our credential."""
    changes = [
        (span.at, None if span.state is TargetState.REJECTED else span.state is TargetState.UP) for span in spans
    ]
    return sorted(changes, key=lambda change: change[0])


def announced(windows: Iterable[Silence], site: str, subjects: Iterable[str]) -> list[Interval]:
    """When maintenance of one of the `subjects` was announced; a window for single rules is about messages alone."""
    named = tuple(subjects)
    return [
        (window.starts_at, window.ends_at)
        for window in windows
        if window.kind is SilenceKind.MAINTENANCE
        and window.starts_at < window.ends_at
        and (window.rule, window.owner, window.severity) == ("*", "*", "*")
        and fnmatchcase(site, window.site)
        and any(fnmatchcase(subject, window.subject) for subject in named)
    ]
