"""Bakes and verifies macaroons as LND does, with its texts for every way in which one can be wrong.

The signature is the one of Google's paper as libmacaroons reckons it: HMAC-SHA256 over the identifier,
then over each caveat, keyed by the HMAC of the root key under `macaroons-key-generator`.
"""

import hashlib
import hmac
import secrets
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime

from google.protobuf.message import DecodeError

from lnwatch.grpc_stubs.simulated_lnd_pb2 import MacaroonId, Op
from lnwatch.simulator.lnd.hexadecimal import unhexed

_ENTITIES = ("address", "info", "invoices", "macaroon", "message", "offchain", "onchain", "peers", "signer")
READONLY = tuple(f"{entity}:read" for entity in _ENTITIES)
ADMIN = (
    *READONLY,
    *(f"{entity}:{'generate' if entity in ('macaroon', 'signer') else 'write'}" for entity in _ENTITIES),
    "macaroon:write",
)

_BINARY_2 = 2
_END, _LOCATION, _IDENTIFIER, _SIGNATURE = 0, 1, 2, 6  # kinds of fields
_SIGNATURE_LENGTH = 32


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

    def verify(self, written: Sequence[str], permission: str, path: str, now: float) -> None:
        """Raises RefusedError unless one macaroon, in hexadecimal, was sent and allows the call."""
        if len(written) != 1:
            raise RefusedError(f"expected 1 macaroon, got {len(written)}")
        identifier, caveats, signature = _unpacked(_unhexed(written[0]))
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
    head = bytes((_BINARY_2,)) + _packet(_LOCATION, b"lnd") + _packet(_IDENTIFIER, identifier) + b"\x00"
    body = b"".join(_packet(_IDENTIFIER, caveat) + b"\x00" for caveat in caveats)
    return head + body + b"\x00" + _packet(_SIGNATURE, signature)


def _packet(kind: int, value: bytes) -> bytes:
    length, written = len(value), b""
    while length >= 0x80:
        written += bytes((length & 0x7F | 0x80,))
        length >>= 7
    return bytes((kind,)) + written + bytes((length,)) + value


def _unhexed(written: str) -> bytes:
    try:
        return unhexed(written)
    except ValueError as error:
        raise RefusedError(str(error)) from error


def _unpacked(data: bytes) -> tuple[bytes, list[bytes], bytes]:
    """Identifier, caveats and signature of a macaroon in binary form 2. What follows them is not looked at."""
    if not data:
        raise RefusedError("empty macaroon data")
    if data[0] != _BINARY_2:
        raise RefusedError("cannot determine data format of binary-encoded macaroon")
    reader = _Reader(data)
    head = [field for field in reader.section() if field[0] != _LOCATION]
    if [kind for kind, _ in head] != [_IDENTIFIER]:
        raise RefusedError("unmarshal v2: invalid macaroon header")
    caveats = []
    while section := reader.section():
        if section[0][0] != _IDENTIFIER:
            raise RefusedError("unmarshal v2: no identifier in caveat")
        caveats.append(section[0][1])
    kind, signature = reader.field()
    if kind != _SIGNATURE:
        raise RefusedError("unmarshal v2: unexpected field found instead of signature")
    if len(signature) != _SIGNATURE_LENGTH:
        raise RefusedError("unmarshal v2: signature has unexpected length")
    identifier = head[0][1]
    if identifier[:1] != b"\x03":
        raise RefusedError("invalid ID")
    try:
        MacaroonId.FromString(identifier[1:])
    except DecodeError:
        raise RefusedError("invalid ID") from None
    return identifier, caveats, signature


class _Reader:
    """Goes through the fields of a macaroon."""

    def __init__(self, data: bytes) -> None:
        self._data, self._at = data, 1

    def section(self) -> list[tuple[int, bytes]]:
        """The fields up to the next end of a section."""
        found: list[tuple[int, bytes]] = []
        while True:
            if self._at >= len(self._data):
                raise RefusedError("unmarshal v2: section extends past end of buffer")
            kind, content = self.field()
            if kind == _END:
                return found
            if found and kind <= found[-1][0]:
                raise RefusedError("unmarshal v2: fields out of order")
            found.append((kind, content))

    def field(self) -> tuple[int, bytes]:
        """Kind and content of the next one."""
        if (kind := self._number()) == _END:
            return kind, b""
        length = self._number()
        begin, self._at = self._at, self._at + length
        if self._at > len(self._data):
            raise RefusedError("unmarshal v2: field data extends past end of buffer")
        return kind, self._data[begin : self._at]

    def _number(self) -> int:
        number = shift = 0
        while self._at < len(self._data):
            byte = self._data[self._at]
            self._at += 1
            number, shift = number | (byte & 0x7F) << shift, shift + 7
            if byte < 0x80:
                return number
        raise RefusedError("unmarshal v2: varint value extends past end of buffer")
