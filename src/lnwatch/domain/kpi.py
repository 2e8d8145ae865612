"""What a merchant is measured by, from sums over windows: who asks tomorrow gets the same answer for today."""

from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from math import sqrt

from lnwatch.domain import tally, uptime
from lnwatch.domain.uptime import Availability, Changes, Interval
from lnwatch.model.kpi import Kpi, KpiFigure, PayabilitySpan, Targets
from lnwatch.model.order import Outcome, Rail
from lnwatch.model.silence import Silence
from lnwatch.model.tally import Sum
from lnwatch.model.view import StateSpan

HOUR, DAY = 3_600, 86_400
WINDOWS: Mapping[int, str] = {HOUR: "1h", DAY: "24h", 7 * DAY: "7d", 30 * DAY: "30d"}  # seconds, and as a label
RAILS: tuple[Rail | None, ...] = (*tally.PAYING_RAILS, None)
WHOLE_SITE = ""  # where a store's slug stands

_FIVE_MINUTES = 300
_FIVE_MINUTES_KEPT = 8 * DAY
_Z = 1.959963984540054  # of a normal distribution, 95 % lie within so many deviations

TargetsOf = Callable[[str, Rail | None], Targets]


@dataclass(frozen=True, slots=True)
class Watched:
    """What uptime is reckoned from: states since 30 days ago and those that were in force before, and what leaves it.

    `silences` are those that ended in that time or last; in `absences` lnwatch itself did not look.
    """

    payability: Sequence[PayabilitySpan] = ()
    states: Sequence[StateSpan] = ()
    silences: Sequence[Silence] = ()
    absences: Sequence[Interval] = ()


@dataclass(frozen=True, slots=True)
class Buckets:
    """Those of `width` seconds that begin from `since` up to, not at, `until`."""

    since: int
    until: int
    width: int


@dataclass(frozen=True, slots=True)
class Input:
    """What the KPIs of a site are reckoned from at `at`; `sums` are by window, of the buckets that `buckets` names."""

    site: str
    at: float
    stores: Collection[str]
    sums: Mapping[int, Iterable[Sum]]
    watched: Watched = field(default_factory=Watched)


def buckets(window: int, at: float) -> tuple[Buckets, ...]:
    """Which buckets make up a window: small ones up to the first full hour, and hours from there on.

    The window is covered whole, so that the first bucket may begin up to its width before.
    """
    until = start_of(at, HOUR) + HOUR
    if window + _FIVE_MINUTES > _FIVE_MINUTES_KEPT:
        return (Buckets(start_of(at - window, HOUR), until, HOUR),)
    since = start_of(at - window, _FIVE_MINUTES)
    full = start_of(since + HOUR - 1, HOUR)
    small = (Buckets(since, full, _FIVE_MINUTES),) if since < full else ()
    return (*small, Buckets(full, until, HOUR))


