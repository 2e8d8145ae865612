"""The outbox in memory, which the tests of delivery use, and the ledger's: one behaves as the other."""

import asyncio
import itertools
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from hypothesis import HealthCheck, given
from hypothesis import settings as examples
from hypothesis import strategies as st

from lnwatch.model.case import Fingerprint, Reason, Transition
from lnwatch.model.message import Receipt
from lnwatch.notify._outbox import LEASE, Outbox, Parcel
from lnwatch.store import Addressed, CaseChange, LedgerSettings, open_ledger
from tests.manual_clock import ManualClock
from tests.notify.outbox import MemoryOutbox
from tests.store.case_stories import case, notice
from tests.store.stories import NOW

_channels = itertools.count()  # each example has a channel of its own, so that all may share a ledger
FAILURES = st.sampled_from(["timeout", "server", "gone", "rejected"])
STEPS = st.lists(
    st.tuples(
        st.sampled_from(["write", "write", "claim", "claim", "done", "retry", "park", "revive", "wait", "crash"]),
        st.integers(0, 3),
        FAILURES,
    ),
    max_size=25,
)


class Pair:
    """Both, told the same; what each of them says is compared at every step."""

    def __init__(self, ledger: Outbox, memory: MemoryOutbox, channel: str) -> None:
        self.boxes: tuple[Outbox, ...] = (ledger, memory)
        self.channel = channel
        self.claimed: list[list[str]] = [[], []]

    async def waiting(self, now: float) -> list[Sequence[Parcel]]:
        both = [await box.waiting(self.channel, 100, now) for box in self.boxes]
        said = [[(each.notice, each.tries, each.reference, each.claimed_before) for each in one] for one in both]
        assert said[0] == said[1]
        counts = [await box.pending(self.channel, NOW + 2) for box in self.boxes]
        assert counts[0] == counts[1]
        return both

    async def claim(self, place: int, now: float) -> None:
        """Every other message that waits, from one on."""
        ids = [[each.id for each in one[place::2]] for one in await self.waiting(now)]
        assert [await box.claim(own, now) for box, own in zip(self.boxes, ids, strict=True)] == [True, True]
        self.claimed = [held + own for held, own in zip(self.claimed, ids, strict=True)]

    async def end(self, what: str, place: int, failure: str, now: float) -> None:
        """What becomes of some that are claimed."""
        for box, held in zip(self.boxes, self.claimed, strict=True):
            ids, held[:] = held[place::2], [each for each in held if each not in held[place::2]]
            if what == "done":
                await box.done(ids, Receipt("ok", f"ref{place}" if place else None), now)
            elif what == "retry":
                await box.retry(ids, now + 20 * place, failure, "words")
            else:
                await box.park(ids, failure, "words")


@examples(
    max_examples=25,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(steps=STEPS)
def test_as_the_double(settings: LedgerSettings, tmp_path: Path, steps: list[tuple[str, int, str]]) -> None:
    """Whatever is written, claimed, sent, put off, parked, revived or forgotten, both say the same of it."""
    asyncio.run(_compare(settings, tmp_path, steps, f"channel{next(_channels)}"))


async def _compare(settings: LedgerSettings, folder: Path, steps: list[tuple[str, int, str]], channel: str) -> None:
    clock = ManualClock(NOW)
    ledger = await open_ledger(settings, folder, clock)
    memory = MemoryOutbox()
    pair = Pair(ledger.outbox, memory, channel)
    lives: dict[Fingerprint, int] = {}
    for number, (what, place, failure) in enumerate(steps):
        now = clock.now()
        if what == "write":
            told = _next(lives, Fingerprint(channel, "lightning_down", f"node:{place}"), now + number / 100, channel)
            await ledger.commit([told])
            memory.put(channel, *(each.notice for each in told.notices))
        elif what == "claim":
            await pair.claim(place, now)
        elif what in {"done", "retry", "park"}:
            await pair.end(what, place, failure, now)
        elif what == "revive":
            revived = [await box.revive(channel, [failure], NOW + place) for box in pair.boxes]
            assert revived[0] == revived[1]
        else:
            await clock.advance(LEASE if what == "crash" else 10 * place)
            pair.claimed = [[], []] if what == "crash" else pair.claimed
            pair.claimed = pair.claimed if clock.now() - now < LEASE else [[], []]
        await pair.waiting(clock.now())
    await ledger.close()


def _next(lives: dict[Fingerprint, int], fingerprint: Fingerprint, at: float, channel: str) -> CaseChange:
    """The next change of a case."""
    lives[fingerprint] = lives.get(fingerprint, 0) + 1
    of: Any = replace(case(fingerprint=fingerprint), transition=lives[fingerprint])
    told = notice(of, Transition.ESCALATED, at)
    return CaseChange(of, fingerprint, at, Reason.WORSE, Transition.ESCALATED, (Addressed(channel, told),))
