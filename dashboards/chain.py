"""Bitcoin Core: does it follow the chain, whom does it hear, what does a transaction cost."""

from dashboards.panel import BLOCKS, BYTES, COUNT, FEE_RATE, SECONDS, Look, Panel, Query, Row
from dashboards.promql import below, of_site, of_source, threshold, times_usual

BEHIND = f"{of_source('lnwatch_bitcoind_headers')} - {of_source('lnwatch_bitcoind_blocks')}"

CHAIN = Row(
    "Bitcoin",
    (
        Panel(
            "Height",
            shows="Blocks that the node has checked, beside the best header that it knows: both lines lie on "
            "each other.",
            act="Blocks below headers for long: the disk is too slow, full, or the node is still checking "
            "after a restart; its own log says which. Both flat: look at the peers.",
            unit=BLOCKS,
            look=Look.LINES,
            queries=(
                Query(of_source("lnwatch_bitcoind_blocks"), "{{site}} {{source}} blocks"),
                Query(of_source("lnwatch_bitcoind_headers"), "{{site}} {{source}} headers"),
            ),
            rules=("bitcoind_behind",),
        ),
        Panel(
            "Behind its headers",
            shows="How many blocks the node lacks now, and how many more it may lack before a case opens.",
            act="Open the runbook; until it catches up, payments on the chain are seen late.",
            unit=BLOCKS,
            look=Look.NUMBERS,
            queries=(
                Query(
                    BEHIND,
                    "{{site}} {{source}} now",
                ),
            ),
            limits=(
                Query(
                    below(BEHIND, threshold("bitcoind_behind", "lag_blocks")),
                    "{{site}} {{source}} to the limit",
                ),
            ),
            rules=("bitcoind_behind",),
            spare=1,
            span=4,
        ),
        Panel(
            "Age of the tip",
            shows="Time since the newest block was made. Dashed: where chain_stalled tells of it. Once in a few "
            "months an hour and a half pass by mere luck.",
            act="Compare with any public explorer: if it has newer blocks, the node is cut off; see its peers.",
            unit=SECONDS,
            look=Look.LINES,
            queries=(Query(f"time() - {of_source('lnwatch_bitcoind_tip_timestamp_seconds')}", "{{site}} {{source}}"),),
            limits=(Query(threshold("chain_stalled", "tip_age_seconds"), "limit {{site}}"),),
            rules=("chain_stalled",),
        ),
        Panel(
            "Deep reorganisations",
            shows="Open cases of reorg_deep: two or more blocks were replaced in the last hours.",
            act="Hold back goods of payments with few confirmations, and see that they are in the new chain.",
            unit=COUNT,
            look=Look.NUMBERS,
            queries=(Query(f"sum by (site) ({of_site('lnwatch_findings', rule='reorg_deep')})", "{{site}}"),),
            rules=("reorg_deep",),
            zero_is_well=True,
            span=4,
        ),
        Panel(
            "Peers",
            shows="Connections by who opened them. Dashed: fewer outbound ones than this open a case.",
            act="No outbound peer: the node can be fed a false chain or none. Check its network, DNS and "
            "`-connect` options.",
            unit=COUNT,
            look=Look.LINES,
            queries=(Query(of_source("lnwatch_bitcoind_peers"), "{{site}} {{source}} {{direction}}"),),
            limits=(Query(threshold("bitcoind_no_peers", "outbound_peers"), "limit {{site}}"),),
            rules=("bitcoind_no_peers",),
            span=6,
        ),
        Panel(
            "Fee rates",
            shows="The node's estimates to confirm within so many blocks, and the lowest rate that its mempool "
            "takes. Dashed: where mempool_storm tells of it, a multiple of the node's own 30 days; no line "
            "before three days.",
            act="Put off what can wait (opening channels, consolidating), and expect on-chain customers to "
            "wait longer.",
            unit=FEE_RATE,
            look=Look.LINES,
            queries=(
                Query(
                    of_source("lnwatch_bitcoind_fee_rate_satoshis_per_vbyte"),
                    "{{site}} {{source}} {{target_blocks}} blocks",
                ),
                Query(
                    of_source("lnwatch_bitcoind_mempool_minimum_fee_rate_satoshis_per_vbyte"),
                    "{{site}} {{source}} minimum",
                ),
            ),
            limits=(
                Query(
                    times_usual("mempool_storm", of_source("lnwatch_bitcoind_usual_fee_rate_satoshis_per_vbyte")),
                    "limit {{site}} {{source}}",
                ),
            ),
            rules=("mempool_storm",),
        ),
        Panel(
            "Mempool",
            shows="Memory that the mempool takes. Dashed: what it may take; then the cheapest transactions are "
            "thrown out.",
            act="At the limit, what we send must pay more than the minimum rate or it is not even passed on.",
            unit=BYTES,
            look=Look.LINES,
            queries=(Query(of_source("lnwatch_bitcoind_mempool_usage_bytes"), "{{site}} {{source}}"),),
            limits=(Query(of_source("lnwatch_bitcoind_mempool_limit_bytes"), "limit {{site}} {{source}}"),),
            rules=("mempool_storm",),
            span=6,
        ),
        Panel(
            "Warnings of the node",
            shows="How many warnings bitcoind gives of itself; lnwatch's own page has their words.",
            act="Read them on lnwatch's page: a warning of unknown rules means that bitcoind has to be upgraded.",
            unit=COUNT,
            look=Look.NUMBERS,
            queries=(Query(of_source("lnwatch_bitcoind_warnings"), "{{site}} {{source}}"),),
            zero_is_well=True,
            span=4,
        ),
    ),
)
