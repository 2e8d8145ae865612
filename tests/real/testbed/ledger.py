"""Looks into lnwatch's ledger from outside, while the daemon writes it or after it was killed."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from sqlalchemy import create_engine, text


class LedgerFile:
    """Read-only: rows as mappings. `where` is a Path of the SQLite file, or a URL of PostgreSQL."""

    def __init__(self, where: Path | str) -> None:
        url = f"sqlite:///file:{where}?mode=ro&uri=true" if isinstance(where, Path) else where
        self._url = url.replace("postgresql://", "postgresql+psycopg://")

    def rows(self, query: str, **values: object) -> list[Mapping[str, Any]]:
        """The rows of a query over one fresh connection."""
        engine = create_engine(self._url)
        try:
            with engine.connect() as connection:
                return [dict(row) for row in connection.execute(text(query), values).mappings()]
        finally:
            engine.dispose()

    def value(self, query: str, **values: object) -> Any:  # noqa: ANN401 - whatever the column holds
        """The one value of the one row of a query. Raises LookupError."""
        found = self.rows(query, **values)
        if len(found) != 1:
            raise LookupError(f"{len(found)} rows for {query}")
        return next(iter(found[0].values()))
