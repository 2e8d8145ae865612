"""What a site has of its own: how its invoices become orders."""

from pathlib import Path

import pytest

from lnwatch.config import load
from lnwatch.config.effective import entries
from lnwatch.errors import ConfigError

SHOP = """
[site.main.btcpay.pay]
url = "https://pay.example.org"
api_key = "0123456789abcdef0123456789abcdef01234567"
stores = { shop = "C8H1", bar = "D9J2" }
[site.main.lnd.ln1]
address = "ln:10009"
macaroon = "0201036c6e64"
[site.other.host.here]
"""


def written(folder: Path, text: str) -> Path:
    path = folder / "lnwatch.toml"
    path.write_text(SHOP + text)
    return path


def test_each_site_has_its_own(tmp_path: Path) -> None:
    """What is set for one holds there alone; without a word the defaults do, and they are shown."""
    text = '[site.main.orders]\nretry_window = "45m"\nnodes = { bar = "ln1" }\n'
    config = load(written(tmp_path, text), {})
    main, other = config.sites["main"].orders, config.sites["other"].orders
    assert (main.retry_window, main.nodes) == (2_700, {"bar": "ln1"})
    assert (other.retry_window, other.nodes) == (1_800, {})
    shown = {each.key: (each.text, each.origin.where) for each in entries(config) if ".orders." in each.key}
    assert shown["site.main.orders.retry_window"] == ('"45m"', f"{config.path}:11")
    assert shown["site.other.orders.retry_window"] == ('"30m"', "")


def test_the_environment_sets_it(tmp_path: Path) -> None:
    """As it does every key."""
    config = load(written(tmp_path, ""), {"LNWATCH_SITE__MAIN__ORDERS__RETRY_WINDOW": "1h"})
    assert config.sites["main"].orders.retry_window == 3_600


@pytest.mark.parametrize(
    ("text", "line"),
    [
        (
            "nodes = { shopp = 'ln1' }",
            "site.main.orders.nodes.shopp: found a store that is not known (FILE:11); did you mean `shop`?",
        ),
        (
            "nodes = { shop = 'pay' }",
            'site.main.orders.nodes.shop: found "pay" (FILE:11); valid here: `ln1`',
        ),
        (
            "retry_window = '2s'",
            'site.main.orders.retry_window: found "2s" (FILE:11); it is a minute at least and a day at most',
        ),
        (
            "window = '2m'",
            "site.main.orders.window: found a key that is not known (FILE:11); did you mean `retry_window`?",
        ),
    ],
)
def test_nonsense_is_one_line(tmp_path: Path, text: str, line: str) -> None:
    """It names the key, what was found and what is allowed."""
    path = written(tmp_path, f"[site.main.orders]\n{text}\n")
    with pytest.raises(ConfigError) as caught:
        load(path, {})
    assert str(caught.value).replace(str(path), "FILE") == line


def test_a_store_has_a_name_of_its_own(tmp_path: Path) -> None:
    """Over all servers of a site, for metrics tell stores apart by it."""
    second = '[site.main.btcpay.two]\nurl = "https://two.example"\napi_key = "x"\nstores = { shop = "E1" }\n'
    path = written(tmp_path, second)
    with pytest.raises(ConfigError) as caught:
        load(path, {})
    assert str(caught.value).replace(str(path), "FILE") == (
        "site.main.btcpay.two.stores.shop: found a second store of one name (FILE:13); site.main.btcpay.pay has one of "
        "that name already; give one of them another"
    )


def test_a_site_needs_a_source(tmp_path: Path) -> None:
    """Settings alone watch nothing."""
    path = tmp_path / "lnwatch.toml"
    path.write_text("[site.main.orders]\nretry_window = '10m'\n")
    with pytest.raises(ConfigError, match="found no source"):
        load(path, {})
