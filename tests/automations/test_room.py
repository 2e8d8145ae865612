"""The room of automations: found by name, asked together, none hides another."""

from collections.abc import Iterable
from dataclasses import dataclass

from lnwatch import automations
from lnwatch.automations.peer_reconnect import AUTOMATION, Thresholds
from lnwatch.discover import discover
from lnwatch.domain.offering import offers
from lnwatch.model.action import Action, Automation, Nothing, Offer
from lnwatch.model.view import View
from tests.rules.views import make_target, make_view


@dataclass(frozen=True, slots=True)
class Broken:
    """Of an automation that raises."""


def fail(view: View, thresholds: Broken) -> Iterable[Offer]:
    yield Nothing(view.site, "broken_one", "site:main", "half", "It began.")
    raise KeyError("channels")


BROKEN = Automation(id="broken_one", action=Action.CONNECT_PEER, thresholds=Broken, propose=fail)


def test_one_stem() -> None:
    """An automation is called as its module is, and its thresholds have defaults."""
    found = discover(automations, "AUTOMATION", Automation)
    assert {name: each.id for name, each in found.items()} == {name: name for name in found}
    assert {"channel_rebalance", "peer_reconnect"} <= set(found)
    assert all(each.thresholds() for each in found.values())


def test_broken_one_hides_no_other() -> None:
    """What raises says so and nothing else; the others are asked; what is switched off is not."""
    view = make_view(make_target("lnd"))
    told = offers([BROKEN, AUTOMATION], view, {"broken_one": Broken(), "peer_reconnect": Thresholds()})
    assert [(each.automation, each.reason) for each in told if isinstance(each, Nothing)] == [
        ("broken_one", "broken"),
        ("peer_reconnect", "all_online"),
    ]
    assert told[0].sentence == "The automation broke: KeyError: 'channels'."
    assert len(offers([BROKEN, AUTOMATION], view, {"peer_reconnect": Thresholds()})) == 1
