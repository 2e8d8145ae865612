"""How each source and each of its collectors fares, and what asking costs it."""

from collections.abc import Iterator

from lnwatch.errors import FailureReason
from lnwatch.exporter.metric import Kind, Metric, Number, Row
from lnwatch.exporter.moment import Moment
from lnwatch.exporter.shapes import TARGET, of_collector, of_target
from lnwatch.model.btcpay import BtcpayStatus
from lnwatch.model.chain import BitcoindStatus, NbxplorerStatus
from lnwatch.model.lightning import NodeStatus
from lnwatch.model.snapshot import TargetState
from lnwatch.model.view import CollectorHealth, TargetView

_NO_ERRORS: dict[str, int] = {reason.value: 0 for reason in FailureReason}


def _up(moment: Moment) -> Iterator[Row]:
    for view, target in moment.targets():
        state = moment.state(target)
        if state is not None:
            yield (view.site, target.slug, target.kind), int(state is TargetState.UP)


def _states(moment: Moment) -> Iterator[Row]:
    for view, target in moment.targets():
        current = moment.state(target)
        if current is not None:
            for state in TargetState:
                yield (view.site, target.slug, target.kind, state.value), int(state is current)


def _info(moment: Moment) -> Iterator[Row]:
    for view, target in moment.targets():
        if moment.state(target) is not None:
            yield (view.site, target.slug, target.kind, target.version, target.network or ""), 1


def _round_trip(moment: Moment, target: TargetView) -> Number | None:
    facts = (
        moment.facts(target, BitcoindStatus)
        or moment.facts(target, NodeStatus)
        or moment.facts(target, NbxplorerStatus)
        or moment.facts(target, BtcpayStatus)
    )
    return facts.rpc_seconds if facts is not None else None


def _clock_offset(moment: Moment, target: TargetView) -> Number | None:
    facts = moment.facts(target, BitcoindStatus) or moment.facts(target, BtcpayStatus)
    return facts.clock_offset if facts is not None else None


def _errors(moment: Moment) -> Iterator[Row]:
    for view, target in moment.targets():
        for collector, health in target.collectors.items():
            for reason, count in {**_NO_ERRORS, **health.errors}.items():
                yield (view.site, target.slug, collector, reason), count


def _backfill_rows(moment: Moment) -> Iterator[Row]:
    for view, target in moment.targets():
        for collector, health in target.collectors.items():
            if health.backfill is None:
                continue
            yield (view.site, target.slug, collector, "done"), health.backfill.done
            if health.backfill.total is not None:
                yield (view.site, target.slug, collector, "total"), health.backfill.total


def _finished(_moment: Moment, health: CollectorHealth) -> Number | None:
    return None if health.backfill is None else int(health.backfill.finished)


METRICS = (
    Metric(
        "lnwatch_target_up",
        "1 while the system answers and serves; absent until its first answer or failure.",
        Kind.GAUGE,
        (*TARGET, "kind"),
        _up,
    ),
    Metric(
        "lnwatch_target_state",
        "How the system is doing as seen from outside: 1 for its present state, 0 for all others.",
        Kind.GAUGE,
        (*TARGET, "kind", "state"),
        _states,
    ),
    of_target(
        "lnwatch_target_state_timestamp_seconds",
        "When the present state began.",
        lambda moment, target: target.since if moment.state(target) is not None else None,
    ),
    Metric(
        "lnwatch_target_info",
        "Version and chain that the system tells; always 1.",
        Kind.INFO,
        (*TARGET, "kind", "version", "network"),
        _info,
    ),
    of_target(
        "lnwatch_target_version_supported",
        "1 while the system's version lies in the range that lnwatch is tested with.",
        lambda moment, target: int(target.supported) if moment.state(target) is not None else None,
    ),
    of_target(
        "lnwatch_target_round_trip_seconds",
        "Time that the system took for its last status answer.",
        _round_trip,
    ),
    of_target(
        "lnwatch_tls_expiry_timestamp_seconds",
        "When the certificate that the system last presented ends.",
        lambda _moment, target: target.tls_expires_at,
    ),
    of_target(
        "lnwatch_clock_offset_seconds",
        "The system's clock, from the Date header of its answer, minus ours.",
        _clock_offset,
    ),
    of_target(
        "lnwatch_source_calls_total",
        "Calls made to the system since the process started.",
        lambda _moment, target: target.calls,
        kind=Kind.COUNTER,
    ),
    of_target(
        "lnwatch_source_received_bytes_total",
        "Bytes received from the system since the process started.",
        lambda _moment, target: target.bytes_received,
        kind=Kind.COUNTER,
    ),
    of_collector(
        "lnwatch_collector_success",
        "1 where the collector's newest finished run succeeded; of a stream, while it stands.",
        lambda moment, health: int(health.success) if moment.still_true(health) else None,
    ),
    of_collector(
        "lnwatch_collector_duration_seconds",
        "How long the newest finished run took.",
        lambda moment, health: health.duration if moment.still_true(health) else None,
    ),
    of_collector(
        "lnwatch_collector_interval_seconds",
        "Time between two runs; what is older than three of them is not shown. 0 for a stream.",
        lambda _moment, health: health.interval,
    ),
    of_collector(
        "lnwatch_collector_last_success_timestamp_seconds",
        "When the collector last succeeded.",
        lambda _moment, health: health.last_success_at,
    ),
    of_collector(
        "lnwatch_collector_runs_total",
        "Runs finished since the process started.",
        lambda _moment, health: health.runs,
        kind=Kind.COUNTER,
    ),
    Metric(
        "lnwatch_collector_errors_total",
        "Runs that failed since the process started, by reason.",
        Kind.COUNTER,
        (*TARGET, "collector", "reason"),
        _errors,
    ),
    Metric(
        "lnwatch_backfill_rows",
        "Rows of history read so far and in all; the total is absent while it is not known.",
        Kind.GAUGE,
        (*TARGET, "collector", "state"),
        _backfill_rows,
    ),
    of_collector(
        "lnwatch_backfill_finished",
        "1 once all history was read.",
        _finished,
    ),
)
