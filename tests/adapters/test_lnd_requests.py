"""What LND answers to wrong credentials and bad parameters: over the simulator and over the real one."""

import time
from collections.abc import Callable

import pytest
from google.protobuf.message import Message

from lnwatch.grpc_stubs import simulated_lnd_pb2 as sim
from lnwatch.simulator.lnd.certificate import self_signed
from tests.adapters.calls import EMPTY, GET_INFO, LIGHTNING, Caller, Refusal, calling, unknown
from tests.adapters.nodes import Lightning

NOBODY = "02" + "ab" * 32
ROUTER, TOWERS = "/routerrpc.Router/", "/wtclientrpc.WatchtowerClient/"
GARBAGE = b"\xff\xff\xff"
UNREADABLE = "proto: cannot parse invalid wire-format data"
NO_SIGNATURE = "0620" + "00" * 32
NOT_SIGNED = "unmarshal v2: unexpected field found instead of signature"
TAMPERED = "verification failed: signature mismatch after caveat verification"
CUT_SHORT = unknown("unmarshal v2: field data extends past end of buffer")


@pytest.mark.parametrize(
    ("change", "refusal"),
    [
        (lambda _: [], unknown("expected 1 macaroon, got 0")),
        (lambda good: [good, good], unknown("expected 1 macaroon, got 2")),
        (lambda _: [""], unknown("empty macaroon data")),
        (lambda _: ["zz"], unknown("encoding/hex: invalid byte: U+007A 'z'")),
        (lambda good: [f" {good}"], unknown("encoding/hex: invalid byte: U+0020 ' '")),
        (lambda good: [good[:-1]], unknown("encoding/hex: odd length hex string")),
        (lambda _: ["00"], unknown("cannot determine data format of binary-encoded macaroon")),
        (lambda _: ["7b7d"], unknown("cannot determine data format of binary-encoded macaroon")),
        (lambda _: ["02"], unknown("unmarshal v2: section extends past end of buffer")),
        (lambda _: ["0201"], unknown("unmarshal v2: varint value extends past end of buffer")),
        (lambda _: [f"0201036c6e640000{NO_SIGNATURE}"], unknown("unmarshal v2: invalid macaroon header")),
        (lambda _: [f"0201036c6e64020102000000{NO_SIGNATURE}"], unknown(NOT_SIGNED)),
        (lambda _: [f"0201036c6e640201020000{NO_SIGNATURE}"], unknown("invalid ID")),
        (lambda good: [good[:20]], CUT_SHORT),
        (lambda good: [good[:100]], CUT_SHORT),
        (lambda good: [good[:-2]], CUT_SHORT),
        (lambda good: [good[:-4] + "0000"], unknown(TAMPERED)),
        (lambda good: [good.upper()], None),
        (lambda good: [good + "ff" * 9], None),  # what follows it is not looked at
    ],
)
async def test_macaroons(caller: Caller, change: Callable[[str], list[str]], refusal: Refusal | None) -> None:
    """Each way in which a macaroon can be none has its own words; so has one that was tampered with."""
    sent = [("macaroon", written) for written in change(caller.door.macaroon().hex())]
    told = await caller.data(GET_INFO, EMPTY, metadata=sent)
    assert (told if isinstance(told, Refusal) else None) == refusal


async def test_what_a_macaroon_is_good_for(lightning: Lightning, caller: Caller) -> None:
    """A baked one lets its calls pass and no other, and nothing once its root key is gone."""
    baked = await lightning.bake(GET_INFO, root_key=41)
    sent = (("macaroon", baked.hex()),)
    assert isinstance(await caller.data(GET_INFO, EMPTY, metadata=sent), bytes)
    assert await caller.data(f"{LIGHTNING}ListChannels", EMPTY, metadata=sent) == unknown("permission denied")
    assert await caller.stream_refused(f"{LIGHTNING}SubscribeInvoices", metadata=sent) == unknown("permission denied")
    await lightning.revoke(41)
    gone = "cannot retrieve macaroon: cannot get macaroon: root key with id 41 doesn't exist"
    assert await caller.data(GET_INFO, EMPTY, metadata=sent) == unknown(gone)


async def test_reading_is_not_writing(caller: Caller) -> None:
    """The macaroon that may only read changes nothing."""
    assert await caller.refused(f"{LIGHTNING}ConnectPeer", sim.ConnectPeerRequest()) == unknown("permission denied")


