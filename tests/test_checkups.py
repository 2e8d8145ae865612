"""A source says what its credential may do when it is first seen, and again in time."""

import asyncio
from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field

from lnwatch.checkups import GOOD_FOR, LOOK_EVERY, MENDED_WITHIN, keep_checking
from lnwatch.clock import Clock
from lnwatch.errors import FailureReason, SourceError
from lnwatch.model.snapshot import Reading, TargetReport, TargetState
from lnwatch.model.view import CredentialScope
from lnwatch.sources import Checkup, Scope
from lnwatch.target import Target
from tests.manual_clock import ManualClock
from tests.test_collect import ScriptedCollector, ScriptedSource

UP = TargetReport(TargetState.UP, "1.0", supported=True)
ENOUGH = Checkup(reachable=True, state=TargetState.UP, scope=Scope.ENOUGH)
LACKING = Checkup(reachable=True, state=TargetState.UP, scope=Scope.TOO_LITTLE, missing=(("info:read", "no state"),))


@dataclass
class CheckedSource(ScriptedSource):
    """Says what a test wants of itself, and counts how often it was asked."""

    says: Checkup = ENOUGH
    asked: int = 0
    silent: asyncio.Event = field(default_factory=asyncio.Event)

    async def check(self) -> Checkup:
        self.asked += 1
        if self.silent.is_set():
            await asyncio.Event().wait()
        return self.says


def made(slug: str = "ln1") -> tuple[Target, CheckedSource]:
    source = CheckedSource([ScriptedCollector("node", [Reading()])])
    return Target(site="main", slug=slug, kind="lnd", lightning=True, source=source), source


@asynccontextmanager
async def checking(
    clock: Clock, *targets: Target, granted: Callable[[Target], None] = lambda _: None
) -> AsyncGenerator[list[None], None]:
    changes: list[None] = []
    running = asyncio.create_task(keep_checking(targets, clock, lambda: changes.append(None), granted))
    yield changes
    running.cancel()
    with suppress(asyncio.CancelledError):
        await running


async def test_asked_when_it_is_first_seen() -> None:
    """Not before it answers; then at once, and once an hour."""
    clock, (target, source) = ManualClock(), made()
    async with checking(clock, target) as changes:
        await clock.advance(60)
        assert source.asked == 0
        target.enter(clock.now(), UP)
        await clock.advance(LOOK_EVERY)
        assert (source.asked, target.credential) == (1, CredentialScope((), ()))
        await clock.advance(GOOD_FOR)
        assert source.asked == 2
    assert len(changes) == 2


async def test_what_is_missing_is_asked_about_again_soon() -> None:
    """Whoever grants a permission does not wait for an hour to see it gone."""
    clock, (target, source) = ManualClock(), made()
    source.says = LACKING
    target.enter(clock.now(), UP)
    async with checking(clock, target):
        await clock.advance(1)
        assert target.credential == CredentialScope((("info:read", "no state"),), ())
        source.says = ENOUGH
        await clock.advance(MENDED_WITHIN + LOOK_EVERY)
        assert target.credential == CredentialScope((), ())


async def test_what_was_forbidden_is_looked_at_soon_and_read_once_it_is_granted() -> None:
    """Within a minute of both; a source that lacked nothing is not told of."""
    clock, (target, source) = ManualClock(), made()
    told: list[Target] = []
    target.enter(clock.now(), UP)
    async with checking(clock, target, granted=told.append):
        await clock.advance(MENDED_WITHIN)
        assert source.asked == 1
        source.says = LACKING
        target.records["node"].failed(clock.now(), 0.1, SourceError(FailureReason.FORBIDDEN, "no"))
        assert target.forbidden == {"node"}
        await clock.advance(MENDED_WITHIN)
        assert target.credential == CredentialScope((("info:read", "no state"),), ())
        assert not told
        source.says = ENOUGH
        await clock.advance(MENDED_WITHIN + LOOK_EVERY)
        assert told == [target]
        target.records["node"].succeeded(clock.now(), 0.1)
        asked = source.asked
        await clock.advance(GOOD_FOR / 2)
        assert source.asked == asked
    assert told == [target]


async def test_an_unknown_scope_changes_nothing() -> None:
    """A source that can't say what its credential may do leaves what was known."""
    clock, (target, source) = ManualClock(), made()
    source.says = Checkup(reachable=True, state=TargetState.UP)
    target.enter(clock.now(), UP)
    async with checking(clock, target):
        await clock.advance(1)
    assert target.credential is None


async def test_a_certificate_tells_its_beginning() -> None:
    """From its end and the share of its lifetime that is left."""
    clock, (target, source) = ManualClock(), made()
    end = clock.now() + 90.0
    source.says = Checkup(reachable=True, state=TargetState.UP, tls_expires_at=end, tls_lifetime_left=0.9)
    target.enter(clock.now(), UP)
    async with checking(clock, target):
        await clock.advance(0)
    assert target.tls_begins_at is not None
    assert abs(target.tls_begins_at - (clock.now() - 10.0)) < 1e-3


async def test_a_source_that_hangs_holds_up_no_other() -> None:
    """They are asked side by side."""
    clock, (hanging, stuck), (other, source) = ManualClock(), made(), made("ln2")
    stuck.silent.set()
    for target in (hanging, other):
        target.enter(clock.now(), UP)
    async with checking(clock, hanging, other):
        await clock.advance(1)
        assert (stuck.asked, source.asked) == (1, 1)
