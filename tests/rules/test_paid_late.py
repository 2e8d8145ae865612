"""Rule `paid_late`: what the exception queue holds of that kind."""

from lnwatch.model.order import Trouble
from lnwatch.rules.paid_late import RULE
from tests.rules.troubles import SERVER, exception, hold_to_the_queue, holding
from tests.rules.views import judged


def test_it_keeps_the_promises_of_the_queue() -> None:
    """Its own kind alone, each subject once, never over while BTCPay is not read."""
    hold_to_the_queue(RULE, Trouble.PAID_LATE)


def test_it_says_what_to_do() -> None:
    """The figures come first, then what puts it right."""
    finding = judged(RULE, holding(exception(Trouble.PAID_LATE)), SERVER).only
    assert finding.sentence == (
        "Invoice inv1 of store:shop has 12.50 EUR for 10.00 EUR. Accept the order by hand, or send the money back."
    )
