"""The payment hash in a BOLT11 invoice; nothing else of it is looked at, and its checksum alone is verified."""

_CHARACTERS = "qpzry9x8gf2tvdw0s3jn54khce6mua7l"
_GENERATOR = (0x3B6A57B2, 0x26508E6D, 0x1EA119FA, 0x3D4233DD, 0x2A1462B3)
_CHECKSUM = 6  # groups of five bits, as all counts here
_SIGNATURE = 104
_TIMESTAMP = 7
_HASH_TYPE, _HASH_LENGTH = 1, 52


def payment_hash_of(text: str) -> str | None:
    """The payment hash in hexadecimal; None where the text is no BOLT11 invoice."""
    prefix, one, body = text.lower().rpartition("1")
    if not one or not prefix.startswith("ln") or any(character not in _CHARACTERS for character in body):
        return None
    groups = [_CHARACTERS.index(character) for character in body]
    if _polymod([*(ord(c) >> 5 for c in prefix), 0, *(ord(c) & 31 for c in prefix), *groups]) != 1:
        return None
    fields = groups[_TIMESTAMP : -_SIGNATURE - _CHECKSUM]
    while len(fields) > 2:
        kind, length = fields[0], fields[1] * 32 + fields[2]
        if kind == _HASH_TYPE and length == _HASH_LENGTH:
            return _hexadecimal(fields[3 : 3 + length])
        fields = fields[3 + length :]
    return None


def _polymod(groups: list[int]) -> int:
    check = 1
    for group in groups:
        top = check >> 25
        check = (check & 0x1FFFFFF) << 5 ^ group
        for bit, generator in enumerate(_GENERATOR):
            check ^= generator if top >> bit & 1 else 0
    return check


def _hexadecimal(groups: list[int]) -> str:
    number = 0
    for group in groups:
        number = number << 5 | group
    return (number >> 4).to_bytes(32, "big").hex()
