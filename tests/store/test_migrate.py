import shutil
from pathlib import Path
from typing import Any

import pytest
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, text

from lnwatch.errors import LedgerError
from lnwatch.store import Ledger, LedgerSettings, migrate, open_ledger, opening, restore, status, tables
from lnwatch.store.backend import backend_of
from lnwatch.store.columns import Whole
from lnwatch.store.database import Database
from lnwatch.store.migrate import SCRIPTS, VERSION_TABLE, head
from lnwatch.store.opening import reading
from tests.manual_clock import ManualClock
from tests.store.stories import NODE, SITE, birth, entry, rows, settled

NEXT = '''"""A step that a later version might take."""

import sqlalchemy as sa
from alembic import op

revision = "9999"
down_revision = "HEAD"


def upgrade() -> None:
    op.add_column("cursor", sa.Column("note", sa.Text))
    op.execute("UPDATE cursor SET note = 'migrated'")
    MORE
'''


def test_every_table_has_its_site_first() -> None:
    """`site` is first in every primary key, and money is never a floating number."""
    for table in tables.metadata.tables.values():
        assert next(iter(table.primary_key)).name == "site", table.name
        amounts = [column for column in table.columns if column.name.endswith("_msat") or column.name == "sum"]
        assert all(isinstance(column.type, Whole) for column in amounts), table.name


async def test_steps_make_what_the_tables_say(ledger: Ledger) -> None:
    """The revisions lead to exactly the tables that the code reads and writes."""

    def differences(connection: Connection) -> list[Any]:
        context = MigrationContext.configure(
            connection, opts={"version_table": VERSION_TABLE, "compare_server_default": True}
        )
        found: list[Any] = compare_metadata(context, tables.metadata)
        return found

    assert await ledger._workers.read(differences) == []


def test_steps_are_found_by_the_names_of_their_files() -> None:
    """What the files are called is what Alembic finds in them: the newest is told without it."""
    config = Config()
    config.set_main_option("script_location", str(SCRIPTS))
    directory = ScriptDirectory.from_config(config)
    assert directory.get_heads() == [head()]
    assert {step.revision for step in directory.walk_revisions()} == migrate._steps(SCRIPTS)


def later(folder: Path, more: str = "") -> Path:
    """The steps of a later version, whose second one does `more` in the end."""
    scripts = folder / "steps"
    shutil.copytree(SCRIPTS, scripts, ignore=shutil.ignore_patterns("__pycache__"), dirs_exist_ok=True)
    (scripts / "versions" / f"r9999_{len(more)}.py").write_text(NEXT.replace("MORE", more).replace("HEAD", head()))
    return scripts


async def filled(settings: LedgerSettings, folder: Path) -> None:
    """A ledger of the present schema that was used and closed."""
    ledger = await open_ledger(settings, folder, ManualClock())
    await ledger.append([birth(), entry(settled("aa"), cursors={"live": "1"})])
    await ledger.close()


def upgrade(settings: LedgerSettings, folder: Path, scripts: Path) -> str | None:
    """What a later version's start does; returns the revision that is there afterwards."""
    backend = backend_of(settings, folder)
    backend.hold()
    database = Database(backend, exclusive=True, verify=lambda _: None)
    try:
        opening._migrate(backend, database, settings, folder, scripts)
    finally:
        found = database.read(migrate.revision)
        database.close()
        backend.release()
    return found


async def test_copy_is_kept(settings: LedgerSettings, tmp_path: Path) -> None:
    """Before a migration the ledger is copied into a file of the old schema, which can be restored."""
    await filled(settings, tmp_path)
    before = rows(settings, "cursor")
    assert upgrade(settings, tmp_path, later(tmp_path)) == "9999"
    with pytest.raises(LedgerError, match="newer lnwatch"):
        await open_ledger(settings, tmp_path, ManualClock())
    kept = tmp_path / f"ledger.schema-{head()}.sqlite3"
    assert kept.stat().st_mode & 0o777 == 0o600
    assert rows(LedgerSettings(path=kept), "cursor") == before
    if settings.url is not None and settings.url.get_secret_value().startswith("sqlite"):
        restore(settings, tmp_path, kept)
        ledger = await open_ledger(settings, tmp_path, ManualClock())
        assert (await ledger.totals())[SITE, NODE].received_msat == 250_000
        await ledger.close()


async def test_step_of_a_later_version(settings: LedgerSettings, tmp_path: Path) -> None:
    """A step of a later version does what it says to the rows that were there."""
    await filled(settings, tmp_path)
    upgrade(settings, tmp_path, later(tmp_path))
    with reading(settings, tmp_path) as (_, reader), reader.begin() as connection:
        assert connection.execute(text("SELECT value, note FROM cursor")).all() == [("1", "migrated")]


async def test_step_that_fails(settings: LedgerSettings, tmp_path: Path) -> None:
    """A step that fails half-way leaves nothing of itself, and the copy is there."""
    await filled(settings, tmp_path)
    with pytest.raises(LedgerError, match="no_such_table"):
        upgrade(settings, tmp_path, later(tmp_path, 'op.execute("DELETE FROM no_such_table")'))
    assert status(settings, tmp_path).schema == head()
    assert [row["value"] for row in rows(settings, "cursor")] == ["1"]
    assert (tmp_path / f"ledger.schema-{head()}.sqlite3").exists()
    ledger = await open_ledger(settings, tmp_path, ManualClock())
    await ledger.close()


async def test_copy_that_fails(settings: LedgerSettings, tmp_path: Path) -> None:
    """Where the copy can't be written nothing is migrated, unless the operator wants none."""
    await filled(settings, tmp_path)
    (tmp_path / f"ledger.schema-{head()}.sqlite3").mkdir()
    with pytest.raises(LedgerError, match="the copy"):
        upgrade(settings, tmp_path, later(tmp_path))
    assert status(settings, tmp_path).schema == head()
    without = settings.model_copy(update={"migrate_without_copy": True})
    assert upgrade(without, tmp_path, later(tmp_path)) == "9999"


async def test_older_schema_for_a_visitor(ledger: Ledger, tmp_path: Path) -> None:
    """Whoever visits a ledger that waits for its migration is told to start the daemon."""
    scripts = later(tmp_path)
    with pytest.raises(LedgerError, match=f"schema is {head()}, this lnwatch writes 9999: start `lnwatch run` once"):
        await ledger._workers.read(lambda connection: migrate.check(connection, scripts))
