"""What a scrape gets: whole texts, both formats, and nothing that is too old."""

import gzip
import subprocess
import threading
import zlib
from collections.abc import Callable, Iterable
from dataclasses import replace

import pytest
from prometheus_client import CollectorRegistry
from prometheus_client.metrics_core import Metric as Parsed
from prometheus_client.openmetrics import parser as openmetrics_parser
from prometheus_client.parser import text_string_to_metric_families as parse_text

from lnwatch.exporter import Exporter, OwnMetrics
from lnwatch.exporter.channels import NodeRenderer
from lnwatch.model.assessment import Assessment
from lnwatch.model.lightning import Channels
from lnwatch.model.money import Msat, msat
from lnwatch.model.snapshot import TargetState
from lnwatch.model.view import Fault, NodeTotals
from tests import assessments as build
from tests.exporter import goldens
from tests.manual_clock import ManualClock
from tests.requirements import require

NOW = build.NOW

parse_openmetrics: Callable[[str], Iterable[Parsed]] = openmetrics_parser.text_string_to_metric_families


def series(body: bytes, *, openmetrics: bool = False) -> dict[tuple[str, frozenset[tuple[str, str]]], float]:
    """Samples by name and labels; fails where one comes twice."""
    families = parse_openmetrics(body.decode()) if openmetrics else parse_text(body.decode())
    found: dict[tuple[str, frozenset[tuple[str, str]]], float] = {}
    for family in families:
        for sample in family.samples:
            key = (sample.name, frozenset(sample.labels.items()))
            assert key not in found
            found[key] = sample.value
    return found


def names(body: bytes) -> set[str]:
    return {name for name, _ in series(body)}


def value(body: bytes, name: str, **labels: str) -> float | None:
    return series(body).get((name, frozenset(labels.items())))


class Stage:
    """An exporter whose assessment and clock a test moves."""

    def __init__(self, assessment: Assessment | None = None) -> None:
        self.assessment = assessment
        self.clock = ManualClock(NOW)
        self.exporter = Exporter(lambda: self.assessment, self.clock, CollectorRegistry())

    async def publish(self, assessment: Assessment) -> None:
        self.assessment = assessment
        await self.exporter.publish(assessment)

    def metrics(self) -> bytes:
        return self.exporter.metrics(openmetrics=False)

    def channels(self) -> bytes:
        return self.exporter.channels(openmetrics=False, gzip=False)


@pytest.mark.parametrize("name", sorted(goldens.expositions()))
def test_whole_exposition(name: str) -> None:
    """Every byte of what a merchant's scrape gets is as it was agreed on."""
    assert goldens.expositions()[name] == (goldens.FOLDER / name).read_text()


def test_no_golden_file_is_left_over() -> None:
    """Each golden file belongs to a text."""
    assert {path.name for path in goldens.FOLDER.iterdir()} == set(goldens.expositions())


@pytest.mark.parametrize("assessment", [goldens.well(), goldens.unwell(), None], ids=["well", "unwell", "none"])
def test_both_formats_say_the_same(assessment: Assessment | None) -> None:
    """Text and OpenMetrics are parsed by the client library, and hold the same series with the same figures."""
    exporter = goldens.exporter_of(assessment)
    text, newer = (exporter.metrics(openmetrics=openmetrics) for openmetrics in (False, True))
    assert series(text) == series(newer, openmetrics=True)
    text, newer = (exporter.channels(openmetrics=openmetrics, gzip=False) for openmetrics in (False, True))
    assert series(text) == series(newer, openmetrics=True)


@pytest.mark.real("promtool")
@pytest.mark.parametrize("assessment", [goldens.well(), goldens.unwell()], ids=["well", "unwell"])
def test_promtool_is_silent(assessment: Assessment) -> None:
    """Prometheus' own linter has nothing to say about names, types and units."""
    registry = goldens.live()
    OwnMetrics(CollectorRegistry())
    exporter = goldens.exporter_of(assessment, registry)
    for body in (exporter.metrics(openmetrics=False), exporter.channels(openmetrics=False, gzip=False)):
        told = subprocess.run([require("promtool"), "check", "metrics"], input=body, capture_output=True, check=False)
        assert (told.returncode, told.stdout, told.stderr) == (0, b"", b"")


def test_own_metrics_bear_the_daemon_s_site() -> None:
    """Process and loop metrics carry `site`, their exemplars are in OpenMetrics alone, no `_created` series."""
    exporter = goldens.exporter_of(None, goldens.live())
    text, newer = exporter.metrics(openmetrics=False).decode(), exporter.metrics(openmetrics=True).decode()
    assert 'lnwatch_loop_lag_seconds_bucket{site="lnwatch",le="1.0"} 2\n' in text
    assert "_created" not in text + newer
    assert "cycle" not in text
    exemplars = [
        sample.exemplar
        for family in parse_openmetrics(newer)
        for sample in family.samples
        if sample.exemplar is not None
    ]
    assert [(exemplar.labels, exemplar.value) for exemplar in exemplars] == [({"cycle": "42"}, 0.5)]


