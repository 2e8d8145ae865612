"""Reads a payment request as LND does, with its words for what is none. Signatures are not looked at."""

import re
from dataclasses import dataclass
from typing import Final

from lnwatch.simulator.btcpay.encoding import BECH32, TAGS, bech32

_CHECKSUM: Final = 6  # letters, of five bits each
_SIGNATURE: Final = 104
_TIMESTAMP: Final = 7
_SHORTEST: Final = 8
_FINAL_BLOCKS: Final = 24  # assumed where a request does not say
_COIN: Final = 100_000_000_000  # millisatoshis
_UNITS: Final = {"m": _COIN // 10**3, "u": _COIN // 10**6, "n": _COIN // 10**9}
_NETWORKS: Final = {"regtest": "bcrt", "mainnet": "bc", "testnet3": "tb"}


@dataclass(frozen=True, slots=True)
class PaymentRequest:
    """What whoever pays needs of it; `final_blocks` is the time that the payee wants at the end of the way."""

    payment_hash: str
    msat: int | None
    final_blocks: int


def read(text: str, network: str) -> PaymentRequest:
    """Raises ValueError with LND's text."""
    prefix, data = _decoded(text)
    if len(prefix) < 3:
        raise ValueError("hrp too short")
    if not prefix.startswith("ln"):
        raise ValueError('prefix should be "ln"')
    beginning = f"ln{_NETWORKS.get(network, network)}"
    if not prefix.startswith(beginning):
        raise ValueError(f"invoice not for current active network '{network}'")
    amount = prefix.removeprefix(beginning)
    msat = _amount(amount) if amount else None
    if len(data) < _SIGNATURE + _TIMESTAMP:
        raise ValueError("short invoice")
    fields = _fields(data[_TIMESTAMP:-_SIGNATURE])
    final = fields.get(TAGS["final_blocks"])
    blocks = _FINAL_BLOCKS if final is None else _number(final)
    return PaymentRequest(_bytes(fields.get(TAGS["hash"], [])).hex(), msat, blocks)


def _decoded(text: str) -> tuple[str, list[int]]:
    """Prefix and data of a string whose checksum is right."""
    if len(text) < _SHORTEST:
        raise ValueError(f"invalid bech32 string length {len(text)}")
    if wrong := re.search(r"[^!-~]", text):
        raise ValueError(f"invalid character in string: '{wrong.group()}'")
    if text not in (text.lower(), text.upper()):
        raise ValueError("string not all lowercase or all uppercase")
    prefix, one, rest = text.lower().rpartition("1")
    if not one or not prefix or len(rest) < _CHECKSUM:
        raise ValueError("invalid index of 1")
    for letter in rest:
        if letter not in BECH32:
            raise ValueError(f"failed converting data to bytes: invalid character not part of charset: {ord(letter)}")
    data = [BECH32.index(letter) for letter in rest[:-_CHECKSUM]]
    expected = bech32(prefix, data)[-_CHECKSUM:]
    if rest[-_CHECKSUM:] != expected:
        raise ValueError(f"checksum failed. Expected {expected}, got {rest[-_CHECKSUM:]}.")
    return prefix, data


def _amount(text: str) -> int:
    digits, unit = (text, "") if text[-1].isdigit() else (text[:-1], text[-1])
    if unit and unit not in (*_UNITS, "p"):
        raise ValueError(f"unknown multiplier {unit}")
    if not digits:
        raise ValueError("number must be non-empty")
    if not digits.isdecimal():
        raise ValueError(f'strconv.ParseUint: parsing "{digits}": invalid syntax')
    number = int(digits)
    if unit == "p":
        if number < 10:
            raise ValueError("minimum amount is 10p")
        return number // 10
    return number * _UNITS.get(unit, _COIN)


def _fields(data: list[int]) -> dict[int, list[int]]:
    """By their tags; of one that comes twice the first counts."""
    found: dict[int, list[int]] = {}
    while len(data) >= 3:
        tag, length = data[0], data[1] << 5 | data[2]
        found.setdefault(tag, data[3 : 3 + length])
        data = data[3 + length :]
    return found


def _number(words: list[int]) -> int:
    number = 0
    for word in words:
        number = number << 5 | word
    return number


def _bytes(words: list[int]) -> bytes:
    bits = 5 * len(words)
    return (_number(words) >> bits % 8).to_bytes(bits // 8)
