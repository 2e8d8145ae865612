"""The Lightning node: does it work, what can it receive, is its money safe, what do customers pay."""

from dashboards.panel import BAD, BLOCKS, COUNT, PLAIN, SATOSHIS, WATCH, WELL, Look, Panel, Query, Row
from dashboards.promql import above, at_least, below, hourly, of_node, of_site, of_source, threshold, times_usual

BEHIND_CHAIN = (
    f"max by (site) ({of_source('lnwatch_bitcoind_blocks')}) - on (site) group_right () "
    f"{of_node('lnwatch_lightning_block_height')}"
)
TO_EXPIRY = of_node("lnwatch_lightning_htlc_blocks_to_expiry")
# One value for each node, though two processes of lnwatch may tell of it.
WALLET = (
    "sum by (site, node) (max by (site, node, state) "
    '(lnwatch_wallet_balance_satoshis{site=~"$site",node=~"$node",state!="locked"}))'
)
RESERVE = (
    f"max by (site, node) ({of_node('lnwatch_wallet_anchor_reserve_satoshis')}) * on (site) group_left () "
    f"{threshold('anchor_reserve_short', 'reserve_factor')}"
)

TICKETS = {
    share: Query(of_node("lnwatch_expected_ticket_satoshis", share=share), f"{words} orders {{{{site}}}} {{{{node}}}}")
    for share, words in (("0.5", "half of"), ("0.95", "95 of 100"))
}

LIGHTNING = Row(
    "Lightning",
    (
        Panel(
            "In step with",
            shows="Whether the node is synchronised to the chain and to the graph, and its wallet to the chain.",
            act="Not with the chain: see bitcoind above first, then wait if it has just started. Not with the "
            "graph: we can still receive; paying may fail until its peers have told it enough.",
            unit=PLAIN,
            look=Look.STATES,
            queries=(Query(of_node("lnwatch_lightning_synced"), "{{site}} {{node}} {{to}}"),),
            rules=("lightning_not_synced",),
            words={0: ("no", BAD), 1: ("yes", WELL)},
        ),
        Panel(
            "Behind bitcoind",
            shows="Blocks that the node lacks of its site's bitcoind, and how many more it may lack before a "
            "case opens.",
            act="A node that lags misses deadlines of HTLCs and closings: open the runbook at once.",
            unit=BLOCKS,
            look=Look.NUMBERS,
            queries=(Query(BEHIND_CHAIN, "{{site}} {{node}} now"),),
            limits=(
                Query(
                    below(BEHIND_CHAIN, threshold("lightning_not_synced", "lag_blocks")),
                    "{{site}} {{node}} to the limit",
                ),
            ),
            rules=("lightning_not_synced",),
            spare=1,
            span=4,
        ),
        Panel(
            "Channels",
            shows="Channels by state. Those that open, close or wait for it are not among the active.",
            act="Inactive ones: lnwatch's page names their peers; one peer gone is its own trouble, all gone "
            "is ours. Closing by force without our doing: open the runbook of force_close.",
            unit=COUNT,
            look=Look.BARS,
            queries=(Query(of_node("lnwatch_lightning_channels"), "{{site}} {{node}} {{state}}"),),
            rules=("channel_inactive", "force_close"),
            colours={"active": WELL, "inactive": WATCH},
            span=12,
        ),
        Panel(
            "What can be received and sent",
            shows="Usable inbound and outbound, and the peers' whole side: what lies between it and usable "
            "inbound is kept by reserves and limits, or behind peers that are offline. Dashed: what half of the "
            "orders ask for; less inbound is none.",
            act="Inbound far below the peers' side: bring peers back. Inbound low and all peers there: have "
            "channels opened to us, or send out of ours.",
            unit=SATOSHIS,
            look=Look.LINES,
            queries=(
                Query(of_node("lnwatch_lightning_usable_inbound_satoshis"), "{{site}} {{node}} inbound"),
                Query(of_node("lnwatch_lightning_usable_outbound_satoshis"), "{{site}} {{node}} outbound"),
                Query(of_node("lnwatch_lightning_remote_balance_satoshis"), "{{site}} {{node}} peers' side"),
            ),
            limits=(TICKETS["0.5"],),
            rules=("channel_inactive", "inbound_exhausted"),
        ),
        Panel(
            "Largest invoice",
            shows="The largest invoice that could be received now: R1 in one part, Rm in many. Wallets that "
            "don't split their payments can't pay above R1. Dashed: what 95 of 100 orders stay below.",
            act="R1 far below Rm: inbound is spread thinly, one larger channel helps more than several small ones.",
            unit=SATOSHIS,
            look=Look.LINES,
            queries=(
                Query(of_node("lnwatch_lightning_largest_receivable_satoshis", parts="one"), "{{site}} {{node}} R1"),
                Query(of_node("lnwatch_lightning_largest_receivable_satoshis", parts="many"), "{{site}} {{node}} Rm"),
            ),
            limits=(TICKETS["0.95"],),
        ),
        Panel(
            "In flight",
            shows="HTLCs that are neither settled nor failed yet.",
            act="Many that stay: an app holds invoices open, or a peer is stuck; see the nearest expiry.",
            unit=COUNT,
            look=Look.BARS,
            queries=(Query(of_node("lnwatch_lightning_pending_htlcs"), "{{site}} {{node}} {{direction}}"),),
            rules=("invoice_held",),
        ),
    ),
)

