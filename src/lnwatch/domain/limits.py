"""What a threshold may be: nonsense is refused when the configuration is read, in one clear line."""

from itertools import pairwise
from math import isfinite


def require_positive(**figures: float) -> None:
    """Raise ValueError for the first that is not a finite figure above 0."""
    for name, figure in figures.items():
        if not (isfinite(figure) and figure > 0):
            raise ValueError(f"`{name}` must be above 0, found {figure}")


def require_share(**figures: float) -> None:
    """Raise ValueError for the first that is not between 0 and 1."""
    for name, figure in figures.items():
        if not 0 < figure < 1:
            raise ValueError(f"`{name}` is a share between 0 and 1, found {figure}")


def require_order(**figures: float) -> None:
    """Raise ValueError unless each is above the one before."""
    for (lower, least), (upper, most) in pairwise(figures.items()):
        if not least < most:
            raise ValueError(f"`{upper}` must be above `{lower}` ({least}), found {most}")
