"""What Prometheus is told of what lnwatch does to other systems."""

from dataclasses import replace

from lnwatch.exporter.moment import Moment
from lnwatch.exporter.rows.acting import METRICS
from lnwatch.exporter.tally import Tallies
from lnwatch.model.action import KillSwitch, Outcome, ProposalState, Standing
from tests import assessments as build
from tests.domain.proposals import awaited, standing

TABLE = {metric.name: metric for metric in METRICS}


def told(stands: Standing, name: str) -> dict[tuple[str, ...], object]:
    moment = Moment(replace(build.merchant(), acting=stands), build.NOW, Tallies())
    rows = list(TABLE[name].rows(moment))
    assert len(dict(rows)) == len(rows)
    return dict(rows)


def test_all_is_there_at_nought() -> None:
    """Before anything was proposed each automation, action and outcome has its figure."""
    quiet = standing(proposals=(), came_of={})
    assert told(quiet, "lnwatch_proposals") == {
        ("main", automation, state.value): 0
        for automation in ("channel_rebalance", "peer_reconnect")
        for state in ProposalState
    }
    assert told(quiet, "lnwatch_actions_total") == {
        ("main", action.value, outcome.value): 0 for _, _, action in quiet.hands for outcome in Outcome
    }


def test_what_nobody_asks_any_more_still_counts() -> None:
    """An automation that was switched off, or a node without hands now, takes nothing from what was done."""
    stands = standing(automations=(), hands={})
    proposals = told(stands, "lnwatch_proposals")
    assert proposals == {("main", "peer_reconnect", "done"): 1, ("main", "channel_rebalance", "proposed"): 1}
    actions = told(stands, "lnwatch_actions_total")
    assert actions == {("main", "connect_peer", "done"): 7, ("main", "connect_peer", "failed"): 2}


def test_proposals_of_one_kind_add_up() -> None:
    """Two that stand alike are one figure."""
    stands = standing()
    waiting = replace(stands.proposals[1], record=awaited(id="another"))
    found = told(replace(stands, proposals=(*stands.proposals, waiting)), "lnwatch_proposals")
    assert found["main", "channel_rebalance", "proposed"] == 2


def test_what_stops_it() -> None:
    """The kill switch and a journal that does not hold together are told apart."""
    for on, trouble in ((False, ""), (True, ""), (False, "row 3 is missing")):
        stands = Standing(kill_switch=KillSwitch(on), trouble=trouble)
        assert told(stands, "lnwatch_kill_switch") == {("lnwatch",): int(on)}
        assert told(stands, "lnwatch_journal_intact") == {("lnwatch",): int(not trouble)}
