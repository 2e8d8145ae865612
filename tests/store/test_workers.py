"""Turns of the writer's thread."""

import asyncio
import threading
from functools import partial
from pathlib import Path

import pytest
from sqlalchemy import Connection

from lnwatch.store import LedgerSettings
from lnwatch.store.backend import backend_of
from lnwatch.store.database import Database
from lnwatch.store.workers import Workers


def note(_: Connection, into: list[str], name: str) -> str:
    """A job that tells when its turn was."""
    into.append(name)
    return name


def fail(_: Connection) -> None:
    raise ValueError("a fault of ours")


async def test_what_is_urgent_goes_before_what_waits(settings: LedgerSettings, tmp_path: Path) -> None:
    """It waits for the transaction under way alone; among themselves both kinds keep their order."""
    workers = Workers(Database(backend_of(settings, tmp_path), exclusive=False, verify=lambda _: None), 30.0)
    held, turns = threading.Event(), list[str]()
    async with asyncio.TaskGroup() as group:
        group.create_task(workers.run_writer(held.wait))
        await asyncio.sleep(0)
        asked = [("bulk 1", False), ("bulk 2", False), ("hook 1", True), ("bulk 3", False), ("hook 2", True)]
        tasks = [
            group.create_task(workers.write(partial(note, into=turns, name=name), urgent=urgent))
            for name, urgent in asked
        ]
        await asyncio.sleep(0)
        held.set()
    assert turns == ["hook 1", "hook 2", "bulk 1", "bulk 2", "bulk 3"]
    assert [task.result() for task in tasks] == [name for name, _ in asked]
    await workers.close()


async def test_what_one_raises_is_nobody_else_s(settings: LedgerSettings, tmp_path: Path) -> None:
    """Whoever asked for a job that breaks hears of it, and the next one is done."""
    workers = Workers(Database(backend_of(settings, tmp_path), exclusive=False, verify=lambda _: None), 30.0)
    turns = list[str]()
    with pytest.raises(ValueError, match="a fault of ours"):
        await workers.write(fail)
    await workers.write(partial(note, into=turns, name="next"))
    assert turns == ["next"]
    await workers.close()
