"""Alembic's way in: `migrate.py` hands over the connection, in whose transaction every step runs."""

from alembic import context

from lnwatch.store.migrate import VERSION_TABLE

context.configure(
    connection=context.config.attributes["connection"], version_table=VERSION_TABLE, transactional_ddl=True
)
context.run_migrations()
