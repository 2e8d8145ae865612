"""Memory, load and boot time of the machine."""

import os
from dataclasses import dataclass

import psutil


@dataclass(frozen=True, slots=True)
class Machine:
    """Bytes, load averages as the kernel counts them, epoch seconds."""

    memory_total: int
    memory_available: int
    loads: tuple[float, float, float]
    cpus: int
    boot_time: float


def look() -> Machine:
    """Ask the kernel. Blocks for a moment; raises OSError."""
    memory = psutil.virtual_memory()
    return Machine(memory.total, memory.available, os.getloadavg(), os.cpu_count() or 1, psutil.boot_time())
