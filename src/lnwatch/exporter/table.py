"""Every metric of `/metrics`, one row each; those of single channels are in `channels.py`."""

from lnwatch.exporter.metric import Metric
from lnwatch.exporter.rows import bitcoind, cases, daemon, host, lightning, safety, target, usual

METRICS: tuple[Metric, ...] = (
    *daemon.METRICS,
    *cases.METRICS,
    *target.METRICS,
    *usual.METRICS,
    *bitcoind.METRICS,
    *lightning.METRICS,
    *safety.METRICS,
    *host.METRICS,
)