def test_loop_lag_and_process() -> None:
    """What the loop adds to a sleep is told; the process tells its own figures."""
    registry = CollectorRegistry()
    own = OwnMetrics(registry)
    own.lagged(0.0)
    own.lagged(0.5)
    body = Exporter(lambda: None, ManualClock(NOW), registry).metrics(openmetrics=False)
    assert value(body, "lnwatch_loop_lag_seconds_count", site="lnwatch") == 2
    assert value(body, "lnwatch_loop_lag_seconds_sum", site="lnwatch") == 0.5
    assert "lnwatch_process_cpu_seconds_total" in names(body)


async def test_old_facts_leave_at_scrape_time() -> None:
    """Without any new assessment, what is older than three intervals is gone from the next scrape."""
    stage = Stage()
    await stage.publish(build.merchant())
    await stage.clock.advance(45.0)
    before = stage.metrics()
    assert value(before, "lnwatch_bitcoind_blocks", site="main", source="core") == build.HEIGHT
    assert "lnwatch_lightning_usable_inbound_satoshis" in names(before)
    assert "lnwatch_channel_local_balance_satoshis" in names(stage.channels())
    await stage.clock.advance(0.1)
    gone = names(before) - names(stage.metrics())
    assert {"lnwatch_bitcoind_blocks", "lnwatch_lightning_usable_inbound_satoshis", "lnwatch_host_load"} <= gone
    assert {"lnwatch_target_up", "lnwatch_target_state"} <= gone
    labels = {"site": "main", "source": "core", "collector": "status"}
    assert value(before, "lnwatch_collector_success", **labels) == 1
    assert value(stage.metrics(), "lnwatch_collector_success", **labels) is None
    assert stage.channels() == b""
    assert stage.exporter.channels(openmetrics=True, gzip=False) == b"# EOF\n"
    assert gzip.decompress(stage.exporter.channels(openmetrics=True, gzip=True)) == b"# EOF\n"


async def test_what_does_not_age_stays() -> None:
    """Counters and the times that tell the age of the rest are there however long the engine is stuck."""
    stage = Stage(build.merchant())
    await stage.clock.advance(86_400)
    body = stage.metrics()
    assert value(body, "lnwatch_assessment_timestamp_seconds", site="lnwatch") == NOW
    labels = {"site": "main", "source": "core", "collector": "status"}
    assert value(body, "lnwatch_collector_last_success_timestamp_seconds", **labels) == NOW
    assert value(body, "lnwatch_collector_runs_total", **labels) == 4
    assert value(body, "lnwatch_lightning_invoices_total", site="main", node="ln1", outcome="settled") == 3


def test_each_collector_ages_by_its_own_interval() -> None:
    """A slow collector's facts stay while a fast one's are gone already."""
    lnd = build.lightning_target()
    slow = replace(
        lnd,
        collectors={**lnd.collectors, "wallet": build.health("wallet", at=NOW - 100, interval=60.0)},
        snapshots={**lnd.snapshots, "wallet": replace(lnd.snapshots["wallet"], at=NOW - 100)},
    )
    old = replace(slow, snapshots={**slow.snapshots, "peers": replace(lnd.snapshots["peers"], at=NOW - 46)})
    found = names(Stage(build.assessment(build.view(old))).metrics())
    assert "lnwatch_wallet_balance_satoshis" in found
    assert "lnwatch_lightning_peer_flaps" not in found


def test_a_new_target_has_no_state_but_counters() -> None:
    """Before its first answer a target is neither up nor down, and its counters stand at 0."""
    lnd = build.target("ln1", "lnd", {}, state=None, since=None, calls=0, bytes_received=0, tls_expires_at=None)
    fresh = build.health("node", last_run_at=None, last_success_at=None, success=False, runs=0)
    view = replace(build.view(replace(lnd, collectors={"node": fresh})), totals={})
    body = Stage(build.assessment(view)).metrics()
    assert not names(body) & {"lnwatch_target_up", "lnwatch_target_state", "lnwatch_collector_success"}
    for outcome in ("settled", "expired", "canceled"):
        assert value(body, "lnwatch_lightning_invoices_total", site="main", node="ln1", outcome=outcome) == 0
    assert value(body, "lnwatch_lightning_received_satoshis_total", site="main", node="ln1") == 0
    assert value(body, "lnwatch_source_calls_total", site="main", source="ln1") == 0
    reasons = {dict(labels)["reason"] for name, labels in series(body) if name == "lnwatch_collector_errors_total"}
    assert {"timeout", "rejected", "bug"} <= reasons


