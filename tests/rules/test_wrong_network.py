"""Rule `wrong_network`: one site, one chain."""

import pytest

from lnwatch.model.snapshot import TargetState
from lnwatch.rules.wrong_network import RULE
from tests.rules.views import failing, judged, make_target, make_view

CORE = make_target("bitcoind", network="main")
NODE = make_target("lnd", network="regtest")


def test_found_with_who_is_where() -> None:
    """Every source with its chain."""
    finding = judged(RULE, make_view(CORE, NODE)).only
    assert finding.sentence == (
        "site:main reads sources on 2 different chains (limit 1): core is on main and ln1 is on regtest."
    )
    assert finding.evidence == "core=main ln1=regtest"


def test_quiet_on_one_chain() -> None:
    """A host has none, and one source alone can't differ."""
    assert judged(RULE, make_view(CORE, make_target("lnd", network="main"), make_target("host"))).clear
    assert judged(RULE, make_view(CORE)).clear


def test_names_that_differ_in_one_letter_are_two_chains() -> None:
    """The edge: the two testnets are not one."""
    assert judged(
        RULE, make_view(make_target("bitcoind", network="test"), make_target("lnd", network="testnet4"))
    ).found


def test_a_source_that_goes_away_takes_its_chain_along() -> None:
    """The case is not resolved by the wrong node's death."""
    assert judged(RULE, make_view(CORE, failing(NODE, TargetState.DOWN))).found


@pytest.mark.parametrize("state", [TargetState.DOWN, TargetState.STARTING, None])
def test_unknown_while_a_source_has_not_told(state: TargetState | None) -> None:
    """The one that is not seen yet may be the one that is wrong."""
    node = failing(make_target("lnd", network=None), state)
    assert list(judged(RULE, make_view(CORE, node)).unknown) == ["site:main"]


def test_a_source_that_serves_without_a_chain_has_none() -> None:
    """Not everything that a site reads is on a chain."""
    assert judged(RULE, make_view(CORE, make_target("loop", network=None))).clear
