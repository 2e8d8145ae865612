"""Every metric of `/metrics`, one row each; those of single channels are in `channels.py`."""

from lnwatch.exporter.metric import Metric
from lnwatch.exporter.rows import (
    acting,
    bitcoind,
    cases,
    daemon,
    host,
    lightning,
    nbxplorer,
    probe,
    safety,
    target,
    usual,
)

METRICS: tuple[Metric, ...] = (
    *daemon.METRICS,
    *cases.METRICS,
    *acting.METRICS,
    *target.METRICS,
    *usual.METRICS,
    *bitcoind.METRICS,
    *nbxplorer.METRICS,
    *lightning.METRICS,
    *safety.METRICS,
    *host.METRICS,
    *probe.METRICS,
)
