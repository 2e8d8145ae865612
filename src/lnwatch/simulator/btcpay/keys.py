"""Who may do what: BTCPay's tree of permissions, users with roles in stores, API keys and passwords."""

import base64
import binascii
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

from lnwatch.simulator.kestrel import Reply, Request

STORE: Final = "btcpay.store."
_SERVER: Final = "btcpay.server."
_USER: Final = "btcpay.user."
UNRESTRICTED: Final = "unrestricted"
_HEADER: Final = re.compile(r"(?:token|bearer) +(\S+)", re.IGNORECASE)

# What each permission includes directly, below its own prefix; those that include nothing are here as well.
_STORE_TREE: Final[Mapping[str, str]] = {
    "canarchivepullpayments": "",
    "canbroadcasttransactions": "canviewwallet",
    "cancanceltransactions": "canviewwallet",
    "cancreateinvoice": "",
    "cancreatelightninginvoice": "canviewlightninginvoice",
    "cancreatenonapprovedpullpayments": "canviewpullpayments",
    "cancreatepullpayments": "cancreatenonapprovedpullpayments",
    "cancreatetransactions": "canviewwallet",
    "cancreditsubscribers": "",
    "canmanagepayouts": "canviewpayouts",
    "canmanagepullpayments": "canarchivepullpayments cancreatepullpayments",
    "canmanagesubscribers": "",
    "canmanagewallets": "canmanagewalletsettings canmanagewallettransactions",
    "canmanagewalletsettings": "canviewwallet",
    "canmanagewallettransactions": (
        "canbroadcasttransactions cancanceltransactions cancreatetransactions cansigntransactions"
    ),
    "canmodifyinvoices": "cancreateinvoice cancreatelightninginvoice canviewinvoices",
    "canmodifyofferings": "cancreditsubscribers canmanagesubscribers canviewofferings",
    "canmodifypaymentrequests": "canviewpaymentrequests",
    "canmodifystoresettings": (
        "canmanagepayouts canmanagepullpayments canmanagewallets canmodifyinvoices canmodifyofferings "
        "canmodifypaymentrequests cansendstoreemails canuselightningnode canviewstoresettings "
        "webhooks.canmodifywebhooks"
    ),
    "cansendstoreemails": "",
    "cansigntransactions": "canviewwallet",
    "canuselightningnode": "cancreatelightninginvoice",
    "canviewinvoices": "",
    "canviewlightninginvoice": "",
    "canviewofferings": "",
    "canviewpaymentrequests": "",
    "canviewpayouts": "",
    "canviewpullpayments": "",
    "canviewreports": "",
    "canviewstoresettings": (
        "canviewinvoices canviewpaymentrequests canviewpayouts canviewpullpayments canviewreports"
    ),
    "canviewwallet": "",
    "webhooks.canmodifywebhooks": "",
}
_SERVER_TREE: Final[Mapping[str, str]] = {
    "cancreatelightninginvoiceinternalnode": "",
    "cancreateuser": "",
    "canmanageusers": "cancreateuser",
    "canmodifyserversettings": "canmanageusers canuseinternallightningnode",
    "canuseinternallightningnode": "cancreatelightninginvoiceinternalnode canviewlightninginvoiceinternalnode",
    "canviewlightninginvoiceinternalnode": "",
    "canviewusers": "",
}
_USER_TREE: Final[Mapping[str, str]] = {
    "candeleteuser": "",
    "canmanagenotificationsforuser": "canviewnotificationsforuser",
    "canmodifyprofile": "canviewprofile",
    "canviewnotificationsforuser": "",
    "canviewprofile": "",
}
_IMPERSONATE: Final = "btcpay.impersonation.canimpersonate"


def _spelled_out() -> dict[str, frozenset[str]]:
    direct: dict[str, set[str]] = {_IMPERSONATE: set()}
    for prefix, tree in ((STORE, _STORE_TREE), (_SERVER, _SERVER_TREE), (_USER, _USER_TREE)):
        direct |= {prefix + name: {prefix + each for each in inner.split()} for name, inner in tree.items()}
    direct[UNRESTRICTED] = set(direct)

    def within(name: str) -> set[str]:
        return direct[name].union(*(within(each) for each in direct[name]))

    return {name: frozenset(within(name)) for name in direct}


PERMISSIONS: Final[Mapping[str, frozenset[str]]] = _spelled_out()


@dataclass(slots=True)
class User:
    """A user; `stores` are those where they are an owner. Basic login with a password may do all that they may."""

    email: str
    password: str = field(repr=False)
    stores: set[str] = field(default_factory=set)
    admin: bool = False
    two_factor: bool = False


@dataclass(slots=True)
class Key:
    """An API key of a user; a permission is a policy, or `policy:store`."""

    secret: str = field(repr=False)
    label: str
    permissions: tuple[str, ...]
    user: User

    def may(self, policy: str, store: str | None = None) -> bool:
        """Whether it may do what `policy` names, never more than its user; without a store: in any."""
        if policy.startswith(STORE):
            wanted = self.user.stores if store is None else {store} & self.user.stores
            return any(self._granted(policy, each) for each in wanted)
        if policy.startswith(_SERVER) and not self.user.admin:
            return False
        return self._granted(policy, "")

    def _granted(self, policy: str, store: str) -> bool:
        for permission in self.permissions:
            name, _, scope = permission.partition(":")
            if scope in ("", store) and (name == policy or policy in PERMISSIONS.get(name, ())):
                return True
        return False


class Credentials:
    """All users and keys of a server."""

    def __init__(self) -> None:
        """Nobody."""
        self.users: dict[str, User] = {}
        self.keys: dict[str, Key] = {}

    def user(self, email: str, password: str, *, admin: bool = False) -> User:
        """A new user."""
        made = self.users[email] = User(email, password, admin=admin)
        return made

    def key(self, secret: str, user: User, label: str, *permissions: str) -> Key:
        """A new API key."""
        made = self.keys[secret] = Key(secret, label, permissions, user)
        return made

    def find(self, request: Request) -> Key | Reply:
        """Who asks, or the 401."""
        header = request.headers.get("authorization", "")
        token = _HEADER.fullmatch(header)
        if token:
            known = self.keys.get(token[1])
            return known or _unauthenticated("ApiKey authentication failed: Unknown API Key")
        return self._basic(header) or _unauthenticated("Authentication is required for accessing this endpoint")

    def _basic(self, header: str) -> Key | None:
        scheme, _, rest = header.partition(" ")
        if scheme.lower() != "basic":
            return None
        try:
            name, _, password = base64.b64decode(rest, validate=True).decode().partition(":")
        except (binascii.Error, UnicodeDecodeError):
            return None
        user = self.users.get(name)
        if user is None or user.password != password or user.two_factor:
            return None
        return Key("", "", (UNRESTRICTED,), user)


def _unauthenticated(message: str) -> Reply:
    return Reply.of(401, {"code": "unauthenticated", "message": message}, kind="application/json")


def forbidden(policy: str) -> Reply:
    """The 403: also what is said of things that do not exist."""
    advice = (
        f'Insufficient API Permissions. Please use an API key with permission "{policy}". '
        "You can create an API key in your account's settings / Api Keys."
    )
    value = {"missingPermission": policy, "code": "missing-permission", "message": advice}
    return Reply.of(403, value, kind="application/json")
