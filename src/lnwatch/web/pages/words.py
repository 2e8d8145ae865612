"""Figures and states as people read them."""

from datetime import UTC, datetime

from lnwatch.errors import FailureReason
from lnwatch.model.money import MSAT_PER_SAT, format_msat
from lnwatch.model.probe import ProbeStage
from lnwatch.model.snapshot import TargetState

_STEPS = ((86_400, "day"), (3_600, "hour"))
_BYTES = ("kB", "MB", "GB", "TB")

STATES = {
    TargetState.UP: "Up",
    TargetState.STARTING: "Starting",
    TargetState.LOCKED: "Wallet locked",
    TargetState.SYNCING: "Catching up",
    TargetState.HANGING: "Hangs",
    TargetState.REJECTED: "Turns us away",
    TargetState.DOWN: "Down",
    None: "Not asked yet",
}

STAGES = {
    ProbeStage.DNS: "Name",
    ProbeStage.CONNECT: "Connection",
    ProbeStage.TLS: "Certificate",
    ProbeStage.REQUEST: "Page",
}

ADVICE = {
    FailureReason.REFUSED: "Is it running? Does the configured address lead to it?",
    FailureReason.TIMEOUT: "It is there and does not answer: look at its load, its disk and what it waits for.",
    FailureReason.TLS: "Compare its certificate with the configured one; it may have been renewed or have run out.",
    FailureReason.REJECTED: "Give lnwatch a credential that it knows: this one may be revoked, or another node's.",
    FailureReason.FORBIDDEN: "Give lnwatch's credential the permission that is missing.",
    FailureReason.STARTING: "It is warming up; nothing to do unless this lasts.",
    FailureReason.LOCKED: "Unlock its wallet, or create one.",
    FailureReason.SYNCING: "It is catching up; nothing to do unless this lasts.",
    FailureReason.OVERLOADED: "It has too much to do: find out who else asks it, or give it more room.",
    FailureReason.UNSUPPORTED: "Its version does not know this call: upgrade it, or do without.",
    FailureReason.MALFORMED: "Its answer breaks the protocol: is it what the configured address is meant to lead to?",
    FailureReason.FAILED: "Its own log tells more.",
    FailureReason.CREDENTIAL_UNREADABLE: "Put the file back, or let lnwatch's user read it.",
    FailureReason.BUG: "This is a fault of lnwatch: please report it with the lines of its log.",
}


def advice(reason: str) -> str:
    """What to do about a failure."""
    return ADVICE[FailureReason(reason)] if reason in set(FailureReason) else ""


def span(seconds: float) -> str:
    """A length of time in its largest unit, rounded down: `3 days`, `1 hour`, `12 s`."""
    for length, unit in _STEPS:
        if seconds >= length:
            count = int(seconds // length)
            return f"{count} {unit}{'' if count == 1 else 's'}"
    return f"{int(seconds // 60)} min" if seconds >= 60 else f"{max(0, int(seconds))} s"


def duration(seconds: float) -> str:
    """How long a run took."""
    return f"{seconds * 1_000:.0f} ms" if seconds < 1 else f"{seconds:.1f} s"


def ago(at: float | None, now: float) -> str:
    """How long ago something was."""
    return "never" if at is None else f"{span(now - at)} ago"


def instant(at: float | None) -> str:
    """A point in time, in UTC to the second; empty where there is none or it is out of this world."""
    try:
        return "" if at is None else datetime.fromtimestamp(at, UTC).strftime("%Y-%m-%d %H:%M:%S UTC")
    except (OverflowError, OSError, ValueError):
        return ""


def size(count: float) -> str:
    """Bytes in the largest unit that leaves a figure of at least one."""
    if count < 1_000:
        return f"{count:.0f} B"
    value = count / 1_000
    units = iter(_BYTES)
    unit = next(units)
    while value >= 999.95 and (larger := next(units, "")):
        value, unit = value / 1_000, larger
    return f"{value:,.1f} {unit}"


def amount(msat: int) -> str:
    """Whole satoshis, rounded down: nobody plans with millisatoshis."""
    return format_msat(msat // MSAT_PER_SAT * MSAT_PER_SAT)


def count(figure: int, noun: str, plural: str = "") -> str:
    """`1 channel`, `12,345 channels`; `plural` where an s does not make it."""
    return f"{figure:,} {noun if figure == 1 else plural or f'{noun}s'}"


def percent(part: float, whole: float) -> str:
    """A share, rounded down so that 100 % means all."""
    return f"{int(100 * part / whole)} %" if whole > 0 else ""
