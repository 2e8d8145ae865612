"""Has each source say now and then what its credential may do and how long its certificate lives."""

import asyncio
from collections.abc import Callable, Sequence

from lnwatch.clock import Clock
from lnwatch.target import Target

LOOK_EVERY = 15.0  # seconds between two looks at whose turn it is
GOOD_FOR = 3_600.0  # seconds
MENDED_WITHIN = 60.0  # seconds: somebody may be granting just what is missing
PATIENCE = 45.0  # seconds for one source


async def keep_checking(targets: Sequence[Target], clock: Clock, changed: Callable[[], None]) -> None:
    """Check every reachable source when it is first seen and once an hour, until cancelled."""
    due: dict[Target, float] = {}
    while True:
        turn = [target for target in targets if target.reachable and clock.monotonic() >= due.get(target, 0.0)]
        await asyncio.gather(*(_check(target, clock) for target in turn))  # side by side: one may hang
        for target in turn:
            lacking = target.credential is not None and target.credential.missing
            due[target] = clock.monotonic() + (MENDED_WITHIN if lacking else GOOD_FOR)
            changed()
        await clock.sleep(LOOK_EVERY)


async def _check(target: Target, clock: Clock) -> None:
    try:
        async with asyncio.timeout(PATIENCE):
            checkup = await target.source.check()
    except TimeoutError:
        return  # its collectors tell that it hangs
    target.examined(checkup, clock.now())
