"""The board **Liquidity**: can the node receive what customers will want to pay, and where does the money lie."""

from dashboards.lightning import RESERVE, TICKETS
from dashboards.panel import COUNT, PLAIN, SATOSHIS, SHARE, Board, Choice, Look, Panel, Query, Row
from dashboards.promql import above, hourly, of_node, of_site, of_store, threshold

EXPECTED = of_node("lnwatch_expected_daily_volume_satoshis")
COVER = of_node("lnwatch_inbound_cover_ratio")
INBOUND = Row(
    "Inbound",
    (
        Panel(
            "Cover",
            shows="How many days of expected volume the usable inbound holds. Dashed: where a case opens.",
            act="Below it: only spending, swapping out or a channel opened to us adds inbound; a circular payment "
            "never does.",
            unit=PLAIN,
            look=Look.LINES,
            queries=(Query(COVER, "{{site}} {{node}}"),),
            limits=(Query(threshold("inbound_cover_low", "cover"), "limit {{site}}"),),
            rules=("inbound_cover_low", "inbound_exhausted"),
            span=12,
        ),
        Panel(
            "Cover now",
            shows="The same as of now, and what is left to the limit.",
            act="Below 0 a case is open: follow its runbook.",
            unit=PLAIN,
            look=Look.NUMBERS,
            queries=(Query(COVER, "{{site}} {{node}} now"),),
            limits=(Query(above(COVER, threshold("inbound_cover_low", "cover")), "{{site}} {{node}} to the limit"),),
            rules=("inbound_cover_low",),
            span=4,
        ),
        Panel(
            "Expected and usable",
            shows="What the stores on the node are expected to receive over Lightning in a day, and what it could "
            "receive now. Dashed: so many times the expected volume that inbound_cover_low wants.",
            act="Usable inbound falls to the dashed line: order inbound, it takes hours to days.",
            unit=SATOSHIS,
            look=Look.LINES,
            queries=(
                Query(EXPECTED, "{{site}} {{node}} expected a day"),
                Query(of_node("lnwatch_lightning_usable_inbound_satoshis"), "{{site}} {{node}} usable inbound"),
            ),
            limits=(
                Query(
                    f"{EXPECTED} * on (site) group_left () {threshold('inbound_cover_low', 'cover')}",
                    "limit {{site}} {{node}}",
                ),
            ),
            rules=("inbound_cover_low",),
            span=8,
        ),
        Panel(
            "Largest invoice",
            shows="The largest invoice that could be received now, in one part and in many. Dashed: what 95 of 100 "
            "orders stay below.",
            act="One part far below many: inbound is spread thinly, and wallets that don't split can't pay more.",
            unit=SATOSHIS,
            look=Look.LINES,
            queries=(Query(of_node("lnwatch_lightning_largest_receivable_satoshis"), "{{site}} {{node}} {{parts}}"),),
            limits=(TICKETS["0.95"],),
            rules=("largest_ticket_not_receivable", "inbound_exhausted"),
            span=12,
        ),
        Panel(
            "Both sides",
            shows="Usable inbound and outbound of the node. Each sale moves from one to the other. Dashed: what half "
            "of the orders ask for; less inbound is none.",
            act="Outbound is what can be swapped out or spent to win inbound back.",
            unit=SATOSHIS,
            look=Look.LINES,
            queries=(
                Query(of_node("lnwatch_lightning_usable_inbound_satoshis"), "{{site}} {{node}} inbound"),
                Query(of_node("lnwatch_lightning_usable_outbound_satoshis"), "{{site}} {{node}} outbound"),
            ),
            limits=(TICKETS["0.5"],),
            rules=("inbound_exhausted", "refund_float_low"),
            span=12,
        ),
        Panel(
            "Received",
            shows="What the node's own invoices brought in the last hour: so much inbound was used up.",
            act="Hold it against the expected volume: a promotion shows here first.",
            unit=SATOSHIS,
            look=Look.BARS,
            queries=(Query(hourly(of_node("lnwatch_lightning_received_satoshis_total")), "{{site}} {{node}}"),),
            span=12,
        ),
        Panel(
            "Invoices that can't be received",
            shows="Open cases of invoices above what can be received, and of inbound itself.",
            act="Customers fail now: the runbook of unpayable_invoices says what helps within minutes.",
            unit=COUNT,
            look=Look.NUMBERS,
            queries=tuple(
                Query(f"sum by (site) ({of_site('lnwatch_findings', rule=rule)})", f"{{{{site}}}} {rule}")
                for rule in ("unpayable_invoices", "inbound_exhausted", "largest_ticket_not_receivable")
            ),
            rules=("unpayable_invoices", "inbound_exhausted", "largest_ticket_not_receivable", "peer_concentration"),
            zero_is_well=True,
            span=12,
        ),
    ),
)

MONEY = Row(
    "Where the money lies",
    (
        Panel(
            "Store wallets",
            shows="What BTCPay says of the store's wallet and of its node, up to 5 minutes old.",
            act="Far from the node's own figures: believe the node; BTCPay may have lost sight of it.",
            unit=SATOSHIS,
            look=Look.LINES,
            queries=(Query(of_store("lnwatch_store_balance_satoshis"), "{{site}} {{store}} {{kind}}"),),
            rules=("hot_balance_high",),
            span=12,
        ),
        Panel(
            "The node's wallet",
            shows="The node's own wallet on the chain. Dashed: what has to stay in it to close channels.",
            act="Refunds on the chain and closings are paid from here.",
            unit=SATOSHIS,
            look=Look.LINES,
            queries=(Query(of_node("lnwatch_wallet_balance_satoshis"), "{{site}} {{node}} {{state}}"),),
            limits=(Query(RESERVE, "limit {{site}} {{node}}"),),
            rules=("anchor_reserve_short", "refund_float_low"),
            span=12,
        ),
        Panel(
            "Refunds and payouts that wait",
            shows="Payouts by state: those that are not completed will be paid from what the node can send.",
            act="More than it can send: add to the wallet, or approve the large ones by hand.",
            unit=COUNT,
            look=Look.LINES,
            queries=(Query(of_store("lnwatch_payouts"), "{{site}} {{store}} {{state}}"),),
            rules=("refund_float_low",),
            span=12,
        ),
        Panel(
            "Fell back to the chain",
            shows="Share of orders with a Lightning method that were paid on the chain, over a week.",
            act="It rises while inbound runs short: customers meet the shortage before the figures show it.",
            unit=SHARE,
            look=Look.LINES,
            queries=(
                Query(of_store("lnwatch_kpi_ratio", kpi="fallback", window="7d", rail="all"), "{{site}} {{store}}"),
            ),
            rules=("inbound_exhausted",),
            span=12,
        ),
    ),
)

LIQUIDITY = Board(
    uid="lnwatch-liquidity",
    title="Liquidity",
    text="What the Lightning nodes can receive against what customers will want to pay, and where the money lies.",
    choices=(
        Choice("site", "Site", "label_values(lnwatch_target_info, site)"),
        Choice("node", "Lightning node", 'label_values(lnwatch_lightning_invoices_total{site=~"$site"}, node)'),
        Choice("store", "Store", 'label_values(lnwatch_invoices_open{site=~"$site"}, store)'),
    ),
    rows=(INBOUND, MONEY),
)
