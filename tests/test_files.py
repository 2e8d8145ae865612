"""Files that are left behind: whole or not at all."""

import os
from pathlib import Path

import pytest

from lnwatch.errors import LnwatchError
from lnwatch.files import replacing, write_file, write_secret


def test_what_was_there_stays_until_all_is_written(tmp_path: Path) -> None:
    """A file that can't be finished leaves the one before, and nothing beside it."""
    path = tmp_path / "orders.csv"
    write_file(path, "before\n")
    with pytest.raises(LnwatchError, match="the ledger is away"):
        _write_half(path)
    assert path.read_text() == "before\n"
    assert list(tmp_path.iterdir()) == [path]


def test_who_may_read(tmp_path: Path) -> None:
    """A secret is its owner's alone, also in place of a file that anybody could read."""
    secret, page = tmp_path / "web.token", tmp_path / "alerts.yml"
    write_file(secret, "old")
    umask = os.umask(0o022)
    try:
        write_secret(secret, "new")
        write_file(page, "groups: []")
    finally:
        os.umask(umask)
    assert [path.stat().st_mode & 0o777 for path in (secret, page)] == [0o600, 0o644]


def test_after_a_kill_with_the_same_process_id(tmp_path: Path) -> None:
    """What a killed process left does not stop the next one, whose id in a container is the same."""
    path = tmp_path / "webhook.secret"
    (tmp_path / f".webhook.secret.{os.getpid()}").write_text("hal")
    write_secret(path, "whole")
    assert path.read_text() == "whole"


def test_a_folder_that_is_absent(tmp_path: Path) -> None:
    """One line that names the file and says why."""
    path = tmp_path / "absent" / "kpi.csv"
    with pytest.raises(LnwatchError, match=rf"^can't write {path}: No such file or directory$"):
        write_file(path, "")


def _write_half(path: Path) -> None:
    with replacing(path) as file:
        file.write("half of ")
        raise LnwatchError("the ledger is away")
