import pytest

from lnwatch.errors import FailureReason, SourceError
from lnwatch.simulator.lnd import READONLY, Bakery
from lnwatch.simulator.lnd.macaroons import ADMIN, RefusedError
from lnwatch.sources.lnd.macaroon import Grant, read_grant

# Made by LND 0.21.2 for wallets that lived for a minute: its stock readonly.macaroon, one with
# `bakemacaroon --timeout 5`, and one of single calls.
STOCK = (
    "0201036c6e6402ac01030a105c61bec577055c4421dc208cc8a735d11201301a0f0a07616464726573731204726561641a0c0a04696e"
    "666f1204726561641a100a08696e766f696365731204726561641a100a086d616361726f6f6e1204726561641a0f0a076d6573736167"
    "651204726561641a100a086f6666636861696e1204726561641a0f0a076f6e636861696e1204726561641a0d0a057065657273120472"
    "6561641a0e0a067369676e657212047265616400000620934b586f975c1f2ba98a995c6ecaf2daec49378611090bd4283efb403d44c040"
)
LIMITED = (
    "0201036c6e640224030a10d24ba1a16bf965c63b330422e3d4773a1201381a0c0a04696e666f12047265616400022a74696d652d6265"
    "666f726520323032362d31312d32345432333a35343a30392e3035333533333839365a00000620e5af1349ef90a95eb31b94b1ce096c"
    "3ec2fcec00129a6cb94e815ac7447558e8"
)
SINGLE = (
    "0201036c6e64028301030a10d14ba1a16bf965c63b330422e3d4773a1201371a0d0a0570656572731204726561641a5c0a0375726912"
    "182f6c6e7270632e4c696768746e696e672f476574496e666f121d2f6c6e7270632e4c696768746e696e672f4c6973744368616e6e65"
    "6c73121c2f6c6e7270632e4c696768746e696e672f4f70656e4368616e6e656c00000620da5dd7b6e47e7a60883941d5e374a6d7b2aa"
    "1c76c3d9c00f98398b469e71d5ca"
)


@pytest.mark.parametrize(
    ("written", "operations", "expires_at"),
    [
        (STOCK, set(READONLY), None),
        (LIMITED, {"info:read"}, 1_795_564_449.0),
        (
            SINGLE,
            {
                "peers:read",
                "uri:/lnrpc.Lightning/GetInfo",
                "uri:/lnrpc.Lightning/ListChannels",
                "uri:/lnrpc.Lightning/OpenChannel",
            },
            None,
        ),
    ],
)
def test_reads_what_lnd_baked(written: str, operations: set[str], expires_at: float | None) -> None:
    """What a real macaroon grants, and until when, is read without asking the node."""
    assert read_grant(bytes.fromhex(written)) == Grant(frozenset(operations), expires_at)


@pytest.mark.parametrize("cut", [0, 1, 2, 40, 200, 216])
def test_damaged(cut: int) -> None:
    """A macaroon that was cut short is refused, whole or not: it raises nothing else."""
    with pytest.raises(SourceError) as raised:
        read_grant(bytes.fromhex(STOCK)[:cut])
    assert raised.value.reason is FailureReason.REJECTED


@pytest.mark.parametrize(
    "content",
    [b"garbage", b"MDAxY2xvY2F0aW9uIGxuZAo=", b"\x02\xff\xff\xff\xff\xff\xff\xff", b"\x02\x02\x01\x04\x00\x00\x06\x00"],
)
def test_no_macaroon(content: bytes) -> None:
    """Files of another kind are refused."""
    with pytest.raises(SourceError, match="not one of LND's"):
        read_grant(content)


@pytest.mark.parametrize(
    ("operations", "beyond"),
    [
        (READONLY, ()),
        (("offchain:read", "offchain:write"), ("offchain:write",)),
        (("uri:/lnrpc.Lightning/GetInfo", "uri:/lnrpc.Lightning/WalletBalance"), ()),
        (("uri:/routerrpc.Router/SendPaymentV2",), ("uri:/routerrpc.Router/SendPaymentV2",)),
        (("uri:/lnrpc.Lightning/AddInvoice", "info:read"), ("uri:/lnrpc.Lightning/AddInvoice",)),
        (("macaroon:generate",), ("macaroon:generate",)),
    ],
)
def test_beyond_reading(operations: tuple[str, ...], beyond: tuple[str, ...]) -> None:
    """Whatever can change the node is told apart from what can only read it."""
    assert read_grant(Bakery().bake(operations)).beyond_reading == beyond


def test_admin_is_beyond_reading() -> None:
    """The admin macaroon is known for what it is."""
    assert set(read_grant(Bakery().bake(ADMIN)).beyond_reading) == set(ADMIN) - set(READONLY)


@pytest.mark.parametrize(
    ("written", "text"),
    [
        ([], "expected 1 macaroon, got 0"),
        ([STOCK, STOCK], "expected 1 macaroon, got 2"),
        (["zz"], "encoding/hex: invalid byte: U+007A 'z'"),
        (["0011"], "cannot determine data format of binary-encoded macaroon"),
        ([STOCK], "verification failed: signature mismatch after caveat verification"),
        ([SINGLE], "cannot retrieve macaroon: cannot get macaroon: root key with id 7 doesn't exist"),
    ],
)
def test_double_refuses(written: list[str], text: str) -> None:
    """The double refuses a macaroon that is not its own, in LND's words."""
    with pytest.raises(RefusedError) as refused:
        Bakery().verify(written, "info:read", "/lnrpc.Lightning/GetInfo", 0.0)
    assert str(refused.value) == text


def test_double_keeps_to_grants() -> None:
    """The double lets a call pass by its permission or by its path, until the macaroon ends or is revoked."""
    bakery = Bakery()
    written = bakery.bake(["info:read", "uri:/a.B/C"], root_key_id="7", before=100.0).hex()
    bakery.verify([written], "info:read", "/x.Y/Z", 99.0)
    bakery.verify([written], "offchain:read", "/a.B/C", 99.0)
    with pytest.raises(RefusedError, match="permission denied"):
        bakery.verify([written], "offchain:read", "/x.Y/Z", 99.0)
    with pytest.raises(RefusedError, match="macaroon has expired"):
        bakery.verify([written], "info:read", "/x.Y/Z", 101.0)
    bakery.revoke("7")
    with pytest.raises(RefusedError, match="root key with id 7 doesn't exist"):
        bakery.verify([written], "info:read", "/x.Y/Z", 99.0)
