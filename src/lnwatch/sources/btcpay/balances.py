"""What a store holds: its on-chain wallet, and its Lightning node where the key may ask for that."""

from dataclasses import dataclass
from typing import Final

from pydantic import TypeAdapter

from lnwatch.errors import FailureReason, SourceError
from lnwatch.model.btcpay import LightningBalance, StoreBalance
from lnwatch.model.snapshot import Reading
from lnwatch.sources import Memory
from lnwatch.sources.btcpay.amounts import msat_of_bitcoin, msat_of_msat, msat_of_satoshis
from lnwatch.sources.btcpay.answers import LightningBalanceAnswer, OffchainBalance, OnchainBalance, WalletAnswer
from lnwatch.sources.btcpay.desk import Shop
from lnwatch.sources.btcpay.errors import AbsentError, PartInactiveError
from lnwatch.sources.btcpay.permissions import NODE, WALLET

WALLET_BALANCE: Final = TypeAdapter(WalletAnswer)
NODE_BALANCE: Final = TypeAdapter(LightningBalanceAnswer)


@dataclass(slots=True)
class BalancesCollector:
    """Facts of the store's balances."""

    shop: Shop
    interval: float
    deadline: float

    @property
    def name(self) -> str:
        """One for each store."""
        return f"balances_{self.shop.slug}"

    async def collect(self, memory: Memory) -> Reading:
        """Read once. Raises SourceError."""
        del memory  # nothing of the past matters here
        unseen: list[str] = []
        wallet = await self._wallet(unseen)
        node = await self._node(unseen)
        return Reading(facts=read_balance(self.shop.slug, wallet, node, tuple(unseen)))

    async def _wallet(self, unseen: list[str]) -> WalletAnswer | None:
        path, what = self.shop.path("payment-methods/BTC-CHAIN/wallet"), f"the wallet of store {self.shop.slug}"
        try:
            return (await self.shop.server.client.ask(path, WALLET_BALANCE, what)).value
        except (AbsentError, PartInactiveError):
            unseen.append("the store has no on-chain wallet")
            return None
        except SourceError as error:
            raise await self.shop.explained(error, WALLET) from error

    async def _node(self, unseen: list[str]) -> LightningBalanceAnswer | None:
        """The node's balance: a right that could pay is needed, so that most keys rightly lack it."""
        if self.shop.server.grants is None or self.shop.lacks(NODE):
            unseen.append(f"the node's balance, for which BTCPay asks {NODE}: the node itself tells it better")
            return None
        path, what = self.shop.path("lightning/BTC/balance"), f"the Lightning balance of store {self.shop.slug}"
        try:
            return (await self.shop.server.client.ask(path, NODE_BALANCE, what)).value
        except SourceError as error:
            if error.reason not in (FailureReason.FAILED, FailureReason.UNSUPPORTED, FailureReason.FORBIDDEN):
                raise
            unseen.append(error.message)  # the wallet's balance counts all the same
            return None


def read_balance(
    slug: str, wallet: WalletAnswer | None, node: LightningBalanceAnswer | None, unseen: tuple[str, ...]
) -> StoreBalance:
    """The balances in our terms: BTCPay writes bitcoin, satoshis and millisatoshis side by side."""
    return StoreBalance(
        store=slug,
        confirmed_msat=None if wallet is None else msat_of_bitcoin(wallet.confirmed_balance),
        unconfirmed_msat=None if wallet is None else msat_of_bitcoin(wallet.unconfirmed_balance),
        lightning=None if node is None else _lightning(node.offchain, node.onchain),
        unseen=unseen,
    )


def _lightning(offchain: OffchainBalance | None, onchain: OnchainBalance | None) -> LightningBalance:
    offchain, onchain = offchain or OffchainBalance(), onchain or OnchainBalance()
    return LightningBalance(
        local_msat=msat_of_msat(offchain.local),
        remote_msat=msat_of_msat(offchain.remote),
        opening_msat=msat_of_msat(offchain.opening),
        closing_msat=msat_of_msat(offchain.closing),
        onchain_confirmed_msat=msat_of_satoshis(onchain.confirmed),
        onchain_unconfirmed_msat=msat_of_satoshis(onchain.unconfirmed),
    )