SAFETY = Row(
    "Money at risk",
    (
        Panel(
            "Nearest expiry",
            shows="Blocks until the next HTLC in flight expires; no line while none is in flight. Dashed: where "
            "a warning and where a critical case opens.",
            act="Settle or cancel what is held, now: at expiry the channel is closed by force, and the money "
            "may be lost.",
            unit=BLOCKS,
            look=Look.LINES,
            queries=(Query(TO_EXPIRY, "{{site}} {{node}}"),),
            limits=(
                Query(threshold("htlc_near_expiry", "warning_blocks"), "warning {{site}}"),
                Query(threshold("htlc_near_expiry", "critical_blocks"), "critical {{site}}"),
            ),
            rules=("htlc_near_expiry",),
        ),
        Panel(
            "Expiry",
            shows="Blocks until the next HTLC in flight expires, and how many of them are left to the warning.",
            act="Below 0 a case is open: follow its runbook.",
            unit=BLOCKS,
            look=Look.NUMBERS,
            queries=(Query(TO_EXPIRY, "{{site}} {{node}} now"),),
            limits=(
                Query(
                    above(TO_EXPIRY, threshold("htlc_near_expiry", "warning_blocks")),
                    "{{site}} {{node}} to the warning",
                ),
            ),
            rules=("htlc_near_expiry",),
            empty="none in flight",
            span=4,
        ),
        Panel(
            "Wallet",
            shows="The node's own wallet on the chain. Dashed: what has to stay in it, so that channels can be "
            "closed at the fees of a bad day.",
            act="Below the dashed line: send on-chain bitcoin to the node before a channel has to be closed.",
            unit=SATOSHIS,
            look=Look.LINES,
            queries=(Query(of_node("lnwatch_wallet_balance_satoshis"), "{{site}} {{node}} {{state}}"),),
            limits=(Query(RESERVE, "reserve {{site}} {{node}}"),),
            rules=("anchor_reserve_short",),
        ),
        Panel(
            "Above the reserve",
            shows="What the wallet holds, unconfirmed included, and how much of it is above what has to stay in it.",
            act="Below 0: send on-chain bitcoin to the node.",
            unit=SATOSHIS,
            look=Look.NUMBERS,
            queries=(Query(WALLET, "{{site}} {{node}} now"),),
            limits=(Query(f"{WALLET} - on (site, node) ({RESERVE})", "{{site}} {{node}} to the reserve"),),
            rules=("anchor_reserve_short",),
            span=4,
        ),
        Panel(
            "Closing channels",
            shows="What channels that are being closed still owe us.",
            act="A rise without a closing that you asked for: open the runbook of force_close. No fall for "
            "days: that of limbo_overdue.",
            unit=SATOSHIS,
            look=Look.LINES,
            queries=(Query(of_node("lnwatch_lightning_limbo_balance_satoshis"), "{{site}} {{node}}"),),
            rules=("force_close", "limbo_overdue"),
            span=6,
        ),
        Panel(
            "Backup",
            shows="Open channels that the channel-backup file lacks, as the node itself verified it, and how "
            "many more may be missing before a case opens.",
            act="Write the file anew and copy it off the machine: what it lacks is lost with the disk.",
            unit=COUNT,
            look=Look.NUMBERS,
            queries=(Query(of_node("lnwatch_backup_missing_channels"), "{{site}} {{node}} missing"),),
            limits=(
                Query(
                    below(of_node("lnwatch_backup_missing_channels"), threshold("backup_stale", "missing_channels")),
                    "{{site}} {{node}} to the limit",
                ),
            ),
            rules=("backup_stale",),
            spare=1,
            span=4,
        ),
        Panel(
            "Age of the backup file",
            shows="Time since the file was last written. Old is well while no channel was opened since: what "
            "counts is what it lacks.",
            act="Older than the newest channel, and channels missing beside: the copying has stopped.",
            unit="s",
            look=Look.NUMBERS,
            queries=(Query(f"time() - {of_node('lnwatch_backup_file_timestamp_seconds')}", "{{site}} {{node}}"),),
            rules=("backup_stale",),
            span=4,
        ),
        Panel(
            "Watchtower client",
            shows="Whether the node hands its states to towers at all.",
            act="Off: nobody punishes a peer that cheats while the node is away. Turn it on with "
            "`wtclient.active=true`, and add a tower.",
            unit=PLAIN,
            look=Look.STATES,
            queries=(Query(of_node("lnwatch_watchtower_enabled"), "{{site}} {{node}}"),),
            words={0: ("off", WATCH), 1: ("on", WELL)},
            span=4,
        ),
        Panel(
            "States that wait for a tower",
            shows="States that no tower has yet. Dashed: a multiple of what is usual for the node, and the number that "
            "opens a case whatever is usual.",
            act="The towers are away or their sessions used up: `lncli wtclient towers` names them.",
            unit=COUNT,
            look=Look.LINES,
            queries=(Query(of_node("lnwatch_watchtower_pending_backups"), "{{site}} {{node}}"),),
            limits=(
                Query(
                    at_least(
                        times_usual("watchtower_behind", of_node("lnwatch_watchtower_usual_pending_backups")),
                        threshold("watchtower_behind", "few_pending"),
                    ),
                    "usual limit {{site}} {{node}}",
                ),
                Query(threshold("watchtower_behind", "most_pending"), "limit {{site}}"),
            ),
            rules=("watchtower_behind",),
            span=6,
        ),
    ),
)

