"""Worlds that tests look at, and what happened in them."""

from lnwatch.simulator.world import World, WorldSpec
from lnwatch.simulator.world.events import Event, line
from lnwatch.simulator.world.timetable import DAY

BEGIN = 20_700 * DAY  # a Friday


class Chronicle:
    """A world with everything that happened in it."""

    def __init__(self, spec: WorldSpec) -> None:
        self.events: list[tuple[int, Event]] = []
        self.world = World(spec, lambda at, event: self.events.append((at, event)))

    def days(self, count: float) -> "Chronicle":
        """So many more days."""
        self.world.run(self.world.now + int(count * DAY))
        return self

    @property
    def log(self) -> str:
        """As it is written down."""
        return "\n".join(line(at, event) for at, event in self.events)
