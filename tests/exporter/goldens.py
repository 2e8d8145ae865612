"""What the golden files hold; `python -m tests.exporter.goldens` writes them anew, to be read in the diff."""

import asyncio
import platform
from dataclasses import replace
from decimal import Decimal
from pathlib import Path

from prometheus_client import CollectorRegistry, Histogram

from lnwatch import __version__
from lnwatch.domain.kpi import WINDOWS, Input, figures
from lnwatch.exporter import Exporter
from lnwatch.model.action import KillSwitch
from lnwatch.model.assessment import Assessment, LedgerHealth
from lnwatch.model.case import CaseState
from lnwatch.model.kpi import Targets
from lnwatch.model.money import Msat, msat
from lnwatch.model.probe import ProbeStage
from lnwatch.model.rule import Owner, Severity
from lnwatch.model.snapshot import TargetState
from lnwatch.model.view import Fault
from tests import assessments as build
from tests.domain.proposals import standing
from tests.exporter.cases import case, covered, judged
from tests.exporter.shops import LIGHTNING, ONCHAIN, demand, shop, summed
from tests.manual_clock import ManualClock

FOLDER = Path(__file__).parent / "golden"


def well() -> Assessment:
    """A merchant with two channels, HTLCs in flight, amounts that are no whole satoshis; one warning is open, a peer
    was called, a rebalance waits for a person; a store with an order on each rail, of which the last hour is told."""
    channels = [
        build.channel(
            0,
            htlcs=(build.htlc(1), build.htlc(2, incoming=False, expiry_height=build.HEIGHT + 12)),
            unsettled_msat=msat(100_000),
        ),
        build.channel(1, local_msat=Msat(4_000_000_123), active=False, private=True, initiator=True),
    ]
    late = case(
        "tls_expiring", "source:ln1", severity=Severity.WARNING, owner=Owner.OPERATORS, opened_at=build.NOW - 9.5
    )
    return judged(
        replace(_with_shop(build.merchant(channels, more=build.shopfront())), acting=standing()),
        case("lightning_down", state=CaseState.RESOLVED, ended_at=build.NOW),
        late,
        coverage=(covered("delivery_failing", "lnwatch", owner=Owner.OPERATORS, covered=False),),
    )


def _with_shop(merchant: Assessment) -> Assessment:
    orders = (LIGHTNING, ONCHAIN)
    sums = {window: summed(*orders) for window in WINDOWS}
    every = figures(Input("main", build.NOW, ("shop",), sums), lambda _store, _rail: Targets())
    view = replace(
        merchant.views["main"],
        shops={"shop": shop(*orders)},
        demand={"ln1": demand()},
        kpis=tuple(each for each in every if each.window == min(WINDOWS)),
    )
    return replace(merchant, views={"main": view})


def unwell() -> Assessment:
    """Nothing of LND but its failure, bitcoind warming up, NBXplorer without it, a checkout that takes no connection, a
    ledger that can't be written, cases in every state."""
    fault = Fault(build.NOW, "timeout", "no answer within 10 s")
    lnd = build.lightning_target(state=TargetState.HANGING, snapshots={}, tls_expires_at=None)
    collectors = {**lnd.collectors, "node": build.failed("node", fault)}
    core = build.target(
        "core",
        "bitcoind",
        {"status": build.bitcoind_status(fees=(), mempool_min_fee=Decimal("0.10000000"), uptime=None)},
        state=TargetState.STARTING,
        supported=False,
        version='31"\\\n',
    )
    sick = replace(lnd, collectors=collectors)
    alone = build.nbxplorer_status(synced=False, chain_height=None, node=None, sync_height=build.HEIGHT - 3)
    front = build.shopfront(alone, build.probe_status(ProbeStage.CONNECT))
    site = replace(build.view(core, sick, *front), totals={}, liquidity={}, born_at=None)
    stopped = standing(proposals=(), kill_switch=KillSwitch(True, "anna"), trouble="row 3 is not what was written")
    return judged(
        replace(build.assessment(site, ledger=LedgerHealth(False, "disk full", "sqlite")), acting=stopped),
        case("lightning_down", "node:ln1"),
        case("htlc_near_expiry", f"htlc:{'ab' * 32}:1/in/7", state=CaseState.ACKNOWLEDGED),
        case("host_disk_low", 'path:/srv/"my" data', state=CaseState.SNOOZED),
        case("bitcoind_down", "source:core", state=CaseState.PENDING, opened_at=None),
    )


def exporter_of(assessment: Assessment | None, registry: CollectorRegistry | None = None) -> Exporter:
    """An exporter at the instant of the assessment, with channels published."""
    exporter = Exporter(lambda: assessment, ManualClock(build.NOW), registry or CollectorRegistry())
    if assessment is not None:
        asyncio.run(exporter.publish(assessment))
    return exporter


def live() -> CollectorRegistry:
    """A registry with one histogram that carries an exemplar."""
    registry = CollectorRegistry()
    lag = Histogram("lnwatch_loop_lag_seconds", "Lag.", buckets=(0.1, 1.0), registry=registry)
    lag.observe(0.05)
    lag.observe(0.5, {"cycle": "42"})
    return registry


def expositions() -> dict[str, str]:
    """Every golden text by file name."""
    texts = {}
    for name, assessment in (("well", well()), ("unwell", unwell()), ("before_the_first", None)):
        exporter = exporter_of(assessment)
        for suffix, openmetrics in (("txt", False), ("openmetrics.txt", True)):
            texts[f"{name}.{suffix}"] = exporter.metrics(openmetrics=openmetrics)
            texts[f"{name}.channels.{suffix}"] = exporter.channels(openmetrics=openmetrics, gzip=False)
    return {name: _neutral(text.decode()) for name, text in texts.items()}


def _neutral(text: str) -> str:
    return text.replace(f'"{platform.python_version()}"', '"PYTHON"').replace(f'"{__version__}"', '"VERSION"')


if __name__ == "__main__":
    for file, content in expositions().items():
        (FOLDER / file).write_text(content)
