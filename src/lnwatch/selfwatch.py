"""What goes wrong with lnwatch itself: its event loop stands, its clock jumps, its ledger can't be written."""

from collections.abc import Callable, Mapping

import structlog

from lnwatch.clock import Clock
from lnwatch.domain.wording import duration
from lnwatch.errors import LedgerError
from lnwatch.model.view import Episode, OwnHealth
from lnwatch.store import Ledger

log = structlog.get_logger()

TICK = 0.5  # seconds between two looks at the clocks: each wakes an idle process
STALLED = 1.0  # seconds that the loop came late: from here on it is worth remembering
JUMPED = 5.0  # seconds by which the two clocks may part within a tick
REMEMBERED = 86_400.0  # seconds: a View looks back a day

LOOP, CLOCK, LEDGER = "loop", "clock", "ledger"


class SelfWatch:
    """Keeps the episodes of the last day, in memory and in the ledger."""

    def __init__(
        self, ledger: Ledger, clock: Clock, lagged: Callable[[float], None] = lambda _: None, tick: float = TICK
    ) -> None:
        """Nothing is known before `restore`. `lagged` is told of each look how many seconds late it came."""
        self._tick = tick
        self._ledger = ledger
        self._clock = clock
        self._lagged = lagged
        self._episodes: dict[str, list[Episode]] = {LOOP: [], CLOCK: [], LEDGER: []}
        self._unwritten: list[tuple[str, Episode]] = []

    async def restore(self, now: float) -> None:
        """Take up what the ledger knows from before this start. Raises LedgerError."""
        for (kind, _), episodes in (await self._ledger.episodes(now - REMEMBERED)).items():
            if kind in self._episodes:
                self._episodes[kind] += episodes

    async def run(self) -> None:
        """Look until cancelled."""
        wall, steady = self._clock.now(), self._clock.monotonic()
        while True:
            await self._clock.sleep(self._tick)
            before = (wall, steady)
            wall, steady = self._clock.now(), self._clock.monotonic()
            self._compare(wall - before[0], steady - before[1], wall)
            await self._write()

    def _compare(self, by_wall: float, by_steady: float, now: float) -> None:
        late = by_steady - self._tick
        self._lagged(max(0.0, late))
        if late >= STALLED:
            self._add(LOOP, Episode(now - late, now, f"nothing was read, judged or told for {duration(late)}"))
        apart = by_wall - by_steady
        if abs(apart) >= JUMPED:
            way = "ahead" if apart > 0 else "back"
            self._add(CLOCK, Episode(now - apart, now, f"it went {way} by {duration(abs(apart))} at once"))

    def ledger_failed(self, words: str) -> None:
        """It could not be written just now; the first of several such words begins an episode."""
        episodes = self._episodes[LEDGER]
        if not episodes or episodes[-1].end is not None:
            episodes.append(Episode(self._clock.now(), None, words))

    def ledger_works(self) -> None:
        """It was written just now."""
        episodes = self._episodes[LEDGER]
        if episodes and episodes[-1].end is None:
            lasting = episodes.pop()
            self._add(LEDGER, Episode(lasting.start, self._clock.now(), lasting.words))

    def _add(self, kind: str, episode: Episode) -> None:
        log.warning("trouble of our own", kind=kind, words=episode.words)
        self._episodes[kind].append(episode)
        self._unwritten.append((kind, episode))

    async def _write(self) -> None:
        while self._unwritten:
            kind, episode = self._unwritten[0]
            try:
                await self._ledger.put_episode(kind, "", episode)
            except LedgerError:
                return  # told by the engine; memory has it until then
            self._unwritten.pop(0)

    def health(self, deliveries: Mapping[str, Episode], broken_rules: Mapping[str, str], journal: str) -> OwnHealth:
        """All of it, with what delivery, the rules and the executor say of themselves."""
        since = self._clock.now() - REMEMBERED
        for kind, episodes in self._episodes.items():
            self._episodes[kind] = [each for each in episodes if each.end is None or each.end >= since]
        return OwnHealth(
            deliveries=deliveries,
            broken_rules=broken_rules,
            ledger=tuple(self._episodes[LEDGER]),
            loop_stalls=tuple(self._episodes[LOOP]),
            clock_jumps=tuple(self._episodes[CLOCK]),
            journal=journal,
        )
