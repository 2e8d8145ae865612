"""Stretches of trouble of lnwatch's own, and which of them still matter."""

from collections.abc import Iterable

from lnwatch.domain.wording import duration, moment
from lnwatch.model.view import Episode


def length(episode: Episode, now: float) -> float:
    """Seconds that it lasted, until `now` where it still lasts; 0 where a clock went back meanwhile."""
    return max(0.0, (now if episode.end is None else episode.end) - episode.start)


def recent(episodes: Iterable[Episode], now: float, within: float, lasted: float = 0.0) -> list[Episode]:
    """Those of `lasted` seconds or more that still last, or ended at most `within` seconds away; longest first.

    Away, not ago: after a clock went back, an end may lie ahead of `now`.
    """
    found = [
        episode
        for episode in episodes
        if (episode.end is None or abs(now - episode.end) <= within) and length(episode, now) >= lasted
    ]
    return sorted(found, key=lambda episode: length(episode, now), reverse=True)


def evidence(episodes: Iterable[Episode]) -> str:
    """What a person's `close` of all these holds on: another episode brings the case back."""
    return " ".join(f"{start:.3f}" for start in sorted(episode.start for episode in episodes))


def telling(episodes: Iterable[Episode], now: float) -> dict[str, str]:
    """Each with its length, by the moment when it began; for the facts of a case."""
    return {
        moment(episode.start): f"{'still' if episode.end is None else 'over'} after {duration(length(episode, now))}"
        for episode in episodes
    }
