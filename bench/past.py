"""What a store sold in years: invoices as BTCPay lists them, each made from its number alone, newest first.

Of a hundred 67 were paid over Lightning, 12 on-chain, one of these with a little too much; 17 expired unpaid, two
were paid too late and two in part. One in ten shares its order with the one before it, which had expired.
"""

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass

PACE = 30  # seconds between two
_EXPIRY, _WATCH = 900, 86_400
_DUE, _PARTLY, _AMPLY = "0.0002", "0.00015", "0.00025"
_NODE = "0305db8480be61322969ad7c8a0084157479b3b032734be913018b3c2d35ac649e@127.0.0.1:9735"
_REST_OF_BOLT11 = "q2z0wfjx2u3qf9zr5gr0wfjx2u3dxqcj6mrfva58gmnfdenj6urpd9jzjxqzurcqp29qxpqysgq" * 3
_METHOD = (
    '{"activated":true,"destination":"%s","paymentLink":"%s:%s","rate":"50000","paymentMethodPaid":"%s",'
    '"totalPaid":"%s","due":"%s","amount":"0.0002","paymentMethodFee":"0","payments":[%s],"paymentMethodId":"%s",'
    '"additionalData":%s,"currency":"BTC"}'
)
_PAYMENT = '{"id":"%s","receivedDate":%d,"value":"%s","fee":"0","status":"Settled","destination":"%s"}'
_NODE_DATA = (
    '{"paymentHash":"%s","preimage":"%s","invoiceId":"213VRPuv1v4QXcdEj46DxBCFUqJa","nodeInfo":"' + _NODE + '"}'
)
_CHAIN_DATA = (
    '{"feeMode":"MultiplePaymentsOnly","paymentMethodFeeRate":100.0,"payjoinEnabled":false,"recommendedFeeRate":100.0,'
    '"keyPath":"0/%d","keyIndex":%d,"accountDerivation":null}'
)
_INVOICE = (
    '{"id":"%s","storeId":"%s","amount":"10.00","paidAmount":"%s","checkoutLink":"http://127.0.0.1:14142/i/%s",'
    '"status":"%s","additionalStatus":"%s","monitoringExpiration":%d,"expirationTime":%d,"createdTime":%d,'
    '"availableStatusesForManualMarking":[],"archived":false,"paymentMethods":[%s,%s],"type":"Standard",'
    '"currency":"EUR","metadata":{"orderId":"%s","itemDesc":"one thing"},"checkout":{"speedPolicy":"MediumSpeed",'
    '"paymentMethods":["BTC-LN","BTC-CHAIN"],"defaultPaymentMethod":null,"expirationMinutes":15,'
    '"monitoringMinutes":1440,"paymentTolerance":0.0,"redirectURL":null,"redirectAutomatically":false,'
    '"defaultLanguage":null,"lazyPaymentMethods":null},"receipt":{"enabled":true,"showQR":true,"showPayments":true}}'
)


@dataclass(frozen=True, slots=True)
class _Fate:
    """How one ended: what was paid in BTC and in EUR, over which method, how long after it was made."""

    status: str
    additional: str = "None"
    paid: str = "0"
    worth: str = "0.00"
    method: str = ""
    after: int = 0


_QUICK = _Fate("Settled", paid=_DUE, worth="10.00", method="BTC-LN", after=40)
_ONCHAIN = _Fate("Settled", paid=_DUE, worth="10.00", method="BTC-CHAIN", after=300)
_OVER = _Fate("Settled", "PaidOver", _AMPLY, "12.50", "BTC-CHAIN", 300)
_LATE = _Fate("Expired", "PaidLate", _DUE, "10.00", "BTC-CHAIN", _EXPIRY + 1_800)
_PARTIAL = _Fate("Expired", "PaidPartial", _PARTLY, "7.50", "BTC-CHAIN", 300)
_UNPAID = _Fate("Expired")


def _fate(number: int) -> _Fate:
    place = number % 100
    if place % 10 == 1 or place in {2, 12, 22, 32, 42, 52, 62}:  # those ending in 1 were tried again
        return _UNPAID
    return {5: _LATE, 25: _LATE, 45: _PARTIAL, 65: _PARTIAL, 85: _OVER}.get(
        place, _ONCHAIN if place % 7 == 3 else _QUICK
    )


@dataclass(frozen=True, slots=True)
class Past:
    """`count` invoices of a store, the newest made at `until`."""

    store: str
    count: int
    until: int

    def made_at(self, number: int) -> int:
        """When the invoice of that number, 0 for the newest, was made."""
        return self.until - number * PACE

    def within(self, start: int | None, end: int | None) -> range:
        """The numbers of those that were made from `start` to `end`, both inclusive."""
        first = 0 if end is None else max(0, -((end - self.until) // PACE))
        last = self.count if start is None else min(self.count, (self.until - start) // PACE + 1)
        return range(first, max(first, last))

    def listed(self, numbers: range) -> Iterator[str]:
        """These as BTCPay lists them, with their payment methods."""
        return map(self._listed, numbers)

    def _listed(self, number: int) -> str:
        fate, made = _fate(number), self.made_at(number)
        name = f"P{number:021}"
        secret = hashlib.sha256(name.encode()).hexdigest()
        bolt11 = f"lnbcrt200u1p{secret}{_REST_OF_BOLT11}"
        address = f"bcrt1q{secret[:38]}"
        lightning = self._method(fate, made, "BTC-LN", bolt11, secret)
        chain = self._method(fate, made, "BTC-CHAIN", address, f"{secret}-1")
        order = number - 1 if number % 10 == 1 else number
        return _INVOICE % (
            *(name, self.store, fate.worth, name, fate.status, fate.additional),
            *(made + _EXPIRY + _WATCH, made + _EXPIRY, made, lightning, chain, f"order-{order}"),
        )

    def _method(self, fate: _Fate, made: int, name: str, destination: str, payment: str) -> str:
        here = fate.method == name
        paid = _PAYMENT % (payment, made + fate.after, fate.paid, destination) if here else ""
        due = {_PARTLY: "0.00005", "0": _DUE}.get(fate.paid, "0")
        data = _NODE_DATA % (payment, payment) if name == "BTC-LN" else _CHAIN_DATA % (made % 1_000, made % 1_000)
        scheme = "lightning" if name == "BTC-LN" else "bitcoin"
        return _METHOD % (
            *(destination, scheme, destination, fate.paid if here else "0", fate.paid, due, paid, name, data),
        )
