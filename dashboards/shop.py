"""A store's orders: can customers pay, do they, how long does it take, and what went wrong with whose money."""

from dashboards.panel import (
    BAD,
    BLOCKS,
    CONTEXT,
    COUNT,
    NEUTRAL,
    PLAIN,
    SATOSHIS,
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
from dashboards.promql import hourly, of_store, quantile, state_number, threshold
from lnwatch.model.kpi import CanPay
from lnwatch.model.order import Outcome

_ANSWERS = {CanPay.YES: WELL, CanPay.PARTLY: WATCH, CanPay.NO: BAD, CanPay.UNKNOWN: NEUTRAL}
_OUTCOMES = {
    Outcome.SETTLED: WELL,
    Outcome.FAILED: BAD,
    Outcome.UNPAYABLE: WATCH,
    Outcome.UNEXPLAINED: NEUTRAL,
    Outcome.EXCLUDED: CONTEXT,
}
_COLOURS = {str(outcome): colour for outcome, colour in _OUTCOMES.items()}


def _kpi(name: str, window: str, rail: str = "all") -> str:
    return of_store("lnwatch_kpi_ratio", kpi=name, window=window, rail=rail)


def _target(name: str, rail: str = "all") -> Query:
    return Query(of_store("lnwatch_kpi_target_ratio", kpi=name, rail=rail), "target {{site}} {{store}}")


PAYING = Row(
    "Paying",
    (
        Panel(
            "Can customers pay?",
            shows="Per store and rail, and over all rails together: yes, partly, no or unknown. Unknown: what would "
            "tell is stale, and so it counts neither as up nor as down.",
            act="No or partly: lnwatch's page says in one sentence why. Unknown: bring the source back that it names.",
            unit=PLAIN,
            look=Look.STATES,
            queries=(
                Query(
                    state_number(
                        "lnwatch_payability",
                        "answer",
                        [answer.value for answer in CanPay],
                        "site",
                        "store",
                        apart=("rail",),
                    ),
                    "{{site}} {{store}} {{rail}}",
                ),
            ),
            rules=("btcpay_down", "checkout_unreachable", "nbxplorer_down", "lightning_down"),
            words={number: (answer.value, _ANSWERS[answer]) for number, answer in enumerate(CanPay)},
            span=16,
        ),
        Panel(
            "Uptime of 30 days",
            shows="Share of the time in which customers could pay. Announced maintenance and what could not be "
            "seen are left out. Dashed: the target.",
            act="Below its target: the cases of the month, longest first, say where the time went.",
            unit=SHARE,
            look=Look.LINES,
            queries=(Query(_kpi("uptime", "30d"), "{{site}} {{store}}"),),
            limits=(_target("uptime"),),
            rules=("btcpay_down", "checkout_unreachable"),
            span=8,
        ),
    ),
)

ORDERS = Row(
    "Orders",
    (
        Panel(
            "Orders by outcome",
            shows="Orders that became final in the last hour: settled, failed with evidence, unpayable, unexplained "
            "(the customer may just have gone), or no business.",
            act="Failed or unpayable: `lnwatch order ID` tells the story of one. Unexplained alone: hold the "
            "conversion against its own past.",
            unit=COUNT,
            look=Look.BARS,
            queries=(
                Query(
                    f"sum by (site, store, outcome) ({hourly(of_store('lnwatch_orders_total'))})",
                    "{{site}} {{store}} {{outcome}}",
                ),
            ),
            rules=("unpayable_invoices", "btcpay_degraded"),
            colours=_COLOURS,
            span=12,
        ),
        Panel(
            "Payment success",
            shows="Settled orders among those with evidence either way, over a day and a week. Dashed: the target.",
            act="Below the target: open the exceptions and the evidence of failed orders; then inbound and peers.",
            unit=SHARE,
            look=Look.LINES,
            queries=(
                Query(_kpi("payment_success", "24h"), "{{site}} {{store}} a day"),
                Query(_kpi("payment_success", "7d"), "{{site}} {{store}} a week"),
            ),
            limits=(_target("payment_success"),),
            rules=("unpayable_invoices", "inbound_exhausted"),
            span=12,
        ),
        Panel(
            "What it stands on",
            shows="The orders behind the success of a week, and how many of them are against it. A share of few "
            "orders says little.",
            act="Read these figures before you believe the share beside them; `lnwatch kpi` gives its interval.",
            unit=COUNT,
            look=Look.NUMBERS,
            queries=(
                Query(
                    of_store("lnwatch_kpi_events", kpi="payment_success", window="7d", rail="all"),
                    "{{site}} {{store}} orders",
                ),
                Query(
                    of_store("lnwatch_kpi_bad_events", kpi="payment_success", window="7d", rail="all"),
                    "{{site}} {{store}} against",
                ),
            ),
            span=8,
        ),
        Panel(
            "Conversion",
            shows="Settled orders among those that were offered the rail, over a week. Most that are missing are "
            "customers who changed their mind.",
            act="A fall on one rail alone is that rail's trouble; a fall on both is the shop's, or its prices'.",
            unit=SHARE,
            look=Look.LINES,
            queries=(
                Query(
                    of_store("lnwatch_kpi_ratio", kpi="conversion", window="7d"),
                    "{{site}} {{store}} {{rail}}",
                ),
            ),
            span=8,
        ),
        Panel(
            "Fallback and refunds",
            shows="Share of orders with a Lightning method that were paid on the chain, and of settled orders that "
            "were refunded, over 30 days. Dashed: the target for refunds.",
            act="Fallback that rises: Lightning payments fail before they reach us. Refunds: ask support why.",
            unit=SHARE,
            look=Look.LINES,
            queries=(
                Query(_kpi("fallback", "30d"), "{{site}} {{store}} fallback"),
                Query(_kpi("refund", "30d"), "{{site}} {{store}} refunded"),
            ),
            limits=(_target("refund"),),
            span=8,
        ),
        Panel(
            "Open invoices",
            shows="BTCPay invoices that may still be paid.",
            act="None where you expect customers: try to order something yourself.",
            unit=COUNT,
            look=Look.LINES,
            queries=(Query(of_store("lnwatch_invoices_open"), "{{site}} {{store}}"),),
            rules=("unpayable_invoices",),
            span=8,
        ),
        Panel(
            "Payments by method",
            shows="Payments of orders that became final in the last hour.",
            act="A method that vanishes while it is enabled: look at the newest invoice's methods in BTCPay.",
            unit=COUNT,
            look=Look.BARS,
            queries=(Query(hourly(of_store("lnwatch_payments_total")), "{{site}} {{store}} {{method}}"),),
            rules=("btcpay_degraded",),
            span=8,
        ),
        Panel(
            "Brought in",
            shows="What settled orders brought in the last hour, by rail.",
            act="Nothing where you expect sales: look at the outcomes above, then at the shop.",
            unit=SATOSHIS,
            look=Look.BARS,
            queries=(Query(hourly(of_store("lnwatch_invoice_paid_satoshis_total")), "{{site}} {{store}} {{rail}}"),),
            span=8,
        ),
        Panel(
            "Invoices by outcome",
            shows="BTCPay invoices of orders that became final in the last hour: an order may have had several.",
            act="Many more invoices than orders: customers need several tries; watch one of them at the checkout.",
            unit=COUNT,
            look=Look.BARS,
            queries=(
                Query(
                    f"sum by (site, store, outcome) ({hourly(of_store('lnwatch_invoices_total'))})",
                    "{{site}} {{store}} {{outcome}}",
                ),
            ),
            colours=_COLOURS,
            span=8,
        ),
    ),
)

LATENCY = Row(
    "How long it takes",
    (
        Panel(
            "Legs of a payment",
            shows="The slower 5 % of the last hour, leg by leg: accepted to settled at the node, from there to BTCPay, "
            "from BTCPay to the shop, and on the chain from seen to confirmed. A leg that can't be seen has no line.",
            act="The leg that grew names the system: node, BTCPay, or the shop's own receiver of webhooks.",
            unit=SECONDS,
            look=Look.LINES,
            queries=(
                Query(
                    quantile(
                        0.95, of_store("lnwatch_settlement_latency_seconds_bucket"), "site", "store", "rail", "leg"
                    ),
                    "{{site}} {{store}} {{rail}} {{leg}}",
                ),
            ),
            limits=(Query(threshold("settlement_slow", "target_seconds"), "target {{site}}"),),
            rules=("settlement_slow",),
            span=12,
        ),
        Panel(
            "Quick over Lightning",
            shows="Share of Lightning settlements within the target time, over a week. Dashed: the target.",
            act="Open the runbook of settlement_slow: it tells node, BTCPay and webhook apart.",
            unit=SHARE,
            look=Look.LINES,
            queries=(Query(_kpi("lightning_fast", "7d", "lightning"), "{{site}} {{store}}"),),
            limits=(_target("lightning_fast", "lightning"),),
            rules=("settlement_slow",),
            span=6,
        ),
        Panel(
            "Quick on the chain",
            shows="Share of on-chain payments confirmed within two blocks of being seen, over 30 days. Dashed: the "
            "target. Blocks come every 10 minutes only on average.",
            act="Low while fees are high: customers pay too little fee; recommend a higher one in BTCPay.",
            unit=SHARE,
            look=Look.LINES,
            queries=(Query(_kpi("onchain_fast", "30d", "onchain"), "{{site}} {{store}}"),),
            limits=(_target("onchain_fast", "onchain"),),
            rules=("onchain_slow", "mempool_storm"),
            span=6,
        ),
        Panel(
            "Blocks until confirmed",
            shows="Blocks that the slower 5 % of the last hour's on-chain payments waited to be confirmed once. "
            "Dashed: within how many onchain_slow wants most of them.",
            act="More than two: the fee of that payment was below the market's.",
            unit=BLOCKS,
            look=Look.LINES,
            queries=(
                Query(
                    quantile(0.95, of_store("lnwatch_settlement_latency_blocks_bucket"), "site", "store", "leg"),
                    "{{site}} {{store}}",
                ),
            ),
            limits=(Query(threshold("onchain_slow", "blocks"), "limit {{site}}"),),
            rules=("onchain_slow",),
            span=12,
        ),
    ),
)

_SUPPORT = (
    "paid_not_settled",
    "paid_late",
    "paid_partial",
    "paid_over",
    "paid_twice",
    "invoice_regressed",
)

TROUBLE = Row(
    "What went wrong with money",
    (
        Panel(
            "Open exceptions",
            shows="Payments with something wrong that is not put right: paid at the node and not settled, late, in "
            "part, too much, twice, or fallen back.",
            act="Each is a case for support: refund, or accept the order by hand; `lnwatch cases` lists them.",
            unit=COUNT,
            look=Look.BARS,
            queries=(
                Query(
                    f'sum by (site, rule) (lnwatch_findings{{site=~"$site",rule=~"{"|".join(_SUPPORT)}"}})',
                    "{{site}} {{rule}}",
                ),
            ),
            rules=_SUPPORT,
            span=12,
        ),
        Panel(
            "Exceptions now",
            shows="The open ones, each with its invoice or order.",
            act="Follow the link to its case: facts, evidence and what to do stand there.",
            unit=COUNT,
            look=Look.TABLE,
            queries=(Query(f'lnwatch_case_open{{site=~"$site",rule=~"{"|".join(_SUPPORT)}"}} == 1'),),
            columns=(Column("site"), Column("rule"), Column("severity"), Column("subject")),
            rules=_SUPPORT,
            empty="none",
            span=12,
        ),
        Panel(
            "Refunded orders",
            shows="Orders of which money went back in the last hour.",
            act="A rise: ask support for the reason, before customers do it in public.",
            unit=COUNT,
            look=Look.BARS,
            queries=(Query(hourly(of_store("lnwatch_refunds_total")), "{{site}} {{store}}"),),
            span=12,
        ),
        Panel(
            "Payouts",
            shows="Payouts that BTCPay lists, by state. One that the node can't send stays in progress for good.",
            act="Waiting for long: approve it, or look into the node's own payments for why it is not sent.",
            unit=COUNT,
            look=Look.LINES,
            queries=(Query(of_store("lnwatch_payouts"), "{{site}} {{store}} {{state}}"),),
            rules=("refund_float_low",),
            span=12,
        ),
    ),
)
