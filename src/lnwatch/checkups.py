"""Has each source say now and then what its credential may do and how long its certificate lives."""

import asyncio
from collections.abc import Callable, Sequence

from lnwatch.clock import Clock
from lnwatch.target import Target

LOOK_EVERY = 15.0  # seconds between two looks at whose turn it is
GOOD_FOR = 3_600.0  # seconds
MENDED_WITHIN = 60.0  # seconds: somebody may be granting just what is missing
PATIENCE = 45.0  # seconds for one source


async def keep_checking(
    targets: Sequence[Target], clock: Clock, changed: Callable[[], None], granted: Callable[[Target], None]
) -> None:
    """Check every reachable source when it is first seen and once an hour, until cancelled.

    Where something is missing or was forbidden just now it is looked at soon again; `granted` is told of a source where
    nothing is missing any more.
    """
    looked: dict[Target, float] = {}
    while True:
        now = clock.monotonic()
        turn = [
            each for each in targets if each.reachable and (each not in looked or now >= looked[each] + _wait(each))
        ]
        lacked = {each for each in turn if _lacks(each)}
        await asyncio.gather(*(_check(target, clock) for target in turn))  # side by side: one may hang
        for target in turn:
            looked[target] = clock.monotonic()
            if target in lacked and not _lacks(target):
                granted(target)
            changed()
        await clock.sleep(LOOK_EVERY)


def _lacks(target: Target) -> bool:
    return target.credential is not None and bool(target.credential.missing)


def _wait(target: Target) -> float:
    return MENDED_WITHIN if _lacks(target) or target.forbidden else GOOD_FOR


async def _check(target: Target, clock: Clock) -> None:
    try:
        async with asyncio.timeout(PATIENCE):
            checkup = await target.source.check()
    except TimeoutError:
        return  # its collectors tell that it hangs
    target.examined(checkup, clock.now())
