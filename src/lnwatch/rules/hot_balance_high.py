"""More money lies in hot wallets and channels than the site allows: what is hot can be stolen with one machine."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from lnwatch.domain.reach import unseen
from lnwatch.domain.stores import store_facts, stores_of, unread
from lnwatch.model.btcpay import StoreBalance
from lnwatch.model.lightning import Channels, Wallet
from lnwatch.model.money import format_msat, msat
from lnwatch.model.rule import Answer, Finding, Owner, Rule, Scope, Severity, Unknown
from lnwatch.model.view import TargetView, View


@dataclass(frozen=True, slots=True)
class Thresholds:
    """`limit_satoshis`: what may lie in the stores' wallets, the nodes' wallets and the channels together.
    0, which it is until the site sets it: nothing is judged."""

    limit_satoshis: int = 0

    def __post_init__(self) -> None:
        """Refuse nonsense."""
        if self.limit_satoshis < 0:
            raise ValueError(f"`limit_satoshis` can't be below 0, found {self.limit_satoshis}")


@dataclass(frozen=True, slots=True)
class _Part:
    """One place where money lies; `held` None where it can't be seen, and then `why`."""

    name: str
    held: int | None
    why: str = ""


def judge(view: View, _target: TargetView | None, thresholds: Thresholds) -> Iterable[Answer]:
    """One subject: the site. What can't be seen only adds to what can."""
    subject = f"site:{view.site}"
    limit = msat(thresholds.limit_satoshis)
    if not limit:
        yield Unknown(f"{subject} has no limit: set `limit_satoshis` under [site.{view.site}.rules.{RULE.id}]", subject)
        return
    parts = [part for target in view.targets.values() for part in _parts(view, target)]
    held = sum(part.held or 0 for part in parts)
    if held > limit:
        facts = {part.name: format_msat(part.held) if part.held is not None else part.why for part in parts}
        sentence = f"{subject} holds {format_msat(held)} in hot wallets and channels (limit {format_msat(limit)})."
        yield Finding(subject, sentence, facts=facts)
    elif not parts:
        yield Unknown(f"{subject} has neither a store nor a Lightning node to look at", subject)
    elif hidden := next((part for part in parts if part.held is None), None):
        yield Unknown(hidden.why, subject)


def _parts(view: View, target: TargetView) -> Iterator[_Part]:
    for store in stores_of(target):
        yield _of_store(view, target, store)
    if target.lightning:
        channels, wallet = target.fresh("channels", view.at), target.fresh("wallet", view.at)
        name = f"channels of node:{target.slug}"
        if channels is not None and isinstance(facts := channels.facts, Channels):
            yield _Part(name, sum([channel.local_msat for channel in facts.channels]))
        else:
            yield _Part(name, None, unseen(target, "channels"))
        name = f"wallet of node:{target.slug}"
        if wallet is not None and isinstance(coins := wallet.facts, Wallet):
            yield _Part(name, coins.confirmed_msat + coins.unconfirmed_msat)
        else:
            yield _Part(name, None, unseen(target, "wallet"))


def _of_store(view: View, target: TargetView, store: str) -> _Part:
    """The store's own wallet; one that it does not have holds nothing."""
    name, balance = f"wallet of store:{store}", store_facts(target, StoreBalance, store, view.at)
    if balance is None:
        return _Part(name, None, unread(target, StoreBalance, store))
    return _Part(name, (balance.confirmed_msat or 0) + (balance.unconfirmed_msat or 0))


RULE = Rule(
    id="hot_balance_high",
    scope=Scope.SITE,
    severity=Severity.WARNING,
    owner=Owner.TREASURY,
    thresholds=Thresholds,
    judge=judge,
    after=3_600,
    grant="configure a BTCPay Server (btcpay.store.canviewwallet) or a Lightning node, and set `limit_satoshis`",
)
