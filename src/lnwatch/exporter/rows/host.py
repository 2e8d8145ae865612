"""The machine: disks, memory, load, processes."""

from collections.abc import Callable

from lnwatch.exporter.metric import Kind, Metric, Number
from lnwatch.exporter.shapes import FactRows
from lnwatch.model.host import DiskUsage, HostStatus, ProcessStatus

_HOST = FactRows(HostStatus)


def _disk(name: str, text: str, figure: Callable[[DiskUsage], Number | None]) -> Metric:
    return _HOST.each(
        name,
        text,
        ("path",),
        lambda facts: [((disk.path,), figure(disk)) for disk in facts.disks],
    )


def _process(
    name: str, text: str, figure: Callable[[ProcessStatus], Number | None], *, kind: Kind = Kind.GAUGE
) -> Metric:
    return _HOST.each(
        name,
        text,
        ("process",),
        lambda facts: [((process.name,), figure(process)) for process in facts.processes],
        kind=kind,
    )


METRICS = (
    _disk("lnwatch_host_disk_free_bytes", "Free space below the path.", lambda disk: disk.free),
    _disk("lnwatch_host_disk_size_bytes", "Size of the file system that holds the path.", lambda disk: disk.total),
    _disk(
        "lnwatch_host_disk_inodes_free", "Free inodes; 0 where the file system has none.", lambda disk: disk.inodes_free
    ),
    _disk(
        "lnwatch_host_disk_inodes", "Inodes of the file system; 0 where it has none.", lambda disk: disk.inodes_total
    ),
    _disk(
        "lnwatch_host_disk_fill_bytes_per_second",
        "How fast the path filled over the last hour; absent until there is an hour to look at.",
        lambda disk: disk.fill_rate,
    ),
    _HOST.one("lnwatch_host_memory_size_bytes", "Memory of the machine.", lambda host: host.memory_total),
    _HOST.one(
        "lnwatch_host_memory_available_bytes",
        "Memory that can be had without swapping.",
        lambda host: host.memory_available,
    ),
    _HOST.each(
        "lnwatch_host_load",
        "Load average as the kernel reckons it.",
        ("window",),
        lambda host: [(("1m",), host.load_1m), (("5m",), host.load_5m), (("15m",), host.load_15m)],
    ),
    _HOST.one("lnwatch_host_cpus", "Processors of the machine.", lambda host: host.cpus),
    _HOST.one("lnwatch_host_boot_timestamp_seconds", "When the machine was started.", lambda host: host.boot_time),
    _process(
        "lnwatch_host_process_up", "1 while the process runs.", lambda process: int(process.started_at is not None)
    ),
    _process(
        "lnwatch_host_process_start_timestamp_seconds",
        "When the process was started.",
        lambda process: process.started_at,
    ),
    _process(
        "lnwatch_host_process_restarts_total",
        "New starts of the process since lnwatch first looked.",
        lambda process: process.restarts,
        kind=Kind.COUNTER,
    ),
)
