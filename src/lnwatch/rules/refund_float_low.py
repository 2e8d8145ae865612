"""Refunds and other payouts are promised, and there is less to pay them with than they need."""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from decimal import Decimal

from lnwatch.domain.cover import liquidity_of
from lnwatch.domain.payable import offered_rails
from lnwatch.domain.stores import store_facts, stores_of, unread
from lnwatch.domain.wording import count
from lnwatch.model.btcpay import Payouts, Rates, StoreBalance
from lnwatch.model.merchant import LIGHTNING_METHODS, Method, Payout, PayoutState
from lnwatch.model.money import MSAT_PER_BTC, MSAT_PER_SAT, format_msat
from lnwatch.model.order import Rail
from lnwatch.model.rule import Answer, Finding, Owner, Rule, Scope, Severity, Unknown
from lnwatch.model.view import TargetView, View

# What is in progress has left the balances already, or is bound in them.
_WAITING = frozenset({PayoutState.AWAITING_APPROVAL, PayoutState.AWAITING_PAYMENT})


@dataclass(frozen=True, slots=True)
class Thresholds:
    """Nothing to set but how long it may last, which is `for`."""


@dataclass(frozen=True, slots=True)
class _Due:
    """What a store has to pay out, in msat by method, and how many payouts that is; `promised` by so many `links` that
    were not claimed yet, by whichever method the customer will choose."""

    lightning: int
    chain: int
    number: int
    promised: int
    links: int


@dataclass(frozen=True, slots=True)
class _Purse:
    """A store's own wallet, which has nothing to do where `answer` is None; what it can't cover of what was
    `promised` falls to the node: `short`."""

    answer: Answer | None
    short: int


def judge(view: View, target: TargetView | None, _thresholds: Thresholds) -> Iterable[Answer]:
    """The store is the subject of its on-chain wallet, the node that of what all stores on it pay over Lightning."""
    if target is None:
        return
    over_lightning: Counter[str] = Counter()
    short: Counter[str] = Counter()
    for store in stores_of(target):
        subject, due = f"store:{store}", _due(view, target, store)
        if isinstance(due, Unknown):
            yield due
            continue
        shop = view.shops.get(store)
        node = shop.node if shop is not None else None
        alone = node is None and (shop is None or Rail.LIGHTNING not in offered_rails(target, shop))
        purse = _purse(view, target, store, due, alone=alone)
        if node is not None:
            over_lightning[node] += due.lightning
            short[node] += purse.short
        if purse.answer is not None:
            yield purse.answer
        elif node is None and (due.lightning or (purse.short and not alone)):
            yield Unknown(
                f"{subject} has something to pay over Lightning, and on which node it stands is not known", subject
            )
        elif why := _unread_links(view, target, store):
            yield Unknown(why, subject)
    yield from _from_nodes(view, over_lightning, short)


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
    unclaimed = facts.unclaimed or ()
    promised = [_in_bitcoin(each.amount, rates.get(each.currency)) for each in unclaimed]
    if priceless := [each.currency for each, amount in zip(unclaimed, promised, strict=True) if amount is None]:
        words = f"a refund link of store:{store} is in {priceless[0]}, for which there is no rate"
        return Unknown(words, f"store:{store}")
    return _Due(
        lightning=sum(worth[payout.id] or 0 for payout in waiting if payout.method in LIGHTNING_METHODS),
        chain=sum(worth[payout.id] or 0 for payout in waiting if payout.method is Method.CHAIN),
        number=len(waiting),
        promised=sum(amount or 0 for amount in promised),
        links=sum(each.links for each in unclaimed),
    )


def _unread_links(view: View, target: TargetView, store: str) -> str:
    """Why more may be promised than is known; empty where it is not."""
    facts = store_facts(target, Payouts, store, view.at)
    if facts is None or facts.unclaimed is not None:
        return ""
    return f"the refund links of store:{store} were not read yet, which takes canviewpullpayments"


def _rates(view: View, target: TargetView, store: str) -> Mapping[str, Decimal]:
    """Units of each currency for one bitcoin."""
    facts = store_facts(target, Rates, store, view.at)
    fresh = {rate.currency: rate.rate for rate in facts.rates if rate.rate} if facts is not None else {}
    return fresh | {"BTC": Decimal(1), "SATS": Decimal(MSAT_PER_BTC // MSAT_PER_SAT)}


def _worth(payout: Payout, rates: Mapping[str, Decimal]) -> int | None:
    """In msat; before its approval, at today's rate. None without one."""
    if payout.amount_msat is not None:
        return payout.amount_msat
    return _in_bitcoin(payout.asked, rates.get(payout.asked_currency))


def _in_bitcoin(amount: Decimal, rate: Decimal | None) -> int | None:
    return None if rate is None else int(amount / rate * MSAT_PER_BTC)


def _purse(view: View, target: TargetView, store: str, due: _Due, *, alone: bool) -> _Purse:
    """What the store's wallet has to pay; `alone` where no node may pay what was promised and not claimed."""
    if not due.chain and not due.promised:
        return _Purse(None, 0)
    subject = f"store:{store}"
    balance = store_facts(target, StoreBalance, store, view.at)
    if balance is None:
        return _Purse(Unknown(unread(target, StoreBalance, store), subject), 0)
    if due.chain and balance.confirmed_msat is None:
        return _Purse(Unknown(f"the on-chain wallet of {subject} can't be seen", subject), 0)
    held = balance.confirmed_msat or 0
    short = max(0, due.promised - max(0, held - due.chain))
    if held >= due.chain and not (alone and short):
        return _Purse(None, short)
    needed = due.chain + (due.promised if alone else 0)
    whose = "its open payouts"
    if alone and due.promised:
        whose += f" and {count(due.links, 'refund link')} that nobody has claimed"
    return _Purse(
        Finding(
            subject,
            f"The on-chain wallet of {subject} holds {format_msat(held)} confirmed, less than the "
            f"{format_msat(needed)} of {whose}.",
            facts={
                "confirmed": format_msat(held),
                "needed": format_msat(needed),
                "open payouts": count(due.number, "payout"),
                "unclaimed links": f"{count(due.links, 'link')}, {format_msat(due.promised)}",
            },
        ),
        short,
    )


def _from_nodes(view: View, needed: Mapping[str, int], short: Mapping[str, int]) -> Iterator[Answer]:
    for slug, open_payouts in needed.items():
        due, node = open_payouts + short.get(slug, 0), view.targets.get(slug)
        if not due or node is None:
            continue
        liquidity = liquidity_of(view, node)
        if isinstance(liquidity, Unknown):
            yield liquidity
        elif liquidity.outbound_msat < due:
            held, wanted = format_msat(liquidity.outbound_msat), format_msat(due)
            sentence = f"node:{slug} can send {held}, less than the {wanted} of its stores' open Lightning payouts"
            facts = {"usable outbound": held, "needed": wanted}
            if short.get(slug):
                sentence += " and of refund links that nobody has claimed and their wallets can't cover"
                facts["of unclaimed links"] = format_msat(short[slug])
            yield Finding(f"node:{slug}", f"{sentence}.", facts=facts)


RULE = Rule(
    id="refund_float_low",
    scope=Scope.SOURCE,
    severity=Severity.WARNING,
    owner=Owner.TREASURY,
    thresholds=Thresholds,
    judge=judge,
    after=900,
    kinds=("btcpay",),
    grant="configure a source of kind `btcpay`; its key needs canviewpayouts, canviewpullpayments and canviewwallet of "
    "btcpay.store",
)
