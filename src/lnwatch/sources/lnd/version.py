"""Which LND this is, and whether lnwatch was tested with it."""

import re
from typing import NamedTuple

_VERSION = re.compile(r"v?(\d+)\.(\d+)\.(\d+)")


class Version(NamedTuple):
    """As LND counts: 0.21.2-beta is (0, 21, 2). The zeros of `UNKNOWN` sort before every release."""

    major: int
    minor: int
    patch: int

    def __str__(self) -> str:
        """The release without its suffix."""
        return f"{self.major}.{self.minor}.{self.patch}"


UNKNOWN = Version(0, 0, 0)
OLDEST = Version(0, 19, 0)
END = Version(0, 22, 0)  # the first that was not tested
CONFIRMATIONS_LEFT = Version(0, 20, 0)  # PendingChannels counts down to an opening
WALLET_SYNCED = Version(0, 21, 0)  # GetInfo tells of the wallet
OMIT_HOPS = Version(0, 21, 0)  # ListPayments can leave routes out
TAPROOT_BY_FLAG = Version(0, 21, 0)  # starts on a Bitcoin Core that has taproot from genesis on


def parse_version(text: str) -> Version:
    """The release in GetInfo's `version`, `0.21.2-beta commit=v0.21.2-beta`; UNKNOWN where there is none."""
    found = _VERSION.match(text)
    return Version(int(found[1]), int(found[2]), int(found[3])) if found else UNKNOWN


def supported(version: Version) -> bool:
    """Whether the release lies in the range that lnwatch is tested with."""
    return OLDEST <= version < END


def remark(version: Version) -> str:
    """A sentence about a release outside the tested range; empty inside."""
    if version == UNKNOWN:
        return "the node does not tell its release; lnwatch is tested with LND 0.19 to 0.21"
    if version < OLDEST:
        return f"LND {version} is older than 0.19, the first that lnwatch is tested with: upgrade LND"
    if version >= END:
        return f"LND {version} is newer than 0.21, the last that lnwatch is tested with: look for a newer lnwatch"
    return ""
