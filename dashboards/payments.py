"""The board **Payments**: what customers meet, and what became of their money."""

from dashboards.panel import Board, Choice
from dashboards.server import SERVER
from dashboards.shop import LATENCY, ORDERS, PAYING, TROUBLE

PAYMENTS = Board(
    uid="lnwatch-payments",
    title="Payments",
    text="Orders and payments of each store. Dashed lines are targets and limits in force.",
    choices=(
        Choice("site", "Site", "label_values(lnwatch_target_info, site)"),
        Choice("source", "Source", 'label_values(lnwatch_target_info{site=~"$site"}, source)'),
        Choice("store", "Store", 'label_values(lnwatch_invoices_open{site=~"$site"}, store)'),
    ),
    rows=(PAYING, ORDERS, LATENCY, TROUBLE, SERVER),
)
