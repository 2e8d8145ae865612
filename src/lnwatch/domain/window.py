"""How far back a View reaches."""

from lnwatch.domain.limits import require_positive

DAY = 86_400.0  # seconds of events, states and episodes that a View holds


def require_in_view(**seconds: float) -> None:
    """Raise ValueError for the first that is not above 0 and within what a View holds."""
    require_positive(**seconds)
    for name, figure in seconds.items():
        if figure > DAY:
            raise ValueError(f"`{name}` is a day (86400) at most, found {figure:g}")
