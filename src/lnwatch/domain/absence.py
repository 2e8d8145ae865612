"""How long a source was away, so that what nobody could hear is told from what nobody said."""

from lnwatch.model.snapshot import TargetState
from lnwatch.model.view import View

# Nothing happens in a node that is down, locked or starting. One that hangs may still pass payments on.
AWAY = frozenset({TargetState.DOWN, TargetState.STARTING, TargetState.LOCKED})


def seconds_away(view: View, source: str, start: float, end: float) -> float:
    """Seconds between `start` and `end` for which `source` was seen to be away."""
    spans = [span for span in view.states if span.source == source]
    ends = [*(span.at for span in spans[1:]), view.at]
    return sum(
        max(0.0, min(stop, end) - max(span.at, start))
        for span, stop in zip(spans, ends, strict=False)
        if span.state in AWAY
    )
