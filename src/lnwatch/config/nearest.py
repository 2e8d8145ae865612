"""The valid name that a wrong one was probably meant to be."""

from collections.abc import Iterable
from difflib import get_close_matches

_FEW = 12  # as many names fit on a line


def nearest(name: str, valid: Iterable[str]) -> str | None:
    """The most similar valid name, None where none comes close."""
    close = get_close_matches(name.lower().replace("-", "_"), list(valid), n=1, cutoff=0.6)
    return close[0] if close else None


def instead(name: str, valid: Iterable[str]) -> str:
    """What to write instead of a name that is not known: the nearest, else what there is."""
    names = list(valid)
    close = nearest(name, names)
    if close is not None:
        return f"did you mean `{close}`?"
    if not names:
        return "there is none to name here"
    more = ", …" if len(names) > _FEW else ""
    return f"valid here: {', '.join(f'`{each}`' for each in names[:_FEW])}{more}"
