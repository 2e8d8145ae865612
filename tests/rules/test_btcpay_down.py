"""Rule `btcpay_down`: what lnwatch reads itself counts, for BTCPay's health answers well while its database is away."""

import pytest

from lnwatch.model.snapshot import TargetState
from lnwatch.model.view import Fault, TargetView
from lnwatch.rules.btcpay_down import RULE
from tests.assessments import NOW
from tests.rules.views import failing, judged, make_target, make_view, with_collector
from tests.shops import btcpay_status

SERVER = make_target("btcpay")


def unlisted(reason: str, *, success_ago: float | None = 90.0, failed_ago: float = 0.0, runs: int = 5) -> TargetView:
    """Everything answers but the list of invoices, which is read every 60 seconds."""
    return with_collector(
        SERVER,
        "invoices_shop",
        interval=60.0,
        success=False,
        runs=runs,
        last_run_at=NOW - failed_ago,
        last_success_at=None if success_ago is None else NOW - success_ago,
        fault=Fault(NOW - failed_ago, reason, "no answer within 30 s"),
    )


@pytest.mark.parametrize(
    ("state", "reason", "how"),
    [
        pytest.param(TargetState.DOWN, "refused", "has given no answer", id="gone"),
        pytest.param(TargetState.DOWN, "malformed", "has given no answer", id="a web page in its place"),
        pytest.param(TargetState.HANGING, "timeout", "has hung", id="its database is away"),
    ],
)
def test_found_while_nothing_answers(state: TargetState, reason: str, how: str) -> None:
    """Refused, something else on its port, and a server that hangs behind a health that is well."""
    server = failing(SERVER, state, reason, "look at its PostgreSQL")
    finding = judged(RULE, make_view(server), server).only
    assert finding.subject == "source:btcpay"
    assert finding.sentence == (
        f"source:btcpay (BTCPay Server) {how} since 2027-01-15 07:00:00 UTC: look at its PostgreSQL."
    )
    assert finding.severity is None


@pytest.mark.parametrize("reason", ["timeout", "failed", "overloaded", "malformed", "refused"])
def test_found_while_invoices_hang_alone(reason: str) -> None:
    """A server that tells its version well and not one invoice is down for every customer."""
    server = unlisted(reason)
    finding = judged(RULE, make_view(server), server).only
    assert finding.sentence == (
        "source:btcpay (BTCPay Server) answers, but the invoices of store shop can't be read: no answer within 30 s."
    )
    assert finding.evidence == "invoices"


@pytest.mark.parametrize(
    ("success_ago", "failed_ago", "found"),
    [
        pytest.param(84.0, 0.0, False, id="at the edge"),
        pytest.param(85.0, 0.0, True, id="one that hung for long"),
        pytest.param(63.0, 0.0, False, id="one that failed at once"),
        pytest.param(115.0, 52.0, False, id="one that failed at once and was not tried again yet"),
    ],
)
def test_one_failed_try_is_not_enough(success_ago: float, failed_ago: float, found: bool) -> None:
    """A restart of twelve seconds may meet one try; the next one tells."""
    server = unlisted("refused", success_ago=success_ago, failed_ago=failed_ago)
    assert bool(judged(RULE, make_view(server), server).found) is found


@pytest.mark.parametrize(("runs", "found"), [(1, False), (2, True)])
def test_never_seen_since_the_start(runs: int, found: bool) -> None:
    """The first try since lnwatch started proves nothing, the second does."""
    server = unlisted("timeout", success_ago=None, runs=runs)
    assert bool(judged(RULE, make_view(server), server).found) is found


@pytest.mark.parametrize(
    "server",
    [
        pytest.param(SERVER, id="all is well"),
        pytest.param(
            make_target("btcpay", {"status": btcpay_status(indexer_answers=False)}, state=TargetState.SYNCING),
            id="server info is a 500: NBXplorer is away",
        ),
        pytest.param(unlisted("forbidden"), id="the key lost a right"),
        pytest.param(unlisted("bug"), id="our own fault"),
        pytest.param(failing(SERVER, TargetState.REJECTED, "rejected"), id="the key is unknown"),
    ],
)
def test_quiet_while_it_answers(server: TargetView) -> None:
    """NBXplorer away, a key that is refused and a fault of our own say nothing against BTCPay."""
    assert judged(RULE, make_view(server), server).clear


def test_nothing_that_stands_behind_it_keeps_it_quiet() -> None:
    """Neither bitcoind nor NBXplorer nor a node is its parent: BTCPay answers without them."""
    assert RULE.parents == ("restart_overrun",)
    assert RULE.after == 120


@pytest.mark.parametrize(
    "server",
    [
        pytest.param(make_target("btcpay", state=None, since=None), id="not asked since the start"),
        pytest.param(failing(SERVER, TargetState.REJECTED, "credential_unreadable"), id="could not ask"),
        pytest.param(
            with_collector(failing(SERVER, TargetState.DOWN), "status", last_run_at=NOW - 46), id="asking stands still"
        ),
    ],
)
def test_unknown_while_nobody_asked(server: TargetView) -> None:
    """Where it was not asked just now, nothing is told to be well or ill."""
    verdict = judged(RULE, make_view(server), server)
    assert not verdict.found
    assert list(verdict.unknown) == ["source:btcpay"]
