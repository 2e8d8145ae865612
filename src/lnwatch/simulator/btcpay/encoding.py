"""How BTCPay and Bitcoin write things down: base58 ids, bech32 addresses, LNURL, BOLT11, decimals as C# has them."""

import hashlib
import random
from collections.abc import Iterable
from decimal import ROUND_CEILING, ROUND_HALF_EVEN, Decimal
from functools import reduce
from operator import xor
from typing import Final

_BASE58: Final = "123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz"
BECH32: Final = "qpzry9x8gf2tvdw0s3jn54khce6mua7l"
_GENERATORS: Final = (0x3B6A57B2, 0x26508E6D, 0x1EA119FA, 0x3D4233DD, 0x2A1462B3)
_STEPS: Final = tuple(  # of the checksum, by the five bits that fall out at its top
    reduce(xor, (generator for bit, generator in enumerate(_GENERATORS) if top >> bit & 1), 0) for top in range(32)
)
_MULTIPLIERS: Final = {"m": 100_000_000, "u": 100_000, "n": 100}  # msat; "p" is a tenth of one
_SATOSHIS: Final = 100_000_000
_NO_DECIMALS: Final = frozenset({"JPY", "KRW", "CLP", "ISK", "VND", "SATS"})
TAGS: Final = {"hash": 1, "description": 13, "expiry": 6, "description_hash": 23, "final_blocks": 24}


def base58(data: bytes) -> str:
    """As Bitcoin writes bytes."""
    number, text = int.from_bytes(data), ""
    while number:
        number, digit = divmod(number, 58)
        text = _BASE58[digit] + text
    return "1" * (len(data) - len(data.lstrip(b"\0"))) + text


def words(data: bytes) -> list[int]:
    """Bytes as numbers of five bits, padded with zeros."""
    bits = "".join(f"{byte:08b}" for byte in data)
    bits += "0" * (-len(bits) % 5)
    return [int(bits[at : at + 5], 2) for at in range(0, len(bits), 5)]


def bech32(prefix: str, data: Iterable[int]) -> str:
    """Prefix, data and checksum."""
    values = list(data)
    expanded = [ord(letter) >> 5 for letter in prefix] + [0] + [ord(letter) & 31 for letter in prefix]
    check = 1
    for value in [*expanded, *values, *[0] * 6]:
        check = (check & 0x1FFFFFF) << 5 ^ value ^ _STEPS[check >> 25]
    values += [(check ^ 1) >> 5 * (5 - at) & 31 for at in range(6)]
    return prefix + "1" + "".join(BECH32[value] for value in values)


def address(program: bytes, prefix: str = "bcrt") -> str:
    """A native segwit address, version 0."""
    return bech32(prefix, [0, *words(program)])


def bolt11(msat: int | None, payment_hash: str, made_at: int, expiry: int, description: str | bytes) -> str:
    """An invoice as BOLT 11 has it, for regtest; its signature is noise. Bytes are a hashed description."""
    amount = ""
    if msat is not None:
        letter, unit = next((pair for pair in _MULTIPLIERS.items() if msat % pair[1] == 0), ("p", 0))
        amount = f"{msat // unit}{letter}" if unit else f"{msat * 10}p"
    tagged = [(TAGS["hash"], words(bytes.fromhex(payment_hash)))]
    if isinstance(description, bytes):
        tagged.append((TAGS["description_hash"], words(description)))
    else:
        tagged.append((TAGS["description"], words(description.encode())))
    tagged.append((TAGS["expiry"], _number(expiry, 2)))
    data = _number(made_at, 7)
    for tag, content in tagged:
        data += [tag, len(content) >> 5, len(content) & 31, *content]
    noise = random.Random(payment_hash)
    return bech32(f"lnbcrt{amount}", [*data, *noise.choices(range(32), k=104)])


def bolt11_hash(invoice: str) -> str:
    """The payment hash in an invoice. Raises ValueError for what is none."""
    data = [BECH32.index(letter) for letter in invoice[invoice.rindex("1") + 1 :]][7:-110]
    while len(data) >= 3:
        tag, length = data[0], data[1] << 5 | data[2]
        if tag == TAGS["hash"]:
            bits = "".join(f"{word:05b}" for word in data[3 : 3 + length])
            return int(bits[:256], 2).to_bytes(32).hex()
        data = data[3 + length :]
    raise ValueError("no payment hash")


def bolt11_msat(invoice: str) -> int | None:
    """The amount of an invoice, None where the payer chooses. Raises ValueError for what is none."""
    prefix = invoice[: invoice.rindex("1")]
    if not prefix.startswith("lnbcrt"):
        raise ValueError("not an invoice of this network")
    amount = prefix.removeprefix("lnbcrt")
    if not amount:
        return None
    return int(amount[:-1]) // 10 if amount[-1] == "p" else int(amount[:-1]) * _MULTIPLIERS[amount[-1]]


def lnurl(url: str) -> str:
    """A URL as LNURL writes it."""
    return bech32("lnurl", words(url.encode()))


def _number(value: int, least: int) -> list[int]:
    digits: list[int] = []
    while value or len(digits) < least:
        value, digit = divmod(value, 32)
        digits.insert(0, digit)
    return digits


def plain(value: Decimal) -> str:
    """A decimal without an exponent and without zeros at its end."""
    text = f"{value:f}"
    return (text.rstrip("0").rstrip(".") if "." in text else text) if value else "0"


def round_up(value: Decimal, digits: int) -> Decimal:
    """To so many digits, never less than it is owed."""
    return value.quantize(Decimal(1).scaleb(-digits), ROUND_CEILING)


def in_currency(value: Decimal, currency: str) -> Decimal:
    """Rounded to the decimals of a currency, with no digit that it had not before."""
    digits = 8 if currency == "BTC" else 0 if currency in _NO_DECIMALS else 2
    rounded = value.quantize(Decimal(1).scaleb(-digits), ROUND_HALF_EVEN)
    return value if len(f"{value:f}") <= len(f"{rounded:f}") else rounded


def to_coins(satoshis: int) -> Decimal:
    """BTC, with its eight digits."""
    return Decimal(satoshis).scaleb(-8)


def to_satoshis(coins: Decimal) -> int:
    """Satoshis, rounded up."""
    return int(round_up(coins * _SATOSHIS, 0))


class Ids:
    """Identifiers that look like BTCPay's, the same for the same seed."""

    def __init__(self, seed: str) -> None:
        """Begin."""
        self._seed = seed
        self._made = 0

    def hash(self, kind: str) -> str:
        """32 bytes in hexadecimal."""
        self._made += 1
        return hashlib.sha256(f"{self._seed}/{kind}/{self._made}".encode()).hexdigest()

    def make(self, kind: str, size: int = 16) -> str:
        """`size` bytes in base58."""
        return base58(bytes.fromhex(self.hash(kind))[:size])

    def uuid(self, kind: str) -> str:
        """As payment requests are called."""
        digits = self.hash(kind)
        return f"{digits[:8]}-{digits[8:12]}-4{digits[13:16]}-8{digits[17:20]}-{digits[20:32]}"
