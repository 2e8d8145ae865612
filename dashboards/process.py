"""lnwatch's own process: does it judge, does it read everything, what does it cost."""

from dashboards.panel import (
    BAD,
    BYTES,
    COUNT,
    PER_SECOND,
    PLAIN,
    SECONDS,
    SHARE,
    WATCH,
    WELL,
    Column,
    Look,
    Panel,
    Query,
    Row,
)
from dashboards.promql import hourly, of_source, own_threshold, quantile, select, threshold

INTERVAL = of_source("lnwatch_collector_interval_seconds")
INSTANCE = "{{instance}}"
STANDS_STILL = 120  # seconds: where LnwatchAssessmentStale of alerts/watchdogs.rules.yml begins


def own(name: str, **labels: str) -> str:
    """Series of the chosen processes about themselves."""
    return select(name, "instance", **labels)


JUDGING = Row(
    "Judging",
    (
        Panel(
            "Age of the assessment",
            shows="Time since lnwatch last judged; it does so every few seconds. Dashed: where the watchdog pages.",
            act="A minute or more: it stands still, and what it shows is old. Look at the loop and the ledger "
            "beside, then at its log.",
            unit=SECONDS,
            look=Look.LINES,
            queries=(Query(f"time() - {own('lnwatch_assessment_timestamp_seconds')}", INSTANCE),),
            limits=(Query(f"{STANDS_STILL} + 0 * {own('lnwatch_assessment_timestamp_seconds')}", f"limit {INSTANCE}"),),
            rules=("loop_stalled", "ledger_trouble"),
        ),
        Panel(
            "Assessments",
            shows="How many assessments it makes a second: more while much happens, never none.",
            act="None: see the age beside. Many without end: a source tells of changes all the time; its calls "
            "below say which.",
            unit=PER_SECOND,
            look=Look.LINES,
            queries=(Query(f"rate({own('lnwatch_assessments_total')}[$__rate_interval])", INSTANCE),),
            rules=("loop_stalled",),
        ),
        Panel(
            "Ledger",
            shows="Whether the ledger can be written; while it can't, no case opens and nobody is told.",
            act="The disk is full or the database away: the runbook has the commands.",
            unit=PLAIN,
            look=Look.STATES,
            queries=(Query(own("lnwatch_ledger_writable"), INSTANCE),),
            rules=("ledger_trouble",),
            words={0: ("not writable", BAD), 1: ("writable", WELL)},
        ),
        Panel(
            "Late awakenings",
            shows="How much later than asked for the event loop woke a sleeper: the half and the slowest "
            "hundredth of the last hour. Dashed: where loop_stalled opens a case.",
            act="Look for a machine that swaps or is overloaded; lnwatch itself keeps below 0.05 s.",
            unit=SECONDS,
            look=Look.LINES,
            queries=(
                Query(quantile(0.5, own("lnwatch_loop_lag_seconds_bucket"), "instance"), f"{INSTANCE} half"),
                Query(quantile(0.99, own("lnwatch_loop_lag_seconds_bucket"), "instance"), f"{INSTANCE} 99 %"),
            ),
            limits=(Query(own_threshold("loop_stalled", "lasted_seconds"), "limit"),),
            rules=("loop_stalled",),
            span=12,
        ),
        Panel(
            "Which lnwatch",
            shows="Version, Python and the kind of ledger of each process.",
            act="Two versions side by side: an upgrade that was left half done.",
            unit=PLAIN,
            look=Look.TABLE,
            queries=(
                Query(
                    "max by (instance, version, python_version, backend) "
                    f"({own('lnwatch_build_info')} * on (instance) group_left (backend) {own('lnwatch_ledger_info')})",
                ),
            ),
            columns=(Column("instance"), Column("version"), Column("python_version"), Column("backend")),
            span=12,
        ),
    ),
)

