"""What a daemon decided earlier: cases of two sites, one of each state."""

from typing import Any

from lnwatch.model.case import Case, CaseState, Fingerprint, Reason, Transition
from lnwatch.model.rule import Severity
from lnwatch.store import CaseChange
from tests.secrets import EMAIL
from tests.store.case_stories import case, change

DOWN = Fingerprint("main", "lightning_down", "node:ln1")
FULL = Fingerprint("main", "host_disk_low", "path:/data")
OTHER = Fingerprint("shop", "lightning_down", "node:ln1")
SOON = Fingerprint("main", "chain_stalled", "source:core")
DONE = Fingerprint("main", "bitcoind_down", "source:core")


def living(now: float, fingerprint: Fingerprint = DOWN, **more: Any) -> Case:  # noqa: ANN401 - a table of fields
    """An open case that was told, two hours old."""
    opened = {"found_at": now - 7_260.0, "opened_at": now - 7_200.0, "transition": 1, "told": True}
    return case(fingerprint=fingerprint, **{**opened, "told_severity": Severity.CRITICAL, **more})


def begun(of: Case) -> CaseChange:
    """It opened and one channel is told."""
    return change(of, Reason.LASTED, of.opened_at or 0.0, Transition.OPENED, ("slack",))


def story(now: float) -> list[CaseChange]:
    """Three that are open, one that is pending, one that ended a minute ago."""
    over = {"state": CaseState.RESOLVED, "transition": 2, "ended_at": now - 60, "told": False, "told_severity": None}
    resolved = living(now, DONE, **over)
    return [
        begun(living(now, FULL, severity=Severity.WARNING, sentence="path:/data has 3.1 % left (limit 5 %).")),
        begun(living(now, facts={"refused by": "127.0.0.1:10009"})),
        begun(living(now, OTHER, sentence=f"node:ln1 does not answer; ask {EMAIL}.")),
        change(case(CaseState.PENDING, SOON, found_at=now - 5), Reason.PENDING, now),
        begun(living(now, DONE)),
        change(resolved, Reason.CLEAR, now - 60, Transition.RESOLVED, ("slack",)),
    ]
