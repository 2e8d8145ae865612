import asyncio
import socket
import subprocess
import sys

import pytest

from lnwatch.simulator.ports import free_port

_MANY = "from lnwatch.simulator.ports import free_port; print(*(free_port() for _ in range(200))); input()"


def test_two_processes_never_get_the_same_port() -> None:
    """Though nobody listens on the first one's yet."""
    command = [sys.executable, "-c", _MANY]
    given: list[str] = []
    with (
        subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as one,
        subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as other,
    ):
        for process in (one, other):
            assert process.stdout is not None
            given += process.stdout.readline().split()
        for process in (one, other):
            process.communicate("\n")
    assert len(set(given)) == 400


async def test_a_server_can_listen_on_it_and_again() -> None:
    """Before it does, and after it ended, whoever connects is refused."""
    port = free_port()
    for _ in range(2):
        with pytest.raises(ConnectionRefusedError):
            await asyncio.open_connection("127.0.0.1", port)
        server = await asyncio.start_server(lambda _, writer: writer.close(), "127.0.0.1", port)
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        assert await reader.read() == b""
        writer.close()
        server.close()
        await server.wait_closed()


@pytest.mark.skipif(sys.platform != "linux", reason="other systems let go of it")
def test_nobody_else_takes_it() -> None:
    """Who does not reuse addresses finds it taken."""
    with socket.socket() as tried, pytest.raises(OSError, match="in use"):
        tried.bind(("127.0.0.1", free_port()))
