"""What is usual for a source: the medians that rules hold its present figures against."""

from collections.abc import Iterator

from lnwatch.exporter.metric import Kind, Metric, Row
from lnwatch.exporter.moment import Moment
from lnwatch.exporter.shapes import NODE, TARGET


def _usual(name: str, text: str, labels: tuple[str, ...], series: str) -> Metric:
    def rows(moment: Moment) -> Iterator[Row]:
        for view, target in moment.targets():
            baseline = view.baselines.get((target.slug, series))
            if baseline is not None:
                yield (view.site, target.slug), baseline.median

    return Metric(name, text, Kind.GAUGE, labels, rows)


METRICS = (
    _usual(
        "lnwatch_target_usual_round_trip_seconds",
        "Median of the hourly means of the system's round trips; absent until there is an hour to look at.",
        TARGET,
        "rpc_seconds",
    ),
    _usual(
        "lnwatch_bitcoind_usual_fee_rate_satoshis_per_vbyte",
        "Median of the hourly means of the next block's fee rate; absent until there is an hour to look at.",
        TARGET,
        "next_block_fee",
    ),
    _usual(
        "lnwatch_watchtower_usual_pending_backups",
        "Median of the hourly means of the states that wait for a tower; absent until there is an hour to look at.",
        NODE,
        "watchtower_pending",
    ),
)
