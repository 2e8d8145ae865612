"""A real Prometheus and a real Alertmanager beside the daemon: what is judged pages once, and goes away again."""

from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import Protocol

import pytest

from lnwatch.exporter.alerts.catalogue import HOLD
from lnwatch.model.message import Pager
from lnwatch.simulator.lnd.node import Scale
from tests.audience import CHAT
from tests.real.testbed.daemon import Daemon, running
from tests.real.testbed.prometheus import Prometheus
from tests.real.testbed.waiting import until
from tests.system.alerting import Office, alerting

pytestmark = [pytest.mark.real("prometheus"), pytest.mark.real("alertmanager"), pytest.mark.timeout(300)]

SOON = {"after": "3s"}  # not for one answer that a loaded machine gives too late
RULES = {
    "bitcoind_down": SOON,
    "lightning_down": SOON,
    "channel_inactive": {**SOON, "severity": "critical"},
}
CHANNELS = 3
# Three programs that look once a second each, on a machine with other work: what comes is promised here, and that
# nothing else does; how soon, by the tests of the daemon alone.
PATIENCE = 120.0


@pytest.fixture
def office(tmp_path: Path) -> Iterator[Office]:
    made = Office(tmp_path, Scale(channels=CHANNELS, invoices=10))
    made.chain.mine(30)
    with made.running():
        yield made


class Watch(Protocol):
    def __call__(self, pager: Pager, hold: str = "5s") -> AbstractContextManager[tuple[Daemon, Prometheus]]: ...


@pytest.fixture
def watch(office: Office, tmp_path: Path) -> Watch:
    """A daemon with that pager, and Prometheus and Alertmanager over it, once everything is up."""

    @contextmanager
    def started(pager: Pager, hold: str = "5s") -> Iterator[tuple[Daemon, Prometheus]]:
        settings = {"notify": office.telling(), "rules": RULES, "routing": {"paging": pager}}
        with (
            running(tmp_path / "lnwatch", office.settings(), settings) as daemon,
            alerting(tmp_path / "alerting", daemon, pager, office, hold) as prometheus,
        ):
            until("all is up", lambda: daemon.state_of("ln1") == "up" and daemon.state_of("core") == "up")
            until("it is scraped", lambda: prometheus.value('up{job="lnwatch"}') == 1)
            yield daemon, prometheus

    return started


def firing(prometheus: Prometheus, name: str) -> int:
    """How many alerts of that name fire."""
    return len(prometheus.query(f'ALERTS{{alertname="{name}", alertstate="firing"}}'))


@pytest.mark.parametrize("pager", ["lnwatch", "alertmanager"])
def test_one_page_and_never_two(office: Office, watch: Watch, pager: Pager) -> None:
    """Whoever pages, a fault is one page with a runbook and one end of it; the other pager hears nothing."""
    with watch(pager) as (daemon, prometheus):

        def pages() -> list[str]:
            """Every page there is, by its state, whoever it is from."""
            last = office.sent_to("pager")[-1:]
            return [*office.incidents(), *map(str, last)]

        office.do(office.freeze_bitcoind)
        until("the alert fires", lambda: firing(prometheus, "LnwatchBitcoindDown") == 1, timeout=PATIENCE)
        until("a page", pages, timeout=PATIENCE)
        until("Slack is told", lambda: len(office.do(lambda: office.slack.channels[CHAT].roots)) == 1)
        until("Alertmanager had time for more", lambda: len(office.sent_to("dead-man")) > 5, timeout=PATIENCE)
        assert pages() in (["triggered"], ["firing LnwatchBitcoindDown"])
        assert bool(office.incidents()) is (pager == "lnwatch")
        office.do(office.thaw_bitcoind)
        until("its end", lambda: pages() in (["resolved"], ["resolved LnwatchBitcoindDown"]), timeout=PATIENCE)
        until("the alert ends", lambda: firing(prometheus, "LnwatchBitcoindDown") == 0, timeout=PATIENCE)
        sent = office.sent_to("pager")
        assert [each.status for each in sent] == ([] if pager == "lnwatch" else ["firing", "resolved"])
        for each in sent:
            (alert,) = each.alerts
            assert alert["labels"]["subject"] == "source:core"
            assert alert["annotations"]["runbook_url"] == f"http://127.0.0.1:{daemon.port}/runbooks/bitcoind_down"
            assert daemon.http.get(alert["annotations"]["runbook_url"]).is_success
        assert len(office.incidents()) == office.do(lambda: office.pagerduty.incidents) == 1 - len(sent[:1])


