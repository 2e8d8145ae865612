"""The machine on which lnwatch runs: disks and how fast they fill, memory, load, processes and their restarts."""

from lnwatch.sources import SourceKind
from lnwatch.sources.host.settings import HostSettings
from lnwatch.sources.host.source import Host

__all__ = ["SOURCE", "Host", "HostSettings"]

SOURCE = SourceKind(kind="host", settings=HostSettings, open=Host)
