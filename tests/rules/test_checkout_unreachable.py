"""Rule `checkout_unreachable`: a public address as a customer meets it."""

from typing import Any

import pytest

from lnwatch.model.probe import ProbeStage
from lnwatch.model.rule import Owner, Severity
from lnwatch.model.snapshot import TargetState
from lnwatch.model.view import TargetView
from lnwatch.rules.checkout_unreachable import RULE
from tests.assessments import probe_status
from tests.rules.views import failing, judged, make_target, make_view, stale


def visited(failed: ProbeStage | None = None, **changes: Any) -> TargetView:  # noqa: ANN401 - fields of ProbeStatus
    state = TargetState.UP if failed is None else TargetState.DOWN
    return make_target("probe", {"probe": probe_status(failed, **changes)}, state=state)


@pytest.mark.parametrize(
    ("stage", "words"),
    [
        (ProbeStage.DNS, "its name is not found"),
        (ProbeStage.CONNECT, "nobody can connect"),
        (ProbeStage.TLS, "no secure connection comes about"),
        (ProbeStage.REQUEST, "its answer is not the one that is due"),
    ],
)
def test_found_at_every_stage(stage: ProbeStage, words: str) -> None:
    """Whatever stands between a customer and the page is the same harm, told with its stage and reason."""
    checkout = visited(stage)
    finding = judged(RULE, make_view(checkout), checkout).only
    assert finding.subject == "probe:checkout"
    assert finding.sentence == (
        f"probe:checkout (https://pay.example, the checkout) can't be used: {words}: no luck with {stage.value}."
    )
    assert (finding.severity, finding.owner, finding.evidence) == (None, None, stage.value)


def test_clear_when_all_went_well() -> None:
    """A page that came as it should."""
    checkout = visited()
    assert judged(RULE, make_view(checkout), checkout).clear


def test_its_edge_is_how_long_it_lasts() -> None:
    """One visit that fails is found; a minute goes by before it is told."""
    checkout = visited(ProbeStage.CONNECT)
    assert judged(RULE, make_view(checkout), checkout).found
    assert RULE.after == 60


def test_btcpay_down_is_the_root() -> None:
    """The page of a server that is away can't answer: one thing to mend is told once."""
    assert RULE.parents == ("btcpay_down", "restart_overrun")


def test_the_facts_tell_how_long_each_stage_took() -> None:
    """And what was answered, where something was."""
    checkout = visited(ProbeStage.REQUEST, http_status=502, via="socks5h://127.0.0.1:9050")
    finding = judged(RULE, make_view(checkout), checkout).only
    assert finding.facts == {
        "address": "https://pay.example",
        "fails at": "request",
        "dns": "15.6 ms",
        "connect": "31.2 ms",
        "tls": "46.9 ms",
        "request": "62.5 ms",
        "HTTP": "502",
    }
    assert "(https://pay.example, the checkout through socks5h://127.0.0.1:9050)" in finding.sentence


def test_what_is_no_checkout_wakes_nobody() -> None:
    """Another public address is a warning to the operators."""
    other = visited(ProbeStage.CONNECT, checkout=False, where="tcp://node.example:9735")
    finding = judged(RULE, make_view(other), other).only
    assert (finding.severity, finding.owner) == (Severity.WARNING, Owner.OPERATORS)
    assert "(tcp://node.example:9735, a public address)" in finding.sentence


@pytest.mark.parametrize(
    "checkout",
    [
        pytest.param(stale(visited()), id="not visited lately"),
        pytest.param(failing(visited(), TargetState.DOWN, message="the proxy is not there"), id="no way out"),
        pytest.param(make_target("probe", state=None, snapshots={}), id="not visited yet"),
    ],
)
def test_unknown_without_a_visit(checkout: TargetView) -> None:
    """Where we did not get out, nothing is said of the address."""
    verdict = judged(RULE, make_view(checkout), checkout)
    assert not verdict.found
    assert list(verdict.unknown) == ["probe:checkout"]
