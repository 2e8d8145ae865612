"""What one simulated node is: its chain, its version, its users, and what is wrong with it."""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal

from lnwatch.simulator.bitcoind.chain import Chain

PRE_RELEASE = "This is a pre-release test build - use at your own risk - do not use for mining or merchant applications"


@dataclass(frozen=True, slots=True)
class User:
    """An RPC user; `whitelist` None: no `rpcwhitelist` line names it."""

    name: str
    password: str = field(repr=False)
    whitelist: frozenset[str] | None = None


@dataclass(slots=True)
class Faults:
    """What a test breaks. `hang` lets a test hold every answer until it is set again."""

    warm_up: str | None = None  # the phase that the node is in
    overloaded: bool = False
    shutting_down: bool = False
    address_refused: bool = False  # not in rpcallowip
    truncated: bool = False
    oversized: int = 0  # bytes that are put in front of each answer
    garbage: bytes | None = None  # sent in place of each body
    hang: asyncio.Event | None = None


@dataclass(slots=True)
class Node:
    """The state behind the answers. Rates in BTC/kvB, as bitcoind has them."""

    chain: Chain
    version: int = 310_000
    network: str = "regtest"
    subversion: str | None = None  # None: what the version calls itself
    users: tuple[User, ...] = ()
    whitelist_default: bool | None = None  # None: on as soon as any user has a whitelist, as in Core
    initial_block_download: bool = False
    verification_progress: Decimal = Decimal(1)
    headers_ahead: int = 0
    prune_height: int | None = None  # None: not pruned
    warnings: tuple[str, ...] = ()
    peers_in: int = 0
    peers_out: int = 8
    network_active: bool = True
    fees: Mapping[int, Decimal] = field(default_factory=dict)
    mempool_min_fee: Decimal = Decimal("0.00000100")
    mempool_disabled: bool = False
    others: int = 0  # transactions of the mempool that nobody here asks for
    wallets: tuple[str, ...] | None = None  # None: built without
    started_at: float = 0.0
    faults: Faults = field(default_factory=Faults)

    @property
    def major(self) -> int:
        """The release: 31 of 310000."""
        return self.version // 10_000

    @property
    def agent(self) -> str:
        """The subversion string."""
        minor, build = divmod(self.version % 10_000, 100)
        return self.subversion or f"/Satoshi:{self.major}.{minor}.{build}/"

    def may_call(self, user: User, method: str) -> bool:
        """Whether the whitelists let a user call a method."""
        if user.whitelist is not None:
            return method in user.whitelist
        return not self.locks_out(user)

    def locks_out(self, user: User) -> bool:
        """Whether a user without a whitelist may call nothing at all."""
        default = self.whitelist_default
        if default is None:
            default = any(other.whitelist is not None for other in self.users)
        return user.whitelist is None and default
