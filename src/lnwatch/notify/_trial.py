"""A message that tries a channel: marked as a test, about nothing."""

from lnwatch.model.case import CaseState, Fingerprint, Transition
from lnwatch.model.message import Marking, Message, Notice
from lnwatch.model.rule import Owner, Severity

RULE = "delivery_failing"  # whose runbook is the one to read when the test does not arrive


def trial(channel: str, link_base: str, now: float) -> Message:
    """What `lnwatch notify test` sends to `channel`."""
    notice = Notice(
        fingerprint=Fingerprint("lnwatch", RULE, f"delivery:{channel}"),
        number=0,
        transition_number=0,
        transition=Transition.OPENED,
        state=CaseState.OPEN,
        severity=Severity.INFO,
        owner=Owner.OPERATORS,
        sentence=f"Somebody asked lnwatch to send a test to {channel}: it arrived.",
        at=now,
        found_at=now,
    )
    return Message(channel, (notice,), link_base, Marking.TEST)
