"""A public address as its visitors meet it: name, connection, certificate, page; each source is one address."""

from lnwatch.sources import SourceKind
from lnwatch.sources.probe.settings import ProbeSettings
from lnwatch.sources.probe.source import Probe

__all__ = ["SOURCE", "Probe", "ProbeSettings"]

SOURCE = SourceKind(kind="probe", settings=ProbeSettings, open=Probe)
