"""What to send next on a channel, of everything that waits for it: one message, a digest, or nothing at all. Pure."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass

from lnwatch.model.case import Fingerprint, Transition
from lnwatch.notify import NOTHING_TO_TELL
from lnwatch.notify._outbox import Parcel

DIGEST_OVER = 10  # waiting messages that still go singly
_BEGINNINGS = frozenset({Transition.OPENED, Transition.REOPENED})
_ENDS = frozenset({Transition.RESOLVED, Transition.CLOSED})


@dataclass(frozen=True, slots=True)
class Send:
    """Tell these, in one message.

    `again` where they may have been sent already; `over` where their end waits behind them, so that what is
    not known to have been sent need not be.
    """

    parcels: tuple[Parcel, ...]
    again: bool = False
    over: bool = False


@dataclass(frozen=True, slots=True)
class Drop:
    """Tell nobody of these, and why."""

    parcels: tuple[Parcel, ...]
    why: str


def plan(waiting: Sequence[Parcel], *, batches: bool, singly: Collection[str] = ()) -> Send | Drop | None:
    """The next step; None where nothing waits.

    `waiting` is oldest first. Of one case the order is kept; among cases the never muted go first, then
    what was tried least, then what may have been sent, then the most severe, then the oldest. `singly` are
    not put into a digest.
    """
    cases: dict[Fingerprint, list[Parcel]] = {}
    for parcel in waiting:
        cases.setdefault(parcel.notice.fingerprint, []).append(parcel)
    for run in cases.values():
        if pointless := _pointless(run):
            return pointless
    heads = [run[0] for run in cases.values()]
    ordinary = [parcel for parcel in waiting if not parcel.notice.never_muted and parcel.id not in singly]
    again = [parcel for parcel in ordinary if parcel.claimed_before]
    urgent = [head for head in heads if head.notice.never_muted]
    if not urgent and batches:
        # What a digest carried that we know nothing of is told again as the very same digest, if at all.
        if len(again) > DIGEST_OVER:
            return Send(tuple(again), again=True)
        if len(ordinary) > DIGEST_OVER and not again:
            return Send(tuple(ordinary))
    first = min(urgent or heads, key=_turn, default=None)
    if first is None:
        return None
    return Send((first,), again=first.claimed_before, over=bool(_over(cases[first.notice.fingerprint])))


def _over(run: Sequence[Parcel]) -> tuple[Parcel, ...]:
    """Everything up to the end of a case that begins with this run; empty where it has not ended or must be told."""
    last = max((place for place, parcel in enumerate(run) if parcel.notice.transition in _ENDS), default=0)
    over = tuple(run[: last + 1])
    begins = last > 0 and over[0].notice.transition in _BEGINNINGS
    return over if begins and not any(parcel.notice.never_muted for parcel in over) else ()


def _pointless(run: Sequence[Parcel]) -> Drop | None:
    """Openings that nobody was told of and that are over already, with their ends."""
    over = _over(run)
    if over and not any(parcel.claimed_before for parcel in over):
        return Drop(over, f"{NOTHING_TO_TELL.answer}: it began and ended before anybody was told")
    return None


def _turn(parcel: Parcel) -> tuple[bool, int, bool, int]:
    # What failed lets the others pass: the service may stumble on it each time. Doubtful ones before certain
    # ones: until they are settled nothing is known of their case. min() keeps the oldest of equals.
    notice = parcel.notice
    return (not notice.never_muted, parcel.tries, not parcel.claimed_before, -notice.severity.rank)
