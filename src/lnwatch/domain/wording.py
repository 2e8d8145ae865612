"""How figures and names are written in the sentences that people read."""

from collections.abc import Sequence
from datetime import UTC, datetime

_UNITS = ((86_400, "d"), (3_600, "h"), (60, "min"), (1, "s"))
_SIZES = ("bytes", "kB", "MB", "GB", "TB")


def duration(seconds: float) -> str:
    """Seconds in their two largest units: `45 s`, `1 h 30 min`, `6 d`; below one second `250 ms`."""
    if 0 < seconds < 0.9995:
        return f"{seconds * 1_000:.3g} ms"
    left, parts = max(0, round(seconds)), list[str]()
    for width, unit in _UNITS:
        if left >= width:
            parts.append(f"{left // width} {unit}")
            left %= width
        elif parts:
            break  # the next smaller unit is empty: what follows is too fine to matter
    return " ".join(parts[:2]) or "0 s"


def moment(at: float) -> str:
    """An instant in epoch seconds: `2027-01-15 08:00:00 UTC`."""
    return datetime.fromtimestamp(at, UTC).strftime("%Y-%m-%d %H:%M:%S UTC")


def percent(share: float) -> str:
    """A share (0-1) with the digits that matter: `4.2 %`, `33 %`."""
    return f"{share * 100:.2g} %" if share < 0.1 else f"{share * 100:.3g} %"


def size(count: float) -> str:
    """Bytes in decimal units, as disks are sold: `93.1 GB`."""
    value = float(count)
    for unit in _SIZES[:-1]:
        if abs(value) < 999.5:
            return f"{value:.3g} {unit}"
        value /= 1_000
    return f"{value:.3g} {_SIZES[-1]}" if value < 1_000 else f"{value:,.0f} {_SIZES[-1]}"


def count(number: int, noun: str) -> str:
    """`1 block`, `2 blocks`, `1,000 blocks`."""
    return f"{number:,} {noun}" if number == 1 else f"{number:,} {noun}s"


def listing(names: Sequence[str], most: int = 3) -> str:
    """`a`, `a and b`, `a, b and c`, `a, b, c and 4 more`."""
    shown = list(names[:most])
    if len(names) > most:
        shown.append(f"{len(names) - most} more")
    return " and ".join(filter(None, (", ".join(shown[:-1]), shown[-1]))) if shown else ""


def clause(text: str, otherwise: str = "no reason is known") -> str:
    """A foreign sentence as the tail of one of ours: on one line, without its full stop, 200 characters at most."""
    line = " ".join(text.split()).rstrip(". ")
    return f"{line[:199].rstrip()}…" if len(line) > 200 else line or otherwise
