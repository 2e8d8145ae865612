"""What a cause is: a sentence, what it does to the world's customers, and what to the doubles on stage."""

from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from contextlib import AbstractAsyncContextManager, AbstractContextManager, asynccontextmanager, contextmanager
from dataclasses import dataclass, field

from lnwatch.simulator.demo.people import People
from lnwatch.simulator.world.hostclock import HostClock
from lnwatch.simulator.world.stage import Stage
from lnwatch.simulator.world.world import World


@dataclass(frozen=True, slots=True)
class How:
    """How much, whom, for how many seconds, of which kind, and on which path alone."""

    amount: float = 0.0
    who: str = ""
    lasts: float = 0.0
    kind: str = ""
    path: str = ""


@dataclass(frozen=True, slots=True)
class Place:
    """Where it happens: the doubles, whoever is told, and the clock of the daemon's host."""

    stage: Stage
    people: People
    host: HostClock


InWorld = Callable[[World, How], AbstractContextManager[None]]
OnStage = Callable[[Place, How], AbstractAsyncContextManager[None]]


@contextmanager
def nothing(_world: World, _how: How) -> Iterator[None]:
    """Customers notice nothing of it."""
    yield


@asynccontextmanager
async def as_in_the_world(_place: Place, _how: How) -> AsyncIterator[None]:
    """The doubles follow the world by themselves."""
    yield


def no_path(how: How) -> str:
    """It is about the whole of it."""
    return "`path` does not go with it" if how.path else ""


@dataclass(frozen=True, slots=True)
class Kind:
    """One of them. `amount` and `who` say what they are, empty where it takes none; `at_once`: it has no end.

    `whom` are those whom it can happen to, with the kinds of it that there are; empty where that is for the world to
    say. `path` says what is wrong with one.
    """

    sentence: str
    in_world: InWorld = nothing
    on_stage: OnStage = as_in_the_world
    amount: str = ""
    who: str = ""
    at_once: bool = False
    whom: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    path: Callable[[How], str] = no_path

    @property
    def historic(self) -> bool:
        """Whether it can begin before anybody is on stage."""
        return self.on_stage is as_in_the_world and not self.at_once

    def wrong(self, how: How) -> str:
        """What is wrong with how it is asked for, naming the key; empty where nothing is."""
        if not self.whom:
            return "neither `kind` nor `path` goes with it" if how.kind or how.path else ""
        if how.who not in self.whom:
            return f"`who` is one of {', '.join(self.whom)}"
        kinds = self.whom[how.who]
        if how.kind not in (kinds or ("",)):
            return f"`kind` for {how.who} is one of {', '.join(kinds)}" if kinds else "`kind` does not go with it"
        return self.path(how)
