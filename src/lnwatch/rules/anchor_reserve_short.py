"""The on-chain wallet holds less than the node needs to pay the fees of closing its channels."""

from collections.abc import Iterable
from dataclasses import dataclass

from lnwatch.domain.limits import require_positive
from lnwatch.domain.reach import unseen
from lnwatch.model.lightning import Wallet
from lnwatch.model.money import format_msat
from lnwatch.model.rule import Answer, Finding, Need, Owner, Rule, Scope, Severity, Unknown
from lnwatch.model.view import TargetView, View


@dataclass(frozen=True, slots=True)
class Thresholds:
    """`reserve_factor`: found when the wallet holds less than that many times the reserve that LND demands.
    LND's own is 10,000 sat a channel, 100,000 sat at most: little when fees are high."""

    reserve_factor: float = 1.0

    def __post_init__(self) -> None:
        """Refuse nonsense."""
        require_positive(reserve_factor=self.reserve_factor)


def judge(view: View, target: TargetView | None, thresholds: Thresholds) -> Iterable[Answer]:
    """One subject: the node. What is unconfirmed counts, as in LND's own check (`CheckReservedValue`)."""
    if target is None:
        return
    subject = f"node:{target.slug}"
    snapshot = target.fresh("wallet", view.at)
    if snapshot is None or not isinstance(wallet := snapshot.facts, Wallet):
        yield Unknown(unseen(target, "wallet"), subject)
        return
    held = wallet.confirmed_msat + wallet.unconfirmed_msat
    needed = int(thresholds.reserve_factor * wallet.anchor_reserve_msat)
    if held < needed:
        yield Finding(
            subject=subject,
            sentence=f"The on-chain wallet of {subject} holds {format_msat(held)}, less than the reserve of "
            f"{format_msat(needed)} that its open channels need for the fees of a force close.",
            facts={
                "confirmed": format_msat(wallet.confirmed_msat),
                "unconfirmed": format_msat(wallet.unconfirmed_msat),
                "locked": format_msat(wallet.locked_msat),
                "reserve": format_msat(wallet.anchor_reserve_msat),
            },
        )


RULE = Rule(
    id="anchor_reserve_short",
    scope=Scope.NODE,
    severity=Severity.WARNING,
    owner=Owner.TREASURY,
    thresholds=Thresholds,
    judge=judge,
    after=900,
    needs=(Need("wallet"),),
    parents=("bitcoind_down", "lightning_down", "lightning_locked", "lightning_not_synced"),
    grant="configure an LND node; its credential needs WalletBalance (`onchain:read`)",
)
