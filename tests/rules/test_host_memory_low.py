"""Rule `host_memory_low`: what is left without swapping."""

import pytest

from lnwatch.model.view import TargetView
from lnwatch.rules.host_memory_low import RULE
from tests.assessments import host_status
from tests.rules.views import judged, make_target, make_view, stale


def host(available: int, total: int = 16_000_000_000) -> TargetView:
    return make_target("host", {"status": host_status(memory_available=available, memory_total=total)})


def test_found_with_figure_and_limit() -> None:
    """Available, total, share and limit."""
    machine = host(500_000_000)
    assert judged(RULE, make_view(machine), machine).only.sentence == (
        "source:machine (host) has 500 MB of 16 GB memory left, 3.1 % (limit 5 %)."
    )


@pytest.mark.parametrize(("available", "found"), [(800_000_000, False), (799_999_999, True), (16_000_000_000, False)])
def test_edge(available: int, found: bool) -> None:
    """Exactly 5 % is enough."""
    machine = host(available)
    assert bool(judged(RULE, make_view(machine), machine).found) is found


def test_unknown_without_figures() -> None:
    """A machine that tells nothing, and a look of an hour ago."""
    machine = host(0, 0)
    assert list(judged(RULE, make_view(machine), machine).unknown) == ["source:machine"]
    old = stale(host(1))
    assert list(judged(RULE, make_view(old), old).unknown) == ["source:machine"]


def test_nonsense_is_refused() -> None:
    """Per cent are not shares."""
    with pytest.raises(ValueError, match="`available_share` is a share between 0 and 1, found 5"):
        RULE.thresholds(available_share=5)
