"""The schema's steps: Alembic, run at start by the one daemon that holds the ledger, after a copy was kept."""

from collections.abc import Callable
from functools import cache
from pathlib import Path

import structlog
from alembic import command
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, Engine, inspect

from lnwatch.errors import LedgerError, LedgerTrouble
from lnwatch.store.tables import metadata

log = structlog.get_logger()

SCRIPTS = Path(__file__).parent / "migrations"
VERSION_TABLE = "lnwatch_schema"  # not Alembic's default: the database may have another tenant that uses it

Keep = Callable[[str], Path | None]


@cache
def head(scripts: Path = SCRIPTS) -> str:
    """The revision that this lnwatch writes."""
    return _directory(scripts).get_current_head() or ""


def revision(connection: Connection) -> str | None:
    """The revision of the ledger, None where it has no tables yet."""
    return MigrationContext.configure(connection, opts={"version_table": VERSION_TABLE}).get_current_revision()


def check(connection: Connection, scripts: Path = SCRIPTS) -> None:
    """Raise LedgerError(VERSION) where the ledger's schema is not exactly this lnwatch's."""
    found, own = revision(connection), head(scripts)
    if found == own:
        return
    if found is None:
        raise LedgerError(LedgerTrouble.VERSION, "there is no ledger here yet: start `lnwatch run` once")
    if _known(found, scripts):
        message = f"the ledger's schema is {found}, this lnwatch writes {own}: start `lnwatch run` once, it migrates"
        raise LedgerError(LedgerTrouble.VERSION, message)
    raise _newer(found, own)


def migrate(engine: Engine, keep: Keep, scripts: Path = SCRIPTS) -> None:
    """Bring the ledger to `head` in one transaction. The caller holds the ledger.

    `keep` is called first where there is something to lose, with the present revision; it returns where
    it put its copy, or None where the operator wants none. Raises LedgerError.
    """
    own = head(scripts)
    with engine.connect() as connection:
        found = revision(connection)
        foreign = found is None and not set(inspect(connection).get_table_names()).isdisjoint(metadata.tables)
    if found == own:
        return
    if foreign:
        message = (
            f"the database has tables named like the ledger's, but no {VERSION_TABLE}: give lnwatch one of its own"
        )
        raise LedgerError(LedgerTrouble.VERSION, message)
    if found is not None and not _known(found, scripts):
        raise _newer(found, own)
    kept = keep(found) if found is not None else None
    build(engine, own, scripts)
    log.info("ledger migrated", before=found, after=own, copy=str(kept) if kept else None)


def build(engine: Engine, to: str, scripts: Path = SCRIPTS) -> None:
    """Take the steps up to the revision `to`, in one transaction: SQLite's DDL can be rolled back like PostgreSQL's."""
    with engine.begin() as connection:
        config = _config(scripts)
        config.attributes["connection"] = connection
        command.upgrade(config, to)


def _config(scripts: Path) -> Config:
    config = Config()
    config.set_main_option("script_location", str(scripts).replace("%", "%%"))
    config.set_main_option("path_separator", "os")
    return config


def _directory(scripts: Path) -> ScriptDirectory:
    return ScriptDirectory.from_config(_config(scripts))


def _known(found: str, scripts: Path) -> bool:
    return found in {script.revision for script in _directory(scripts).walk_revisions()}


def _newer(found: str, own: str) -> LedgerError:
    message = (
        f"the ledger was written by a newer lnwatch (schema {found}, this one knows up to {own}): "
        "install that version again, or restore the copy that it kept before it migrated"
    )
    return LedgerError(LedgerTrouble.VERSION, message)
