"""Silences and maintenance windows as people read them."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from lnwatch.model.silence import Silence, SilenceKind
from lnwatch.redaction import redact
from lnwatch.web.pages import words

_KINDS = {SilenceKind.SILENCE: "Silence", SilenceKind.MAINTENANCE: "Maintenance"}


@dataclass(frozen=True, slots=True)
class Quiet:
    """One of them; `when` says how long it still lasts, or when it begins."""

    id: str
    kind: str
    in_force: bool
    what: str
    author: str
    reason: str
    when: str
    when_at: str


def quiets(silences: Iterable[Silence], now: float) -> tuple[Quiet, ...]:
    """What mutes now, then what will, each in the order of its end or beginning."""
    lasting = [silence for silence in silences if silence.ends_at > now]
    lasting.sort(key=lambda one: (one.starts_at > now, one.ends_at if one.starts_at <= now else one.starts_at, one.id))
    return tuple(_quiet(silence, now) for silence in lasting)


def _quiet(silence: Silence, now: float) -> Quiet:
    in_force = silence.starts_at <= now
    left = silence.ends_at - now if in_force else silence.starts_at - now
    return Quiet(
        id=silence.id,
        kind=_KINDS[silence.kind],
        in_force=in_force,
        what=", ".join(_matchers(silence)) or "everything",
        author=redact(silence.author),
        reason=redact(silence.reason),
        when=f"{'ends' if in_force else 'begins'} in {words.span(left)}",
        when_at=f"{words.instant(silence.starts_at)} to {words.instant(silence.ends_at)}",
    )


def _matchers(silence: Silence) -> Iterator[str]:
    for name in ("site", "rule", "subject", "owner", "severity"):
        pattern = getattr(silence, name)
        if pattern != "*":
            yield f"{name} {redact(pattern)}"
