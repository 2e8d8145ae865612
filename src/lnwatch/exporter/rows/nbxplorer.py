"""NBXplorer: how far it has indexed the chain, by its own word and held against bitcoind's tip."""

from collections.abc import Iterator

from lnwatch.exporter.metric import Kind, Metric, Row
from lnwatch.exporter.moment import Moment
from lnwatch.exporter.shapes import TARGET, FactRows
from lnwatch.model.chain import BitcoindStatus, NbxplorerStatus

_STATUS = FactRows(NbxplorerStatus)


def _lag(moment: Moment) -> Iterator[Row]:
    for view, target in moment.targets():
        facts = moment.facts(target, NbxplorerStatus)
        if facts is None or facts.sync_height is None:
            continue
        cores = (moment.facts(other, BitcoindStatus) for other in view.targets.values())
        tips = [core.blocks for core in cores if core is not None and core.chain is facts.network]
        if tips:
            yield (view.site, target.slug), max(0, max(tips) - facts.sync_height)


METRICS = (
    _STATUS.one(
        "lnwatch_nbxplorer_synchronized",
        "1 while NBXplorer calls itself synchronized.",
        lambda facts: int(facts.synced),
    ),
    _STATUS.one(
        "lnwatch_nbxplorer_sync_height",
        "Last block that NBXplorer indexed; absent before the first.",
        lambda facts: facts.sync_height,
    ),
    _STATUS.one(
        "lnwatch_nbxplorer_chain_height",
        "Best header that NBXplorer knows; absent while it can't ask its bitcoind.",
        lambda facts: facts.chain_height,
    ),
    Metric(
        "lnwatch_nbxplorer_lag_blocks",
        "Blocks of bitcoind's own tip that NBXplorer has not indexed; absent without a bitcoind to hold it against.",
        Kind.GAUGE,
        TARGET,
        _lag,
    ),
)
