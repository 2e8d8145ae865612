"""The shapes of bitcoind's answers, as far as they are read; versions 24 to 31."""

from collections.abc import Sequence
from decimal import Decimal
from typing import Annotated, Any

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field

# Strict: a JSON number with an exponent must not become an integer with a billion figures.
Count = Annotated[int, Field(strict=True, ge=0, lt=2**63)]
Hash = Annotated[str, Field(strict=True, pattern=r"^[0-9a-f]{64}$")]
Line = Annotated[str, Field(strict=True), AfterValidator(lambda text: text[:1_000])]

_SAT_PER_VBYTE = 100_000  # one BTC/kvB
_HIGHEST_RATE = 21_000_000


def _number(value: Any) -> Any:  # noqa: ANN401 - it comes from outside, as anything
    return Decimal(value) if isinstance(value, int) and not isinstance(value, bool) else value


def _lines(value: Any) -> Any:  # noqa: ANN401 - it comes from outside, as anything
    """Before 28 (and with -deprecatedrpc=warnings) all warnings were one string, empty for none."""
    if isinstance(value, str):
        return (value,) if value else ()
    return tuple(value) if isinstance(value, list) else value


Number = Annotated[Decimal, Field(strict=True, ge=0, le=_HIGHEST_RATE), BeforeValidator(_number)]
SatPerVbyte = Annotated[Number, AfterValidator(lambda rate: rate * _SAT_PER_VBYTE)]
Lines = Annotated[tuple[Line, ...], BeforeValidator(_lines)]


class _Answer(BaseModel):
    model_config = ConfigDict(strict=True, frozen=True, extra="ignore")


class BlockchainInfo(_Answer):
    """`getblockchaininfo`; `headers` is -1 before the first."""

    chain: Line
    blocks: Count
    headers: Annotated[int, Field(strict=True, ge=-1, lt=2**63)]
    bestblockhash: Hash
    time: Count
    verificationprogress: Number
    initialblockdownload: bool
    size_on_disk: Count
    pruned: bool
    pruneheight: Count | None = None
    warnings: Lines


class NetworkInfo(_Answer):
    """`getnetworkinfo`."""

    version: Count
    subversion: Line
    networkactive: bool
    connections_in: Count
    connections_out: Count
    warnings: Lines


class MempoolInfo(_Answer):
    """`getmempoolinfo`; rates in sat/vB once read."""

    size: Count
    bytes: Count
    usage: Count
    maxmempool: Count
    mempoolminfee: SatPerVbyte


class SmartFee(_Answer):
    """`estimatesmartfee`; no rate while the node has too little data."""

    feerate: SatPerVbyte | None = None


class Header(_Answer):
    """`getblockheader`; the first block has no previous one."""

    hash: Hash
    height: Count
    time: Count
    previousblockhash: Hash | None = None


class BlockContent(_Answer):
    """`getblock` with verbosity 1."""

    hash: Hash
    tx: Sequence[Hash]
