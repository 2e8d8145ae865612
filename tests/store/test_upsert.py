"""Rows by the handful and by the hundred say the same on every backend: how they travel changes nothing."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import Boolean, Column, Connection, Double, LargeBinary, MetaData, Table, Text, select

from lnwatch.store import LedgerSettings
from lnwatch.store.backend import backend_of
from lnwatch.store.columns import LARGEST, Whole, Words
from lnwatch.store.upsert import MANY, Row, greatest, insert_new, merge, plus, put
from tests.postgres import postgres_server  # noqa: F401 - fixtures are found by their names

TABLE = Table(
    "measure",
    MetaData(),
    Column("name", Text, primary_key=True),
    Column("n", Whole),
    Column("words", Words),
    Column("seconds", Double),
    Column("held", Boolean),
    Column("raw", LargeBinary),
)
COUNTS = (1, MANY - 1, MANY, 300)


@pytest.fixture
def connection(settings: LedgerSettings, tmp_path: Path) -> Iterator[Connection]:
    """Inside a transaction of the writer, with the table."""
    engine = backend_of(settings, tmp_path).writer(exclusive=False)
    with engine.begin() as begun:
        TABLE.create(begun)
        yield begun
        TABLE.drop(begun)
    engine.dispose()


def stored(connection: Connection) -> dict[str, Row]:
    """Every row by its name."""
    return {row["name"]: dict(row) for row in connection.execute(select(TABLE)).mappings()}


def full(number: int, **values: object) -> Row:
    """A row with something hostile or extreme in each column."""
    usual: Row = {
        "name": f"m{number:03}",
        "n": LARGEST - number,
        "words": 'a "quoted" \\ word,\n{1,NULL} \N{SNOWMAN}',
        "seconds": 0.1 + number,
        "held": number % 2 == 0,
        "raw": None,
    }
    return usual | values


@pytest.mark.parametrize("count", COUNTS)
def test_rows_come_back_as_they_went(connection: Connection, count: int) -> None:
    """Numbers to the last bit, text with every sign that a document could trip over, and nothing at all."""
    rows = [full(number) for number in range(count)]
    rows[-1] |= {"n": None, "words": None, "seconds": None, "held": None}
    put(connection, TABLE, rows)
    assert stored(connection) == {row["name"]: row for row in rows}


@pytest.mark.parametrize("count", COUNTS)
def test_what_cannot_be_stored_is_brought_into_range(connection: Connection, count: int) -> None:
    """However many rows there are: a number beyond 64 bits, NUL, and half a surrogate pair."""
    put(connection, TABLE, [full(number, n=2**70, words="\0\ud800") for number in range(count)])
    assert {(row["n"], row["words"]) for row in stored(connection).values()} == {
        (LARGEST, "\N{REPLACEMENT CHARACTER}?")
    }


@pytest.mark.parametrize("count", COUNTS)
def test_bytes_and_what_is_no_number(connection: Connection, count: int) -> None:
    """Both are taken in any number of rows, though no document can say them."""
    put(connection, TABLE, [full(number, raw=b"\0\xff", seconds=float("inf")) for number in range(count)])
    assert {(row["raw"], row["seconds"]) for row in stored(connection).values()} == {(b"\0\xff", float("inf"))}


@pytest.mark.parametrize("count", COUNTS)
def test_what_stands_is_kept_overwritten_or_folded(connection: Connection, count: int) -> None:
    """Each of the three ways does to every row what it says."""
    put(connection, TABLE, [full(number, n=1, words="first", seconds=5.0) for number in range(count)])
    insert_new(connection, TABLE, [full(number, n=2, words="second") for number in range(count)])
    assert {(row["n"], row["words"]) for row in stored(connection).values()} == {(1, "first")}
    put(connection, TABLE, [full(number, n=3, words="third") for number in range(count)], keep=("words",))
    assert {(row["n"], row["words"]) for row in stored(connection).values()} == {(3, "first")}
    folds = {"n": plus, "seconds": greatest}
    merge(connection, TABLE, [full(number, n=LARGEST, seconds=-1.0) for number in range(count)], folds)
    assert {row["n"] for row in stored(connection).values()} == {LARGEST}
    assert all(row["seconds"] > 0 for row in stored(connection).values())


@pytest.mark.parametrize("count", COUNTS)
def test_the_same_new_key_twice_is_one_row(connection: Connection, count: int) -> None:
    """The first of them stands."""
    rows = [full(number) for number in range(count)]
    insert_new(connection, TABLE, [*rows, *(row | {"words": "again"} for row in rows)])
    assert stored(connection) == {row["name"]: row for row in rows}
