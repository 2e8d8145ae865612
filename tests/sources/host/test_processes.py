import contextlib
import json
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lnwatch.model.host import ProcessStatus
from lnwatch.sources.host.processes import Restarts, Running, find

SLEEP = shutil.which("sleep") or "/bin/sleep"


@contextlib.contextmanager
def running(folder: Path, name: str) -> Iterator[int]:
    """A process of that name; its id."""
    program = folder / name
    if not program.exists():
        program.symlink_to(SLEEP)
    with subprocess.Popen([program, "600"]) as process:
        try:
            yield process.pid
        finally:
            process.kill()


def test_running_process_is_found(tmp_path: Path) -> None:
    """A program is found by the name of the file that was started, with the time of its start."""
    with running(tmp_path, "a-rather-long-program-name") as pid:
        found = find(["a-rather-long-program-name", "no-such-program"])
        assert set(found) == {"a-rather-long-program-name"}
        assert found["a-rather-long-program-name"].started_at == psutil.Process(pid).create_time()
    assert find(["a-rather-long-program-name"]) == {}


def test_the_oldest_of_a_name_counts(tmp_path: Path) -> None:
    """Workers that come and go under one name are no restarts; a start after all have ended is one."""
    counts = Restarts()

    def restarts() -> int:
        counts.count(["lnw-test"], find(["lnw-test"]))
        return counts.seen["lnw-test"][1]

    with contextlib.ExitStack() as oldest:
        oldest.enter_context(running(tmp_path, "lnw-test"))
        assert restarts() == 0
        with running(tmp_path, "lnw-test"):
            assert restarts() == 0
        assert restarts() == 0
        with running(tmp_path, "lnw-test"):
            assert restarts() == 0
            oldest.close()
            assert restarts() == 0
    assert restarts() == 0
    with running(tmp_path, "lnw-test"):
        assert restarts() == 1


def test_nothing_asked_nothing_listed() -> None:
    """Without names no process is looked at."""
    assert find([]) == {}


A, B, C = (Running(identity, 100.0 + n) for n, identity in enumerate("abc"))


@pytest.mark.parametrize(
    ("looks", "restarts"),
    [
        ([A], 0),
        ([A, A, A], 0),
        ([A, B], 1),
        ([A, None, None], 0),
        ([A, None, A], 0),
        ([A, None, B], 1),
        ([A, B, C, None, A], 3),
        ([None, None], 0),
        ([None, A], 1),
    ],
)
@pytest.mark.parametrize("stored", [True, False])
def test_restarts(looks: list[Running | None], restarts: int, stored: bool) -> None:
    """Each new start since our first look counts once, over our own restarts too."""
    counts = Restarts()
    for look in looks:
        if stored:
            counts = Restarts.load(counts.dump())
        counts.count(["p"], {"p": look} if look else {})
    last = looks[-1]
    assert counts.facts(["p"], {"p": last} if last else {}) == (
        ProcessStatus("p", last.started_at if last else None, restarts),
    )


def test_only_changes_are_stored() -> None:
    """A look that found nothing new asks for nothing to be stored."""
    counts = Restarts()
    assert counts.count(["p"], {"p": A})
    assert not counts.count(["p"], {"p": A})
    assert not counts.count(["p"], {})
    assert counts.count(["p"], {"p": B})


@settings(deadline=None)
@given(
    st.one_of(
        st.none(),
        st.text(max_size=50),
        st.recursive(
            st.integers() | st.text() | st.none(), lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner)
        ).map(json.dumps),
    )
)
def test_stored_text_that_is_something_else(text: str | None) -> None:
    """A cursor that can't be read is forgotten, and never an error."""
    assert isinstance(Restarts.load(text).seen, dict)
