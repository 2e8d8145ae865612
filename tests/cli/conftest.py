import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

import lnwatch.sources

ROOM = str(Path(__file__).parent / "room")


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty folder to be in, and a home of its own."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    monkeypatch.delenv("XDG_STATE_HOME", raising=False)
    return tmp_path


@pytest.fixture
def standin_room(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """The room of the sources holds the stand-in alone: what a verb does is shown without any real system."""
    monkeypatch.setattr(lnwatch.sources, "__path__", [ROOM])  # the one place that tells where sources lie
    yield
    sys.modules.pop("lnwatch.sources.standin", None)
