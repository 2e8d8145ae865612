"""How each system that lnwatch reads is doing, seen from outside."""

from dashboards.panel import BAD, NEUTRAL, PLAIN, SECONDS, WATCH, WELL, Look, Panel, Query, Row
from dashboards.promql import at_least, of_source, state_number, threshold, times_usual
from lnwatch.model.snapshot import TargetState

_COLOURS = {TargetState.UP: WELL, TargetState.STARTING: NEUTRAL, TargetState.SYNCING: WATCH}
STATES = {number: (state.value, _COLOURS.get(state, BAD)) for number, state in enumerate(TargetState)}

SOURCES = Row(
    "Sources",
    (
        Panel(
            "State of each source",
            shows="What each system is doing, as lnwatch sees it from outside. A gap: lnwatch could not tell.",
            act="Start with the lowest layer that is not up: a Lightning node follows its bitcoind down within "
            "minutes. Hanging counts as down; locked means that somebody has to type the wallet's "
            "password.",
            unit=PLAIN,
            look=Look.STATES,
            queries=(
                Query(
                    state_number(
                        "lnwatch_target_state", "state", [state.value for state in TargetState], "site", "source"
                    ),
                    "{{site}} {{source}}",
                ),
            ),
            rules=("bitcoind_down", "lightning_down", "lightning_locked", "credential_rejected"),
            words=STATES,
            span=12,
        ),
        Panel(
            "Round trips",
            shows="Time for the last status answer of each system. Dashed: where source_slow opens a case.",
            act="Look for load on that machine first (disk, memory, a rescan or a compaction), then at the "
            "network between.",
            unit=SECONDS,
            look=Look.LINES,
            queries=(Query(of_source("lnwatch_target_round_trip_seconds"), "{{site}} {{source}}"),),
            limits=(
                Query(
                    at_least(
                        times_usual("source_slow", of_source("lnwatch_target_usual_round_trip_seconds")),
                        threshold("source_slow", "floor_seconds"),
                    ),
                    "limit {{site}} {{source}}",
                ),
            ),
            rules=("source_slow",),
            span=12,
        ),
        Panel(
            "Clocks",
            shows="Each system's clock minus ours, from the Date header of its answers. Dashed: the limit, either way.",
            act="Compare both machines with `timedatectl`; invoices and certificates expire by these clocks.",
            unit=SECONDS,
            look=Look.LINES,
            queries=(Query(of_source("lnwatch_clock_offset_seconds"), "{{site}} {{source}}"),),
            limits=(
                Query(threshold("clock_skew", "offset_seconds"), "limit {{site}}"),
                Query(f"-{threshold('clock_skew', 'offset_seconds')}", "limit {{site}}"),
            ),
            rules=("clock_skew",),
            span=12,
        ),
        Panel(
            "Certificates",
            shows="Time until the certificate that each system presents ends. Dashed: below it and in the last "
            "tenth of its life it is critical.",
            act="Renew it and point lnwatch at the new file; LND makes a new one when tls.cert and tls.key are "
            "gone and it starts again.",
            unit=SECONDS,
            look=Look.LINES,
            queries=(Query(f"{of_source('lnwatch_tls_expiry_timestamp_seconds')} - time()", "{{site}} {{source}}"),),
            limits=(Query(threshold("tls_expiring", "critical_seconds"), "limit {{site}}"),),
            rules=("tls_expiring",),
            span=12,
        ),
    ),
)