def start_of(at: float, width: int) -> int:
    """The first second of the bucket that holds an instant."""
    return int(at // width) * width


def figures(given: Input, targets: TargetsOf) -> tuple[KpiFigure, ...]:
    """Every KPI of every store and of the whole site, for every window and rail, also where nothing happened yet."""
    lives = _lives(given.watched)
    return tuple(
        figure
        for window in WINDOWS
        for figure in (*_of_orders(given, window, targets), *_uptimes(given, lives, window, targets))
    )


def causes(given: Input) -> dict[tuple[str, int], dict[str, int]]:
    """How many orders did not settle for which reason, by store and window: a Proof's value, or `unexplained`."""
    found: dict[tuple[str, int], dict[str, int]] = {}
    for window in WINDOWS:
        for store, sums in _by_store(given, window).items():
            counts = {name.removeprefix(tally.CAUSE): sums.count(name) for name in tally.causes()}
            found[store, window] = {cause: count for cause, count in counts.items() if count > 0}
    return found


def wilson(good: int, events: int) -> tuple[float, float] | None:
    """Where the true share lies with 95 % confidence; None without events."""
    if events <= 0:
        return None
    share = good / events
    spread = _Z * sqrt(share * (1 - share) / events + _Z * _Z / (4 * events * events))
    middle = share + _Z * _Z / (2 * events)
    scale = 1 + _Z * _Z / events
    # The ends are drawn to the share where rounding would leave it outside: at 0 and at 1.
    return min(share, max(0.0, (middle - spread) / scale)), max(share, min(1.0, (middle + spread) / scale))


@dataclass(frozen=True, slots=True)
class _Sums:
    """The sums of one store over one window."""

    n: Mapping[str, int]
    amount: Mapping[str, int]

    def count(self, *series: str) -> int:
        """Events in all of these."""
        return sum(self.n.get(name, 0) for name in series)

    def settled(self, rail: Rail | None) -> int:
        """Orders that settled on the rail, on any where it is None."""
        return self.count(*(tally.ordered(each, Outcome.SETTLED) for each in _each(rail)))


def _each(rail: Rail | None) -> tuple[Rail, ...]:
    return tuple(Rail) if rail is None else (rail,)


def _by_store(given: Input, window: int) -> dict[str, _Sums]:
    subjects = {tally.subject_of(store): store for store in given.stores}
    n: dict[str, dict[str, int]] = {store: defaultdict(int) for store in (WHOLE_SITE, *given.stores)}
    amount: dict[str, dict[str, int]] = {store: defaultdict(int) for store in n}
    for each in given.sums.get(window, ()):
        if (store := subjects.get(each.subject)) is not None:
            for where in (WHOLE_SITE, store):
                n[where][each.series] += each.n
                amount[where][each.series] += each.amount
    return {store: _Sums(n[store], amount[store]) for store in n}


@dataclass(frozen=True, slots=True)
class _Place:
    """Whose figure it is, over which window, and what it is held against."""

    store: str
    rail: Rail | None
    window: int
    targets: Targets


def _of_orders(given: Input, window: int, targets: TargetsOf) -> Iterator[KpiFigure]:
    for store, sums in _by_store(given, window).items():
        for rail in RAILS:
            place = _Place(store, rail, window, targets(store, rail))
            yield from (_figure(place, trial) for trial in _trials(sums, rail, place.targets))


@dataclass(frozen=True, slots=True)
class _Trial:
    """Events of a KPI, those of them that are bad, and how long one took."""

    kpi: Kpi
    events: int
    bad: int
    mean_seconds: float | None = None


def _trials(sums: _Sums, rail: Rail | None, goals: Targets) -> Iterator[_Trial]:
    settled = sums.settled(rail)
    failed = sums.count(
        *(tally.ordered(each, outcome) for each in _each(rail) for outcome in (Outcome.FAILED, Outcome.UNPAYABLE))
    )
    yield _Trial(Kpi.PAYMENT_SUCCESS, settled + failed, failed)
    offered = sums.count(tally.OFFERED_ANY if rail is None else tally.offered(rail))
    # Of what settles now, some was offered before the window began: no window converts more than it offered.
    yield _Trial(Kpi.CONVERSION, offered, max(0, offered - settled))
    if rail is Rail.LIGHTNING:
        yield _fast(sums, Kpi.LIGHTNING_FAST, rail, tally.SECONDS, goals.lightning_within)
    if rail is Rail.ONCHAIN:
        yield _fast(sums, Kpi.ONCHAIN_FAST, rail, tally.BLOCKS, goals.onchain_within)
    if rail is None:
        fell_back = sums.count(tally.fallback(Rail.ONCHAIN))
        yield _Trial(Kpi.FALLBACK, fell_back + sums.count(tally.fallback(Rail.LIGHTNING)), fell_back)
    yield _Trial(Kpi.REFUND, settled, sums.count(*(tally.refunded(each) for each in _each(rail))))


def _fast(sums: _Sums, kpi: Kpi, rail: Rail, edges: Sequence[float], within: float) -> _Trial:
    every = [tally.whole(rail, edge) for edge in tally.edge_names(edges)]
    quick = [tally.whole(rail, f"{edge:g}") for edge in edges if edge <= within]
    events = sums.count(*every)
    milliseconds = sum(sums.amount.get(name, 0) for name in every)
    mean = milliseconds / events / 1_000 if events > 0 else None
    return _Trial(kpi, events, events - sums.count(*quick), mean)


SERIES: tuple[str, ...] = (  # that the KPIs are made of
    tally.OFFERED_ANY,
    *map(tally.offered, tally.PAYING_RAILS),
    *(
        tally.ordered(rail, outcome)
        for rail in Rail
        for outcome in (Outcome.SETTLED, Outcome.FAILED, Outcome.UNPAYABLE)
    ),
    *map(tally.fallback, tally.PAYING_RAILS),
    *map(tally.refunded, Rail),
    *(tally.whole(Rail.LIGHTNING, edge) for edge in tally.edge_names(tally.SECONDS)),
    *(tally.whole(Rail.ONCHAIN, edge) for edge in tally.edge_names(tally.BLOCKS)),
)
_SHARE_ITSELF = frozenset({Kpi.FALLBACK, Kpi.REFUND})  # the figure is the share of what is bad


def _figure(place: _Place, trial: _Trial) -> KpiFigure:
    told = trial.bad if trial.kpi in _SHARE_ITSELF else trial.events - trial.bad
    between = wilson(min(told, trial.events), trial.events)
    low, high = between if between is not None else (None, None)
    return KpiFigure(
        kpi=trial.kpi,
        store=place.store,
        rail=place.rail,
        window=place.window,
        events=trial.events,
        bad=trial.bad,
        ratio=min(1.0, told / trial.events) if trial.events > 0 else None,
        low=low,
        high=high,
        target=place.targets.of(trial.kpi),
        mean_seconds=trial.mean_seconds,
    )


@dataclass(frozen=True, slots=True)
class _Lives:
    """When what was up and down: each rail of each store, and each component."""

    rails: Mapping[tuple[str, Rail], Changes]
    components: Mapping[str, Changes]


def _lives(watched: Watched) -> _Lives:
    rails: dict[tuple[str, Rail], list[PayabilitySpan]] = defaultdict(list)
    for span in watched.payability:
        rails[span.store, span.rail].append(span)
    components: dict[str, list[StateSpan]] = defaultdict(list)
    for state in watched.states:
        components[state.source].append(state)
    return _Lives(
        {key: uptime.payable(spans) for key, spans in rails.items()},
        {source: uptime.running(spans) for source, spans in sorted(components.items())},
    )


def _uptimes(given: Input, lives: _Lives, window: int, targets: TargetsOf) -> Iterator[KpiFigure]:
    within = (given.at - window, given.at)
    site = dict.fromkeys(RAILS, uptime.NEVER_SEEN)
    for store in given.stores:
        outside = _outside(given, tally.subject_of(store))
        of_store = {rail: lives.rails.get((store, rail), ()) for rail in tally.PAYING_RAILS}
        seen = [changes for changes in of_store.values() if changes]
        for rail in RAILS:
            parts = seen if rail is None else [of_store[rail]]
            found = uptime.availability(parts, within, outside)
            site[rail] += found
            yield _up(_Place(store, rail, window, targets(store, rail)), found)
    for rail, found in site.items():
        yield _up(_Place(WHOLE_SITE, rail, window, targets(WHOLE_SITE, rail)), found)
    place = _Place(WHOLE_SITE, None, window, targets(WHOLE_SITE, None))
    for source, changes in lives.components.items():
        outside = _outside(given, f"source:{source}", f"node:{source}")
        yield _up(place, uptime.availability([changes], within, outside), source)


def _outside(given: Input, *subjects: str) -> list[Interval]:
    return [*uptime.announced(given.watched.silences, given.site, subjects), *given.watched.absences]


def _up(place: _Place, found: Availability, source: str = "") -> KpiFigure:
    return KpiFigure(
        kpi=Kpi.UPTIME,
        store=place.store,
        rail=place.rail,
        window=place.window,
        events=round(found.counted),
        bad=round(found.down),
        ratio=1 - found.down / found.counted if found.counted > 0 else None,
        low=None,
        high=None,
        target=place.targets.uptime,
        source=source,
    )
