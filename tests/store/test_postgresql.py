"""What becomes of a ledger in PostgreSQL when its server fails, hangs, or knows us no longer."""

from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import psycopg
import pytest
from pydantic import SecretStr

from lnwatch.errors import LedgerError, LedgerTrouble
from lnwatch.store import Ledger, LedgerSettings, open_ledger, status, visit_ledger
from tests.manual_clock import ManualClock
from tests.postgres import PostgresServer
from tests.store.stories import NODE, SITE, birth, entry, settled


def at(url: str) -> LedgerSettings:
    return LedgerSettings(url=SecretStr(url), lock_timeout="200ms", answer_timeout="1s")


@pytest.fixture
async def running(postgres_url: str, tmp_path: Path, clock: ManualClock) -> AsyncIterator[Ledger]:
    """A ledger in its database, with one counted invoice in it."""
    ledger = await open_ledger(at(postgres_url), tmp_path, clock)
    await ledger.append([birth(), entry(settled("aa"), cursors={"live": "1"})])
    yield ledger
    await ledger.close()


async def refused(ledger: Ledger, trouble: LedgerTrouble) -> str:
    """Neither a batch nor the probe nor a read goes through; returns what an operator would read."""
    with pytest.raises(LedgerError) as append:
        await ledger.append([entry(settled("bb"), cursors={"live": "2"})])
    with pytest.raises(LedgerError) as probe:
        await ledger.probe()
    assert append.value.trouble is probe.value.trouble is trouble, append.value.message
    return append.value.message


async def goes_on(ledger: Ledger) -> None:
    """It can be written again, nothing was lost and nothing is stored twice."""
    await ledger.probe()
    assert await ledger.memory(SITE, NODE).cursor("live") == "1"
    for _ in range(2):
        await ledger.append([entry(settled("bb"), cursors={"live": "2"})])
    assert (await ledger.totals())[SITE, NODE].received_msat == 500_000


@contextmanager
def somebody(url: str, *statements: str) -> Iterator[psycopg.Connection[tuple[object, ...]]]:
    """Another session, in a transaction in which these statements were said."""
    with psycopg.connect(url) as connection:
        for statement in statements:
            connection.execute(statement.encode())
        yield connection
        connection.rollback()


async def test_server_stopped(running: Ledger, postgres_server: PostgresServer) -> None:
    """A server that went away is named; when it is back, collection goes on by itself."""
    postgres_server.stop()
    try:
        assert "start the server" in await refused(running, LedgerTrouble.UNREACHABLE)
        with pytest.raises(LedgerError):
            await running.totals()
    finally:
        postgres_server.start()
    await goes_on(running)


async def test_server_frozen(
    postgres_server: PostgresServer, postgres_url: str, tmp_path: Path, clock: ManualClock
) -> None:
    """A server that says nothing more is given up after a while, by writers and by readers."""
    running = await open_ledger(at(f"{postgres_url}?connect_timeout=2"), tmp_path, clock)
    await running.append([birth(), entry(settled("aa"), cursors={"live": "1"})])
    postgres_server.freeze()
    try:
        with pytest.raises(LedgerError) as append:
            await running.append([entry(settled("bb"), cursors={"live": "2"})])
        with pytest.raises(LedgerError) as read:
            await running.totals()
    finally:
        postgres_server.thaw()
    assert append.value.trouble is read.value.trouble is LedgerTrouble.UNREACHABLE
    await goes_on(running)
    await running.close()


async def test_session_ended(running: Ledger, postgres_url: str) -> None:
    """A session that an administrator ends is opened anew with the next write, and holds the ledger again."""
    with psycopg.connect(postgres_url, autocommit=True) as connection:
        connection.execute("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'lnwatch'")
    with pytest.raises(LedgerError, match="terminating connection") as ended:
        await running.append([entry(settled("bb"))])
    assert ended.value.trouble is LedgerTrouble.UNREACHABLE
    await goes_on(running)


