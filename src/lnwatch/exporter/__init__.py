"""Shows what is known: text that Prometheus scrapes, rendered from the newest Assessment."""

from lnwatch.exporter.exporter import Exporter
from lnwatch.exporter.own import OwnMetrics

__all__ = ["Exporter", "OwnMetrics"]
