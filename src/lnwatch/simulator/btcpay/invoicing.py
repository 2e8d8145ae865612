"""Making an invoice: its limits, its prompts with what is left out of them, and the log that tells why."""

import asyncio
import hashlib
import time
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any, Final

from lnwatch.simulator.btcpay.core import Btcpay
from lnwatch.simulator.btcpay.detection import Detection
from lnwatch.simulator.btcpay.invoice import CHAIN, LIGHTNING, LNURL, Invoice, Prompt
from lnwatch.simulator.btcpay.store import Store
from lnwatch.simulator.btcpay.watcher import Event

_NODE_ANSWERS_WITHIN: Final = 5  # seconds
_FAILED: Final = "Error retrieving a matching payment method or rate.\n"


class UnpayableError(Exception):
    """No method was left; the text is the log of the creation."""


@dataclass(frozen=True, slots=True)
class Order:
    """What an invoice is asked for, checked. `price` None: a top-up. Times in seconds."""

    price: Decimal | None
    currency: str
    expires_in: int
    monitored_for: int
    speed: str
    tolerance: Decimal
    methods: frozenset[str] | None = None
    metadata: dict[str, Any] = field(default_factory=dict)
    checkout: dict[str, Any] = field(default_factory=dict)
    receipt: dict[str, Any] = field(default_factory=lambda: {"enabled": True, "showQR": True, "showPayments": True})
    search_terms: tuple[str, ...] = ()


async def create(btcpay: Btcpay, detection: Detection, store: Store, order: Order) -> Invoice:
    """Make, keep and announce an invoice. Raises UnpayableError; waits as long as NBXplorer hangs."""
    now = int(btcpay.clock.now())
    expires_at = now + order.expires_in
    invoice = Invoice(
        id=btcpay.ids.make("invoice"),
        store=store.id,
        price=order.price,
        currency=order.currency,
        created_at=now,
        expires_at=expires_at,
        monitored_until=expires_at + order.monitored_for,
        metadata=order.metadata,
        checkout={
            "defaultPaymentMethod": order.checkout.get("defaultPaymentMethod"),
            "expirationMinutes": order.expires_in // 60,
            "monitoringMinutes": order.monitored_for // 60,
            "paymentTolerance": float(order.tolerance),
            "redirectURL": order.checkout.get("redirectURL"),
            "redirectAutomatically": bool(order.checkout.get("redirectAutomatically")),
            "defaultLanguage": order.checkout.get("defaultLanguage"),
            "lazyPaymentMethods": None,
        },
        receipt=order.receipt,
        speed=order.speed,
        tolerance=order.tolerance,
        top_up=order.price is None,
        search_terms=order.search_terms,
    )
    if order.price is None or order.price > 0:
        await _Prompts(btcpay, detection, store, invoice).attach(order.methods)
    await btcpay.awake()
    btcpay.invoices[invoice.id] = invoice
    for prompt in invoice.prompts:
        if prompt.destination is not None:
            btcpay.prompted[prompt.details.get("paymentHash") or prompt.destination] = (invoice.id, prompt.method)
    btcpay.tell(invoice, Event("InvoiceCreated"))

    async def first_look() -> None:
        btcpay.examine(invoice)

    btcpay.later(first_look)
    btcpay.watch_over(invoice)
    return invoice


