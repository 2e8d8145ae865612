"""What the machine tells on which lnwatch runs."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class DiskUsage:
    """One configured path. Bytes and inodes; `fill_rate` in bytes per second over the last hour, None
    until there is an hour to look at; inodes are 0 where the file system has none."""

    path: str
    total: int
    free: int
    inodes_total: int
    inodes_free: int
    fill_rate: float | None


@dataclass(frozen=True, slots=True)
class ProcessStatus:
    """One process by its configured name. `started_at` None while it does not run; `restarts` counts
    the new starts seen since lnwatch's own first look, kept across our restarts."""

    name: str
    started_at: float | None
    restarts: int


@dataclass(frozen=True, slots=True)
class HostStatus:
    """Facts of the collector `status` of a host. Sizes in bytes, loads as the kernel counts them."""

    disks: tuple[DiskUsage, ...]
    memory_total: int
    memory_available: int
    load_1m: float
    load_5m: float
    load_15m: float
    cpus: int
    boot_time: float
    processes: tuple[ProcessStatus, ...]
