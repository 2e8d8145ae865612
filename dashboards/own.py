"""The board **lnwatch**: what it found, told and did, and whether it can be relied on."""

from dashboards.acting import ACTING
from dashboards.casework import CASES, TELLING
from dashboards.panel import Board, Choice
from dashboards.process import COST, JUDGING, READING

OWN = Board(
    uid="lnwatch",
    title="lnwatch",
    text="Open cases, who was told, what was done, and how lnwatch itself fares. Silence means health only while all "
    "of this is well.",
    choices=(
        Choice("site", "Site", "label_values(lnwatch_findings, site)"),
        Choice("source", "Source", 'label_values(lnwatch_target_info{site=~"$site"}, source)'),
        Choice("channel", "Channel of delivery", "label_values(lnwatch_notifications_total, channel)"),
        Choice("instance", "Process", "label_values(lnwatch_build_info, instance)"),
    ),
    rows=(CASES, TELLING, ACTING, JUDGING, READING, COST),
)