def test_a_failure_stays_told_while_its_target_is_away() -> None:
    """A collector that waits for its target is still unsuccessful; one that succeeded long ago is not successful."""
    fault = Fault(NOW - 600, "timeout", "no answer")
    lnd = build.lightning_target(state=TargetState.DOWN)
    collectors = {
        "node": build.failed("node", Fault(NOW, "refused", "nothing listens")),
        "wallet": build.failed("wallet", fault),
        "peers": build.health("peers", at=NOW - 600),
    }
    body = Stage(build.assessment(build.view(replace(lnd, collectors=collectors)))).metrics()
    told = {
        name: value(body, "lnwatch_collector_success", site="main", source="ln1", collector=name) for name in collectors
    }
    assert told == {"node": 0, "wallet": 0, "peers": None}
    assert value(body, "lnwatch_target_up", site="main", source="ln1", kind="lnd") == 0
    assert value(body, "lnwatch_target_state", site="main", source="ln1", kind="lnd", state="down") == 1


async def test_states_end_with_a_silent_engine() -> None:
    """A failure that the engine has not confirmed for a minute is no longer told."""
    lnd = build.target("ln1", "lnd", {}, state=TargetState.DOWN)
    failing = replace(lnd, collectors={"node": build.failed("node", Fault(NOW, "refused", ""), interval=600.0)})
    stage = Stage(build.assessment(build.view(failing)))
    assert value(stage.metrics(), "lnwatch_target_up", site="main", source="ln1", kind="lnd") == 0
    await stage.clock.advance(61)
    assert "lnwatch_target_up" not in names(stage.metrics())


async def test_channels_follow_the_newest_list() -> None:
    """A change shows in the next scrape, an unchanged figure stays, a closed channel is gone."""
    stage = Stage()
    await stage.publish(build.merchant([build.channel(index) for index in range(600)]))
    first = series(stage.channels())
    moved = build.channel(333, local_msat=msat(1), remote_msat=msat(9_996_529))
    later = build.merchant([moved if index == 333 else build.channel(index) for index in range(599)])
    await stage.publish(later)
    second = series(stage.channels())
    changed = {
        dict(labels)["channel_id"] for (name, labels), figure in second.items() if first.get((name, labels)) != figure
    }
    assert changed == {"800333x12x1"}
    assert {dict(labels)["channel_id"] for _, labels in first.keys() - second.keys()} == {"800599x12x1"}


def test_only_what_changed_is_written_anew() -> None:
    """Of 600 channels one moves: the text of the others is the very same, and the whole says what a fresh one says."""
    every = [build.channel(index) for index in range(600)]
    moved = [*every[:333], build.channel(333, local_msat=msat(1)), *every[334:]]
    renderer = NodeRenderer(("shop", "ln1"))
    first = renderer.render(Channels(tuple(every)), None, NOW)
    second = renderer.render(Channels(tuple(moved)), None, NOW)
    anew = [
        [piece for piece, before in zip(now, then, strict=True) if piece is not before]
        for now, then in zip(second.metrics, first.metrics, strict=True)
    ]
    assert [len(pieces) for pieces in anew] == [1, 0, 0, 0, 0]
    assert second == NodeRenderer(("shop", "ln1")).render(Channels(tuple(moved)), None, NOW)


async def test_an_unchanged_list_costs_no_rendering() -> None:
    """Publishing the same snapshot again starts no thread and keeps the very bytes."""
    stage = Stage()
    assessment = build.merchant()
    await stage.publish(assessment)
    before, threads = stage.exporter.channels(openmetrics=True, gzip=True), threading.active_count()
    await stage.publish(replace(assessment, cycle=43))
    assert stage.exporter.channels(openmetrics=True, gzip=True) is before
    assert threading.active_count() == threads


async def test_the_same_figures_stay_fresh() -> None:
    """A new list with old figures extends their life."""
    stage = Stage()
    await stage.publish(build.merchant())
    body = stage.channels()
    await stage.clock.advance(40)
    await stage.publish(build.merchant(at=NOW + 40))
    await stage.clock.advance(40)
    assert stage.channels() == body


