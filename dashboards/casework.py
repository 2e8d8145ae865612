"""What lnwatch found, what it could find, and whether anybody was told."""

from dashboards.panel import BAD, CONTEXT, COUNT, PLAIN, SECONDS, WATCH, WELL, Column, Look, Panel, Query, Row
from dashboards.promql import hourly, of_site, quantile, select

SEVERITIES = {"critical": BAD, "warning": WATCH, "info": CONTEXT}
RUNBOOK = "${lnwatch:raw}/runbooks/${__data.fields.rule}"
CASE = "${lnwatch:raw}/cases/${__data.fields.site}/${__data.fields.rule}/${__data.fields.subject:percentencode}"
# The worst first: their figures are ranks, and are not shown.
RANKED = [
    f"{rank} * max by (severity, owner, site, rule, subject) ({of_site('lnwatch_case_open', severity=severity)})"
    for rank, severity in zip((3, 2, 1), SEVERITIES, strict=True)
]
SENT = select("lnwatch_notifications_total", "channel")
LATENCY = select("lnwatch_notification_latency_seconds_bucket", "channel")

CASES = Row(
    "Cases",
    (
        Panel(
            "Open cases",
            shows="Every open case. The rule leads to its runbook, the subject to the case's own page with its "
            "timeline.",
            act="Critical ones first, and of these the lowest layer. Acknowledge the case on the command line, "
            "so that others see who works on it.",
            unit=PLAIN,
            look=Look.TABLE,
            queries=(Query(f"sort_desc({' or '.join(RANKED)})"),),
            columns=(
                Column("severity", width=90),
                Column("owner", width=110),
                Column("site", width=130),
                Column("rule", RUNBOOK, width=240),
                Column("subject", CASE),
            ),
            colours=SEVERITIES,
            empty="none open",
            span=16,
            height=9,
        ),
        Panel(
            "How many",
            shows="Open cases by severity, acknowledged and snoozed ones included.",
            act="The table has each of them.",
            unit=COUNT,
            look=Look.NUMBERS,
            queries=(Query(f"sum by (severity) ({of_site('lnwatch_findings')})", "{{severity}}"),),
            colours=SEVERITIES,
            span=4,
            height=9,
        ),
        Panel(
            "Beyond the table",
            shows="Open cases that have no series of their own, because there are so many: they are in the "
            "count, and not in the table.",
            act="lnwatch's own page has all of them; look for the one cause behind them.",
            unit=COUNT,
            look=Look.NUMBERS,
            queries=(Query(of_site("lnwatch_case_open_overflow"), "{{site}}"),),
            zero_is_well=True,
            span=4,
            height=9,
        ),
        Panel(
            "Open cases by severity and owner",
            shows="How many were open, and whose they are.",
            act="A step that stays: somebody has not seen it, or can't mend it; ask its owner.",
            unit=COUNT,
            look=Look.BARS,
            queries=(Query(f"sum by (severity, owner) ({of_site('lnwatch_findings')}) > 0", "{{severity}} {{owner}}"),),
            colours=SEVERITIES,
            span=12,
        ),
        Panel(
            "Age of the oldest",
            shows="For how long the oldest open case of each severity has been open.",
            act="A critical one of hours: nobody works on it. A warning of weeks: mend it, or set the rule's "
            "threshold to what you accept.",
            unit=SECONDS,
            look=Look.LINES,
            queries=(Query(f"max by (severity) ({of_site('lnwatch_case_oldest_age_seconds')})", "{{severity}}"),),
            colours=SEVERITIES,
            empty="none open",
            span=12,
        ),
        Panel(
            "Rules that can fire",
            shows="How many rules can fire for all that they are about, beside how many there are.",
            act="What can't fire is silent whatever happens: `lnwatch coverage` says what to configure or grant.",
            unit=COUNT,
            look=Look.NUMBERS,
            queries=(
                Query(f"sum by (site) ({of_site('lnwatch_rule_covered')})", "{{site}} can fire"),
                Query(f"count by (site) ({of_site('lnwatch_rule_covered')})", "{{site}} in all"),
            ),
            span=8,
        ),
        Panel(
            "Coverage of each rule",
            shows="Whether each rule can fire for all that it is about.",
            act="`lnwatch coverage` says why not, and what to configure or grant.",
            unit=PLAIN,
            look=Look.TABLE,
            queries=(Query(f"sort(min by (site, rule) ({of_site('lnwatch_rule_covered')}))"),),
            columns=(Column("site", width=130), Column("rule", RUNBOOK)),
            words={0: ("not everywhere", WATCH), 1: ("can fire", WELL)},
            span=16,
        ),
    ),
)

TELLING = Row(
    "Telling",
    (
        Panel(
            "Notices by outcome",
            shows="What became of notices in the last hour: sent, tried again, or parked, which is given up. A "
            "digest of thirty counts thirty.",
            act="Tried again and again: the service is away or limits us. Parked: nobody was told; read the "
            "open cases yourself, then try `lnwatch notify test CHANNEL`.",
            unit=COUNT,
            look=Look.BARS,
            queries=(Query(f"sum by (channel, outcome) ({hourly(SENT)})", "{{channel}} {{outcome}}"),),
            rules=("delivery_failing",),
            colours={"sent": WELL, "retried": WATCH, "parked": BAD},
        ),
        Panel(
            "Parked",
            shows="Notices that were given up in the last hour.",
            act="Somebody was not told: read the open cases yourself, then follow the runbook.",
            unit=COUNT,
            look=Look.NUMBERS,
            queries=(
                Query(
                    f"sum by (channel) ({hourly(select('lnwatch_notifications_total', 'channel', outcome='parked'))})",
                    "{{channel}}",
                ),
            ),
            rules=("delivery_failing",),
            zero_is_well=True,
            span=4,
        ),
        Panel(
            "From change to receipt",
            shows="How long it took from the change of a case until the service had the message: the half and "
            "the slowest hundredth of the last hour. No line while nothing was sent.",
            act="Minutes: the service limits us, or it was tried again; the outcomes beside say which.",
            unit=SECONDS,
            look=Look.LINES,
            queries=(
                Query(quantile(0.5, LATENCY, "channel"), "{{channel}} half"),
                Query(quantile(0.99, LATENCY, "channel"), "{{channel}} 99 %"),
            ),
            rules=("delivery_failing",),
            span=12,
        ),
    ),
)
