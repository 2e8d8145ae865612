"""Hand-built cases, coverage and silences: three cases of one night, or as many as a test wants.

Each builder takes what a test wants to be different, and fills in the rest with the same figures always.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from typing import Any

from lnwatch.errors import LedgerError
from lnwatch.model.assessment import Assessment, Coverage, StandingCase
from lnwatch.model.case import Case, CaseState, Fingerprint, Reason
from lnwatch.model.rule import Owner, Severity
from lnwatch.model.silence import Silence, SilenceKind
from lnwatch.store import CaseRecord, HistoryStep
from tests import assessments as build

NOW = build.NOW
SITE = "main"
TXID = "5e" * 32
DOWN = Fingerprint(SITE, "lightning_down", "node:ln1")
HTLC = Fingerprint(SITE, "htlc_near_expiry", f"htlc:{TXID}:1/in/7")
DISK = Fingerprint(SITE, "host_disk_low", "path:/data")


def case(fingerprint: Fingerprint = DOWN, **changes: Any) -> Case:  # noqa: ANN401 - a table of fields
    """A critical case for on-call that opened four minutes ago."""
    usual = Case(
        fingerprint=fingerprint,
        number=1,
        state=CaseState.OPEN,
        scope="ln1",
        severity=Severity.CRITICAL,
        owner=Owner.ONCALL,
        sentence="node:ln1 (lnd) has given no answer since 2027-01-15 07:55:00 UTC: connection refused.",
        found_at=NOW - 300,
        seen_at=NOW,
        facts={"state": "down", "since": "2027-01-15 07:55:00 UTC", "version": "0.21.2-beta"},
        opened_at=NOW - 240,
        transition=1,
        told=True,
        told_severity=Severity.CRITICAL,
    )
    return replace(usual, **changes)


def step(number: int, reason: Reason, **changes: Any) -> HistoryStep:  # noqa: ANN401 - a table of fields
    """A step of the first opening, a minute after the one before."""
    at = NOW - 600 + 60 * number
    usual = HistoryStep(1, number, at, reason, None, CaseState.OPEN, Severity.WARNING, "It is so.", "", "")
    return replace(usual, **changes)


def standing(of: Case, reason: Reason = Reason.STILL_FOUND, muted_by: str = "") -> StandingCase:
    """The case with its newest decision."""
    return StandingCase(of, reason, muted_by)


def night() -> list[StandingCase]:
    """Three open cases: a node that is down, a payment that is held meanwhile, a disk that somebody has taken."""
    htlc = case(
        HTLC,
        sentence="An incoming HTLC of 250,000 sat in channel 800000x12x1 of node:ln1 has 14 blocks left until height "
        "900014 (critical: below 18).",
        opened_at=NOW - 4_000,
        found_at=NOW - 4_000,
        facts={"peer": "03" + "ab" * 32, "hash": "c0" * 32, "amount": "250,000 sat"},
    )
    disk = case(
        DISK,
        state=CaseState.ACKNOWLEDGED,
        severity=Severity.WARNING,
        scope="machine",
        sentence="path:/data has 4.1 % of its space free (limit: 5 %).",
        opened_at=NOW - 7_000,
        actor="anna",
        note="moving the backups away",
    )
    return [
        standing(disk, Reason.ACKNOWLEDGED),
        standing(case()),
        standing(htlc, Reason.HELD_UNKNOWN),
    ]


def storm(count: int) -> list[StandingCase]:
    """As many channels that went off together, kept quiet by their node's own case."""
    return [
        standing(
            case(
                Fingerprint(SITE, "channel_inactive", f"channel:{index:064x}:1"),
                severity=Severity.CRITICAL if index % 50 == 0 else Severity.WARNING,
                sentence=f"Channel {800_000 + index}x12x1 of node:ln1 is offline (peer 03{index:010x}… is not "
                "connected); over this peer comes 0.4 % of all that could be received (main peer: above 50 %).",
                opened_at=NOW - 600 - index,
                told=False,
            ),
            Reason.INHIBITED,
            "lightning_down node:ln1",
        )
        for index in range(count)
    ]


def waiting(count: int = 1) -> list[StandingCase]:
    """Cases that have not lasted long enough."""
    return [
        standing(
            case(
                Fingerprint(SITE, "peer_flapping", f"peer:03{index:064x}"),
                state=CaseState.PENDING,
                severity=Severity.INFO,
                owner=Owner.OPERATORS,
                sentence=f"Peer 03{index:010x}… of node:ln1 went on or off 12 times within an hour (limit: 10).",
                found_at=NOW - 45,
                opened_at=None,
                transition=0,
                told=False,
            ),
            Reason.PENDING,
        )
        for index in range(count)
    ]


def coverage(rule: str = "lightning_down", *, covered: bool = True, **changes: Any) -> Coverage:  # noqa: ANN401 - fields
    """A rule that can fire for a node."""
    usual = Coverage(SITE, rule, "ln1", Severity.CRITICAL, Owner.ONCALL, covered)
    if not covered:
        usual = replace(usual, why="backup of ln1 was not read lately", grant=f"grant what {rule} needs")
    return replace(usual, **changes)


def silence(**changes: Any) -> Silence:  # noqa: ANN401 - a table of fields
    """A silence of a node's channels, begun half an hour ago, for two hours."""
    usual = Silence(
        id="s-1",
        kind=SilenceKind.SILENCE,
        author="anna",
        reason="the peer moves its node",
        starts_at=NOW - 1_800,
        ends_at=NOW + 5_400,
        rule="channel_*",
    )
    return replace(usual, **changes)


def assessed(cases: Iterable[StandingCase], **changes: Any) -> Assessment:  # noqa: ANN401 - a table of fields
    """A merchant with these cases."""
    listed = {one.case.fingerprint: one for one in cases}
    return replace(build.merchant(), cases=listed, coverage=(coverage(),), **changes)


@dataclass
class Shelf:
    """An archive that knows what it is given; with `trouble` it can't be read."""

    records: dict[Fingerprint, CaseRecord] = field(default_factory=dict)
    openings: tuple[Case, ...] = ()
    trouble: LedgerError | None = None

    async def case(self, fingerprint: Fingerprint) -> CaseRecord | None:
        if self.trouble is not None:
            raise self.trouble
        return self.records.get(fingerprint)

    async def cases_between(self, since: float, until: float) -> tuple[Case, ...]:
        if self.trouble is not None:
            raise self.trouble
        return tuple(
            one
            for one in self.openings
            if one.opened_at is not None and one.opened_at < until and (one.ended_at is None or one.ended_at >= since)
        )
