"""Every metric of `/metrics`, one row each; those of single channels are in `channels.py`."""

from lnwatch.exporter.metric import Metric
from lnwatch.exporter.rows import (
    acting,
    bitcoind,
    btcpay,
    cases,
    daemon,
    host,
    kpi,
    lightning,
    merchant,
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
    *btcpay.METRICS,
    *lightning.METRICS,
    *safety.METRICS,
    *host.METRICS,
    *probe.METRICS,
    *merchant.METRICS,
    *kpi.METRICS,
)