async def test_one_gzip_member() -> None:
    """The compressed answer is one member, so that clients that stop after the first read all of it."""
    stage = Stage()
    await stage.publish(build.merchant([build.channel(index) for index in range(700)]))
    for openmetrics in (False, True):
        plain = stage.exporter.channels(openmetrics=openmetrics, gzip=False)
        packed = stage.exporter.channels(openmetrics=openmetrics, gzip=True)
        member = zlib.decompressobj(wbits=31)
        assert member.decompress(packed) == plain
        assert member.eof
        assert member.unused_data == b""
        assert len(packed) < len(plain) / 4


async def test_nodes_of_several_sites() -> None:
    """Families are whole across nodes, and a node that goes stale leaves the others alone."""
    stage = Stage()
    slow = build.lightning_target(Channels((build.channel(5),)), slug="ln2", at=NOW)
    slow = replace(slow, collectors={**slow.collectors, "channels": build.health("channels", interval=60.0)})
    await stage.publish(build.assessment(build.view(build.lightning_target()), build.view(slow, site="other")))
    nodes = {(dict(labels)["site"], dict(labels)["node"]) for _, labels in series(stage.channels())}
    assert nodes == {("main", "ln1"), ("other", "ln2")}
    await stage.clock.advance(60)
    packed = stage.exporter.channels(openmetrics=False, gzip=True)
    assert gzip.decompress(packed) == stage.channels()
    assert {dict(labels)["node"] for _, labels in series(stage.channels())} == {"ln2"}


async def test_colliding_ids_never_break_a_scrape() -> None:
    """Channels of one short id, of none, or listed twice: each has its own series, whatever the order."""
    same = [build.channel(index, channel_id="16000000x0x1") for index in (3, 1, 2)]
    unnamed = [build.channel(index, channel_id="") for index in (4, 5)]
    for listed in ([*same, *unnamed, build.channel(6), build.channel(6)], [*unnamed, build.channel(6), *same[::-1]]):
        stage = Stage()
        await stage.publish(build.merchant(listed))
        found = series(stage.channels())
        ids = {dict(labels)["channel_id"]: dict(labels) for name, labels in found if name == "lnwatch_channel_info"}
        assert len(ids) == 6
        assert ids["16000000x0x1"]["channel_point"] == build.channel(1).point
        assert ids[build.channel(3).point]["channel_point"] == build.channel(3).point
        assert series(stage.exporter.channels(openmetrics=True, gzip=False), openmetrics=True) == found


async def test_a_list_before_its_liquidity() -> None:
    """Balances are shown at once; usable inbound only once it was reckoned, and only for channels that it knows."""
    stage = Stage()
    whole = build.merchant([build.channel(0), build.channel(1)])
    view = whole.views["main"]
    await stage.publish(replace(whole, views={"main": replace(view, liquidity={})}))
    assert "lnwatch_channel_usable_inbound_satoshis" not in names(stage.channels())
    assert "lnwatch_channel_local_balance_satoshis" in names(stage.channels())
    one = build.merchant([build.channel(0)]).views["main"].liquidity
    await stage.publish(replace(whole, views={"main": replace(view, liquidity=one)}))
    usable = [labels for name, labels in series(stage.channels()) if name == "lnwatch_channel_usable_inbound_satoshis"]
    assert [dict(labels)["channel_id"] for labels in usable] == ["800000x12x1"]


async def test_hostile_names() -> None:
    """An alias made to break the text is one label value."""
    alias = 'a"} 1\nlnwatch_bitcoind_blocks{site="main"} 9\\\x00\ud800'
    lnd = build.target("ln1", "lnd", {"node": build.node_status(alias=alias)})
    stage = Stage(build.assessment(build.view(lnd)))
    found = [dict(labels) for name, labels in series(stage.metrics()) if name == "lnwatch_lightning_info"]
    assert [labels["alias"] for labels in found] == ['a"} 1\nlnwatch_bitcoind_blocks{site="main"} 9\\\ufffd?']
    assert "lnwatch_bitcoind_blocks" not in names(stage.metrics())


def test_the_same_path_twice_is_one_series() -> None:
    """Equal label sets would spoil the scrape; the first is kept."""
    disk = build.host_status().disks[0]
    host = build.target("machine", "host", {"status": build.host_status(disks=(disk, replace(disk, free=1)))})
    body = Stage(build.assessment(build.view(host))).metrics()
    assert value(body, "lnwatch_host_disk_free_bytes", site="main", source="machine", path="/data") == disk.free


def test_amounts_are_exact() -> None:
    """Satoshis are whole where they are, and keep their millisatoshis where they are not."""
    lnd = build.lightning_target()
    view = replace(build.view(lnd), totals={"ln1": NodeTotals({}, Msat(2_100_000_000_000_000_001))})
    body = Stage(build.assessment(view)).metrics().decode()
    assert 'lnwatch_lightning_received_satoshis_total{site="main",node="ln1"} 2100000000000000.001\n' in body
