"""Asks every automation what it would do, given a View: its proposals, and why there are none."""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from lnwatch.model.action import Automation, Nothing, Offer
from lnwatch.model.view import View


def offers(automations: Iterable[Automation[Any]], view: View, thresholds: Mapping[str, Any]) -> tuple[Offer, ...]:
    """The answers of those that `thresholds` names; one that raises answers so, and hides no other."""
    return tuple(
        offer
        for automation in automations
        if automation.id in thresholds
        for offer in _asked(automation, view, thresholds[automation.id])
    )


def _asked(automation: Automation[Any], view: View, thresholds: object) -> Iterator[Offer]:
    try:
        yield from tuple(automation.propose(view, thresholds))
    except Exception as error:  # noqa: BLE001 - as for a rule: it is told, and hides no other
        words = f"The automation broke: {type(error).__name__}: {error}."
        yield Nothing(view.site, automation.id, f"site:{view.site}", "broken", words)
