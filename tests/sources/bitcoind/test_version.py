import pytest

from lnwatch.sources.bitcoind.version import is_supported, version_label


@pytest.mark.parametrize(
    ("version", "subversion", "label", "supported"),
    [
        (310000, "/Satoshi:31.0.0/", "31.0", True),
        (319900, "/Satoshi:31.99.0/", "31.99", True),
        (290301, "/Satoshi:29.3.1(mynode)/", "29.3.1", True),
        (290300, "/Satoshi:29.3.0/Knots:20260508/", "29.3 Knots 20260508", True),
        (240000, "/Satoshi:24.0.0/", "24.0", True),
        (239900, "/Satoshi:23.99.0/", "23.99", False),
        (320000, "/Satoshi:32.0.0/", "32.0", False),
        (0, "", "0.0", False),
    ],
)
def test_version(version: int, subversion: str, label: str, supported: bool) -> None:
    """Versions read as people write them, Knots is named, and 24 to 31 are supported."""
    assert version_label(version, subversion) == label
    assert is_supported(version) is supported
