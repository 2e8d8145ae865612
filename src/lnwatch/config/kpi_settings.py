"""What a site's stores are measured against: for all of them, for one rail, for one store, for one rail of a store."""

from collections.abc import Iterable
from dataclasses import replace
from typing import Annotated, Literal

from pydantic import AfterValidator, Field, Strict

from lnwatch.domain.tally import BLOCKS, SECONDS
from lnwatch.fields import Amount, Duration, Settings, Slug, format_duration
from lnwatch.model.kpi import Targets
from lnwatch.model.order import Rail


def _share(value: float) -> float:
    if not 0 < value < 1:
        raise ValueError("a target is a share between 0 and 1, such as 0.95")
    return value


def _edge(value: float) -> float:
    if value not in SECONDS:
        raise ValueError(f"times are counted up to {', '.join(map(format_duration, SECONDS))}: take one")
    return value


def _blocks(value: int) -> int:
    if value not in BLOCKS:
        raise ValueError(f"blocks are counted up to {', '.join(f'{edge:g}' for edge in BLOCKS)}: take one")
    return value


def _mean(value: float) -> float:
    if not 0 < value <= 86_400:
        raise ValueError("a mean is above 0 and a day at most")
    return value


Share = Annotated[float, Strict(), AfterValidator(_share)]
Seconds = Annotated[Duration, AfterValidator(_edge)]
Blocks = Annotated[int, Strict(), AfterValidator(_blocks)]
Mean = Annotated[Duration, AfterValidator(_mean)]


PayingRail = Literal[Rail.LIGHTNING, Rail.ONCHAIN]


class RailTargets(Settings):
    """Targets of one rail; what is not set is as for all rails."""

    payment_success: Share | None = None
    conversion: Share | None = None
    lightning_fast: Share | None = None
    lightning_within: Seconds | None = None
    onchain_fast: Share | None = None
    onchain_within: Blocks | None = None
    onchain_mean: Mean | None = None
    uptime: Share | None = None
    fallback: Share | None = None
    refund: Share | None = None

    def over(self, targets: Targets) -> Targets:
        """The same targets, with those that are set here in their place."""
        own = {key: getattr(self, key) for key in RailTargets.model_fields}
        return replace(targets, **{key: value for key, value in own.items() if value is not None})


class PlaceTargets(RailTargets):
    """Targets of whatever has rails."""

    rails: dict[PayingRail, RailTargets] = Field(default_factory=dict)

    def of(self, rail: Rail) -> RailTargets | None:
        """What is set for one rail alone."""
        return next((targets for name, targets in self.rails.items() if name is rail), None)


class StoreTargets(PlaceTargets):
    """Targets of one store, and what it is expected to take a day over Lightning, until 14 days have shown it."""

    daily_volume: Amount | None = None


class KpiSettings(PlaceTargets):
    """Targets of a site: shares (0-1), and what counts as fast. A store's beat a rail's, and those the site's."""

    payment_success: Share | None = 0.95
    lightning_fast: Share | None = 0.95
    lightning_within: Seconds | None = Field("5s", validate_default=True)
    onchain_fast: Share | None = 0.9
    onchain_within: Blocks | None = 2
    onchain_mean: Mean | None = Field("10m", validate_default=True)
    uptime: Share | None = 0.999
    refund: Share | None = 0.01
    stores: dict[Slug, StoreTargets] = Field(default_factory=dict)

    def targets(self, store: str, rail: Rail | None) -> Targets:
        """What is in force for a store ("": the site as a whole) and a rail (None: all of them)."""
        own = self.stores.get(store, StoreTargets())
        layers: list[RailTargets | None] = [self, own]
        if rail is not None:
            layers = [self, self.of(rail), own, own.of(rail)]
        targets = Targets()
        for layer in layers:
            targets = layer.over(targets) if layer is not None else targets
        return targets

    def declared(self, stores: Iterable[str]) -> int | None:
        """What these stores are expected to take a day together, in msat; None where nobody said."""
        own = [self.stores[store].daily_volume for store in stores if store in self.stores]
        said = [volume for volume in own if volume is not None]
        return sum(said) if said else None
