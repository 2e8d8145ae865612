"""The systems behind a store as customers depend on them: how long each was up, and what BTCPay Server says."""

from dashboards.panel import BAD, COUNT, PLAIN, SHARE, WELL, Look, Panel, Query, Row
from dashboards.promql import hourly, of_site, of_source, of_store

SERVER = Row(
    "BTCPay Server",
    (
        Panel(
            "Uptime of each system",
            shows="Share of the time in which a system was up, over a day and 30 days. Announced maintenance and what "
            "could not be seen are left out. Dashed: the site's target.",
            act="The lowest line names the system that cost customers most; its cases tell when and why.",
            unit=SHARE,
            look=Look.LINES,
            queries=(
                Query(of_source("lnwatch_target_uptime_ratio", window="24h"), "{{site}} {{source}} a day"),
                Query(of_source("lnwatch_target_uptime_ratio", window="30d"), "{{site}} {{source}} 30 days"),
            ),
            limits=(Query(of_site("lnwatch_kpi_target_ratio", kpi="uptime", store="", rail="all"), "target {{site}}"),),
            rules=("btcpay_down", "nbxplorer_down", "lightning_down", "bitcoind_down"),
            span=24,
        ),
        Panel(
            "Calls itself synchronized",
            shows="BTCPay's own word, which it repeats from its last poll of NBXplorer: it goes on saying yes while "
            "NBXplorer hangs and no invoice can be made.",
            act="Believe NBXplorer's own figures on the board Node before this one.",
            unit=PLAIN,
            look=Look.STATES,
            queries=(Query(of_source("lnwatch_btcpay_synchronized"), "{{site}} {{source}}"),),
            rules=("btcpay_degraded", "nbxplorer_behind"),
            words={0: ("no", BAD), 1: ("yes", WELL)},
        ),
        Panel(
            "Price of a bitcoin",
            shows="The rate by which a store prices its invoices. A gap: BTCPay has none, and offers no method at all.",
            act="A gap or a flat line: change the rate source under the store's settings, or add a fallback.",
            unit=COUNT,
            look=Look.LINES,
            queries=(Query(of_store("lnwatch_rate"), "{{site}} {{store}} {{currency}}"),),
            rules=("rate_stale",),
        ),
        Panel(
            "Webhooks to the shop",
            shows="The newest deliveries of each webhook, by state. Absent where the key may not list them.",
            act="Failed ones: the shop's receiver does not answer, and orders there stay unpaid.",
            unit=COUNT,
            look=Look.LINES,
            queries=(Query(of_store("lnwatch_webhook_deliveries"), "{{site}} {{store}} {{state}}"),),
            rules=("shop_webhooks_failing",),
        ),
        Panel(
            "Webhooks received",
            shows="What reached lnwatch's own receiver in the last hour, by result.",
            act="Bad signatures: the secret here is not the one in BTCPay, or somebody tries the door.",
            unit=COUNT,
            look=Look.BARS,
            queries=(Query(hourly(of_site("lnwatch_webhook_events_total")), "{{site}} {{name}} {{result}}"),),
            span=12,
        ),
        Panel(
            "Checkout from outside",
            shows="Whether each visit passed, stage by stage.",
            act="The first stage that fails names the cause: name, connection, certificate, page.",
            unit=PLAIN,
            look=Look.STATES,
            queries=(
                Query(
                    f"min by (site, probe, stage) ({of_site('lnwatch_probe_success')})", "{{site}} {{probe}} {{stage}}"
                ),
            ),
            rules=("checkout_unreachable",),
            words={0: ("failed", BAD), 1: ("passed", WELL)},
            span=12,
        ),
    ),
)
