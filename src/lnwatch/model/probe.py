"""What a visit to a public address tells: each stage of it, how long it took and whether it went well."""

from dataclasses import dataclass
from enum import StrEnum


class ProbeStage(StrEnum):
    """What a visit goes through, in this order; a target has those that apply to it."""

    DNS = "dns"
    CONNECT = "connect"
    TLS = "tls"
    REQUEST = "request"


@dataclass(frozen=True, slots=True)
class ProbeStep:
    """One stage of a visit. `seconds` None: an earlier one failed, so that it was not tried."""

    stage: ProbeStage
    success: bool
    seconds: float | None


@dataclass(frozen=True, slots=True)
class ProbeStatus:
    """Facts of the collector `probe`: one visit.

    `where` is the address as it may be shown, `via` the proxy on the way (empty: straight), `checkout`
    whether customers pay there. `trouble` is a sentence on what went wrong, empty where nothing did, and
    `reason` its FailureReason's value. `http_status` None where nothing was asked or answered; the life
    of the certificate in epoch seconds, None without TLS.
    """

    where: str
    via: str
    checkout: bool
    steps: tuple[ProbeStep, ...]
    trouble: str
    reason: str
    http_status: int | None
    tls_not_before: float | None
    tls_not_after: float | None

    @property
    def failed(self) -> ProbeStage | None:
        """The stage at which it went wrong, None where it did not."""
        return next((step.stage for step in self.steps if not step.success), None)
