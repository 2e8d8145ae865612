"""Bakes and verifies macaroons as LND does, with its texts for every way in which one can be wrong.

The signature is the one of Google's paper as libmacaroons reckons it: HMAC-SHA256 over the identifier,
then over each caveat, keyed by the HMAC of the root key under `macaroons-key-generator`.
"""

import hashlib
import hmac
import secrets
from collections.abc import Iterable
from datetime import UTC, datetime

from google.protobuf.message import DecodeError

from lnwatch.grpc_stubs.simulated_lnd_pb2 import MacaroonId, Op

_ENTITIES = ("address", "info", "invoices", "macaroon", "message", "offchain", "onchain", "peers", "signer")
READONLY = tuple(f"{entity}:read" for entity in _ENTITIES)
ADMIN = (
    *READONLY,
    *(f"{entity}:{'generate' if entity in ('macaroon', 'signer') else 'write'}" for entity in _ENTITIES),
    "macaroon:write",
)


class RefusedError(Exception):
    """LND's text for a macaroon that does not do."""


class Bakery:
    """Root keys of one node."""

    def __init__(self) -> None:
        """One root key, numbered 0, as a new wallet has."""
        self.root_keys: dict[str, bytes] = {"0": secrets.token_bytes(32)}

    def bake(self, operations: Iterable[str], root_key_id: str = "0", before: float | None = None) -> bytes:
        """A macaroon for `entity:action` or `uri:/path`, until `before` (epoch seconds)."""
        key = self.root_keys.setdefault(root_key_id, secrets.token_bytes(32))
        grouped: dict[str, list[str]] = {}
        for operation in operations:
            entity, _, action = operation.partition(":")
            grouped.setdefault(entity, []).append(action)
        identifier = (
            b"\x03"
            + MacaroonId(
                nonce=secrets.token_bytes(16),
                storage_id=root_key_id.encode(),
                ops=[Op(entity=entity, actions=actions) for entity, actions in sorted(grouped.items())],
            ).SerializeToString()
        )
        caveats = [] if before is None else [_time_before(before)]
        return _packed(identifier, caveats, _signature(key, identifier, caveats))

    def revoke(self, root_key_id: str) -> None:
        """Forget a root key: what it baked is no longer accepted."""
        del self.root_keys[root_key_id]

    def verify(self, written: str | None, permission: str, path: str, now: float) -> None:
        """Raises RefusedError unless the macaroon, in hexadecimal, allows the call."""
        if written is None:
            raise RefusedError("expected 1 macaroon, got 0")
        identifier, caveats, signature = _unpacked(_unhexed(written))
        baked = MacaroonId.FromString(identifier[1:])
        key = self.root_keys.get(baked.storage_id.decode())
        if key is None:
            number = baked.storage_id.decode()
            raise RefusedError(
                f"cannot retrieve macaroon: cannot get macaroon: root key with id {number} doesn't exist"
            )
        if not hmac.compare_digest(signature, _signature(key, identifier, caveats)):
            raise RefusedError("verification failed: signature mismatch after caveat verification")
        for caveat in caveats:
            _check_caveat(caveat, now)
        granted = {f"{operation.entity}:{action}" for operation in baked.ops for action in operation.actions}
        if permission not in granted and f"uri:{path}" not in granted:
            raise RefusedError("permission denied")


def _time_before(before: float) -> bytes:
    return f"time-before {datetime.fromtimestamp(before, UTC):%Y-%m-%dT%H:%M:%S.%f}000Z".encode()


def _check_caveat(caveat: bytes, now: float) -> None:
    text = caveat.decode()
    condition, _, argument = text.partition(" ")
    if condition != "time-before":
        raise RefusedError(f'caveat "{text}" not satisfied: caveat not recognized')
    if datetime.fromisoformat(argument[:19]).replace(tzinfo=UTC).timestamp() <= now:
        raise RefusedError(f'caveat "{text}" not satisfied: macaroon has expired')


def _signature(root_key: bytes, identifier: bytes, caveats: Iterable[bytes]) -> bytes:
    key = hmac.new(b"macaroons-key-generator", root_key, hashlib.sha256).digest()
    signature = hmac.new(key, identifier, hashlib.sha256).digest()
    for caveat in caveats:
        signature = hmac.new(signature, caveat, hashlib.sha256).digest()
    return signature


def _packed(identifier: bytes, caveats: Iterable[bytes], signature: bytes) -> bytes:
    head = b"\x02" + _packet(1, b"lnd") + _packet(2, identifier) + b"\x00"
    body = b"".join(_packet(2, caveat) + b"\x00" for caveat in caveats)
    return head + body + b"\x00" + _packet(6, signature)


def _packet(kind: int, value: bytes) -> bytes:
    length, written = len(value), b""
    while length >= 0x80:
        written += bytes((length & 0x7F | 0x80,))
        length >>= 7
    return bytes((kind,)) + written + bytes((length,)) + value


def _unhexed(written: str) -> bytes:
    try:
        return bytes.fromhex(written)
    except ValueError:
        bad = next((letter for letter in written if letter not in "0123456789abcdefABCDEF"), "")
        reason = f"invalid byte: U+{ord(bad):04X} '{bad}'" if bad else "odd length hex string"
        raise RefusedError(f"encoding/hex: {reason}") from None


def _unpacked(data: bytes) -> tuple[bytes, list[bytes], bytes]:
    """Identifier, caveats and signature, of any macaroon in binary form 2 that has an identifier of LND."""
    if data[:1] != b"\x02":
        raise RefusedError("cannot determine data format of binary-encoded macaroon")
    fields: list[tuple[int, bytes]] = []
    at = 1
    try:
        while at < len(data):
            kind, at = data[at], at + 1
            if kind == 0:
                fields.append((0, b""))
                continue
            length = shift = 0
            while data[at] >= 0x80:
                length, shift, at = length | (data[at] & 0x7F) << shift, shift + 7, at + 1
            length, at = length | data[at] << shift, at + 1
            fields.append((kind, data[at : at + length]))
            at += length
    except IndexError:
        raise RefusedError("cannot unmarshal macaroon v2: field data extends past end of buffer") from None
    identifiers = [value for kind, value in fields if kind == 2]
    signatures = [value for kind, value in fields if kind == 6]
    if not identifiers or not signatures or identifiers[0][:1] != b"\x03":
        raise RefusedError("invalid ID")
    try:
        MacaroonId.FromString(identifiers[0][1:])
    except DecodeError:
        raise RefusedError("invalid ID") from None
    return identifiers[0], identifiers[1:], signatures[0]
