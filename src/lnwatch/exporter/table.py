"""Every metric of `/metrics`, one row each; those of single channels are in `channels.py`."""

from lnwatch.exporter.metric import Metric
from lnwatch.exporter.rows import bitcoind, daemon, host, lightning, safety, target

METRICS: tuple[Metric, ...] = (
    *daemon.METRICS,
    *target.METRICS,
    *bitcoind.METRICS,
    *lightning.METRICS,
    *safety.METRICS,
    *host.METRICS,
)
