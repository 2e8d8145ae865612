"""Components that left service together, as in an upgrade or a reboot, and which are not back yet."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from lnwatch.domain.reach import SERVING, WITHOUT_SYSTEM
from lnwatch.model.snapshot import TargetState
from lnwatch.model.view import StateSpan, TargetView, View

GRACE_RULE = "restart_overrun"  # speaks of the grace itself; its thresholds say how long one is
TOGETHER = 60.0  # seconds: what leaves within this time of another leaves with it

# A hanging node does not begin a restart, nor does one that hung before it left: a Lightning node hangs when its
# bitcoind dies alone, and ends itself later. Whoever is told to stop answers to the end, or not at all.
_LEFT = frozenset({TargetState.DOWN, TargetState.STARTING})


@dataclass(frozen=True, slots=True)
class Outage:
    """The last time that a source left service: `back` where it serves again; `version` from before."""

    source: str
    start: float
    back: bool
    version: str


@dataclass(frozen=True, slots=True)
class Restart:
    """Sources that left together, the first at `start`; `missing` do not serve yet. Versions before, by source."""

    start: float
    sources: tuple[str, ...]
    missing: tuple[str, ...]
    versions: Mapping[str, str]


def joint_restart(view: View, together: float = TOGETHER) -> Restart | None:
    """The restart of two sources or more that is going on; None where none is, or all are back.

    `together` in seconds. The longest one where there are several.
    """
    outages = sorted(_outages(view), key=lambda outage: outage.start)
    for missing in outages:
        if missing.back:
            continue
        group = [outage for outage in outages if abs(outage.start - missing.start) <= together]
        if len(group) > 1:
            return Restart(
                start=group[0].start,
                sources=tuple(outage.source for outage in group),
                missing=tuple(outage.source for outage in group if not outage.back),
                versions={outage.source: outage.version for outage in group},
            )
    return None


def within_grace(view: View, grace: float, together: float = TOGETHER) -> bool:
    """Whether a joint restart is going on that has taken no more than `grace` seconds yet."""
    restart = joint_restart(view, together)
    return restart is not None and view.at - restart.start <= grace


def _outages(view: View) -> Iterator[Outage]:
    for target in view.targets.values():
        if target.kind not in WITHOUT_SYSTEM and (outage := _last_outage(target, _spans(view, target))) is not None:
            yield outage


def _spans(view: View, target: TargetView) -> list[StateSpan]:
    """The target's history of a day, its present state last."""
    spans = [span for span in view.states if span.source == target.slug]
    if target.state is None or target.since is None:
        return spans
    if not spans or spans[-1].state is not target.state:
        spans.append(StateSpan(target.slug, target.since, target.state, target.version))
    return spans


def _last_outage(target: TargetView, spans: list[StateSpan]) -> Outage | None:
    start: float | None = None
    last: Outage | None = None
    version, hung = "", False
    for span in spans:
        if span.state in SERVING:
            if start is not None:
                last = Outage(target.slug, start, back=True, version=version)
            start, version, hung = None, span.version, False
        elif span.state is TargetState.HANGING:
            hung = True
        elif start is None and span.state in _LEFT and not hung:
            start = span.at
    if start is not None:
        return Outage(target.slug, start, back=False, version=version or target.version)
    return last
