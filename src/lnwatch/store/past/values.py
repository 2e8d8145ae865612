"""The past as judgement sees it."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from lnwatch.model.lightning import LightningInvoice
from lnwatch.model.view import Baseline, Happening, StateSpan

DAY = 86_400.0
EVENTS_KEPT = DAY  # seconds for which an event, and a state that is over, are in a View
CLOSED_KEPT = 30 * DAY
USUAL = 7 * DAY  # over which a source's own normal is reckoned
USUAL_FEE = 30 * DAY


@dataclass(frozen=True, slots=True)
class Past:
    """What the View of one site lacks: see there. The very same object while nothing in it changes."""

    events: tuple[Happening, ...] = ()
    states: tuple[StateSpan, ...] = ()
    held: Mapping[str, tuple[LightningInvoice, ...]] = field(default_factory=dict)
    baselines: Mapping[tuple[str, str], Baseline] = field(default_factory=dict)