@pytest.mark.parametrize(
    ("path", "refusal"),
    [
        (f"{LIGHTNING}Nothing", "unknown method Nothing for service lnrpc.Lightning"),
        (f"{ROUTER}Nothing", "unknown method Nothing for service routerrpc.Router"),
        ("/lnrpc.Nothing/Nothing", "unknown service lnrpc.Nothing"),
        ("/nothing", 'malformed method name: "/nothing"'),
    ],
)
async def test_calls_that_there_are_not(caller: Caller, path: str, refusal: str) -> None:
    """They are told apart by service and method, with a macaroon or without."""
    for metadata in (None, ()):
        assert await caller.data(path, EMPTY, metadata=metadata) == Refusal("UNIMPLEMENTED", refusal)


async def test_requests_that_are_none(caller: Caller) -> None:
    """A request is read before anybody asks for a macaroon, one for a stream after it."""
    unary = Refusal("INTERNAL", f"grpc: error unmarshalling request: {UNREADABLE}")
    for metadata in (None, ()):
        assert await caller.data(f"{LIGHTNING}ListInvoices", GARBAGE, metadata=metadata) == unary
    stream = f"{LIGHTNING}SubscribeInvoices"
    received = Refusal("INTERNAL", f"grpc: failed to unmarshal the received message: {UNREADABLE}")
    assert await caller.stream_refused(stream, GARBAGE) == received
    assert await caller.stream_refused(stream, GARBAGE, metadata=()) == unknown("expected 1 macaroon, got 0")


def chan_backup(multi: bytes | None = None, singles: tuple[bytes, ...] | None = None) -> sim.ChanBackupSnapshot:
    """What is to be verified."""
    asked = sim.ChanBackupSnapshot()
    if multi is not None:
        asked.multi_chan_backup.CopyFrom(sim.MultiChanBackup(multi_chan_backup=multi))
    if singles is not None:
        backups = [sim.ChannelBackup(chan_backup=single) for single in singles]
        asked.single_chan_backups.CopyFrom(sim.ChannelBackups(chan_backups=backups))
    return asked


TOO_SMALL = "payload size too small, must be at least 24 bytes"
SEALED = "chacha20poly1305: message authentication failed"
BOTH_SIDES = "can be set, but not both"


@pytest.mark.parametrize(
    ("call", "request_", "text"),
    [
        ("GetNodeInfo", sim.NodeInfoRequest(), "invalid vertex string length of 0, want 66"),
        ("GetNodeInfo", sim.NodeInfoRequest(pub_key="02ab"), "invalid vertex string length of 4, want 66"),
        ("GetNodeInfo", sim.NodeInfoRequest(pub_key="zz" * 33), "encoding/hex: invalid byte: U+007A 'z'"),
        (
            "ListChannels",
            sim.ListChannelsRequest(active_only=True, inactive_only=True),
            f"either `active_only` or `inactive_only` {BOTH_SIDES}",
        ),
        (
            "ListChannels",
            sim.ListChannelsRequest(public_only=True, private_only=True),
            f"either `public_only` or `private_only` {BOTH_SIDES}",
        ),
        (
            "ListChannels",
            sim.ListChannelsRequest(peer=b"abc"),
            "invalid `peer` key: invalid vertex length of 3, want 33",
        ),
        (
            "ListInvoices",
            sim.ListInvoiceRequest(creation_date_start=5, creation_date_end=3),
            "start date(5) must be before end date(3)",
        ),
        (
            "ListPayments",
            sim.ListPaymentsRequest(creation_date_start=5, creation_date_end=5),
            "start date(5) must be before end date(5)",
        ),
        ("VerifyChanBackup", chan_backup(), "either a Single or Multi channel backup must be specified"),
        (
            "VerifyChanBackup",
            chan_backup(b"x" * 99, ()),
            "either a Single or Multi channel backup must be specified, but not both",
        ),
        ("VerifyChanBackup", chan_backup(b""), f"invalid multi channel backup: {TOO_SMALL}"),
        ("VerifyChanBackup", chan_backup(b"x" * 23), f"invalid multi channel backup: {TOO_SMALL}"),
        ("VerifyChanBackup", chan_backup(b"x" * 99), f"invalid multi channel backup: {SEALED}"),
        ("VerifyChanBackup", chan_backup(singles=()), "only one Single is accepted at a time"),
        ("VerifyChanBackup", chan_backup(singles=(b"x", b"y")), "only one Single is accepted at a time"),
        ("VerifyChanBackup", chan_backup(singles=(b"x",)), f"invalid single channel backup: {TOO_SMALL}"),
        ("VerifyChanBackup", chan_backup(singles=(b"x" * 99,)), f"invalid single channel backup: {SEALED}"),
        ("QueryRoutes", sim.QueryRoutesRequest(), "invalid vertex length of 0, want 33"),
        ("QueryRoutes", sim.QueryRoutesRequest(pub_key="02ab", amt=5), "invalid vertex length of 2, want 33"),
        ("QueryRoutes", sim.QueryRoutesRequest(pub_key="zz", amt=5), "encoding/hex: invalid byte: U+007A 'z'"),
        (
            "QueryRoutes",
            sim.QueryRoutesRequest(pub_key=NOBODY, amt=5, amt_msat=5),
            "sat and msat arguments are mutually exclusive",
        ),
        ("QueryRoutes", sim.QueryRoutesRequest(pub_key=NOBODY, amt=-5), "amount cannot be negative"),
        ("QueryRoutes", sim.QueryRoutesRequest(pub_key=NOBODY, amt=5), "unable to find a path to destination"),
        ("QueryRoutes", sim.QueryRoutesRequest(pub_key=NOBODY, amt=10**9), "insufficient local balance"),
    ],
)
async def test_bad_parameters(caller: Caller, call: str, request_: Message, text: str) -> None:
    """Each is refused in LND's own words, and nearly always with the code Unknown."""
    assert await caller.refused(f"{LIGHTNING}{call}", request_) == unknown(text)


