"""What to send next on a channel, of everything that waits for it: one message, a digest, or nothing at all. Pure."""

from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby, takewhile
from operator import attrgetter

from lnwatch.model.case import Fingerprint, Transition
from lnwatch.notify import NOTHING_TO_TELL
from lnwatch.notify._outbox import Parcel

DIGEST_OVER = 10  # waiting messages that still go singly
_BEGINNINGS = frozenset({Transition.OPENED, Transition.REOPENED})
_NEWS = _BEGINNINGS | {Transition.ESCALATED}  # what is none any more once the case has ended
_ENDS = frozenset({Transition.RESOLVED, Transition.CLOSED})

_Load = tuple[Parcel, ...]  # what leaves together


@dataclass(frozen=True, slots=True)
class Send:
    """Tell these, in one message.

    `again` where they may have been sent already; `over` where their end waits behind them, so that what is
    not known to have been sent need not be. `late` ones are news of a case and everything after it up to its
    end: that alone is told, and what could not be told before.
    """

    parcels: _Load
    again: bool = False
    over: bool = False
    late: bool = False

    @property
    def told(self) -> _Load:
        """Those whose notices the message carries."""
        return self.parcels[-1:] if self.late else self.parcels


@dataclass(frozen=True, slots=True)
class Drop:
    """Tell nobody of these, and why."""

    parcels: _Load
    why: str


def plan(
    waiting: Sequence[Parcel], *, batches: bool, calls: bool = False, singly: Collection[str] = ()
) -> Send | Drop | None:
    """The next step; None where nothing waits.

    `waiting` is oldest first. Of one case the order is kept; among cases the never muted go first, then
    what was tried least, then what may have been sent, then what goes on, then the most severe, then the
    oldest. `singly` are not put into a digest. What was over before it could be told is one message, and none
    where messages are `calls`: nobody is called for what is over.
    """
    cases: dict[Fingerprint, list[Parcel]] = {}
    for parcel in waiting:
        cases.setdefault(parcel.notice.fingerprint, []).append(parcel)
    loads = [list(_loads(run)) for run in cases.values()]
    heads = [each[0] for each in loads]
    if calls and (pointless := next(filter(_certainly_late, heads), None)):
        return _pointless(pointless)
    urgent = [head for head in heads if head[0].notice.never_muted]
    if not urgent and batches and (digest := _digest(waiting, [each for case in loads for each in case], singly)):
        return digest
    first = min(urgent or heads, key=_turn, default=None)
    if first is None:
        return None
    over = _late(cases[first[0].notice.fingerprint]) > 1
    return Send(first, again=first[0].claimed_before, over=over and len(first) == 1, late=len(first) > 1)


def _digest(waiting: Sequence[Parcel], loads: Iterable[_Load], singly: Collection[str]) -> Send | None:
    """Everything ordinary in one message, where that would be too many."""
    ordinary = [load for load in loads if not load[0].notice.never_muted and load[0].id not in singly]
    again = [load for load in ordinary if load[0].claimed_before]
    # What a digest carried that we know nothing of is told again as the very same digest, if at all.
    chosen = again or ordinary
    if len(chosen) <= DIGEST_OVER:
        return None
    ids = {parcel.id for load in chosen for parcel in load}
    return Send(tuple(parcel for parcel in waiting if parcel.id in ids), again=bool(again))


def _loads(run: Iterable[Parcel]) -> Iterator[_Load]:
    """What waits of one case as it leaves: singly, but together what was over before it could be told."""
    for _, opening in groupby(run, key=lambda parcel: parcel.notice.number):
        left = tuple(opening)
        while left:
            # What was claimed is settled as it was claimed, whatever came since.
            claimed = len(tuple(takewhile(attrgetter("claimed_before"), left)))
            size = _late(left[: claimed or len(left)])
            yield left[:size]
            left = left[size:]


def _late(run: Sequence[Parcel]) -> int:
    """How many there are up to the end of the opening that a run tells news of; 1 where it goes on, or must be told."""
    opening = [parcel for parcel in run if parcel.notice.number == run[0].notice.number]
    last = max((place for place, parcel in enumerate(opening) if parcel.notice.transition in _ENDS), default=0)
    late = opening[0].notice.transition in _NEWS and not any(each.notice.never_muted for each in opening[: last + 1])
    return last + 1 if late else 1


def _certainly_late(load: _Load) -> bool:
    return len(load) > 1 and not load[0].claimed_before


def _pointless(load: _Load) -> Drop:
    """News that nobody was called for; its end too, unless there was a call before that has to be ended."""
    gone = load if load[0].notice.transition in _BEGINNINGS else load[:-1]
    return Drop(gone, f"{NOTHING_TO_TELL.answer}: it was over before anybody could be called")


def _turn(load: _Load) -> tuple[bool, int, bool, bool, int]:
    # What failed lets the others pass: the service may stumble on it each time. Doubtful ones before certain
    # ones: until they are settled nothing is known of their case. min() keeps the oldest of equals.
    first, notice = load[0], load[-1].notice
    return (not notice.never_muted, first.tries, not first.claimed_before, len(load) > 1, -notice.severity.rank)
