"""Versions as bitcoind counts and names them."""

import re

SUPPORTED = range(24, 32)  # major versions that lnwatch was tested with or read in source
_KNOTS = re.compile(r"/Knots:(\d{8})")


def version_label(version: int, subversion: str) -> str:
    """What people call 310000 and `/Satoshi:31.0.0/`: `31.0`; Knots adds its name and date."""
    major, rest = divmod(version, 10_000)
    minor, build = divmod(rest, 100)
    label = f"{major}.{minor}" + (f".{build}" if build else "")
    knots = _KNOTS.search(subversion)
    return f"{label} Knots {knots[1]}" if knots else label


def is_supported(version: int) -> bool:
    """Whether lnwatch knows this major version."""
    return version // 10_000 in SUPPORTED