@pytest.mark.parametrize(
    ("key", "host", "text"),
    [
        (None, "", "need: lnc pubkeyhash@hostname"),
        ("", "", "malformed public key: invalid length: 0"),
        ("02ab", "", "malformed public key: invalid length: 2"),
        ("zz", "", "encoding/hex: invalid byte: U+007A 'z'"),
        (NOBODY, "127.0.0.1:1", "dial tcp 127.0.0.1:1: connect: connection refused"),
        ("OURS", "127.0.0.1:1", "cannot make connection to self"),
    ],
)
async def test_peers_that_are_not_reached(caller: Caller, key: str | None, host: str, text: str) -> None:
    """Why a peer could not be called is told."""
    own = await caller.ask(GET_INFO, EMPTY, sim.GetInfoResponse)
    address = None if key is None else sim.LightningAddress(pubkey=key.replace("OURS", own.identity_pubkey), host=host)
    asked = sim.ConnectPeerRequest(addr=address)
    assert await caller.refused(f"{LIGHTNING}ConnectPeer", asked, name="admin") == unknown(text)


async def test_ids_that_nobody_has(lightning: Lightning, caller: Caller) -> None:
    """A node without gossip is not found, a peer without channels has none, and the own backup covers all of them."""
    asked = sim.NodeInfoRequest(pub_key=NOBODY)
    assert await caller.refused(f"{LIGHTNING}GetNodeInfo", asked) == Refusal("NOT_FOUND", "unable to find node")
    request = sim.ListChannelsRequest(peer=bytes.fromhex(NOBODY))
    none = await caller.ask(f"{LIGHTNING}ListChannels", request, sim.ListChannelsResponse)
    assert list(none.channels) == []
    every = await caller.ask(f"{LIGHTNING}ListChannels", EMPTY, sim.ListChannelsResponse)
    covered = await caller.ask(
        f"{LIGHTNING}VerifyChanBackup", chan_backup(lightning.backup()), sim.VerifyChanBackupResponse
    )
    assert set(covered.chan_points) == {one.channel_point for one in every.channels}


async def test_the_state_is_told_to_everybody(caller: Caller) -> None:
    """The State service asks for no macaroon, and looks at none."""
    for metadata in ((), (("macaroon", "zz"),)):
        told = await caller.data("/lnrpc.State/GetState", EMPTY, metadata=metadata)
        assert isinstance(told, bytes)
        assert sim.StateResponse.FromString(told).state == sim.SERVER_ACTIVE
    async with caller.stream("/lnrpc.State/SubscribeState", EMPTY, sim.StateResponse) as states:
        assert (await anext(states)).state == sim.SERVER_ACTIVE


async def test_another_certificate(lightning: Lightning, tmp_path_factory: pytest.TempPathFactory) -> None:
    """Who trusts another certificate gets no connection."""
    other = tmp_path_factory.mktemp("other") / "tls.cert"
    other.write_bytes(self_signed(time.time())[0])
    async with calling(lightning.door, other) as caller:
        refusal = await caller.refused(GET_INFO, EMPTY)
    assert refusal is not None
    assert refusal.code == "UNAVAILABLE"
    assert "CERTIFICATE_VERIFY_FAILED" in refusal.text
