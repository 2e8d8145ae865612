"""Whom the node is connected to, what gossip says of them, and how calling one ends, in LND's words."""

from collections.abc import Mapping
from typing import Protocol

from lnwatch.grpc_stubs import simulated_lnd_pb2 as sim
from lnwatch.simulator.lnd.hexadecimal import unhexed

KEY_BYTES = 33


class UnreachedError(Exception):
    """Why a peer was not connected."""


class Caller(Protocol):
    """The node that calls."""

    public_key: str
    peers: list[sim.Peer]
    doors: dict[str, str]


def peer(key: str, host: str, *, inbound: bool) -> sim.Peer:
    """One that is connected."""
    return sim.Peer(
        pub_key=key, address=host, inbound=inbound, ping_time=41_000, sync_type=2, features=_features(range(1, 60, 4))
    )


def announced(key: str, *hosts: str) -> sim.LightningNode:
    """What a peer says of itself to everybody."""
    addresses = [sim.NodeAddress(network="tcp", addr=host) for host in hosts]
    return sim.LightningNode(last_update=1_790_000_000, pub_key=key, alias=key[:8], addresses=addresses)


def call(node: Caller, key: str, host: str) -> str:
    """Where `key` answers, which is at `host` with its port. Raises UnreachedError."""
    _check_key(key)
    if key == node.public_key:
        raise UnreachedError("cannot make connection to self")
    host = host if ":" in host else f"{host}:9735"
    if (known := next((one for one in node.peers if one.pub_key == key), None)) is not None:
        raise UnreachedError(f"already connected to peer: {key}@{known.address}")
    if host not in node.doors:
        raise UnreachedError(f"dial tcp {host}: connect: connection refused")
    if node.doors[host] != key:
        raise UnreachedError("EOF")  # whoever answers can't read what was meant for another
    return host


def _check_key(key: str) -> None:
    try:
        length = len(unhexed(key))
    except ValueError as error:
        raise UnreachedError(str(error)) from error
    if length != KEY_BYTES:
        raise UnreachedError(f"malformed public key: invalid length: {length}")


def _features(bits: range) -> Mapping[int, sim.Feature]:
    return {bit: sim.Feature(name=f"feature-{bit}", is_known=True) for bit in bits}
