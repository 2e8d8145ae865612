"""BTCPay Server as it stands: how it sees the chain, and of each store its payouts, balances, webhooks and rates."""

from collections import Counter
from collections.abc import Callable, Iterator
from typing import TypeVar

from lnwatch.domain.stores import StoreFacts, store_facts, stores_of
from lnwatch.exporter.metric import Kind, Metric, Number, Row, satoshis
from lnwatch.exporter.moment import Moment
from lnwatch.exporter.shapes import FactRows, Many
from lnwatch.model.btcpay import BtcpayStatus, Payouts, Rates, StoreBalance, Webhooks
from lnwatch.model.merchant import DeliveryStatus
from lnwatch.model.money import Msat

_STATUS = FactRows(BtcpayStatus)

F = TypeVar("F", bound=StoreFacts)


def _of_store(name: str, text: str, labels: tuple[str, ...], kind: type[F], figures: Callable[[F], Many]) -> Metric:
    """Figures of each store from its fresh facts of one kind, left out where they are None."""

    def rows(moment: Moment) -> Iterator[Row]:
        for view, target in moment.targets():
            for store in stores_of(target):
                facts = store_facts(target, kind, store, moment.now)
                for values, figure in figures(facts) if facts is not None else ():
                    if figure is not None:
                        yield (view.site, store, *values), figure

    return Metric(name, text, Kind.GAUGE, ("site", "store", *labels), rows)


def _payouts(facts: Payouts) -> Many:
    return [((state.value,), number) for state, number in facts.counts]


def _balances(facts: StoreBalance) -> Many:
    node = facts.lightning
    held: dict[str, Msat | None] = {"confirmed": facts.confirmed_msat, "unconfirmed": facts.unconfirmed_msat}
    if node is not None:
        held |= {
            "lightning_local": node.local_msat,
            "lightning_remote": node.remote_msat,
            "lightning_opening": node.opening_msat,
            "lightning_closing": node.closing_msat,
            "node_confirmed": node.onchain_confirmed_msat,
            "node_unconfirmed": node.onchain_unconfirmed_msat,
        }
    return [((kind,), _satoshis(amount)) for kind, amount in held.items()]


def _satoshis(amount: Msat | None) -> Number | None:
    return None if amount is None else satoshis(amount)


def _deliveries(facts: Webhooks) -> Many:
    if facts.webhooks is None:
        return []
    counts: Counter[DeliveryStatus] = Counter()
    for webhook in facts.webhooks:
        counts.update(dict(webhook.recent))
    return [((status.value,), counts[status]) for status in DeliveryStatus]


def _rates(facts: Rates) -> Many:
    return [((rate.currency,), rate.rate) for rate in facts.rates]


METRICS = (
    _STATUS.one(
        "lnwatch_btcpay_synchronized",
        "1 while BTCPay Server calls itself synchronized, which it repeats from its last poll of NBXplorer.",
        lambda facts: int(facts.synchronized),
    ),
    _of_store(
        "lnwatch_payouts",
        "Payouts that BTCPay Server lists; those of an archived pull payment are not listed.",
        ("state",),
        Payouts,
        _payouts,
    ),
    _of_store(
        "lnwatch_store_balance_satoshis",
        "What the store's wallet and its node hold by BTCPay Server's word, up to 5 minutes old; absent where unseen.",
        ("kind",),
        StoreBalance,
        _balances,
    ),
    _of_store(
        "lnwatch_webhook_deliveries",
        "The newest 200 deliveries of each webhook of the store; absent where the key may not list them.",
        ("state",),
        Webhooks,
        _deliveries,
    ),
    _of_store(
        "lnwatch_rate",
        "The store's price of one bitcoin in the currency; absent while BTCPay Server has none.",
        ("currency",),
        Rates,
        _rates,
    ),
)
