"""Hexadecimal as Go's library reads it: without spaces, and with its words for what is none."""

import re

_WRONG = re.compile(r"[^0-9a-fA-F]")


def unhexed(text: str) -> bytes:
    """The bytes. Raises ValueError with Go's text."""
    if wrong := _WRONG.search(text):
        letter = wrong.group()
        raise ValueError(f"encoding/hex: invalid byte: U+{ord(letter):04X} '{letter}'")
    if len(text) % 2:
        raise ValueError("encoding/hex: odd length hex string")
    return bytes.fromhex(text)
