"""The door to the network: every client of lnwatch is made here."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Door:
    """How to get out."""

    proxy: str | None = None
