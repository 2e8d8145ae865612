"""Reads what a macaroon grants without asking anybody: LND writes it into the identifier.

A macaroon in binary form 2 is `02`, then the packets `type length value` of its head, its caveats and its
signature, each section ended by a zero. LND's identifier is `03` and a message (`macaroon.proto`).
"""

import re
from dataclasses import dataclass
from datetime import datetime

from google.protobuf.message import DecodeError

from lnwatch.errors import FailureReason, SourceError
from lnwatch.grpc_stubs.macaroon_pb2 import MacaroonId

_END, _LOCATION, _IDENTIFIER, _SIGNATURE = 0, 1, 2, 6
_BINARY_V2, _BAKERY_V3 = b"\x02", b"\x03"
_TIME_BEFORE = re.compile(r"time-before (\S+)")


@dataclass(frozen=True, slots=True)
class Grant:
    """What a macaroon allows: `entity:action` or `uri:/path`; `expires_at` in epoch seconds, None for ever."""

    operations: frozenset[str]
    expires_at: float | None = None

    def allows(self, permission: str, path: str) -> bool:
        """Whether LND lets a call of `path`, which needs `permission`, pass."""
        return permission in self.operations or f"uri:{path}" in self.operations

    @property
    def beyond_reading(self) -> tuple[str, ...]:
        """What changes the node or spends, sorted: it has no place in a monitoring credential."""
        return tuple(sorted(operation for operation in self.operations if _changes(operation)))


# A call that is granted by its path tells by its verb whether it changes anything.
_READING = re.compile(
    r"uri:/[\w.]+/(Get|List|Describe|Query|Lookup|Subscribe|Track|Verify|Check|Export|Estimate|Decode)"
)
_READING_PATHS = frozenset(
    f"uri:/{path}"
    for path in (
        "lnrpc.Lightning/WalletBalance",
        "lnrpc.Lightning/ChannelBalance",
        "lnrpc.Lightning/PendingChannels",
        "lnrpc.Lightning/ClosedChannels",
        "lnrpc.Lightning/FeeReport",
        "lnrpc.Lightning/ForwardingHistory",
        "lnrpc.Lightning/VerifyMessage",
        "walletrpc.WalletKit/PendingSweeps",
        "walletrpc.WalletKit/RequiredReserve",
        "wtclientrpc.WatchtowerClient/Stats",
        "wtclientrpc.WatchtowerClient/Policy",
    )
)


def _changes(operation: str) -> bool:
    if operation.startswith("uri:"):
        return operation not in _READING_PATHS and _READING.match(operation) is None
    return not operation.endswith(":read")


def read_grant(macaroon: bytes) -> Grant:
    """What `macaroon` (binary) grants. Raises SourceError(REJECTED) where it is not one of LND's."""
    try:
        identifier, caveats = _split(macaroon)
        operations = MacaroonId.FromString(identifier).ops
    except (ValueError, DecodeError) as error:
        message = "the macaroon is not one of LND's, or damaged: take the file that LND wrote, or bake a new one"
        raise SourceError(FailureReason.REJECTED, message) from error
    names = frozenset(f"{operation.entity}:{action}" for operation in operations for action in operation.actions)
    return Grant(names, _earliest(caveats))


def _earliest(caveats: list[bytes]) -> float | None:
    found = [match[1] for caveat in caveats if (match := _TIME_BEFORE.fullmatch(caveat.decode(errors="replace")))]
    ends = []
    for text in found:
        try:
            ends.append(datetime.fromisoformat(re.sub(r"\.\d+", "", text)).timestamp())  # Go writes nanoseconds
        except ValueError:
            continue  # a caveat that we can't read is LND's to judge
    return min(ends, default=None)


def _split(data: bytes) -> tuple[bytes, list[bytes]]:
    """Identifier without its version, and caveats. Raises ValueError."""
    if data[:1] != _BINARY_V2:
        raise ValueError("not binary form 2")
    packets = _Packets(data, 1)
    head = packets.section()
    caveats = []
    while caveat := packets.section():
        caveats.append(caveat.get(_IDENTIFIER, b""))
    identifier = head.get(_IDENTIFIER, b"")
    if packets.packet()[0] != _SIGNATURE or identifier[:1] != _BAKERY_V3:
        raise ValueError("no signature, or another kind of identifier")
    return identifier[1:], caveats


class _Packets:
    """Walks over `type length value`."""

    def __init__(self, data: bytes, start: int) -> None:
        self._data = data
        self._at = start

    def section(self) -> dict[int, bytes]:
        """The packets up to the next end mark."""
        found: dict[int, bytes] = {}
        while (packet := self.packet())[0] != _END:
            found[packet[0]] = packet[1]
        return found

    def packet(self) -> tuple[int, bytes]:
        """Type and value; an end mark has no value."""
        kind = self._varint()
        if kind == _END:
            return kind, b""
        length = self._varint()
        value = self._data[self._at : self._at + length]
        if len(value) != length:
            raise ValueError("it ends too early")
        self._at += length
        return kind, value

    def _varint(self) -> int:
        value = 0
        for position in range(0, 35, 7):
            if self._at >= len(self._data):
                break
            byte = self._data[self._at]
            self._at += 1
            value |= (byte & 0x7F) << position
            if byte < 0x80:
                return value
        raise ValueError("a number without an end")
