"""Rule `nbxplorer_behind`: its height held against bitcoind's, whatever it says of itself."""

from typing import Any

import pytest

from lnwatch.model.chain import NbxplorerNode, Network
from lnwatch.model.view import TargetView
from lnwatch.rules.nbxplorer_behind import RULE
from tests.assessments import HEIGHT, nbxplorer_status
from tests.rules.views import core_status, judged, make_target, make_view, stale

CORE = make_target("bitcoind")


def indexer(**changes: Any) -> TargetView:  # noqa: ANN401 - fields of NbxplorerStatus
    return make_target("nbxplorer", {"status": nbxplorer_status(**changes)})


@pytest.mark.parametrize(("behind", "found"), [(0, False), (1, False), (2, True), (40, True), (-1, False)])
@pytest.mark.parametrize("synced", [True, False])
def test_edge(behind: int, found: bool, synced: bool) -> None:
    """Two blocks are too many, also while it calls itself synchronised; one is on its way."""
    nbx = indexer(sync_height=HEIGHT - behind, synced=synced)
    verdict = judged(RULE, make_view(CORE, nbx), nbx)
    assert bool(verdict.found) is found
    assert not verdict.unknown


def test_the_limit_can_be_set() -> None:
    """A site that mines by the second may allow more."""
    nbx = indexer(sync_height=HEIGHT - 2)
    assert judged(RULE, make_view(CORE, nbx), nbx, lag_blocks=3).clear


def test_the_sentence_names_figure_and_limit() -> None:
    """Whoever reads it needs no dashboard."""
    nbx = indexer(sync_height=HEIGHT - 3)
    finding = judged(RULE, make_view(CORE, nbx), nbx).only
    assert finding.sentence == (
        "source:nbx (NBXplorer) has indexed block 899,997, 3 blocks behind bitcoind (limit 2 blocks)."
    )
    assert finding.facts == {"indexed": "899,997", "core": "900,000"}


def test_bitcoinds_own_tip_counts() -> None:
    """Headers whose blocks are missing are bitcoind's trouble, and its case."""
    core = make_target("bitcoind", {"status": core_status(blocks=HEIGHT - 50)})
    nbx = indexer(sync_height=HEIGHT - 50, chain_height=HEIGHT, synced=False)
    assert judged(RULE, make_view(core, nbx), nbx).clear


@pytest.mark.parametrize(("behind", "found"), [(1, False), (2, True)])
def test_without_a_bitcoind_to_read_its_own_counts(behind: int, found: bool) -> None:
    """What NBXplorer hears of its bitcoind is the second best."""
    nbx = indexer(sync_height=HEIGHT - behind)
    assert bool(judged(RULE, make_view(nbx), nbx).found) is found


def test_found_when_it_cannot_ask_its_bitcoind() -> None:
    """Our bitcoind is well and its bitcoind away: then payments on the chain are not seen."""
    nbx = indexer(node=None, chain_height=None, synced=False)
    finding = judged(RULE, make_view(CORE, nbx), nbx).only
    assert finding.sentence == "source:nbx (NBXplorer) can't ask its bitcoind; it has indexed block 900,000."
    assert finding.evidence == "alone"


def test_found_when_nothing_is_indexed() -> None:
    """A height that is not there is no height of zero."""
    nbx = indexer(sync_height=None, synced=False)
    sentence = judged(RULE, make_view(CORE, nbx), nbx).only.sentence
    assert sentence == "source:nbx (NBXplorer) has indexed nothing yet, while bitcoind stands at block 900,000."


@pytest.mark.parametrize(
    ("core", "nbx"),
    [
        pytest.param(CORE, stale(indexer()), id="not read lately"),
        pytest.param(stale(CORE), indexer(sync_height=HEIGHT - 9), id="bitcoind not read lately"),
        pytest.param(stale(CORE), indexer(node=None, synced=False), id="bitcoind away for both"),
        pytest.param(
            make_target("bitcoind", {"status": core_status(chain=Network.MAIN)}), indexer(), id="another chain"
        ),
    ],
)
def test_unknown_without_two_heights(core: TargetView, nbx: TargetView) -> None:
    """Nothing is told to be well or ill; bitcoind's own rules tell of bitcoind."""
    verdict = judged(RULE, make_view(core, nbx), nbx)
    assert not verdict.found
    assert list(verdict.unknown) == ["source:nbx"]


def test_a_node_that_catches_up_is_no_lag() -> None:
    """Without a bitcoind of our own, what its bitcoind has not read yet can't be indexed."""
    nbx = indexer(sync_height=HEIGHT - 30, node=NbxplorerNode(HEIGHT - 30, HEIGHT, synced=False), synced=False)
    assert judged(RULE, make_view(nbx), nbx).clear


def test_nonsense_is_refused() -> None:
    """No limit below one."""
    with pytest.raises(ValueError, match="`lag_blocks` must be above 0"):
        RULE.thresholds(lag_blocks=0)
