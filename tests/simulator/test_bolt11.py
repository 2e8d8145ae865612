"""Payment requests as the doubled LND reads them: amounts, fields, and the words of LND 0.21.2 for what is none."""

import pytest

from lnwatch.simulator.btcpay.encoding import bech32, bolt11
from lnwatch.simulator.lnd.bolt11 import read

HASH = "ab" * 32
DATA = [0] * 120  # a moment, no fields, and room for a signature


@pytest.mark.parametrize("msat", [None, 1, 999, 1_000, 123_456, 100_000_000, 10**11, 5 * 10**14])
def test_what_is_written_is_read(msat: int | None) -> None:
    """The amount and the hash of a request that BTCPay's double wrote."""
    found = read(bolt11(msat, HASH, 1_800_000_000, 900, "two tickets"), "regtest")
    assert (found.payment_hash, found.msat, found.final_blocks) == (HASH, msat, 24)
    assert read(bolt11(msat, HASH, 1_800_000_000, 900, b"d" * 32).upper(), "regtest") == found


@pytest.mark.parametrize(
    ("prefix", "msat"),
    [
        ("lnbcrt", None),
        ("lnbcrt5", 500_000_000_000),
        ("lnbcrt100000m", 10**13),
        ("lnbcrt01u", 100_000),
        ("lnbcrt0u", 0),
        ("lnbcrt7n", 700),
        ("lnbcrt10p", 1),
    ],
)
def test_amounts(prefix: str, msat: int | None) -> None:
    """Each unit has its size; without one it is whole coins."""
    assert read(bech32(prefix, DATA), "regtest").msat == msat


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (bech32("ln", DATA), "hrp too short"),
        (bech32("lx100u", DATA), 'prefix should be "ln"'),
        (bech32("lntb100u", DATA), "invoice not for current active network 'regtest'"),
        (bech32("lnbcrt100x", DATA), "unknown multiplier x"),
        (bech32("lnbcrt1p", DATA), "minimum amount is 10p"),
        (bech32("lnbcrt-5u", DATA), 'strconv.ParseUint: parsing "-5": invalid syntax'),
        (bech32("lnbcrt100u", DATA[:20]), "short invoice"),
        (bech32("lnbcrt100u", DATA) + "q", "checksum failed."),
    ],
)
def test_what_is_none(text: str, words: str) -> None:
    """Each is refused in LND's words."""
    with pytest.raises(ValueError, match="^" + words.replace(".", r"\.")):
        read(text, "regtest")


def test_time_that_the_payee_wants() -> None:
    """The field for it is read where it is there."""
    fields = [24, 0, 2, 2, 16]  # 80, in two letters
    assert read(bech32("lnbcrt1u", DATA[:7] + fields + DATA[:104]), "regtest").final_blocks == 80
