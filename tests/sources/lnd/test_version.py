import pytest

from lnwatch.sources.lnd.version import UNKNOWN, Version, parse_version, remark, supported


@pytest.mark.parametrize(
    ("text", "version", "inside", "words"),
    [
        ("0.21.2-beta commit=v0.21.2-beta", Version(0, 21, 2), True, ""),
        ("0.21.2-beta commit=", Version(0, 21, 2), True, ""),
        ("0.19.0-beta.rc1 commit=x", Version(0, 19, 0), True, ""),
        ("0.18.5-beta commit=v0.18.5-beta", Version(0, 18, 5), False, "older than 0.19"),
        ("0.22.0-beta commit=", Version(0, 22, 0), False, "newer than 0.21"),
        ("v1.0.0", Version(1, 0, 0), False, "newer than 0.21"),
        ("", UNKNOWN, False, "does not tell its release"),
        ("main", UNKNOWN, False, "does not tell its release"),
    ],
)
def test_versions(text: str, version: Version, inside: bool, words: str) -> None:
    """A release is told from GetInfo's text, and one outside the tested range says so."""
    assert parse_version(text) == version
    assert supported(version) is inside
    assert words in remark(version)
    assert bool(remark(version)) is not inside
