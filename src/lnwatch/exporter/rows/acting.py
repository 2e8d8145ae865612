"""What lnwatch does to other systems: what it would do, what came of it, and what holds it back."""

from collections import Counter
from collections.abc import Iterator

from lnwatch.exporter.metric import Kind, Metric, Row
from lnwatch.exporter.moment import Moment
from lnwatch.exporter.shapes import own
from lnwatch.model.action import Action, Outcome, ProposalState


def _proposals(moment: Moment) -> Iterator[Row]:
    """At 0 from the start for each automation that is asked, in every state."""
    stands = moment.assessment.acting
    counts = {
        (site, automation, state.value): 0
        for site in moment.assessment.views
        for automation in stands.automations
        for state in ProposalState
    }
    found = ((each.record.proposal, each.record.state) for each in stands.proposals)
    yield from (counts | Counter((of.site, of.automation, state.value) for of, state in found)).items()


def _actions(moment: Moment) -> Iterator[Row]:
    """At 0 from the start wherever there are hands, dry ones included."""
    stands = moment.assessment.acting
    places = {(site, action) for site, _, action in stands.hands}
    counts: dict[tuple[str, Action, Outcome], int] = {(*place, outcome): 0 for place in places for outcome in Outcome}
    for (site, action, outcome), count in sorted((counts | dict(stands.came_of)).items()):
        yield (site, action.value, outcome.value), count


def _budgets(moment: Moment) -> Iterator[Row]:
    for each in moment.assessment.acting.budgets:
        yield (each.site, each.action.value, each.window), each.share


METRICS = (
    Metric(
        "lnwatch_proposals",
        "What lnwatch would do at other systems: open, or over for less than a day, by state.",
        Kind.GAUGE,
        ("site", "automation", "state"),
        _proposals,
    ),
    Metric(
        "lnwatch_actions_total",
        "What lnwatch did at other systems since its journal began, by what came of it; `rehearsed` is a dry run.",
        Kind.COUNTER,
        ("site", "action", "outcome"),
        _actions,
    ),
    Metric(
        "lnwatch_action_budget_used_ratio",
        "Which share of the site's budget for 24 hours (`day`) or 30 days (`month`) is spent.",
        Kind.GAUGE,
        ("site", "action", "window"),
        _budgets,
    ),
    own(
        "lnwatch_kill_switch",
        "1 while the kill switch is on: nothing is done at any other system.",
        lambda moment: int(moment.assessment.acting.kill_switch.on),
    ),
    own(
        "lnwatch_journal_intact",
        "1 while the journal of what was done holds together; at 0 nothing is done any more.",
        lambda moment: int(not moment.assessment.acting.trouble),
    ),
)
