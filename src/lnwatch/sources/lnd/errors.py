"""What LND's errors mean: one table from its words to a reason and to a sentence for the operator.

LND answers code Unknown for nearly everything of its own, so its errors are told apart by their text.
What the transport says (refused, TLS, deadline, size) is the door's to translate.
"""

from typing import Any, NamedTuple

from grpc import StatusCode
from grpc.aio import AioRpcError

from lnwatch.errors import FailureReason, SourceError
from lnwatch.net import Door
from lnwatch.sources.lnd.methods import Method


class PartInactiveError(SourceError):
    """A part of the node that its operator has not switched on: a fact, no fault."""


class BackupRejectedError(SourceError):
    """LND can't open a channel backup: it covers nothing."""


class UnknownPeerError(SourceError):
    """Gossip knows nothing of a node."""


class AlreadyConnectedError(SourceError):
    """A peer that was to be called is there: what was wanted."""


class NoRouteError(SourceError):
    """There is no way for a payment of that amount and fee."""


class NoBalanceError(SourceError):
    """The channel to leave by can't send that much."""


class Words(NamedTuple):
    """A row: `needle` is a part of LND's text; `{call}` and `{permission}` are filled in."""

    needle: str
    reason: FailureReason
    sentence: str
    kind: type[SourceError] = SourceError


_STARTING = "LND is starting up and will answer soon"
_UNREADABLE = "LND can't read the macaroon: it is damaged, or no macaroon at all"
_BAKE = "take LND's readonly.macaroon, or bake one that grants it"

# The first row that fits counts.
TABLE = (
    Words("wallet locked", FailureReason.LOCKED, "the wallet is locked: unlock it with `lncli unlock`"),
    Words("wallet not created", FailureReason.LOCKED, "LND has no wallet yet: create it with `lncli create`"),
    Words("in the process of starting", FailureReason.STARTING, _STARTING),
    Words(
        "waiting to start, RPC services not available",
        FailureReason.STARTING,
        "LND waits for its turn to start (database lock or leader election)",
    ),
    Words("unable to determine macaroon permissions", FailureReason.STARTING, _STARTING),
    Words(
        "permission denied",
        FailureReason.FORBIDDEN,
        f"the macaroon lacks {{permission}}, which {{call}} needs: {_BAKE}",
    ),
    Words(
        "signature mismatch after caveat verification",
        FailureReason.REJECTED,
        "the macaroon was not made by this node: it belongs to another, or to one before a new wallet",
    ),
    Words(
        "cannot get macaroon: root key with id",
        FailureReason.REJECTED,
        "the macaroon was revoked (its root key is gone): bake a new one",
    ),
    Words("macaroon has expired", FailureReason.REJECTED, "the macaroon has expired: bake a new one"),
    Words(
        "macaroon locked to different IP",
        FailureReason.REJECTED,
        "the macaroon is bound to another IP address than the one that lnwatch connects from: bake a new one",
    ),
    Words("caveat", FailureReason.REJECTED, "LND refuses a caveat of the macaroon: bake one without it"),
    Words("expected 1 macaroon", FailureReason.REJECTED, "LND asks for a macaroon and got none"),
    Words(
        "cannot retrieve macaroon",
        FailureReason.REJECTED,
        "LND can't find the root key of the macaroon: bake a new one",
    ),
    Words("verification failed", FailureReason.REJECTED, "LND does not accept the macaroon: bake a new one"),
    Words("macaroon", FailureReason.REJECTED, _UNREADABLE),
    Words("unmarshal v2", FailureReason.REJECTED, _UNREADABLE),
    Words("encoding/hex", FailureReason.REJECTED, "LND can't read the macaroon: it is not written in hexadecimal"),
    Words("invalid ID", FailureReason.REJECTED, "the macaroon was not baked by LND"),
    Words(
        "unknown permissions required",
        FailureReason.UNSUPPORTED,
        "this LND does not know {call}: it is too old, or built without that part",
    ),
    Words(
        "watchtower client not active",
        FailureReason.UNSUPPORTED,
        "LND's watchtower client is switched off",
        PartInactiveError,
    ),
    Words(
        "invalid multi channel backup",
        FailureReason.FAILED,
        "LND can't open the backup file: it is damaged, or another node's",
        BackupRejectedError,
    ),
    Words("unable to find node", FailureReason.FAILED, "gossip does not know that node", UnknownPeerError),
    Words("already connected to peer", FailureReason.FAILED, "the peer is connected already", AlreadyConnectedError),
    Words("unable to find a path", FailureReason.FAILED, "LND knows no route within that limit", NoRouteError),
    Words(
        "insufficient local balance", FailureReason.FAILED, "there is too little on our side to send", NoBalanceError
    ),
    Words("shutting down", FailureReason.REFUSED, "LND is shutting down"),
)
_TRANSPORT = frozenset({StatusCode.UNAVAILABLE, StatusCode.DEADLINE_EXCEEDED, StatusCode.RESOURCE_EXHAUSTED})


def failure(error: AioRpcError, method: Method[Any, Any], door: Door, address: str) -> SourceError:
    """What a failed call of `method` to `address` means, for the operator. Never repeats what was sent."""
    if error.code() in _TRANSPORT:
        return door.grpc_failure(error, address)
    details = error.details() or ""
    call = method.path.rpartition("/")[2]
    for row in TABLE:
        if row.needle in details:
            sentence = row.sentence.format(call=call, permission=method.permission)
            permission = method.permission if row.reason is FailureReason.FORBIDDEN else None
            return row.kind(row.reason, sentence, permission=permission)
    if error.code() is StatusCode.UNIMPLEMENTED:
        words = f"this LND does not know {call}: it is too old, or built without that part"
        return SourceError(FailureReason.UNSUPPORTED, words)
    return SourceError(FailureReason.FAILED, f"LND failed at {call}: {details[:300]}")
