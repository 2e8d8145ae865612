import fcntl
import json
import os
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from lnwatch.clock import SystemClock
from lnwatch.config import load
from lnwatch.simulator.demo.house import SITE, DemoError, House, Pace, configure, listens, occupied, running
from lnwatch.simulator.demo.people import People
from lnwatch.simulator.world import shops
from lnwatch.simulator.world.stage import Stage
from tests.real.testbed.ports import free_port


@contextmanager
def listening() -> Iterator[int]:
    """A port that somebody has."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        yield int(taken.getsockname()[1])


def house(folder: Path) -> House:
    return House(folder, free_port(), free_port())


def test_a_folder_of_somebody_elses_stays_as_it_is(tmp_path: Path) -> None:
    """A folder with other things is refused in one line, and nothing is written there."""
    (tmp_path / "mine.txt").write_text("mine")
    with pytest.raises(DemoError, match="holds other things than a demo"), occupied(house(tmp_path)):
        raise AssertionError("it was taken")
    assert [each.name for each in tmp_path.iterdir()] == ["mine.txt"]


def test_what_an_earlier_demo_left_goes(tmp_path: Path) -> None:
    """A demo's folder is made anew, links in it are not followed."""
    folder, outside = tmp_path / "demo", tmp_path / "outside"
    outside.mkdir()
    (outside / "kept").write_text("kept")
    with occupied(house(folder)):
        (folder / "data").mkdir()
        (folder / "data" / "old").write_text("old")
        (folder / "link").symlink_to(outside)
    with occupied(house(folder)):
        assert [each.name for each in folder.iterdir()] == ["demo.lock"]
    assert (outside / "kept").exists()


def test_a_second_demo_is_told_of_the_first(tmp_path: Path) -> None:
    """In one line, before anything of the first one is touched."""
    first = house(tmp_path / "demo")
    with occupied(first):
        first.state()
        with pytest.raises(DemoError, match="a demo runs in"), occupied(house(tmp_path / "demo")):
            raise AssertionError("it was taken")
        assert running(first.folder)["page"] == first.page
        assert running(first.folder)["pid"] == os.getpid()
    with pytest.raises(DemoError, match="no demo runs in"):
        running(first.folder)


def test_one_that_starts_is_not_there_yet(tmp_path: Path) -> None:
    """Between its lock and its first figures a demo says so."""
    with occupied(house(tmp_path / "demo")), pytest.raises(DemoError, match="is still starting"):
        running(tmp_path / "demo")


@pytest.mark.parametrize("option", ["--port", "--desk-port"])
def test_ports_in_use_are_named(tmp_path: Path, option: str) -> None:
    """With the option that chooses another, and no folder is left behind."""
    with listening() as port:
        ports = (port, free_port()) if option == "--port" else (free_port(), port)
        with (
            pytest.raises(DemoError, match=f"port {port} can't be had.*{option}"),
            occupied(House(tmp_path / "d", *ports)),
        ):
            raise AssertionError("it was had")
    assert not (tmp_path / "d").exists()


def test_a_folder_that_can_not_be_written(tmp_path: Path) -> None:
    """One line, with the option that chooses another."""
    (tmp_path / "file").write_text("")
    with pytest.raises(DemoError, match="can't write to"), occupied(house(tmp_path / "file" / "demo")):
        raise AssertionError("it was written")


async def test_the_daemon_takes_its_configuration(tmp_path: Path) -> None:
    """It is valid, has every source and every channel, and is its owner's alone; BTCPay can wait with telling it."""
    clock = SystemClock()
    stage = Stage(shops("house", int((clock.now() - 3_600) * 1_000), corner=200), tmp_path)
    people, made = People(clock), house(tmp_path)
    async with stage.opened(), people.opened():
        await stage.live_through(clock.now(), lambda _: None)
        configure(made, stage, people, Pace())
        config = load(made.config, {})
    assert {source.kind.kind for source in config.sites[SITE].sources} == {
        "bitcoind",
        "nbxplorer",
        "btcpay",
        "lnd",
        "probe",
    }
    assert set(config.notify) == {"chat", "pager", "hook"}
    assert config.warnings == ()
    assert made.config.stat().st_mode & 0o077 == 0
    listens(made, stage, does=False)
    hooks = {each.url: each.enabled for each in stage.btcpay.core.dispatcher.webhooks.values()}
    assert hooks == {f"{made.page}/hooks/btcpay/demo/pay": False, f"{people.shop.url}/btcpay": True}


def test_the_lock_is_the_kernels(tmp_path: Path) -> None:
    """A demo that was killed leaves no lock: the next one starts."""
    folder = tmp_path / "demo"
    child = os.fork()
    if child == 0:
        folder.mkdir()
        fcntl.flock((folder / "demo.lock").open("a"), fcntl.LOCK_EX)
        (folder / "demo.json").write_text(json.dumps({"page": "http://gone"}))
        os._exit(0)
    os.waitpid(child, 0)
    with pytest.raises(DemoError, match="no demo runs"):
        running(folder)
    with occupied(house(folder)):
        assert not (folder / "demo.json").exists()
