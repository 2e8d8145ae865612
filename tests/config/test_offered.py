"""A source whose tidings the ledger does not keep yet can't be configured."""

from pathlib import Path

import pytest

from lnwatch import sources
from lnwatch.config import load
from lnwatch.config.schema import standard
from lnwatch.discover import discover
from lnwatch.errors import ConfigError
from lnwatch.sources import SourceKind


def test_btcpay_is_not_offered_yet(tmp_path: Path) -> None:
    """It reads, but its invoices would be lost: one line says that the kind is not known."""
    found = {kind.kind for kind in discover(sources, "SOURCE", SourceKind).values()}
    assert found - set(standard().kinds) == {"btcpay"}
    path = tmp_path / "lnwatch.toml"
    path.write_text('[site.main.btcpay.shop]\nurl = "https://pay.example.org"\n')
    with pytest.raises(ConfigError, match="a kind of source that is not known"):
        load(path, {})
