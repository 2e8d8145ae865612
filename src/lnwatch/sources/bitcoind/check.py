"""One look at everything that can be wrong between lnwatch and a bitcoind, in sentences."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final
from urllib.parse import urlsplit

from lnwatch.credentials import Credential, world_readable
from lnwatch.errors import FailureReason, SourceError
from lnwatch.model.chain import Network
from lnwatch.model.snapshot import TargetState
from lnwatch.net import TlsPeek
from lnwatch.sources import Checkup, Place, Scope, state_after
from lnwatch.sources.bitcoind.answers import BlockchainInfo, NetworkInfo
from lnwatch.sources.bitcoind.login import Login
from lnwatch.sources.bitcoind.rpc import Call, Outcome, Rpc
from lnwatch.sources.bitcoind.settings import BitcoindSettings
from lnwatch.sources.bitcoind.status import (
    CALLS,
    CHAIN,
    FEE_CALLS,
    NETWORK,
    UNNEEDED,
    ClockOffset,
    is_synced,
    network_of,
)
from lnwatch.sources.bitcoind.version import is_supported, version_label

NOTHING: Final = "0" * 64  # no block and no transaction has this id: asking for it costs the node nothing
_ESSENTIAL: Final = "without it lnwatch can't read this node at all"
_COSTS: Final = {
    "getblockchaininfo": _ESSENTIAL,
    "getnetworkinfo": _ESSENTIAL,
    "getmempoolinfo": "no mempool figures",
    "uptime": "restarts of the node are not seen",
    "estimatesmartfee": "no fee estimates",
    "getblockhash": "blocks are not followed: no confirmations of watched transactions, no reorganisations",
    "getblockheader": "blocks are not followed: no confirmations of watched transactions, no reorganisations",
    "getblock": "confirmations of watched transactions are not seen",
    "getmempoolentry": "watched transactions are seen only once they are in a block",
}
WHITELIST: Final = ",".join(_COSTS)
_REMEDY: Final = (
    f"give lnwatch a user of its own with rpcauth and `rpcwhitelist=USER:{WHITELIST}`, together with "
    "`rpcwhitelistdefault=0`: without that line every other user, NBXplorer and LND too, may call nothing"
)
_UNREACHED: Final = frozenset({FailureReason.REFUSED, FailureReason.TLS})


@dataclass(frozen=True, slots=True)
class _Found:
    """What the calls brought."""

    chain: BlockchainInfo
    network: NetworkInfo
    name: Network
    wallets: Outcome


@dataclass(slots=True)
class Inspector:
    """Makes each call that lnwatch needs once, and one that it does not need: if it may, it may too much."""

    place: Place
    settings: BitcoindSettings
    rpc: Rpc
    login: Login
    offset: ClockOffset
    roots: Credential

    async def look(self) -> Checkup:
        """Everything in one answer; the node's failures are in it."""
        peek = await self._peek()
        try:
            found = await self._ask()
        except SourceError as error:
            return self._failed(error, peek)
        synced = is_synced(found.chain)
        return Checkup(
            reachable=True,
            state=TargetState.UP if synced else TargetState.SYNCING,
            version=version_label(found.network.version, found.network.subversion),
            supported=is_supported(found.network.version),
            network=found.name,
            scope=self._scope(found),
            missing=self._missing(),
            excess=tuple(self._excess(found)),
            tls_expires_at=peek.not_after if peek else None,
            tls_lifetime_left=peek.lifetime_left(self.place.clock.now()) if peek else None,
            clock_offset=self.offset.seconds,
            synced=synced,
            problems=tuple(self._problems(found)),
            warnings=(*self._warnings(found), *self._file_warnings()),
        )

    async def _ask(self) -> _Found:
        calls = [
            *CALLS,
            FEE_CALLS[0],
            Call("getblockhash", (0,)),
            Call("getblockheader", (NOTHING,)),
            Call("getblock", (NOTHING, 1)),
            Call("getmempoolentry", (NOTHING,)),
        ]
        outcomes, _ = await self.rpc.batch(calls)
        chain, network = outcomes[0].read(CHAIN), outcomes[1].read(NETWORK)
        wallets = await self.rpc.call(UNNEEDED)
        return _Found(chain, network, network_of(chain, outcomes[0].where), wallets)

    async def _peek(self) -> TlsPeek | None:
        parts = urlsplit(self.settings.url)
        if parts.scheme != "https" or parts.hostname is None:
            return None
        try:
            return await self.place.door.tls(parts.hostname, parts.port or 443, self.roots.read() or None)
        except SourceError:
            return None  # the calls fail for the same reason, and tell it

    def _failed(self, error: SourceError, peek: TlsPeek | None) -> Checkup:
        forbidden = error.reason is FailureReason.FORBIDDEN
        return Checkup(
            reachable=error.reason not in _UNREACHED,
            state=state_after(error.reason),
            scope=Scope.TOO_LITTLE if forbidden else Scope.UNKNOWN,
            missing=self._missing(),
            tls_expires_at=peek.not_after if peek else None,
            tls_lifetime_left=peek.lifetime_left(self.place.clock.now()) if peek else None,
            clock_offset=self.offset.seconds,
            problems=() if error.reason is FailureReason.STARTING else (error.message,),
            warnings=tuple(self._file_warnings()),
        )

    def _missing(self) -> tuple[tuple[str, str], ...]:
        return tuple((method, cost) for method, cost in _COSTS.items() if method in self.rpc.forbidden)

    def _scope(self, found: _Found) -> Scope:
        if self._missing():
            return Scope.TOO_LITTLE
        return Scope.ENOUGH if found.wallets.forbidden else Scope.TOO_MUCH

    def _problems(self, found: _Found) -> Iterator[str]:
        expected = self.settings.network
        if expected is not None and found.name is not expected:
            yield f"it is on {found.name}, the configuration says {expected}"
        if not found.network.networkactive:
            yield "its network is switched off (setnetworkactive): it learns of no block"

    def _warnings(self, found: _Found) -> Iterator[str]:
        for right in self._excess(found):
            yield f"{right}: {_REMEDY}"
        if found.name is not Network.REGTEST and found.network.connections_in + found.network.connections_out == 0:
            yield "it has no peers: it learns of no block"
        for text in dict.fromkeys((*found.chain.warnings, *found.network.warnings)):
            yield f"it warns: {text}"

    def _excess(self, found: _Found) -> Iterator[str]:
        if not found.wallets.forbidden:
            whose = "the cookie" if self.login.user is None else f"user {self.login.user}"
            loaded = found.wallets.result
            reach = f"spend from {len(loaded)} loaded wallet(s)" if isinstance(loaded, list) and loaded else "stop it"
            yield f"{whose} may do everything with this node, and could {reach}"

    def _file_warnings(self) -> Iterator[str]:
        path = self.login.path
        if path is not None and world_readable(path):
            yield f"everybody on this machine may read {path}: take that right away (chmod o-r)"
