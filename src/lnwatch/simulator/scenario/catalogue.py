"""Rules that scenarios may speak of though they are still to come, each with what it will be about."""

from collections.abc import Mapping
from typing import Final

TO_COME: Final[Mapping[str, str]] = {
    "payment_success_low": "fewer payments succeed than should, with evidence of what they fail at",
    "nothing_settles": "invoices are made and none is settled",
    "no_invoices": "no invoice is made where orders are due",
    "conversion_drop": "fewer customers pay than usual, and nothing says why",
    "inbound_runway_short": "at the present rate inbound is gone within two days",
    "reachability_failing": "a second node finds no way to ours",
    "synthetic_checkout_failing": "a purchase that is made for trial fails",
    "refund_rate_high": "more is paid back than usual",
    "uptime_budget_burning": "customers can't pay for more of the time than was agreed on",
}