class _Prompts:
    """The prompts of one new invoice, and the log of their making."""

    def __init__(self, btcpay: Btcpay, detection: Detection, store: Store, invoice: Invoice) -> None:
        self._btcpay, self._detection, self._store, self._invoice = btcpay, detection, store, invoice
        self._log: list[str] = []

    async def attach(self, wanted: frozenset[str] | None) -> None:
        """Add a prompt for each method that can be had."""
        self._write("Info", "Creation of invoice starting")
        methods = [each for each, on in self._store.methods.items() if on and (wanted is None or each in wanted)]
        methods = [each for each in methods if not self._ruled_out(each)]
        pair = f"BTC_{self._invoice.currency}"
        rate = self._store.rate(self._invoice.currency)
        if rate is None:
            self._no_rate(pair, methods)
        else:
            made = await asyncio.gather(*(self._prompt(each, rate) for each in methods))
            self._invoice.prompts = [each for each in made if each is not None]
        if not self._invoice.prompts:
            raise UnpayableError(_FAILED + "".join(f"{line}\n" for line in self._log))

    def _ruled_out(self, method: str) -> bool:
        price = self._invoice.price
        return price is not None and any(
            price < each.amount if each.above else price > each.amount
            for each in self._store.criteria
            if each.method == method
        )

    def _no_rate(self, pair: str, methods: list[str]) -> None:
        error = self._store.rate_error(pair)
        if error == "PreprocessError":
            reason = f"ERR_NO_RULE_MATCH({pair})"
            self._write("Info", f"Rate for {pair}: {reason} = {reason} = ???")
        self._write("Warning", f"Rate rule error ({error})")
        self._write("Warning", f"Unable to get rate {pair}.")
        for method in methods:
            reason = f"Unable to get rate(s) {pair}, this payment method disabled for this invoice."
            self._write("Error", f"{method}: {reason}")

    async def _prompt(self, method: str, rate: Decimal) -> Prompt | None:
        makers = {CHAIN: self._chain, LIGHTNING: self._lightning, LNURL: self._lnurl}
        try:
            return await makers[method](Prompt(method, rate, None, {}))
        except OSError as error:
            self._write("Error", f"{method}: Payment method unavailable ({error})")
            return None

    async def _chain(self, prompt: Prompt) -> Prompt:
        if not self._btcpay.synchronized:
            raise OSError("Full node not available")
        prompt.destination, index = await self._store.coins.new_address()
        fee = float(await self._store.coins.fee_rate(1))
        prompt.details = {
            "feeMode": "MultiplePaymentsOnly",
            "paymentMethodFeeRate": fee,
            "payjoinEnabled": False,
            "recommendedFeeRate": fee,
            "keyPath": f"0/{index}",
            "keyIndex": index,
            "accountDerivation": None,
        }
        return prompt

    async def _lightning(self, prompt: Prompt) -> Prompt:
        node = self._store.lightning
        if node is None:
            raise OSError("No node is connected")
        prompt.description = self.described()
        price = self._invoice.price
        msat = None if price is None else int(self._invoice.account(prompt).amount.scaleb(11))
        expires_in = self._invoice.expires_at - int(self._btcpay.clock.now()) - 1
        making = asyncio.ensure_future(node.create(msat, expires_in, prompt.description))
        limit = asyncio.ensure_future(self._btcpay.clock.sleep(_NODE_ANSWERS_WITHIN))
        try:
            await asyncio.wait({making, limit}, return_when=asyncio.FIRST_COMPLETED)
            if not making.done():
                raise TimeoutError("The lightning node did not reply in a timely manner")
            made = making.result()
        finally:
            making.cancel()
            limit.cancel()
            await asyncio.gather(making, limit, return_exceptions=True)
        await self._detection.listen(self._store)
        prompt.destination = made.bolt11
        prompt.details = {
            "paymentHash": made.payment_hash,
            "preimage": None,
            "invoiceId": made.id,
            "nodeInfo": node.uri,
        }
        return prompt

    async def _lnurl(self, prompt: Prompt) -> Prompt:
        """Made without the node: its BOLT11 comes when a wallet scans."""
        if self._store.lightning is None:
            raise OSError("No node is connected")
        prompt.details = {
            **dict.fromkeys(("generatedBoltAmount",)),
            "bech32Mode": True,
            **dict.fromkeys(("providedComment", "consumedLightningAddress", "payRequest")),
            **dict.fromkeys(("paymentHash", "preimage", "invoiceId")),
            "nodeInfo": self._store.lightning.uri,
        }
        return prompt

    def described(self) -> str:
        """What the customer's wallet shows."""
        return described(self._store, self._invoice)

    def _write(self, level: str, text: str) -> None:
        at = time.strftime("%m/%d/%Y %H:%M:%S", time.gmtime(self._btcpay.clock.now()))
        self._log.append(f"{at}:{level} {text}")


def described(store: Store, invoice: Invoice) -> str:
    """The description of a BOLT11 by the store's template."""
    text = store.description.replace("{StoreName}", store.name)
    return text.replace("{OrderId}", str(invoice.metadata.get("orderId", "")))


def pay_request(btcpay: Btcpay, store: Store, invoice: Invoice, prompt: Prompt) -> dict[str, Any]:
    """What a wallet reads at an LNURL."""
    msat = int(invoice.account(prompt).due.scaleb(11))
    return {
        "callback": f"{btcpay.url}/BTC/UILNURL/pay/i/{invoice.id}",
        "metadata": f'[["text/plain","{described(store, invoice)}"]]',
        "tag": "payRequest",
        "minSendable": msat,
        "maxSendable": msat,
        "commentAllowed": 2000,
    }


async def scan(btcpay: Btcpay, store: Store, invoice: Invoice, prompt: Prompt, msat: int) -> str:
    """A wallet asks for the BOLT11 of an LNURL. Raises OSError while the node is away."""
    if store.lightning is None:
        raise OSError("No node is connected")
    asked = pay_request(btcpay, store, invoice, prompt)
    prompt.description = hashlib.sha256(asked["metadata"].encode()).digest()
    expires_in = invoice.expires_at - int(btcpay.clock.now()) - 1
    made = await store.lightning.create(msat, expires_in, prompt.description)
    prompt.destination = made.bolt11
    prompt.details |= {
        "generatedBoltAmount": str(msat),
        "payRequest": asked,
        "paymentHash": made.payment_hash,
        "invoiceId": made.id,
    }
    btcpay.prompted[made.payment_hash] = (invoice.id, LNURL)
    return made.bolt11


def order_of(store: Store, **changes: Any) -> Order:  # noqa: ANN401 - the fields of Order
    """An order with the store's own settings."""
    defaults: dict[str, Any] = {
        "price": None,
        "currency": store.currency,
        "expires_in": store.expiration,
        "monitored_for": store.monitoring,
        "speed": store.speed,
        "tolerance": store.tolerance,
    }
    return Order(**defaults | changes)
