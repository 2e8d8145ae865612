"""BTCPay Server has no price for a bitcoin, and then makes no invoice on any rail; or one that is old or disputed."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from decimal import Decimal

from lnwatch.domain.limits import require_positive, require_share
from lnwatch.domain.stores import store_facts, stores_of, unread
from lnwatch.domain.wording import clause, duration, listing, percent
from lnwatch.model.btcpay import Rate, Rates
from lnwatch.model.rule import Answer, Finding, Owner, Rule, Scope, Severity, Unknown
from lnwatch.model.view import TargetView, View

_ByStore = Mapping[str, Rate]


@dataclass(frozen=True, slots=True)
class Thresholds:
    """`steady_seconds`: an exchange's rate that stands still for longer is told. `apart`: so are the stores of a
    server whose rates of one currency differ by more than that share."""

    steady_seconds: float = 3_600.0
    apart: float = 0.01

    def __post_init__(self) -> None:
        """Refuse nonsense."""
        require_positive(steady_seconds=self.steady_seconds)
        require_share(apart=self.apart)


def judge(view: View, target: TargetView | None, thresholds: Thresholds) -> Iterable[Answer]:
    """One subject for each currency, over all stores of the server. A store that prices in bitcoin needs no rate."""
    if target is None:
        return
    known = {store: store_facts(target, Rates, store, view.at) for store in stores_of(target)}
    rates: dict[str, dict[str, Rate]] = {}
    for store, facts in known.items():
        for rate in facts.rates if facts is not None else ():
            rates.setdefault(rate.currency, {})[store] = rate
    blind = [store for store, facts in known.items() if facts is None]
    if blind:
        yield Unknown(unread(target, Rates, blind[0]))
    for currency, by_store in rates.items():
        yield from _of(view, currency, by_store, thresholds)


def _of(view: View, currency: str, rates: _ByStore, thresholds: Thresholds) -> Iterator[Finding]:
    """The worst of what is wrong with one currency."""
    subject = f"rate:{currency}"
    facts = {
        store: str(rate.rate) if rate.rate is not None else clause("; ".join(rate.errors))
        for store, rate in rates.items()
    }
    if without := [store for store, rate in rates.items() if rate.rate is None]:
        why = clause("; ".join(rates[without[0]].errors), "BTCPay gives no reason")
        words = f"is missing at {_stores(without)}, which can't make an invoice without it: {why}"
        yield Finding(subject, f"{subject} {words}.", facts=facts, evidence="missing")
        return
    for told, evidence in (
        (_standing_still(view, rates, thresholds), "steady"),
        (_apart(rates, thresholds), "apart"),
    ):
        if told:
            sentence = f"{subject} {told}."
            yield Finding(subject, sentence, Severity.WARNING, Owner.FINANCE, facts=facts, evidence=evidence)
            return


def _standing_still(view: View, rates: _ByStore, thresholds: Thresholds) -> str:
    since = {store: rate.steady_since for store, rate in rates.items() if rate.steady_since is not None}
    if not since:
        return ""
    store = min(since, key=lambda name: since[name])
    lasted = view.at - since[store]
    if lasted <= thresholds.steady_seconds:
        return ""
    stood = f"{duration(lasted)}, as an exchange's does (limit {duration(thresholds.steady_seconds)})"
    return f"({rates[store].rate}) of store {store} has not moved for {stood}"


def _apart(rates: _ByStore, thresholds: Thresholds) -> str:
    known = {store: rate.rate for store, rate in rates.items() if rate.rate}
    if len(known) < 2:
        return ""
    low, high = min(known, key=lambda store: known[store]), max(known, key=lambda store: known[store])
    apart = known[high] / known[low] - 1
    if apart <= Decimal(str(thresholds.apart)):
        return ""
    limit = f"limit {percent(thresholds.apart)}"
    return f"is {known[low]} at store {low} and {known[high]} at store {high}, {percent(float(apart))} apart ({limit})"


def _stores(names: list[str]) -> str:
    return f"store {names[0]}" if len(names) == 1 else f"stores {listing(names)}"


RULE = Rule(
    id="rate_stale",
    scope=Scope.SOURCE,
    severity=Severity.CRITICAL,
    owner=Owner.ONCALL,
    thresholds=Thresholds,
    judge=judge,
    after=300,
    kinds=("btcpay",),
    grant="configure a source of kind `btcpay`; its key needs btcpay.store.canviewstoresettings",
)
