"""The on-chain wallet."""

from lnwatch.grpc_stubs import lightning_pb2 as ln
from lnwatch.model.lightning import Wallet
from lnwatch.model.money import MSAT_PER_SAT, Msat
from lnwatch.model.snapshot import Reading
from lnwatch.sources import Memory
from lnwatch.sources.lnd.collector import Polled, Turn
from lnwatch.sources.lnd.methods import WALLET_BALANCE


def read_wallet(answer: ln.WalletBalanceResponse) -> Wallet:
    """Balances. The anchor reserve is that of `WalletKit.RequiredReserve`: LND reckons both by one function."""
    return Wallet(
        confirmed_msat=Msat(answer.confirmed_balance * MSAT_PER_SAT),
        unconfirmed_msat=Msat(answer.unconfirmed_balance * MSAT_PER_SAT),
        locked_msat=Msat(answer.locked_balance * MSAT_PER_SAT),
        anchor_reserve_msat=Msat(answer.reserved_balance_anchor_chan * MSAT_PER_SAT),
    )


class WalletCollector(Polled):
    """WalletBalance."""

    async def read(self, memory: Memory, turn: Turn) -> Reading:  # noqa: ARG002 - the contract's
        """What is there, and what must stay there."""
        return Reading(facts=read_wallet(await turn.call(WALLET_BALANCE, ln.WalletBalanceRequest())))
