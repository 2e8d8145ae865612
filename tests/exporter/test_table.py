"""Names and labels are a contract with every dashboard and alert that stands on them."""

import re

import pytest

from lnwatch.exporter import channels
from lnwatch.exporter.metric import Kind, Metric, unit_of
from lnwatch.exporter.table import METRICS

TARGET = ("site", "source")
NODE = ("site", "node")
STORE = ("site", "store")

CONTRACT = {
    "lnwatch_build_info": ("site", "version", "python_version"),
    "lnwatch_target_up": (*TARGET, "kind"),
    "lnwatch_target_state": (*TARGET, "kind", "state"),
    "lnwatch_collector_success": (*TARGET, "collector"),
    "lnwatch_collector_duration_seconds": (*TARGET, "collector"),
    "lnwatch_collector_last_success_timestamp_seconds": (*TARGET, "collector"),
    "lnwatch_assessment_timestamp_seconds": ("site",),
    "lnwatch_ledger_writable": ("site",),
    "lnwatch_findings": ("site", "rule", "severity", "owner"),
    "lnwatch_case_open": ("site", "rule", "severity", "owner", "subject"),
    "lnwatch_case_open_overflow": ("site",),
    "lnwatch_case_oldest_age_seconds": ("site", "rule", "severity", "owner"),
    "lnwatch_rule_covered": ("site", "rule"),
    "lnwatch_bitcoind_blocks": TARGET,
    "lnwatch_bitcoind_headers": TARGET,
    "lnwatch_bitcoind_tip_timestamp_seconds": TARGET,
    "lnwatch_bitcoind_peers": (*TARGET, "direction"),
    "lnwatch_bitcoind_mempool_bytes": TARGET,
    "lnwatch_bitcoind_fee_rate_satoshis_per_vbyte": (*TARGET, "target_blocks"),
    "lnwatch_nbxplorer_sync_height": TARGET,
    "lnwatch_nbxplorer_chain_height": TARGET,
    "lnwatch_nbxplorer_lag_blocks": TARGET,
    "lnwatch_nbxplorer_synchronized": TARGET,
    "lnwatch_btcpay_synchronized": TARGET,
    "lnwatch_payouts": (*STORE, "state"),
    "lnwatch_store_balance_satoshis": (*STORE, "kind"),
    "lnwatch_webhook_deliveries": (*STORE, "state"),
    "lnwatch_rate": (*STORE, "currency"),
    "lnwatch_probe_success": ("site", "probe", "stage"),
    "lnwatch_probe_duration_seconds": ("site", "probe", "stage"),
    "lnwatch_tls_not_after_timestamp_seconds": ("site", "probe"),
    "lnwatch_lightning_synced": (*NODE, "to"),
    "lnwatch_lightning_block_height": NODE,
    "lnwatch_lightning_channels": (*NODE, "state"),
    "lnwatch_lightning_peers": NODE,
    "lnwatch_lightning_usable_inbound_satoshis": NODE,
    "lnwatch_lightning_usable_outbound_satoshis": NODE,
    "lnwatch_lightning_largest_receivable_satoshis": (*NODE, "parts"),
    "lnwatch_lightning_pending_htlcs": (*NODE, "direction"),
    "lnwatch_lightning_htlc_blocks_to_expiry": NODE,
    "lnwatch_lightning_invoices_total": (*NODE, "outcome"),
    "lnwatch_lightning_received_satoshis_total": NODE,
    "lnwatch_wallet_balance_satoshis": (*NODE, "state"),
    "lnwatch_host_disk_free_bytes": (*TARGET, "path"),
    "lnwatch_backup_file_timestamp_seconds": NODE,
    "lnwatch_backup_missing_channels": NODE,
    "lnwatch_invoices_total": (*STORE, "rail", "outcome"),
    "lnwatch_invoice_paid_satoshis_total": (*STORE, "rail"),
    "lnwatch_payments_total": (*STORE, "method"),
    "lnwatch_orders_total": (*STORE, "rail", "outcome"),
    "lnwatch_invoices_open": STORE,
    "lnwatch_settlement_latency_seconds": (*STORE, "rail", "leg"),
    "lnwatch_settlement_latency_blocks": (*STORE, "rail", "leg"),
    "lnwatch_refunds_total": STORE,
    "lnwatch_payability": (*STORE, "rail", "answer"),
    "lnwatch_kpi_ratio": ("site", "kpi", "store", "rail", "window"),
    "lnwatch_kpi_events": ("site", "kpi", "store", "rail", "window"),
    "lnwatch_kpi_bad_events": ("site", "kpi", "store", "rail", "window"),
    "lnwatch_kpi_target_ratio": ("site", "kpi", "store", "rail"),
    "lnwatch_expected_daily_volume_satoshis": NODE,
    "lnwatch_inbound_cover_ratio": NODE,
    "lnwatch_expected_ticket_satoshis": (*NODE, "share"),
    "lnwatch_target_uptime_ratio": (*TARGET, "window"),
    "lnwatch_target_uptime_counted_seconds": (*TARGET, "window"),
}
OF_CHANNELS = {
    "lnwatch_channel_local_balance_satoshis",
    "lnwatch_channel_remote_balance_satoshis",
    "lnwatch_channel_usable_inbound_satoshis",
    "lnwatch_channel_active",
    "lnwatch_channel_info",
}


@pytest.mark.parametrize(("name", "labels"), CONTRACT.items())
def test_contract(name: str, labels: tuple[str, ...]) -> None:
    """A promised metric is there under its name, with its labels."""
    assert [metric.labels for metric in METRICS if metric.name == name] == [labels]


def test_channel_contract() -> None:
    """The promised metrics of single channels are there, and no other."""
    assert {metric.name for metric in channels.METRICS} == OF_CHANNELS


def test_names_follow_the_guidelines() -> None:
    """One prefix, `_total` on counters alone, `_info` on infos alone, each name once, each help a sentence."""
    every: list[Metric | channels.ChannelMetric] = [*METRICS, *channels.METRICS]
    assert len(every) == len({metric.name for metric in every})
    for metric in every:
        assert re.fullmatch(r"lnwatch_[a-z0-9_]+", metric.name)
        assert metric.name.endswith("_total") is (metric.kind is Kind.COUNTER), metric.name
        assert metric.name.endswith("_info") is (metric.kind is Kind.INFO), metric.name
        assert metric.help[0].isupper() or metric.help[0] in "01", metric.name
        assert metric.help.endswith("."), metric.name


def test_every_row_bears_its_site() -> None:
    """`site` comes first on every series, then whose it is."""
    for metric in METRICS:
        assert metric.labels[0] == "site"
        assert metric.labels[1:2] != ("node",) or metric.name.split("_")[1] in {
            "lightning",
            "wallet",
            "watchtower",
            "backup",
            "expected",
            "inbound",
        }


@pytest.mark.parametrize(
    ("family", "unit"),
    [
        ("lnwatch_bitcoind_tip_timestamp_seconds", "seconds"),
        ("lnwatch_lightning_received_satoshis", "satoshis"),
        ("lnwatch_bitcoind_fee_rate_satoshis_per_vbyte", "satoshis_per_vbyte"),
        ("lnwatch_bitcoind_mempool_bytes", "bytes"),
        ("lnwatch_lightning_peers", ""),
    ],
)
def test_units(family: str, unit: str) -> None:
    """The unit is the end of the name, as OpenMetrics asks for."""
    assert unit_of(family) == unit
