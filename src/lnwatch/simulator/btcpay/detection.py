"""How BTCPay learns of payments: the node's stream, NBXplorer's, and what it asks again after either was away."""

from decimal import Decimal
from typing import Final

from lnwatch.simulator.btcpay.answers import payment_shown
from lnwatch.simulator.btcpay.core import Btcpay
from lnwatch.simulator.btcpay.encoding import to_coins
from lnwatch.simulator.btcpay.invoice import CHAIN, CONFIRMATIONS, LIGHTNING, LNURL, Invoice, Payment, Prompt
from lnwatch.simulator.btcpay.store import Store
from lnwatch.simulator.btcpay.wallet import Coin, NodeInvoice
from lnwatch.simulator.btcpay.watcher import Event

_RECONNECT: Final = 60  # seconds between tries to open the node's stream again
_FEE_SIZE: Final = 100  # virtual bytes that a further on-chain payment is charged for


class Detection:
    """Listens for the payments of every invoice, as far as BTCPay does."""

    def __init__(self, btcpay: Btcpay) -> None:
        """Hear of nothing yet."""
        self._btcpay = btcpay
        self._heights: dict[str, int] = {}
        self._unconfirmed: dict[str, Invoice] = {}

    def start(self, store: Store) -> None:
        """Open the node's stream of a store, and ask for what its pending invoices may have got meanwhile."""
        self._heights[store.id] = store.coins.height
        self._btcpay.later(lambda: self._catch_up(store))
        self._btcpay.spawn(self._keep_listening(store))

    def stop(self, store: Store) -> None:
        """Drop the streams."""
        store.coins.listener = store.coins.blocks = None
        if store.lightning is not None:
            store.lightning.listener = None

    # -- Lightning --------------------------------------------------------------------------------------------

    async def listen(self, store: Store) -> None:
        """Open the node's stream where it is not, and ask for what it had meanwhile."""
        if store.lightning is None or store.lightning.listener is not None:
            return
        await store.lightning.info()
        store.lightning.listener = lambda paid: self._hear_node(store, paid)
        now = self._btcpay.clock.now()
        for invoice in list(self._btcpay.invoices.values()):
            if invoice.store == store.id and invoice.pending and now < invoice.expires_at:
                await self._ask_node(store, invoice)

    async def _keep_listening(self, store: Store) -> None:
        while True:
            await self._btcpay.clock.sleep(_RECONNECT)
            await self._btcpay.awake()
            try:
                await self.listen(store)
            except OSError:
                continue

    async def _catch_up(self, store: Store) -> None:
        """At a start: pending invoices are asked for, also those past their expiry."""
        try:
            await self.listen(store)
            for invoice in list(self._btcpay.invoices.values()):
                if invoice.store == store.id and invoice.pending:
                    await self._ask_node(store, invoice)
        except OSError:
            pass  # the node is away: the stream is tried again by itself
        for coin in store.coins.seen():
            matched = self._match(coin, pending_only=True)
            if matched is not None:
                await self._after(store, matched)
        self._confirm(store, since=store.coins.height)

    async def _ask_node(self, store: Store, invoice: Invoice) -> None:
        for method in (LIGHTNING, LNURL):
            prompt = invoice.prompt(method)
            if store.lightning is not None and prompt is not None and prompt.details["paymentHash"]:
                found = await store.lightning.find(prompt.details["paymentHash"])
                if found is not None and found.paid_at is not None:
                    await self._paid_at_node(store, invoice, prompt, found)

    def _hear_node(self, store: Store, paid: NodeInvoice) -> None:
        self._btcpay.later(lambda: self._heard_node(store, paid))

    async def _heard_node(self, store: Store, paid: NodeInvoice) -> None:
        tracked = self._btcpay.prompted.get(paid.payment_hash)
        if tracked is None:
            return
        invoice = self._btcpay.invoices.get(tracked[0])
        if invoice is not None and invoice.pending and self._btcpay.clock.now() < invoice.expires_at:
            prompt = invoice.prompt(tracked[1])
            if prompt is not None:
                await self._paid_at_node(store, invoice, prompt, paid)

    async def _paid_at_node(self, store: Store, invoice: Invoice, prompt: Prompt, paid: NodeInvoice) -> None:
        if any(each.id == paid.payment_hash for each in invoice.payments):
            return
        prompt.details["preimage"] = paid.preimage
        value = Decimal(paid.received_msat).scaleb(-11)
        payment = Payment(
            paid.payment_hash, prompt.method, value, Decimal(0), "Settled", paid.paid_at or 0, paid.bolt11
        )
        invoice.payments.append(payment)
        self._tell(invoice, "InvoicePaymentSettled", payment)
        self._tell(invoice, "InvoiceReceivedPayment", payment)
        await self._after(store, invoice)

    # -- the chain --------------------------------------------------------------------------------------------

    def hear_coin(self, coin: Coin) -> None:
        """NBXplorer saw a transaction."""
        late = self._btcpay.indexer.catching_up

        async def job() -> None:
            matched = self._match(coin, pending_only=late)
            if matched is not None:
                await self._after(self._btcpay.stores[matched.store], matched)

        self._btcpay.later(job)

    def hear_block(self, store: Store) -> None:
        """NBXplorer saw a block."""
        since, self._heights[store.id] = self._heights[store.id], store.coins.height

        async def job() -> None:
            self._confirm(store, since=since)

        self._btcpay.later(job)

    def _match(self, coin: Coin, *, pending_only: bool) -> Invoice | None:
        """Book what an address of an invoice got, once."""
        tracked = self._btcpay.prompted.get(coin.address)
        invoice = self._btcpay.invoices.get(tracked[0]) if tracked is not None else None
        prompt = invoice.prompt(CHAIN) if invoice is not None else None
        if invoice is None or prompt is None or (pending_only and not invoice.pending):
            return None
        if any(each.id == coin.outpoint for each in invoice.payments):
            return None
        confirmed = self._enough(invoice, coin)
        status = "Settled" if confirmed else "Processing"
        value, seen = to_coins(coin.satoshis), coin.seen_at or 0
        payment = Payment(coin.outpoint, CHAIN, value, prompt.fee, status, seen, coin.address, coin)
        invoice.payments.append(payment)
        self._unconfirmed[invoice.id] = invoice
        if confirmed:
            self._tell(invoice, "InvoicePaymentSettled", payment)
        self._tell(invoice, "InvoiceReceivedPayment", payment, status="Processing")
        prompt.fee = to_coins(int(Decimal(str(prompt.details["paymentMethodFeeRate"])) * _FEE_SIZE))
        return invoice

    def _enough(self, invoice: Invoice, coin: Coin) -> bool:
        needed = CONFIRMATIONS[invoice.speed]
        if needed == 0 and coin.replaceable:
            needed = 1
        return coin.confirmations(self._btcpay.stores[invoice.store].coins.height) >= needed

    def _confirm(self, store: Store, *, since: int) -> None:
        """After a block. Invoices that are over with are told of a first confirmation alone, and only as it happens."""
        for invoice in [each for each in self._unconfirmed.values() if each.store == store.id]:
            open_ones = [each for each in invoice.payments if each.status == "Processing" and each.coin is not None]
            changed = [each for each in open_ones if self._moved(invoice, each, since)]
            if len(changed) == len(open_ones):
                del self._unconfirmed[invoice.id]
            if changed:
                self._btcpay.examine(invoice)

    def _moved(self, invoice: Invoice, payment: Payment, since: int) -> bool:
        coin = payment.coin
        if coin is None or (not invoice.pending and (coin.height is None or coin.height <= since)):
            return False
        if coin.replaced:
            payment.status = "Invalid"
        elif self._enough(invoice, coin):
            payment.status = "Settled"
            self._tell(invoice, "InvoicePaymentSettled", payment)
        return payment.status != "Processing"

    # -- both -------------------------------------------------------------------------------------------------

    async def _after(self, store: Store, invoice: Invoice) -> None:
        """The watcher's pass; what is still missing is asked for by a new BOLT11."""
        self._btcpay.examine(invoice)
        prompt = invoice.prompt(LIGHTNING)
        if invoice.status != "New" or invoice.additional != "PaidPartial" or not prompt or not store.lightning:
            return
        expires_in = invoice.expires_at - int(self._btcpay.clock.now()) - 1
        due = int(invoice.account(prompt).due.scaleb(11))
        try:
            fresh = await store.lightning.create(due, expires_in, prompt.description)
        except OSError:
            return
        prompt.destination = fresh.bolt11
        prompt.details |= {"paymentHash": fresh.payment_hash, "invoiceId": fresh.id}
        self._btcpay.prompted[fresh.payment_hash] = (invoice.id, LIGHTNING)

    def _tell(self, invoice: Invoice, kind: str, payment: Payment, *, status: str | None = None) -> None:
        shown = payment_shown(payment, self._btcpay.utc_offset)
        fields = {
            "afterExpiration": invoice.over_with,
            "paymentMethodId": payment.method,
            "payment": shown | ({"status": status} if status else {}),
        }
        self._btcpay.tell(invoice, Event(kind, fields))
