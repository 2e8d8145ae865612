"""The machine that everything runs on."""

from dashboards.panel import BYTES, COUNT, SHARE, Look, Panel, Query, Row
from dashboards.promql import of_source, threshold

FREE = of_source("lnwatch_host_disk_free_bytes")
FILLING = of_source("lnwatch_host_disk_fill_bytes_per_second")
AHEAD = f"{FREE} - {FILLING} * on (site) group_left () {threshold('host_disk_low', 'full_seconds')}"

MACHINE = Row(
    "Machine",
    (
        Panel(
            "Free disk",
            shows="Free share of each file system. Dashed: below it a case opens.",
            act="Free space before it is full: bitcoind stops and LND with it. `du -xh --max-depth 2` finds "
            "the largest.",
            unit=SHARE,
            look=Look.LINES,
            queries=(Query(f"{FREE} / {of_source('lnwatch_host_disk_size_bytes')}", "{{site}} {{source}} {{path}}"),),
            limits=(Query(threshold("host_disk_low", "free_share"), "limit {{site}}"),),
            rules=("host_disk_low",),
            span=6,
        ),
        Panel(
            "Free disk, looking ahead",
            shows="Free space a day from now (or as far ahead as host_disk_low is set to look) if it goes on filling "
            "as in the last hour; as it is now until lnwatch has seen an hour.",
            act="Below 0 it runs full within that time: find what grows. A bitcoind that still fetches the chain is "
            "meant to.",
            unit=BYTES,
            look=Look.LINES,
            queries=(Query(f"{AHEAD} or {FREE}", "{{site}} {{source}} {{path}}"),),
            rules=("host_disk_low",),
            span=6,
        ),
        Panel(
            "Free memory",
            shows="Share of the memory that can be had without swapping. Dashed: below it a case opens.",
            act="See which process has grown; LND and bitcoind are killed first when it runs out.",
            unit=SHARE,
            look=Look.LINES,
            queries=(
                Query(
                    f"{of_source('lnwatch_host_memory_available_bytes')} / "
                    f"{of_source('lnwatch_host_memory_size_bytes')}",
                    "{{site}} {{source}}",
                ),
            ),
            limits=(Query(threshold("host_memory_low", "available_share"), "limit {{site}}"),),
            rules=("host_memory_low",),
            span=6,
        ),
        Panel(
            "Load",
            shows="Load average. Dashed: the number of processors; above it processes wait.",
            act="High for hours: a rescan, a compaction, or a machine that is too small; round trips grow with it.",
            unit=COUNT,
            look=Look.LINES,
            queries=(Query(of_source("lnwatch_host_load", window="5m"), "{{site}} {{source}} over 5 minutes"),),
            limits=(Query(of_source("lnwatch_host_cpus"), "processors {{site}} {{source}}"),),
            rules=("source_slow",),
            span=6,
        ),
    ),
)
