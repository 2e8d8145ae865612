"""Pull payments, the claims on them, their approval, and the processors that pay them."""

from collections.abc import Callable
from decimal import Decimal
from typing import Any, Final

from lnwatch.simulator.btcpay.core import Btcpay, Payout, PullPayment, Terms
from lnwatch.simulator.btcpay.encoding import bolt11_hash, bolt11_msat, plain, round_up, to_satoshis
from lnwatch.simulator.btcpay.invoice import CHAIN, Invoice
from lnwatch.simulator.btcpay.store import Processor, Store
from lnwatch.simulator.btcpay.wallet import Coin, PaymentError
from lnwatch.simulator.btcpay.watcher import Event

_LEAST: Final = Decimal("0.00000546")  # BTC that a transaction can pay out
_DIGITS: Final = 8


class RefusedError(Exception):
    """What BTCPay answers 400 with: a code and a sentence."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code


class Payouts:
    """The treasury of a server."""

    def __init__(self, btcpay: Btcpay) -> None:
        """Nothing is owed."""
        self._btcpay = btcpay

    def pull(self, store: Store, terms: Terms) -> PullPayment:
        """A new link; it counts from a second ago, as BTCPay has it."""
        starts_at = terms.starts_at or int(self._btcpay.clock.now()) - 1
        made = PullPayment(self._btcpay.ids.make("pull", 20), store.id, terms, starts_at)
        self._btcpay.pull_payments[made.id] = made
        return made

    def refund(self, invoice: Invoice, terms: Terms) -> PullPayment:
        """The link of a refund; no money moves."""
        made = self.pull(self._btcpay.stores[invoice.store], terms)
        self._btcpay.tell(invoice, Event("InvoiceRefund", {"pullPaymentId": made.id}))
        return made

    def archive(self, pull: PullPayment) -> None:
        """End a link; what was not paid of it is cancelled, also what was cancelled already."""
        pull.archived = True
        for payout in self._btcpay.payouts.values():
            if payout.pull_payment == pull.id and payout.state not in ("InProgress", "Completed"):
                self._move(payout, "Cancelled")

    def claim(self, pull: PullPayment, destination: str, method: str, amount: Decimal | None) -> Payout:
        """Ask for money by a link. Raises RefusedError."""
        now = self._btcpay.clock.now()
        if pull.archived:
            raise RefusedError("archived", "This pull payment has been archived")
        if pull.terms.expires_at is not None and pull.terms.expires_at <= now:
            raise RefusedError("expired", "This pull payment has expired")
        if pull.starts_at > now:
            raise RefusedError("not-started", "This pull payment has yet started")
        claimed = [
            each for each in self._btcpay.payouts.values() if each.pull_payment == pull.id and each.state != "Cancelled"
        ]
        left = pull.terms.amount - sum((each.amount for each in claimed), Decimal(0))
        if any(each.destination == destination for each in claimed):
            raise RefusedError("duplicate-destination", "This destination is already used for another payout")
        wanted = amount if amount is not None else self._stated(pull, destination, method) or left
        if wanted > left:
            raise RefusedError("overdraft", "The payout amount overdraft the pull payment's limit")
        payout = Payout(
            id=self._btcpay.ids.make("payout", 20),
            store=pull.store,
            pull_payment=pull.id,
            created_at=int(now),
            destination=destination,
            method=method,
            amount=wanted,
            currency=pull.terms.currency,
        )
        self._btcpay.payouts[payout.id] = payout
        self._tell(payout, "PayoutCreated")
        if pull.terms.auto_approve:
            self.approve(payout, payout.revision)
        approved = payout.state != "AwaitingApproval"
        self._btcpay.notify(
            payout.store,
            "payout",
            "payout_awaitingpayment" if approved else "payout_awaitingapproval",
            "A new payout is approved and awaiting payment" if approved else "A new payout is awaiting for approval",
            f"/stores/{payout.store}/payouts?payoutMethodId={payout.method}",
        )
        return payout

    def _stated(self, pull: PullPayment, destination: str, method: str) -> Decimal | None:
        """What a BOLT11 asks for, in the currency of the link."""
        if method == CHAIN:
            return None
        msat, rate = bolt11_msat(destination), self._btcpay.stores[pull.store].rate(pull.terms.currency)
        if msat is None or rate is None:
            return None
        stated = Decimal(plain(Decimal(msat).scaleb(-11) * rate))
        return pull.terms.amount if stated == pull.terms.amount else stated

    def approve(self, payout: Payout, revision: int, rate: Decimal | None = None) -> None:
        """Fix what is paid. Raises RefusedError; one that is too small is cancelled by it."""
        if payout.revision != revision:
            raise RefusedError("old-revision", "The crypto amount is too small.")
        if payout.state != "AwaitingApproval":
            raise RefusedError("invalid-state", "The payout is not in a state that allows approval.")
        store = self._btcpay.stores[payout.store]
        rate = rate if rate is not None else store.rate(payout.currency)
        if rate is None:
            raise RefusedError("rate-unavailable", "Impossible to fetch the rate for the payout")
        coins = round_up(payout.amount / rate, _DIGITS)
        if payout.method == CHAIN and coins < _LEAST:
            self._move(payout, "Cancelled")
            raise RefusedError("amount-too-low", "The crypto amount is too small.")
        payout.paid, payout.state = coins, "AwaitingPayment"
        self._tell(payout, "PayoutApproved")
        processor = store.processors.get(payout.method)
        if processor is not None and processor.instantly:
            self._btcpay.later(self._paying(payout))

    def cancel(self, payout: Payout) -> None:
        """Before it is paid alone. Raises RefusedError."""
        if payout.state not in ("AwaitingApproval", "AwaitingPayment"):
            raise RefusedError("invalid-state", "The payout can't be cancelled in its current state.")
        self._move(payout, "Cancelled")

    def mark(self, payout: Payout, state: str, proof: dict[str, Any] | None) -> None:
        """By hand. Raises RefusedError."""
        if payout.state in ("AwaitingApproval", "Completed", "Cancelled"):
            raise RefusedError("invalid-state", "The payout can't be marked in its current state.")
        payout.proof = proof or payout.proof
        self._move(payout, state)

    # -- paying -----------------------------------------------------------------------------------------------

    def start(self, store: Store) -> None:
        """Run the processors of a store."""
        for processor in store.processors.values():
            self.process(store, processor)

    def process(self, store: Store, processor: Processor) -> None:
        """Run a processor at its interval."""

        async def run() -> None:
            while store.processors.get(processor.method) is processor:
                await self._btcpay.clock.sleep(processor.interval)
                await self._btcpay.awake()
                for payout in list(self._btcpay.payouts.values()):
                    if payout.store == store.id and payout.method == processor.method:
                        await self._paying(payout)()

        self._btcpay.spawn(run())

    def after_coin(self, coin: Coin) -> None:
        """A payout on-chain is in progress once NBXplorer sees its transaction."""
        for payout in self._btcpay.payouts.values():
            if payout.coin is coin and payout.state == "AwaitingPayment":
                self._move(payout, "InProgress")

    def after_block(self) -> None:
        """Payouts on-chain are completed by a block."""
        for payout in self._btcpay.payouts.values():
            coins = self._btcpay.stores[payout.store].coins
            if payout.state == "InProgress" and payout.coin and payout.coin.confirmations(coins.height):
                payout.proof = {
                    "Accounted": True,
                    "ProofType": "PayoutTransactionOnChainBlob",
                    "TransactionId": payout.coin.txid,
                }
                self._move(payout, "Completed")

    def _paying(self, payout: Payout) -> "Callable[[], Any]":
        async def pay() -> None:
            if payout.state != "AwaitingPayment" or payout.paid is None or payout.coin is not None:
                return
            store = self._btcpay.stores[payout.store]
            try:
                if payout.method == CHAIN:
                    await self._pay_on_chain(store, payout, payout.paid)
                else:
                    await self._pay_over_lightning(store, payout)
            except OSError:
                return  # the wallet is away: the next round tries again

        return pay

    async def _pay_on_chain(self, store: Store, payout: Payout, amount: Decimal) -> None:
        payout.coin = await store.coins.pay(payout.destination, to_satoshis(amount))
        payout.proof = {
            "Accounted": True,
            "ProofType": "PayoutTransactionOnChainBlob",
            "Candidates": [payout.coin.txid],
            "TransactionId": payout.coin.txid,
        }
        if payout.coin.seen_at is not None:
            self.after_coin(payout.coin)

    async def _pay_over_lightning(self, store: Store, payout: Payout) -> None:
        """What the node can't send stays in progress for good, and nobody is told."""
        if store.lightning is None:
            return
        await store.lightning.info()
        payment_hash = bolt11_hash(payout.destination)
        payout.proof = {
            "Id": payment_hash,
            "Link": None,
            "Preimage": None,
            "ProofType": "PayoutLightningBlob",
            "PaymentHash": payment_hash,
        }
        self._move(payout, "InProgress")
        try:
            sent = await store.lightning.pay(payout.destination)
        except PaymentError:
            return
        payout.proof = {**payout.proof, "Preimage": sent.preimage}
        self._move(payout, "Completed")

    def _move(self, payout: Payout, state: str) -> None:
        payout.state = state
        self._tell(payout, "PayoutUpdated")

    def _tell(self, payout: Payout, kind: str) -> None:
        last = {"payoutId": payout.id, "pullPaymentId": payout.pull_payment, "payoutState": payout.state}
        self._btcpay.dispatcher.publish(payout.store, kind, {}, last)
