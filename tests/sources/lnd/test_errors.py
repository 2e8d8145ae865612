import pytest
from grpc import StatusCode
from grpc.aio import AioRpcError, Metadata

from lnwatch.errors import FailureReason
from lnwatch.net import Door
from lnwatch.sources.lnd.errors import TABLE, BackupRejectedError, PartInactiveError, failure
from lnwatch.sources.lnd.methods import LIST_CHANNELS

ADDRESS = "127.0.0.1:10009"

# Code and text as LND 0.21.2 answered, but for those marked: these are read in its source.
CASES = [
    ("wallet locked, unlock it to enable full RPC access", FailureReason.LOCKED, "lncli unlock"),
    ("wallet not created, create one to enable full RPC access", FailureReason.LOCKED, "lncli create"),
    (
        "the RPC server is in the process of starting up, but not yet ready to accept calls",
        FailureReason.STARTING,
        "starting up",
    ),
    ("server is still in the process of starting", FailureReason.STARTING, "starting up"),  # source
    ("waiting to start, RPC services not available", FailureReason.STARTING, "waits for its turn"),  # source
    ("unable to determine macaroon permissions", FailureReason.STARTING, "starting up"),  # source
    ("permission denied", FailureReason.FORBIDDEN, "lacks offchain:read, which ListChannels needs"),
    (
        "verification failed: signature mismatch after caveat verification",
        FailureReason.REJECTED,
        "not made by this node",
    ),
    (
        "cannot retrieve macaroon: cannot get macaroon: root key with id 7 doesn't exist",
        FailureReason.REJECTED,
        "revoked",
    ),
    (
        'caveat "time-before 2026-11-24T23:54:09.053533896Z" not satisfied: macaroon has expired',
        FailureReason.REJECTED,
        "has expired",
    ),
    (
        'caveat "ipaddr 10.0.0.1" not satisfied: macaroon locked to different IP address',
        FailureReason.REJECTED,
        "bound to another IP address",
    ),
    ('caveat "lnd-custom x" not satisfied: caveat not recognized', FailureReason.REJECTED, "refuses a caveat"),
    ("expected 1 macaroon, got 0", FailureReason.REJECTED, "got none"),
    ("cannot determine data format of binary-encoded macaroon", FailureReason.REJECTED, "damaged"),
    ("unmarshal v2: field data extends past end of buffer", FailureReason.REJECTED, "damaged"),
    ("encoding/hex: invalid byte: U+007A 'z'", FailureReason.REJECTED, "hexadecimal"),
    ("invalid ID", FailureReason.REJECTED, "not baked by LND"),  # source
    (
        "/lnrpc.Lightning/ListChannels: unknown permissions required for method",
        FailureReason.UNSUPPORTED,
        "does not know ListChannels",
    ),  # source
    ("watchtower client not active", FailureReason.UNSUPPORTED, "switched off"),
    (
        "invalid multi channel backup: chacha20poly1305: message authentication failed",
        FailureReason.FAILED,
        "can't open the backup file",
    ),
    ("unable to find node", FailureReason.FAILED, "gossip does not know"),
    (
        "already connected to peer: 02ab@127.0.0.1:9735",
        FailureReason.FAILED,
        "connected already",
    ),
    ("unable to find a path to destination", FailureReason.FAILED, "no route"),
    ("insufficient local balance", FailureReason.FAILED, "too little on our side"),
    ("router server shutting down", FailureReason.REFUSED, "shutting down"),  # source
    ("unable to query invoices: disk I/O error", FailureReason.FAILED, "LND failed at ListChannels: unable to query"),
]


def answered(code: StatusCode, text: str) -> AioRpcError:
    return AioRpcError(code, Metadata(), Metadata(), details=text)


@pytest.mark.parametrize(("text", "reason", "words"), CASES)
def test_own_errors(text: str, reason: FailureReason, words: str) -> None:
    """LND's own errors, which all bear the code Unknown, are told apart by their text."""
    error = failure(answered(StatusCode.UNKNOWN, text), LIST_CHANNELS, Door(), ADDRESS)
    assert error.reason is reason
    assert words in error.message
    assert error.permission == ("offchain:read" if reason is FailureReason.FORBIDDEN else None)


def test_every_row_is_proved() -> None:
    """No row of the table is hidden by an earlier one, and each has a case here."""
    hit = [next(row for row in TABLE if row.needle in text) for text, _, _ in CASES[:-1]]
    missing = {row.needle for row in TABLE} - {row.needle for row in hit}
    assert missing <= {"cannot retrieve macaroon", "verification failed"}  # the general form of two others


@pytest.mark.parametrize(
    ("code", "text", "reason"),
    [
        (StatusCode.UNIMPLEMENTED, "unknown service wtclientrpc.WatchtowerClient", FailureReason.UNSUPPORTED),
        (StatusCode.UNIMPLEMENTED, "unknown method Foo for service lnrpc.Lightning", FailureReason.UNSUPPORTED),
        (StatusCode.DEADLINE_EXCEEDED, "Deadline Exceeded", FailureReason.TIMEOUT),
        (
            StatusCode.UNAVAILABLE,
            (
                "failed to connect to all addresses; last error: UNKNOWN: ipv4:127.0.0.1:1: Failed to connect to "
                "remote host: connect: Connection refused (111)"
            ),
            FailureReason.REFUSED,
        ),
        (
            StatusCode.UNAVAILABLE,
            (
                "failed to connect to all addresses; last error: UNKNOWN: ipv4:127.0.0.1:39111: Ssl handshake failed "
                "(TSI_PROTOCOL_FAILURE): SSL_ERROR_SSL: error:1000007d:SSL routines:OPENSSL_internal:"
                "CERTIFICATE_VERIFY_FAILED: self signed certificate"
            ),
            FailureReason.TLS,
        ),
        (StatusCode.UNAVAILABLE, "Socket closed", FailureReason.REFUSED),
        (
            StatusCode.RESOURCE_EXHAUSTED,
            "CLIENT: Received message larger than max (70000000 vs. 67108864)",
            FailureReason.MALFORMED,
        ),
        (StatusCode.INTERNAL, "internal server error", FailureReason.FAILED),
    ],
)
def test_transport(code: StatusCode, text: str, reason: FailureReason) -> None:
    """What the transport says keeps its own meaning."""
    assert failure(answered(code, text), LIST_CHANNELS, Door(), ADDRESS).reason is reason


def test_facts_are_no_failures() -> None:
    """What is a fact about the node bears a type of its own."""
    inactive = failure(answered(StatusCode.UNKNOWN, "watchtower client not active"), LIST_CHANNELS, Door(), ADDRESS)
    rejected = failure(answered(StatusCode.UNKNOWN, "invalid multi channel backup: x"), LIST_CHANNELS, Door(), ADDRESS)
    assert isinstance(inactive, PartInactiveError)
    assert isinstance(rejected, BackupRejectedError)
