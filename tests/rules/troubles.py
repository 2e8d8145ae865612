"""Views with a trouble of one kind in the store's exception queue, and what all rules of that queue promise."""

from dataclasses import replace
from decimal import Decimal
from typing import Any

from lnwatch.model.order import PaymentException, Trouble
from lnwatch.model.rule import Rule, Scope
from lnwatch.model.view import ShopView, TargetView, View
from tests.assessments import NOW
from tests.rules.views import judged, make_target, make_view, stale, with_collector
from tests.shops import shop

SERVER = make_target("btcpay")
NODE = with_collector(make_target("lnd"), "invoices")


def exception(trouble: Trouble, number: int = 1, **changes: Any) -> PaymentException:  # noqa: ANN401 - a table of fields
    """Ten minutes old, on an invoice of the store `shop`."""
    subject = f"order:shop/order-{number}" if trouble is Trouble.PAID_TWICE else f"invoice:inv{number}"
    usual = PaymentException(
        trouble=trouble,
        store="shop",
        subject=subject,
        invoice=f"inv{number}",
        order_id=f"order-{number}",
        since=NOW - 600,
        currency="EUR",
        due=Decimal(10),
        credited=Decimal("7.50"),
        gross=Decimal("12.50"),
        sentence=f"Invoice inv{number} of store:shop has 12.50 EUR for 10.00 EUR.",
        facts={"arrived": "12.50 EUR"},
        evidence=f"inv{number} 7.5 12.5",
    )
    return replace(usual, **changes)


def holding(
    *exceptions: PaymentException,
    server: TargetView = SERVER,
    node: TargetView = NODE,
    **changes: Any,  # noqa: ANN401 - fields of ShopView
) -> View:
    """A site whose one store has these."""
    return make_view(server, node, shops=[kept(*exceptions, **changes)])


def kept(*exceptions: PaymentException, **changes: Any) -> ShopView:  # noqa: ANN401 - fields of ShopView
    """The store with these in its queue."""
    return shop(exceptions=exceptions, **{"exception_count": len(exceptions), **changes})


def hold_to_the_queue(rule: Rule[Any], trouble: Trouble) -> None:
    """What every rule of the queue promises; `trouble` is its own."""
    assert (rule.scope, rule.kinds, rule.tells_changes) == (Scope.SOURCE, ("btcpay",), True)
    own, other = exception(trouble), next(each for each in Trouble if each is not trouble)

    # It finds its own kind alone, with the words, facts and evidence of the trouble itself.
    finding = judged(rule, holding(own, exception(other, 2)), SERVER).only
    assert finding.subject == own.subject
    assert finding.sentence.startswith(own.sentence)
    assert len(finding.sentence) > len(own.sentence) + 10  # what is to be done
    assert (finding.facts, finding.evidence) == (own.facts, own.evidence)

    # What was put right is in the queue no more, and another server's stores are not its business.
    assert judged(rule, holding(exception(other, 2)), SERVER).clear
    assert judged(rule, holding(own, source="elsewhere"), SERVER).clear

    # Each subject once: the newest of it.
    older = replace(own, since=own.since - 60, evidence="older")
    assert judged(rule, holding(own, older), SERVER).only.evidence == own.evidence
    assert len(judged(rule, holding(own, exception(trouble, 2)), SERVER).found) == 2

    # While BTCPay is not read what was found goes on, and nothing else can be told to be over.
    blind = stale(SERVER, "invoices_shop")
    for view in (
        holding(own, server=blind),
        holding(own, exception_count=501),  # more than a View holds: what is not there may be among the rest
    ):
        verdict = judged(rule, view, SERVER)
        assert set(verdict.found) == {own.subject}
        assert set(verdict.unknown) == {None}
    assert set(judged(rule, holding(read_until=None), SERVER).unknown) == {None}
