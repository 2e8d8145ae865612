"""What a quiet minute costs the node, with the intervals that a merchant gets without asking."""

import re
import time
from collections import Counter
from pathlib import Path

import pytest

from tests.real.testbed.bed import Bed
from tests.real.testbed.daemon import running, site_settings
from tests.real.testbed.waiting import until

pytestmark = [pytest.mark.real, pytest.mark.timeout(240)]

MINUTE = 60.0
BUDGET = 16  # unary calls: four in each 15 seconds
EDGE = 1  # a minute by our clock may touch five windows of 15 seconds
_REQUESTED = re.compile(r"RPCS: \[(/[\w.]+/\w+)\] requested")
STREAMS = ("Subscribe",)
GRAPH = ("DescribeGraph", "GetNetworkInfo", "GetNodeMetrics", "QueryRoutes")


def requested(bed: Bed, offset: int) -> Counter[str]:
    """Calls that LND itself logged after this many characters of its log."""
    return Counter(_REQUESTED.findall(bed.merchant.process.output()[offset:]))


def test_quiet_minute(bed: Bed, tmp_path: Path) -> None:
    """While nothing happens LND gets at most four unary calls in 15 seconds, none of them over the graph."""
    with running(tmp_path / "lnwatch", site_settings(bed, {})) as daemon:
        until("the node is up", lambda: daemon.state_of("ln1") == "up", timeout=60)
        time.sleep(20)  # the first round may ask for everything
        bed.merchant.post("/v1/debuglevel", {"level_spec": "RPCS=debug"})
        offset = len(bed.merchant.process.output())
        before = daemon.scrape().value("lnwatch_source_calls_total", source="ln1")
        time.sleep(MINUTE)
        after = daemon.scrape().value("lnwatch_source_calls_total", source="ln1")
        calls = requested(bed, offset)
        bed.merchant.post("/v1/debuglevel", {"level_spec": "RPCS=info"})
    unary = {method: times for method, times in calls.items() if not any(word in method for word in STREAMS)}
    assert unary, "LND logged no call: the test is blind"
    assert sum(unary.values()) <= BUDGET + EDGE, unary
    assert after - before <= BUDGET + EDGE
    assert not [method for method in unary if any(word in method for word in GRAPH)], unary
    assert unary.get("/lnrpc.Lightning/GetNodeInfo", 0) <= 2, unary