INVOICES = Row(
    "Invoices",
    (
        Panel(
            "Invoices by outcome",
            shows="The node's own invoices that became final in the last hour. An expired one is a customer who "
            "went away, or one who could not pay: this figure alone does not tell which.",
            act="Many expired and none settled: try to pay one yourself from another node; then look at "
            "inbound and peers.",
            unit=COUNT,
            look=Look.BARS,
            queries=(Query(hourly(of_node("lnwatch_lightning_invoices_total")), "{{site}} {{node}} {{outcome}}"),),
            rules=("channel_inactive",),
            span=12,
        ),
        Panel(
            "Received",
            shows="What the node's own invoices brought in the last hour.",
            act="Nothing where you expect sales: look at the outcomes beside it, then at the shop.",
            unit=SATOSHIS,
            look=Look.BARS,
            queries=(Query(hourly(of_node("lnwatch_lightning_received_satoshis_total")), "{{site}} {{node}}"),),
            span=8,
        ),
        Panel(
            "Held invoices",
            shows="Open cases of invoices that hold a customer's money and are neither settled nor cancelled.",
            act="Settle or cancel them in the application that made them; the runbook tells how.",
            unit=COUNT,
            look=Look.NUMBERS,
            queries=(Query(f"sum by (site) ({of_site('lnwatch_findings', rule='invoice_held')})", "{{site}}"),),
            rules=("invoice_held",),
            zero_is_well=True,
            span=4,
        ),
    ),
)