async def test_locked(running: Ledger, postgres_url: str) -> None:
    """While another session has a table locked, ours waits a while and says so."""
    with somebody(postgres_url, "LOCK TABLE lightning_invoice, daemon"):
        assert "end its transaction" in await refused(running, LedgerTrouble.LOCKED)
    await goes_on(running)


async def test_read_only(running: Ledger, postgres_server: PostgresServer, postgres_url: str) -> None:
    """A server that takes no writes (a standby after a failover) is named."""
    name = postgres_url.rpartition("/")[2]
    with psycopg.connect(postgres_server.url("postgres"), autocommit=True) as connection:
        connection.execute(f"ALTER DATABASE {name} SET default_transaction_read_only = on".encode())
        connection.execute(b"SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'lnwatch'")
        with pytest.raises(LedgerError):
            await running.probe()
        assert "takes no writes" in await refused(running, LedgerTrouble.READ_ONLY)
        connection.execute(f"ALTER DATABASE {name} RESET default_transaction_read_only".encode())
    await goes_on(running)


@pytest.mark.parametrize(
    ("change", "says"),
    [
        (lambda url: url.replace("://lnwatch:", "://lnwatch:x"), "password authentication failed"),
        (lambda url: url.replace("://lnwatch:", "://nobody:"), "password authentication failed"),
        (lambda url: url + "x", "does not exist"),
        (lambda url: url.replace("127.0.0.1", "127.0.0.2"), "start the server"),
    ],
    ids=["password", "user", "database", "host"],
)
async def test_no_way_in(postgres_url: str, tmp_path: Path, change: Callable[[str], str], says: str) -> None:
    """What keeps us out is said with what to do, without the password."""
    url = change(postgres_url)
    password = url.split(":")[2].partition("@")[0]
    for opening in (open_ledger, visit_ledger):
        with pytest.raises(LedgerError) as error:
            await opening(at(url), tmp_path, ManualClock())
        assert error.value.trouble is LedgerTrouble.UNREACHABLE
        assert says in error.value.message
        assert password not in error.value.message


async def test_no_right_to_create(postgres_url: str, postgres_server: PostgresServer, tmp_path: Path) -> None:
    """A user who may not create tables is told what right is missing."""
    with psycopg.connect(postgres_url, autocommit=True) as connection:
        connection.execute("CREATE ROLE guest LOGIN PASSWORD 'guest'")
    try:
        url = postgres_url.replace(f"lnwatch:{postgres_server.password}", "guest:guest")
        with pytest.raises(LedgerError, match="permission denied for schema public") as error:
            await open_ledger(at(url), tmp_path, ManualClock())
        assert error.value.trouble is LedgerTrouble.READ_ONLY
    finally:
        with psycopg.connect(postgres_url, autocommit=True) as connection:
            connection.execute("DROP ROLE guest")


async def test_another_tenant(postgres_url: str, tmp_path: Path) -> None:
    """Tables of somebody else that are named like ours are left alone."""
    with psycopg.connect(postgres_url, autocommit=True) as connection:
        connection.execute("CREATE TABLE block (x int)")
    with pytest.raises(LedgerError, match="give lnwatch one of its own") as error:
        await open_ledger(at(postgres_url), tmp_path, ManualClock())
    assert error.value.trouble is LedgerTrouble.VERSION


async def test_place_hides_the_password(running: Ledger, postgres_url: str, postgres_server: PostgresServer) -> None:
    """What is shown of the URL has no password in it."""
    shown = status(at(f"{postgres_url}?password={postgres_server.password}"), Path("/nonexistent")).place
    assert running.backend == "postgresql"
    assert postgres_server.password not in shown
    assert shown == postgres_url.replace(postgres_server.password, "***")


async def test_second_daemon_takes_over(postgres_url: str, tmp_path: Path, clock: ManualClock) -> None:
    """A daemon that died lets go of the ledger with its session."""
    first = await open_ledger(at(postgres_url), tmp_path, clock)
    await first.close()
    second = await open_ledger(at(postgres_url), tmp_path, clock)
    assert second.starts == 2
    await second.close()
