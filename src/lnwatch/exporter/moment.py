"""An Assessment as it may be shown at the instant of a scrape: what is older than three intervals is gone."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TypeVar

from lnwatch.exporter.tally import Tallies, Tally
from lnwatch.model.assessment import Assessment
from lnwatch.model.lightning import Channels
from lnwatch.model.liquidity import NodeLiquidity
from lnwatch.model.snapshot import Facts, Snapshot, TargetState
from lnwatch.model.view import CollectorHealth, TargetView, View

# The engine publishes every few seconds; states and failures that it has not confirmed for so long are not told.
ENGINE_SILENCE = 60.0

F = TypeVar("F", bound=Facts)


@dataclass(frozen=True, slots=True)
class Moment:
    """The newest Assessment and the time of the scrape, in seconds since the epoch."""

    assessment: Assessment
    now: float
    tallies: Tallies

    @property
    def lately(self) -> bool:
        """Whether the engine spoke lately."""
        return self.now - self.assessment.at <= ENGINE_SILENCE

    def targets(self) -> Iterator[tuple[View, TargetView]]:
        """Every source of every site."""
        for view in self.assessment.views.values():
            for target in view.targets.values():
                yield view, target

    def nodes(self) -> Iterator[tuple[View, TargetView]]:
        """Every Lightning node of every site."""
        return ((view, target) for view, target in self.targets() if target.lightning)

    def snapshot(self, target: TargetView, kind: type[F]) -> Snapshot | None:
        """The fresh snapshot whose facts are of that kind."""
        for collector, snapshot in target.snapshots.items():
            if isinstance(snapshot.facts, kind):
                return target.fresh(collector, self.now)
        return None

    def facts(self, target: TargetView, kind: type[F]) -> F | None:
        """The fresh facts of that kind."""
        snapshot = self.snapshot(target, kind)
        return snapshot.facts if snapshot is not None and isinstance(snapshot.facts, kind) else None

    def state(self, target: TargetView) -> TargetState | None:
        """The target's state, None where nobody confirmed it lately."""
        lead = next(iter(target.collectors.values()), None)
        return target.state if lead is not None and self.ran_lately(lead) else None

    def ran_lately(self, health: CollectorHealth) -> bool:
        """Whether its newest run still says how it fares; a stream says so by standing."""
        if health.last_run_at is None or not self.lately:
            return False
        return health.interval == 0 or self.now - health.last_run_at <= 3 * health.interval

    def still_true(self, health: CollectorHealth) -> bool:
        """The same, but a failure stays told while the collector waits for its target or backs off."""
        if health.success:
            return self.ran_lately(health)
        return health.last_run_at is not None and self.lately

    def tally(self, view: View, target: TargetView) -> Tally | None:
        """Sums over the node's channels."""
        channels = self.facts(target, Channels)
        return None if channels is None else self.tallies.of((view.site, target.slug), channels)

    def liquidity(self, view: View, target: TargetView) -> NodeLiquidity | None:
        """The node's liquidity, as old as the channel list that it was reckoned from."""
        liquidity = view.liquidity.get(target.slug)
        if liquidity is None or self.snapshot(target, Channels) is None:
            return None
        return liquidity if self.now - liquidity.at <= self._patience(target) else None

    def _patience(self, target: TargetView) -> float:
        for collector, snapshot in target.snapshots.items():
            if isinstance(snapshot.facts, Channels):
                return 3 * target.collectors[collector].interval
        return 0.0
