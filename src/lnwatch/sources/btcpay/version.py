"""Which BTCPay Server this is, what it can, and whether lnwatch was tested with it."""

import re
from typing import NamedTuple

_VERSION = re.compile(r"v?(\d{1,4})\.(\d{1,4})(?:\.(\d{1,4}))?")


class Version(NamedTuple):
    """A release; the zeros of `UNKNOWN` sort before every other."""

    major: int
    minor: int
    patch: int

    def __str__(self) -> str:
        """The release without its suffix; empty where it is unknown."""
        return f"{self.major}.{self.minor}.{self.patch}" if self else ""

    def __bool__(self) -> bool:
        """Whether it is known."""
        return self != UNKNOWN


UNKNOWN = Version(0, 0, 0)
OLDEST = Version(2, 0, 0)
END = Version(2, 5, 0)  # the first that was not tested
METHODS_IN_LISTS = Version(2, 3, 6)  # invoice lists can carry payment methods


def parse_version(text: str) -> Version:
    """The release in `2.4.1`, `2.4.1-rc1` or `v2.4.1+03345c2`; UNKNOWN where there is none."""
    found = _VERSION.match(text.strip())
    return Version(int(found[1]), int(found[2]), int(found[3] or 0)) if found else UNKNOWN


def supported(version: Version) -> bool:
    """Whether the release lies in the range that lnwatch is tested with."""
    return OLDEST <= version < END


def remark(version: Version) -> str | None:
    """A sentence about a release outside the tested range."""
    if not version:
        return "the server does not tell its release; lnwatch is tested with BTCPay Server 2.0 to 2.4"
    if version < OLDEST:
        return f"BTCPay Server {version} is older than 2.0, the first that lnwatch is tested with: update it"
    if version >= END:
        return (
            f"BTCPay Server {version} is newer than 2.4, the last that lnwatch is tested with: look for a newer lnwatch"
        )
    return None
