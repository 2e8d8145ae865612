"""Rule `host_disk_low`: by space, by inodes, by how fast it fills."""

from dataclasses import replace
from typing import Any

import pytest

from lnwatch.model.host import DiskUsage
from lnwatch.model.view import TargetView
from lnwatch.rules.host_disk_low import RULE
from tests.assessments import host_status
from tests.rules.views import judged, make_target, make_view, stale

TB = 10**12
DISK = DiskUsage("/data", 2 * TB, TB, 1_000_000, 900_000, 0.0)


def host(*disks: DiskUsage) -> TargetView:
    return make_target("host", {"status": host_status(disks=disks)})


def test_found_by_space() -> None:
    """Free, size, share and limit."""
    machine = host(replace(DISK, free=80 * 10**9))
    assert judged(RULE, make_view(machine), machine).only.sentence == (
        "path:/data has 80 GB of 2 TB free, 4 % (limit 5 %)."
    )


def test_found_by_inodes() -> None:
    """A disk without inodes takes no file, however much space it has."""
    machine = host(replace(DISK, inodes_free=12_000))
    assert judged(RULE, make_view(machine), machine).only.sentence == (
        "path:/data has 1.2 % of its inodes free (limit 5 %)."
    )


def test_found_by_its_rate() -> None:
    """When it is full, at which rate, and how much is left."""
    machine = host(replace(DISK, fill_rate=20_000_000.0))
    assert judged(RULE, make_view(machine), machine).only.sentence == (
        "path:/data is full in 13 h 53 min at the present 72 GB an hour (limit 1 d), with 1 TB free."
    )


@pytest.mark.parametrize(
    ("change", "found"),
    [
        pytest.param({"free": TB // 10}, False, id="exactly 5 % of space"),
        pytest.param({"free": TB // 10 - 1}, True, id="below 5 % of space"),
        pytest.param({"inodes_free": 50_000}, False, id="exactly 5 % of inodes"),
        pytest.param({"inodes_free": 49_999}, True, id="below 5 % of inodes"),
        pytest.param({"fill_rate": TB / 86_400}, False, id="full in exactly a day"),
        pytest.param({"fill_rate": TB / 86_399}, True, id="full within a day"),
        pytest.param({"fill_rate": -5e9}, False, id="emptied"),
        pytest.param({"inodes_total": 0, "inodes_free": 0}, False, id="no inodes at all"),
    ],
)
def test_edges(change: dict[str, Any], found: bool) -> None:
    """Less than the limit is found, the limit itself is not."""
    machine = host(replace(DISK, **change))
    assert bool(judged(RULE, make_view(machine), machine).found) is found


def test_each_path_is_its_own_subject() -> None:
    """One full disk says nothing of another."""
    machine = host(DISK, replace(DISK, path="/var", free=0), replace(DISK, path="/backup", free=1))
    verdict = judged(RULE, make_view(machine), machine)
    assert set(verdict.found) == {"path:/var", "path:/backup"}


@pytest.mark.parametrize(("share", "unknown"), [(0.19, True), (0.2, False)])
def test_without_a_rate_only_a_roomy_disk_is_well(share: float, unknown: bool) -> None:
    """In the first hour nobody knows how fast it fills; a case that was open for its rate is held."""
    machine = host(replace(DISK, free=int(share * DISK.total), fill_rate=None))
    verdict = judged(RULE, make_view(machine), machine)
    assert not verdict.found
    assert list(verdict.unknown) == (["path:/data"] if unknown else [])


def test_a_path_that_can_not_be_asked_resolves_nothing() -> None:
    """A full disk that went away is not an empty one; what is found beside it is told all the same."""
    machine = replace(host(replace(DISK, free=0)), detail="/backup can't be looked at: no such file or directory")
    verdict = judged(RULE, make_view(machine), machine)
    assert list(verdict.found) == ["path:/data"]
    assert verdict.unknown == {None: "/backup can't be looked at: no such file or directory"}


def test_unknown_without_figures() -> None:
    """A disk without a size, and a look of an hour ago."""
    machine = host(replace(DISK, total=0, free=0))
    assert list(judged(RULE, make_view(machine), machine).unknown) == ["path:/data"]
    old = stale(host(replace(DISK, free=0)))
    verdict = judged(RULE, make_view(old), old)
    assert not verdict.found
    assert list(verdict.unknown) == [None]


def test_nonsense_is_refused() -> None:
    """Per cent are not shares, and roomy is more than low."""
    with pytest.raises(ValueError, match="`free_share` is a share between 0 and 1, found 5"):
        RULE.thresholds(free_share=5)
    with pytest.raises(ValueError, match="`roomy_share` must be above `free_share`"):
        RULE.thresholds(free_share=0.3)