def test_a_storm_is_one_page(office: Office, watch: Watch) -> None:
    """All channels going offline are one page that names each, and whose end names each."""
    with watch("alertmanager") as (_, prometheus):
        for number in range(CHANNELS):
            office.do(lambda: office.node.set_active(number, active=False))  # noqa: B023 - done at once
        until("all alerts fire", lambda: firing(prometheus, "LnwatchChannelInactive") == CHANNELS, timeout=PATIENCE)

        def named(status: str) -> bool:
            last = office.sent_to("pager")[-1:]
            return [(each.status, len(each.alerts)) for each in last] == [(status, CHANNELS)]

        until("a page that names them all", lambda: named("firing"))
        for number in range(CHANNELS):
            office.do(lambda: office.node.set_active(number, active=True))  # noqa: B023 - likewise
        until("its end", lambda: office.sent_to("pager")[-1].status == "resolved", timeout=PATIENCE)
        ended = {alert["labels"]["subject"] for alert in office.sent_to("pager")[-1].alerts}
        assert len(ended) == CHANNELS
        assert office.incidents() == []


def test_what_follows_from_a_fault_pages_nobody(office: Office, watch: Watch) -> None:
    """A node that fails with its bitcoind is an open case that is kept untold: neither an alert nor a page."""
    with watch("alertmanager") as (_, prometheus):
        office.do(office.freeze_bitcoind)
        until("the cause is paged", lambda: office.sent_to("pager"), timeout=PATIENCE)
        office.do(lambda: office.lnd.faults.hanging.add("GetInfo"))
        untold = 'lnwatch_case_untold{rule="lightning_down"}'
        until("the other is open", lambda: prometheus.value(untold) == 1, timeout=PATIENCE)
        seen = len(office.sent_to("dead-man"))
        until("Alertmanager had time for it", lambda: len(office.sent_to("dead-man")) > seen + 5, timeout=PATIENCE)
        assert firing(prometheus, "LnwatchLightningDown") == 0
        office.do(office.lnd.faults.hanging.clear)
        until("the other ends", lambda: not prometheus.query(f"{untold} > 0"), timeout=PATIENCE)
        assert [each.status for each in office.sent_to("pager")] == ["firing"]
        office.do(office.thaw_bitcoind)
        until("all is over", lambda: office.sent_to("pager")[-1].status == "resolved", timeout=PATIENCE)
        assert {name for each in office.sent_to("pager") for name in each.names} == {"LnwatchBitcoindDown"}


def test_a_dead_lnwatch_is_paged_though_it_pages_itself(office: Office, watch: Watch) -> None:
    """While lnwatch pages, Alertmanager pages for lnwatch: one page however many watchdogs bark, and its end."""
    with watch("lnwatch") as (daemon, prometheus):
        until("the dead-man hears of it", lambda: len(office.sent_to("dead-man")) > 1)
        assert office.sent_to("pager") == []
        daemon.process.kill()
        barking = "firing LnwatchAbsent LnwatchDown"
        until("a page", lambda: str(office.sent_to("pager")[-1]) == barking, timeout=PATIENCE)
        assert firing(prometheus, "LnwatchDown") == firing(prometheus, "LnwatchAbsent") == 1
        daemon.start()
        until("its end", lambda: office.sent_to("pager")[-1].status == "resolved", timeout=PATIENCE)
        assert {each.status for each in office.sent_to("pager")[:-1]} == {"firing"}
        assert office.incidents() == []


def test_a_restart_ends_no_alert(office: Office, watch: Watch) -> None:
    """A case that lasts through a restart of lnwatch is the same page before and after."""
    with watch("alertmanager", HOLD) as (daemon, prometheus):
        office.do(office.freeze_bitcoind)
        until("a page", lambda: office.sent_to("pager"), timeout=PATIENCE)
        daemon.restart()
        until("the case is open again", lambda: daemon.scrape().has("lnwatch_case_open", rule="bitcoind_down"))
        seen = len(office.sent_to("dead-man"))
        until("Alertmanager had time for more", lambda: len(office.sent_to("dead-man")) > seen + 5, timeout=PATIENCE)
        assert firing(prometheus, "LnwatchBitcoindDown") == 1
        assert [each.status for each in office.sent_to("pager") if "LnwatchBitcoindDown" in each.names] == ["firing"]
        office.do(office.thaw_bitcoind)
