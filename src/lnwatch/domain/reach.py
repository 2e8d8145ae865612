"""Whether a source answers and serves, as its leading collector last saw it."""

from lnwatch.model.snapshot import TargetState
from lnwatch.model.view import CollectorHealth, Fault, TargetView, View

SERVING = frozenset({TargetState.UP, TargetState.SYNCING})
SILENT = frozenset({TargetState.DOWN, TargetState.HANGING})
WITHOUT_SYSTEM = frozenset({"host", "probe"})  # kinds that are no component of the merchant's stack

# Reasons of a failure, by the values of `errors.FailureReason`, which the pure ring does not import.
UNREADABLE = "credential_unreadable"
BUG = "bug"
FORBIDDEN = frozenset({"forbidden"})
REFUSED_CREDENTIAL = frozenset({"rejected", "tls", UNREADABLE})


def lead(target: TargetView) -> CollectorHealth | None:
    """The health of the collector whose failure is the target's state: the first."""
    return next(iter(target.collectors.values()), None)


def present_state(target: TargetView, now: float) -> TargetState | None:
    """The state, or None where it is not known now.

    That is before the first answer since lnwatch started, when the leading collector has not come to an
    end for three intervals, and when it breaks by a fault of our own, which says nothing of the target.
    """
    health = lead(target)
    if target.state is None or health is None or health.last_run_at is None:
        return None
    if health.interval > 0 and now - health.last_run_at > 3 * health.interval:
        return None
    broken = health.fault is not None and health.fault.reason == BUG
    return None if broken and health.stale(now) else target.state


def silent(target: TargetView, now: float) -> bool | None:
    """Whether the source gives no answer; None where that is not known.

    A refused credential is an answer, but for one that we can't read: then nothing was asked.
    """
    state = present_state(target, now)
    if state is None:
        return None
    health = lead(target)
    if state is TargetState.REJECTED and health is not None and health.fault is not None:
        return None if health.fault.reason == UNREADABLE else False
    return state in SILENT


def serving_since(view: View, target: TargetView) -> float | None:
    """Since when the target serves without a break, at least; None while it does not."""
    if present_state(target, view.at) not in SERVING:
        return None
    since = target.since if target.since is not None else view.at
    for span in reversed(view.states):
        if span.source != target.slug:
            continue
        if span.state not in SERVING:
            break
        since = min(since, span.at)
    return since


def unseen(target: TargetView, name: str) -> str:
    """Why what `name` collects can't be told now, in words for an answer that can't tell."""
    state = target.state.value if target.state is not None else "not seen yet"
    return f"{target.slug} is {state}: its collector `{name}` has nothing fresh"


def standing_faults(view: View, target: TargetView, reasons: frozenset[str]) -> dict[str, Fault]:
    """Faults for one of `reasons` that a serving target's collectors still have, by collector.

    What failed before the target came to serve again is over, although its collector has not run since.
    """
    since = serving_since(view, target)
    if since is None:
        return {}
    faults = {name: health.fault for name, health in target.collectors.items() if health.fault is not None}
    return {name: fault for name, fault in faults.items() if fault.reason in reasons and fault.at >= since}
