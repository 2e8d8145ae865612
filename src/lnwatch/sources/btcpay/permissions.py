"""What an API key may do: BTCPay's tree of permissions, and what each one is worth to lnwatch."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Final, NamedTuple

STORE: Final = "btcpay.store."
INVOICES: Final = "btcpay.store.canviewinvoices"
SETTINGS: Final = "btcpay.store.canviewstoresettings"
WALLET: Final = "btcpay.store.canviewwallet"
PAYOUTS: Final = "btcpay.store.canviewpayouts"
PULL_PAYMENTS: Final = "btcpay.store.canviewpullpayments"
REQUESTS: Final = "btcpay.store.canviewpaymentrequests"
WEBHOOKS: Final = "btcpay.store.webhooks.canmodifywebhooks"
NODE: Final = "btcpay.store.canuselightningnode"
UNRESTRICTED: Final = "unrestricted"


def _store(*names: str) -> frozenset[str]:
    return frozenset(STORE + name for name in names)


# Which other rights include one that lnwatch asks with, as BTCPay 2.4.1 tells its own tree.
_INCLUDED_IN: Final[Mapping[str, frozenset[str]]] = {
    INVOICES: _store("canmodifyinvoices", "canmodifystoresettings", "canviewstoresettings"),
    SETTINGS: _store("canmodifystoresettings"),
    WALLET: _store(
        "canbroadcasttransactions",
        "cancanceltransactions",
        "cancreatetransactions",
        "canmanagewallets",
        "canmanagewalletsettings",
        "canmanagewallettransactions",
        "canmodifystoresettings",
        "cansigntransactions",
    ),
    PAYOUTS: _store("canmanagepayouts", "canmodifystoresettings", "canviewstoresettings"),
    PULL_PAYMENTS: _store(
        "cancreatenonapprovedpullpayments",
        "cancreatepullpayments",
        "canmanagepullpayments",
        "canmodifystoresettings",
        "canviewstoresettings",
    ),
    REQUESTS: _store("canmodifypaymentrequests", "canmodifystoresettings", "canviewstoresettings"),
    WEBHOOKS: _store("canmodifystoresettings"),
    NODE: _store("canmodifystoresettings"),
}
# Rights that only look; canviewlightninginvoice is part of the key that BTCPay's own users are told to make.
_HARMLESS: Final = frozenset(
    {INVOICES, SETTINGS, WALLET, PAYOUTS, PULL_PAYMENTS, REQUESTS}
    | {"btcpay.store.canviewreports", "btcpay.store.canviewofferings", "btcpay.store.canviewlightninginvoice"}
    | {"btcpay.server.canviewlightninginvoiceinternalnode", "btcpay.user.canviewnotificationsforuser"}
    | {"btcpay.user.canviewprofile"}
)
_DANGERS: Final[Mapping[str, str]] = {
    UNRESTRICTED: "may do everything its user may",
    NODE: "may pay invoices and open channels",
    "btcpay.server.canuseinternallightningnode": "may pay invoices and open channels",
    "btcpay.store.canmodifystoresettings": "may change the store, its webhooks and where its money goes, and pay",
    "btcpay.store.canmanagewallets": "may spend from the store's wallet",
    "btcpay.store.cansigntransactions": "may spend from the store's wallet",
    "btcpay.store.canmanagepayouts": "may approve payouts",
    WEBHOOKS: "may change and delete webhooks",
}


class Need(NamedTuple):
    """A permission that lnwatch asks with, and what it costs to lack it."""

    permission: str
    cost: str


NEEDS: Final = (
    Need(INVOICES, "no orders, payments or KPIs of this store"),
    Need(SETTINGS, "no store settings, payment methods and rates: a dead rate source or a missing method is not seen"),
    Need(WALLET, "no balance of the store's on-chain wallet"),
    Need(PAYOUTS, "no payouts: a refund that was paid, or hangs, is not seen"),
    Need(PULL_PAYMENTS, "no refunds: those offered and never claimed are not seen"),
    Need(REQUESTS, "no payment requests"),
)
DELIVERIES_NEED: Final = Need(WEBHOOKS, "no webhook deliveries: whether the shop is told of payments is not seen")


@dataclass(frozen=True, slots=True)
class Grants:
    """What a key may do, from BTCPay's own list: `policy` for all stores, `policy:STORE` for one."""

    listed: frozenset[str]

    @classmethod
    def of(cls, permissions: Iterable[str]) -> "Grants":
        """The rights that are listed."""
        return cls(frozenset(text.strip() for text in permissions))

    def may(self, permission: str, store_id: str) -> bool:
        """Whether the key has the right in this store, by itself or through one that includes it."""
        having = (UNRESTRICTED, permission, *_INCLUDED_IN.get(permission, ()))
        return any(policy in self.listed or f"{policy}:{store_id}" in self.listed for policy in having)

    def beyond_reading(self, *, deliveries: bool) -> Iterator[str]:
        """What the key could do that lnwatch never does, a sentence each. `deliveries`: webhooks are wanted."""
        wanted = _HARMLESS | ({WEBHOOKS} if deliveries else frozenset())
        for policy in sorted({text.partition(":")[0] for text in self.listed} - wanted):
            yield f"{policy} {_DANGERS.get(policy, 'is more than reading')}"
