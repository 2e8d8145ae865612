"""Targets: for a site, a rail, a store, a rail of a store; the nearest that was set is in force."""

from dataclasses import asdict
from pathlib import Path

import pytest

from lnwatch.config import load
from lnwatch.config.effective import entries
from lnwatch.config.kpi_settings import KpiSettings
from lnwatch.errors import ConfigError
from lnwatch.model.kpi import Kpi, Targets
from lnwatch.model.money import msat
from lnwatch.model.order import Rail

SHOP = """
[site.main.btcpay.pay]
url = "https://pay.example.org"
api_key = "0123456789abcdef0123456789abcdef01234567"
stores = { shop = "C8H1", bar = "D9J2" }
[site.other.host.here]
"""
TARGETS = """
[site.main.kpis]
payment_success = 0.9
onchain_within = 3
[site.main.kpis.rails.lightning]
payment_success = 0.91
refund = 0.02
[site.main.kpis.stores.shop]
payment_success = 0.92
daily_volume = "500_000 sat"
[site.main.kpis.stores.shop.rails.lightning]
lightning_within = "8s"
payment_success = 0.93
"""
BLOCKS = "blocks are counted up to 1, 2, 3, 6, 12, 24, 144: take one"
EDGES = "times are counted up to 250ms, 500ms, 1s, 2s, 3s, 5s, 8s, 13s, 30s, 1m, 2m, 5m, 10m, 30m, 1h, 3h: take one"


def written(folder: Path, text: str) -> Path:
    path = folder / "lnwatch.toml"
    path.write_text(SHOP + text)
    return path


@pytest.mark.parametrize(
    ("store", "rail", "success", "refund", "within"),
    [
        ("", None, 0.9, 0.01, 5),
        ("", Rail.LIGHTNING, 0.91, 0.02, 5),
        ("", Rail.ONCHAIN, 0.9, 0.01, 5),
        ("bar", None, 0.9, 0.01, 5),
        ("bar", Rail.LIGHTNING, 0.91, 0.02, 5),
        ("shop", None, 0.92, 0.01, 5),
        ("shop", Rail.ONCHAIN, 0.92, 0.01, 5),
        ("shop", Rail.LIGHTNING, 0.93, 0.02, 8),
    ],
)
def test_the_nearest_is_in_force(  # noqa: PLR0917 - the columns of the table
    tmp_path: Path, store: str, rail: Rail | None, success: float, refund: float, within: float
) -> None:
    """A store's rail before the store, that before the rail, and that before the site, key by key."""
    targets = load(written(tmp_path, TARGETS), {}).sites["main"].kpis.targets(store, rail)
    assert (targets.payment_success, targets.refund, targets.lightning_within) == (success, refund, within)
    assert targets.onchain_within == 3


def test_defaults_are_the_seed_targets(tmp_path: Path) -> None:
    """Without a word: over 95 %, within 5 s, one confirmation in 10 minutes, 99.9 %, below 1 %."""
    kpis = load(written(tmp_path, ""), {}).sites["main"].kpis
    assert asdict(kpis.targets("shop", Rail.LIGHTNING)) == asdict(Targets())
    found = {kpi.value: Targets().of(kpi) for kpi in Kpi}
    assert found == {
        "payment_success": 0.95,
        "conversion": None,
        "lightning_fast": 0.95,
        "onchain_fast": 0.9,
        "uptime": 0.999,
        "fallback": None,
        "refund": 0.01,
    }
    assert (Targets().lightning_within, Targets().onchain_within, Targets().onchain_mean) == (5, 2, 600)


def test_declared_volumes_add_up() -> None:
    """Of the stores on one node; where nobody said anything there is none."""
    kpis = KpiSettings.model_validate(
        {"stores": {"a": {"daily_volume": "10 sat"}, "b": {"daily_volume": "0.5 BTC"}, "c": {"refund": 0.5}}}
    )
    assert kpis.declared(["a", "b", "c", "d"]) == msat(50_000_010)
    assert kpis.declared(["c", "d"]) is None


def test_it_is_shown_with_its_origin(tmp_path: Path) -> None:
    """`lnwatch config` tells what is in force for a site, and where it stands."""
    config = load(written(tmp_path, TARGETS), {})
    shown = {each.key: (each.text, each.origin.where) for each in entries(config) if ".kpis." in each.key}
    assert shown["site.main.kpis.payment_success"] == ("0.9", f"{config.path}:9")
    assert shown["site.main.kpis.lightning_within"] == ('"5s"', "")
    assert shown["site.main.kpis.stores.shop.rails.lightning.lightning_within"] == ('"8s"', f"{config.path}:18")
    assert shown["site.main.kpis.stores.shop.daily_volume"] == ('"500_000 sat"', f"{config.path}:16")
    assert shown["site.other.kpis.refund"] == ("0.01", "")


def test_the_environment_sets_it(tmp_path: Path) -> None:
    """Also for one rail of one store."""
    environ = {
        "LNWATCH_SITE__MAIN__KPIS__UPTIME": "0.99",
        "LNWATCH_SITE__MAIN__KPIS__STORES__SHOP__RAILS__ONCHAIN__UPTIME": "0.98",
    }
    kpis = load(written(tmp_path, ""), environ).sites["main"].kpis
    assert [kpis.targets(store, Rail.ONCHAIN).uptime for store in ("shop", "bar")] == [0.98, 0.99]


@pytest.mark.parametrize(
    ("text", "line"),
    [
        (
            "payment_success = 95",
            "site.main.kpis.payment_success: found 95 (FILE:8); a target is a share between 0 and 1, such as 0.95",
        ),
        ("refund = true", "site.main.kpis.refund: found true (FILE:8); it must be a number"),
        ("lightning_within = '6s'", f'site.main.kpis.lightning_within: found "6s" (FILE:8); {EDGES}'),
        (
            "onchain_within = 4",
            f"site.main.kpis.onchain_within: found 4 (FILE:8); {BLOCKS}",
        ),
        (
            "onchain_mean = '2d'",
            'site.main.kpis.onchain_mean: found "2d" (FILE:8); a mean is above 0 and a day at most',
        ),
        (
            "stores = { shopp = { refund = 0.1 } }",
            "site.main.kpis.stores.shopp: found a store that is not known (FILE:8); did you mean `shop`?",
        ),
        (
            "rails = { lightening = { refund = 0.1 } }",
            "site.main.kpis.rails.lightening: found a table (FILE:8); it is one of `lightning`, `onchain`",
        ),
        (
            "stores = { shop = { refunds = 0.1 } }",
            "site.main.kpis.stores.shop.refunds: found a key that is not known (FILE:8); did you mean `refund`?",
        ),
        (
            "paiment_success = 0.9",
            "site.main.kpis.paiment_success: found a key that is not known (FILE:8); did you mean `payment_success`?",
        ),
    ],
)
def test_nonsense_is_one_line(tmp_path: Path, text: str, line: str) -> None:
    """It names the key, what was found and what is allowed."""
    path = written(tmp_path, f"[site.main.kpis]\n{text}\n")
    with pytest.raises(ConfigError) as caught:
        load(path, {})
    assert str(caught.value).replace(str(path), "FILE") == line
