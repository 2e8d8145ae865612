"""The schema's steps: Alembic, run at start by the one daemon that holds the ledger, after a copy was kept."""

from collections.abc import Callable
from functools import cache
from pathlib import Path

import structlog
from sqlalchemy import Connection, Engine, column, inspect, select, table

from lnwatch.errors import LedgerError, LedgerTrouble
from lnwatch.store.tables import metadata

log = structlog.get_logger()

SCRIPTS = Path(__file__).parent / "migrations"
VERSION_TABLE = "lnwatch_schema"  # not Alembic's default: the database may have another tenant that uses it

Keep = Callable[[str], Path | None]


def head(scripts: Path = SCRIPTS) -> str:
    """The revision that this lnwatch writes."""
    return max(_steps(scripts))


def revision(connection: Connection) -> str | None:
    """The revision of the ledger, None where it has no tables yet."""
    if not inspect(connection).has_table(VERSION_TABLE):
        return None
    found: str | None = connection.execute(select(column("version_num")).select_from(table(VERSION_TABLE))).scalar()
    return found


def check(connection: Connection, scripts: Path = SCRIPTS) -> None:
    """Raise LedgerError(VERSION) where the ledger's schema is not exactly this lnwatch's."""
    found, own = revision(connection), head(scripts)
    if found == own:
        return
    if found is None:
        raise LedgerError(LedgerTrouble.VERSION, "there is no ledger here yet: start `lnwatch run` once")
    if found in _steps(scripts):
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
    if found is not None and found not in _steps(scripts):
        raise _newer(found, own)
    kept = keep(found) if found is not None else None
    build(engine, own, scripts)
    log.info("ledger migrated", before=found, after=own, copy=str(kept) if kept else None)


def build(engine: Engine, to: str, scripts: Path = SCRIPTS) -> None:
    """Take the steps up to the revision `to`, in one transaction: SQLite's DDL can be rolled back like PostgreSQL's."""
    from alembic import command  # noqa: PLC0415 - a third of what a command imports; steps are seldom due
    from alembic.config import Config  # noqa: PLC0415 - likewise
    from alembic.util import CommandError  # noqa: PLC0415 - likewise

    config = Config()
    config.set_main_option("script_location", str(scripts).replace("%", "%%"))
    config.set_main_option("path_separator", "os")
    try:
        with engine.begin() as connection:
            config.attributes["connection"] = connection
            command.upgrade(config, to)
    except CommandError as error:
        raise LedgerError(LedgerTrouble.VERSION, f"the ledger can't be brought to schema {to}: {error}") from error


@cache
def _steps(scripts: Path) -> frozenset[str]:
    """Every revision that there is a step to: the file of 0002 is `r0002_NAME.py`."""
    return frozenset(path.name[1:].partition("_")[0] for path in (scripts / "versions").glob("r*_*.py"))


def _newer(found: str, own: str) -> LedgerError:
    message = (
        f"the ledger was written by a newer lnwatch (schema {found}, this one knows up to {own}): "
        "install that version again, or restore the copy that it kept before it migrated"
    )
    return LedgerError(LedgerTrouble.VERSION, message)
