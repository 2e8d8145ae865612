"""Refunds and other payouts are promised, and there is less to pay them with than they need."""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from decimal import Decimal

from lnwatch.domain.cover import liquidity_of
from lnwatch.domain.stores import store_facts, stores_of, unread
from lnwatch.domain.wording import count
from lnwatch.model.btcpay import Payouts, Rates, StoreBalance
from lnwatch.model.merchant import LIGHTNING_METHODS, Method, Payout, PayoutState
from lnwatch.model.money import MSAT_PER_BTC, MSAT_PER_SAT, format_msat
from lnwatch.model.rule import Answer, Finding, Owner, Rule, Scope, Severity, Unknown
from lnwatch.model.view import TargetView, View

# What is in progress has left the balances already, or is bound in them.
_WAITING = frozenset({PayoutState.AWAITING_APPROVAL, PayoutState.AWAITING_PAYMENT})


@dataclass(frozen=True, slots=True)
class Thresholds:
    """Nothing to set but how long it may last, which is `for`."""


@dataclass(frozen=True, slots=True)
class _Due:
    """What a store has to pay out, in msat by method, and how many payouts that is."""

    lightning: int
    chain: int
    number: int


def judge(view: View, target: TargetView | None, _thresholds: Thresholds) -> Iterable[Answer]:
    """The store is the subject of its on-chain wallet, the node that of what all stores on it pay over Lightning."""
    if target is None:
        return
    over_lightning: Counter[str] = Counter()
    for store in stores_of(target):
        subject, due = f"store:{store}", _due(view, target, store)
        if isinstance(due, Unknown):
            yield due
            continue
        shop = view.shops.get(store)
        node = shop.node if shop is not None else None
        if node is not None:
            over_lightning[node] += due.lightning
        if due.chain and (answer := _from_wallet(view, target, store, due)) is not None:
            yield answer
        elif due.lightning and node is None:
            yield Unknown(f"{subject} has Lightning payouts, and on which node it stands is not known", subject)
    yield from _from_nodes(view, over_lightning)


def _due(view: View, target: TargetView, store: str) -> _Due | Unknown:
    facts = store_facts(target, Payouts, store, view.at)
    if facts is None:
        return Unknown(unread(target, Payouts, store), f"store:{store}")
    waiting = [payout for payout in facts.open if payout.state in _WAITING]
    rates = _rates(view, target, store)
    worth = {payout.id: _worth(payout, rates) for payout in waiting}
    if without := [payout for payout in waiting if worth[payout.id] is None]:
        currency = without[0].asked_currency
        return Unknown(f"a payout of store:{store} is in {currency}, for which there is no rate", f"store:{store}")
    return _Due(
        lightning=sum(worth[payout.id] or 0 for payout in waiting if payout.method in LIGHTNING_METHODS),
        chain=sum(worth[payout.id] or 0 for payout in waiting if payout.method is Method.CHAIN),
        number=len(waiting),
    )


def _rates(view: View, target: TargetView, store: str) -> Mapping[str, Decimal]:
    """Units of each currency for one bitcoin."""
    facts = store_facts(target, Rates, store, view.at)
    fresh = {rate.currency: rate.rate for rate in facts.rates if rate.rate} if facts is not None else {}
    return fresh | {"BTC": Decimal(1), "SATS": Decimal(MSAT_PER_BTC // MSAT_PER_SAT)}


def _worth(payout: Payout, rates: Mapping[str, Decimal]) -> int | None:
    """In msat; before its approval, at today's rate. None without one."""
    if payout.amount_msat is not None:
        return payout.amount_msat
    rate = rates.get(payout.asked_currency)
    return None if rate is None else int(payout.asked / rate * MSAT_PER_BTC)


def _from_wallet(view: View, target: TargetView, store: str, due: _Due) -> Answer | None:
    subject = f"store:{store}"
    balance = store_facts(target, StoreBalance, store, view.at)
    if balance is None:
        return Unknown(unread(target, StoreBalance, store), subject)
    if balance.confirmed_msat is None:
        return Unknown(f"the on-chain wallet of {subject} can't be seen", subject)
    if balance.confirmed_msat >= due.chain:
        return None
    held, needed = format_msat(balance.confirmed_msat), format_msat(due.chain)
    return Finding(
        subject,
        f"The on-chain wallet of {subject} holds {held} confirmed, less than the {needed} of its open payouts.",
        facts={"confirmed": held, "needed": needed, "open payouts": count(due.number, "payout")},
    )


def _from_nodes(view: View, needed: Mapping[str, int]) -> Iterator[Answer]:
    for slug, due in needed.items():
        node = view.targets.get(slug)
        if not due or node is None:
            continue
        liquidity = liquidity_of(view, node)
        if isinstance(liquidity, Unknown):
            yield liquidity
        elif liquidity.outbound_msat < due:
            held, wanted = format_msat(liquidity.outbound_msat), format_msat(due)
            sentence = (
                f"node:{slug} can send {held}, less than the {wanted} of the open Lightning payouts of its stores."
            )
            yield Finding(f"node:{slug}", sentence, facts={"usable outbound": held, "needed": wanted})


RULE = Rule(
    id="refund_float_low",
    scope=Scope.SOURCE,
    severity=Severity.WARNING,
    owner=Owner.TREASURY,
    thresholds=Thresholds,
    judge=judge,
    after=900,
    kinds=("btcpay",),
    grant="configure a source of kind `btcpay`; its key needs canviewpayouts and canviewwallet of btcpay.store",
)