READING = Row(
    "Reading",
    (
        Panel(
            "Collectors",
            shows="Whether the newest run of each collector succeeded; of a stream, whether it stands.",
            act="One alone: a permission or a subserver is missing, the reasons below say which. All of one "
            "source: the source is away, see the board Node.",
            unit=PLAIN,
            look=Look.STATES,
            queries=(Query(of_source("lnwatch_collector_success"), "{{site}} {{source}} {{collector}}"),),
            rules=("source_stale", "credential_missing_permission"),
            words={0: ("fails", BAD), 1: ("works", WELL)},
            span=12,
            height=12,
        ),
        Panel(
            "Intervals since the last success",
            shows="How many of its intervals ago each collector last succeeded. Dashed: from there on its "
            "figures are not shown any more, and a case opens.",
            act="Rising: it fails or hangs; the reasons below say which.",
            unit=COUNT,
            look=Look.LINES,
            queries=(
                Query(
                    f"(time() - {of_source('lnwatch_collector_last_success_timestamp_seconds')}) / ({INTERVAL} > 0)",
                    "{{site}} {{source}} {{collector}}",
                ),
            ),
            limits=(Query(threshold("source_stale", "intervals"), "limit {{site}}"),),
            rules=("source_stale",),
            span=12,
            height=12,
        ),
        Panel(
            "Share of its interval",
            shows="How much of its interval each collector's newest run took: at 100 % it reads without pause.",
            act="Above a half for long: the node is slow, or the interval is too short for its size; set a longer one.",
            unit=SHARE,
            look=Look.LINES,
            queries=(
                Query(
                    f"{of_source('lnwatch_collector_duration_seconds')} / ({INTERVAL} > 0)",
                    "{{site}} {{source}} {{collector}}",
                ),
            ),
            rules=("source_slow",),
        ),
        Panel(
            "Duration",
            shows="How long the newest run of each collector took; streams have no runs.",
            act="One that grows from day to day: its node keeps more than it needs; one that jumps: see the "
            "round trips on the board Node.",
            unit=SECONDS,
            look=Look.LINES,
            queries=(
                Query(
                    f"{of_source('lnwatch_collector_duration_seconds')} and {INTERVAL} > 0",
                    "{{site}} {{source}} {{collector}}",
                ),
            ),
            rules=("source_slow",),
        ),
        Panel(
            "Failed runs",
            shows="Runs that failed in the last hour, by reason.",
            act="Refused credentials and missing permissions need a new credential; timeouts a look at the "
            "node's load.",
            unit=COUNT,
            look=Look.BARS,
            queries=(
                Query(
                    f"sum by (site, source, reason) ({hourly(of_source('lnwatch_collector_errors_total'))}) > 0 or "
                    f"0 * sum by (site, source) ({hourly(of_source('lnwatch_collector_errors_total'))})",
                    "{{site}} {{source}} {{reason}}",
                ),
            ),
            rules=("source_stale",),
        ),
        Panel(
            "Calls",
            shows="Calls made to each system.",
            act="Far above one in a few seconds with nothing going on: something else changes all the time, or "
            "an interval is set too short.",
            unit=PER_SECOND,
            look=Look.LINES,
            queries=(
                Query(f"rate({of_source('lnwatch_source_calls_total')}[$__rate_interval])", "{{site}} {{source}}"),
            ),
            span=12,
        ),
        Panel(
            "History",
            shows="Whether all that happened before lnwatch came has been read.",
            act="Not for hours: see the collector's failures; live figures don't wait for it.",
            unit=PLAIN,
            look=Look.STATES,
            queries=(Query(of_source("lnwatch_backfill_finished"), "{{site}} {{source}} {{collector}}"),),
            words={0: ("reading", WATCH), 1: ("complete", WELL)},
            span=12,
        ),
    ),
)

COST = Row(
    "Cost",
    (
        Panel(
            "CPU",
            shows="Processor time of each process, in processors. Dashed: as many as the machine has, where a "
            "source of kind host tells.",
            act="More than a twentieth of one with fewer than 10,000 channels: see the calls above.",
            unit=COUNT,
            look=Look.LINES,
            queries=(Query(f"rate({own('lnwatch_process_cpu_seconds_total')}[$__rate_interval])", INSTANCE),),
            limits=(Query(f"max({select('lnwatch_host_cpus', 'instance')})", "processors"),),
        ),
        Panel(
            "Memory",
            shows="Resident memory of each process. Dashed: the machine's, where a source of kind host tells.",
            act="It keeps below 250 MB with 10,000 channels; growth without end is a fault of ours: restart "
            "it, and report it.",
            unit=BYTES,
            look=Look.LINES,
            queries=(Query(own("lnwatch_process_resident_memory_bytes"), INSTANCE),),
            limits=(Query(f"max({select('lnwatch_host_memory_size_bytes', 'instance')})", "of the machine"),),
        ),
        Panel(
            "Open files",
            shows="Open files and sockets of each process. Dashed: how many it may have.",
            act="Near the dashed line: somebody keeps connections open; raise LimitNOFILE and find out who.",
            unit=COUNT,
            look=Look.LINES,
            queries=(Query(own("lnwatch_process_open_fds"), INSTANCE),),
            limits=(Query(own("lnwatch_process_max_fds"), f"limit {INSTANCE}"),),
        ),
        Panel(
            "Requests turned away",
            shows="Requests to lnwatch's own pages that were refused in the last hour, by reason.",
            act="Wrong or missing credentials by the hundred: somebody guesses, or a scraper has an old token.",
            unit=COUNT,
            look=Look.BARS,
            queries=(Query(hourly(own("lnwatch_web_refused_requests_total")), f"{INSTANCE} {{{{reason}}}}"),),
            span=12,
        ),
        Panel(
            "Starts",
            shows="Starts of lnwatch over this ledger, in the last hour.",
            act="More than you asked for: it ends by itself; the last lines of its log before each start say why.",
            unit=COUNT,
            look=Look.BARS,
            queries=(Query(hourly(own("lnwatch_starts_total")), INSTANCE),),
            span=12,
        ),
    ),
)
