"""The board **Node**: everything that a site's payments cross, from the machine to the invoices."""

from dashboards.chain import CHAIN
from dashboards.lightning import INVOICES, LIGHTNING, SAFETY
from dashboards.machine import MACHINE
from dashboards.panel import Board, Choice
from dashboards.sources import SOURCES

NODE = Board(
    uid="lnwatch-node",
    title="Node",
    text="bitcoind, the Lightning nodes and their machine, per site. Dashed lines are the limits in force.",
    choices=(
        Choice("site", "Site", "label_values(lnwatch_target_info, site)"),
        Choice("source", "Source", 'label_values(lnwatch_target_info{site=~"$site"}, source)'),
        Choice("node", "Lightning node", 'label_values(lnwatch_lightning_invoices_total{site=~"$site"}, node)'),
    ),
    rows=(SOURCES, CHAIN, LIGHTNING, SAFETY, INVOICES, MACHINE),
)
