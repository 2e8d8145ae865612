import json
import os
from pathlib import Path
from typing import Any

import pytest

from lnwatch.errors import FailureReason, SourceError
from lnwatch.model.chain import NbxplorerNode, NbxplorerStatus, Network
from lnwatch.model.snapshot import Reading, TargetReport, TargetState
from lnwatch.net import Door
from lnwatch.simulator.kestrel import Reply
from lnwatch.sources import Place, Source
from lnwatch.sources.nbxplorer import SOURCE
from tests.manual_clock import ManualClock
from tests.net.servers import full_backlog, saying, serving, silence
from tests.sources.bitcoind.ledger import Ledger
from tests.sources.nbxplorer.conftest import Bed

WELL: dict[str, Any] = {
    "isFullySynched": True,
    "chainHeight": 132,
    "syncHeight": 132,
    "bitcoinStatus": {"blocks": 132, "headers": 132, "isSynched": True},
    "networkType": "Regtest",
}


async def read(source: Source) -> Reading:
    return await source.collectors[0].collect(Ledger())


async def refused(source: Source) -> SourceError:
    with pytest.raises(SourceError) as caught:
        await read(source)
    return caught.value


async def test_in_step(bed: Bed) -> None:
    """Everything that it tells of the chain, and that it serves."""
    source = bed.make()
    reading = await read(source)
    assert reading.facts == NbxplorerStatus(
        Network.REGTEST, "2.6.7", True, 132, 132, NbxplorerNode(132, 132, synced=True), 0.0
    )
    assert reading.target == TargetReport(TargetState.UP, "2.6.7", supported=True, network=Network.REGTEST)
    assert source.cost.calls == 1
    assert source.cost.bytes_received > 100


@pytest.mark.parametrize(
    ("behind", "state", "detail"),
    [
        (2, TargetState.UP, ""),
        (3, TargetState.SYNCING, "it has indexed block 129 of 132"),
        (40, TargetState.SYNCING, "it has indexed block 92 of 132"),
    ],
)
async def test_behind(bed: Bed, behind: int, state: TargetState, detail: str) -> None:
    """It calls itself synchronised until three blocks are missing; the height tells sooner."""
    bed.indexer.sync_height = 132 - behind
    reading = await read(bed.make())
    assert isinstance(reading.facts, NbxplorerStatus)
    assert (reading.facts.sync_height, reading.facts.chain_height) == (132 - behind, 132)
    assert reading.target is not None
    assert (reading.target.state, reading.target.detail) == (state, detail)


async def test_nothing_indexed_yet(bed: Bed) -> None:
    """A height that it does not have is none, not zero."""
    bed.indexer.sync_height = None
    reading = await read(bed.make())
    assert isinstance(reading.facts, NbxplorerStatus)
    assert reading.facts.sync_height is None
    assert reading.target is not None
    assert (reading.target.state, reading.target.detail) == (TargetState.SYNCING, "it has indexed nothing yet")


async def test_its_bitcoind_is_away(bed: Bed) -> None:
    """It then says that the chain has height 0, which is not taken for one."""
    bed.indexer.bitcoind.running = False
    reading = await read(bed.make())
    assert isinstance(reading.facts, NbxplorerStatus)
    assert (reading.facts.chain_height, reading.facts.sync_height, reading.facts.node) == (None, 132, None)
    assert reading.target is not None
    assert (reading.target.state, reading.target.detail) == (TargetState.SYNCING, "it can't ask its bitcoind")


async def test_its_bitcoind_catches_up(bed: Bed) -> None:
    """What is missing is bitcoind's, and is told so."""
    bed.indexer.core_behind = 20
    reading = await read(bed.make())
    assert reading.target is not None
    assert reading.target.detail == "its bitcoind catches up: block 112 of 132"


async def test_a_new_cookie_is_read(bed: Bed) -> None:
    """A restart writes another one; the next call has it, without a failure between."""
    source = bed.make()
    await read(source)
    await bed.double.stop()
    assert (await refused(source)).reason is FailureReason.REFUSED
    await bed.double.start()
    await read(source)


@pytest.mark.parametrize(
    ("cookie", "reason", "words"),
    [
        ("__cookie__:of-another-node", FailureReason.REJECTED, "does not accept the cookie in"),
        ("", FailureReason.REJECTED, "does not accept the cookie in"),
        (None, FailureReason.CREDENTIAL_UNREADABLE, "No such file"),
    ],
)
async def test_wrong_cookie(bed: Bed, cookie: str | None, reason: FailureReason, words: str) -> None:
    """Another's cookie is rejected; one that is not there is our own trouble."""
    if cookie is None:
        bed.cookie.unlink()
    else:
        bed.cookie.write_text(cookie)
    error = await refused(bed.make())
    assert error.reason is reason
    assert words in error.message
    assert "of-another-node" not in error.message


async def test_no_cookie_where_one_is_asked_for(bed: Bed) -> None:
    """The remedy is a key of the configuration."""
    error = await refused(bed.make(cookie_file=None))
    assert error.reason is FailureReason.REJECTED
    assert "set `cookie_file`" in error.message


@pytest.mark.parametrize("settings", [{"cookie_file": None}, {"cookie_file": "/nowhere/.cookie"}])
async def test_without_a_login(bed: Bed, settings: dict[str, Any]) -> None:
    """With --noauth no cookie is needed, and one that can't be read hinders nobody."""
    open_to_all = type(bed.double)(bed.indexer)
    await open_to_all.start()
    try:
        await read(bed.make(url=open_to_all.url, **settings))
    finally:
        await open_to_all.close()


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything")
async def test_a_cookie_that_may_not_be_read(bed: Bed) -> None:
    """The file is named."""
    bed.cookie.chmod(0)
    error = await refused(bed.make())
    assert error.reason is FailureReason.CREDENTIAL_UNREADABLE
    assert str(bed.cookie) in error.message


async def test_it_hangs(bed: Bed) -> None:
    """It accepts and says nothing: that has its own reason, for BTCPay goes on saying that all is well."""
    bed.indexer.freeze()
    assert (await refused(bed.make())).reason is FailureReason.TIMEOUT


async def test_nobody_answers() -> None:
    """A port that takes no connection is as good as closed."""
    with full_backlog() as port:
        assert (await refused(over(port))).reason is FailureReason.REFUSED


def over(port: int, deadline: str = "10s") -> Source:
    settings = SOURCE.settings.model_validate(
        {"url": f"http://127.0.0.1:{port}", "interval": "15s", "deadline": deadline}
    )
    return SOURCE.open(Place("main", "nbx", ManualClock(), Door()), settings)


def http(body: bytes, status: str = "200 OK") -> bytes:
    return b"HTTP/1.1 %s\r\nContent-Length: %d\r\n\r\n%s" % (status.encode(), len(body), body)


def changed(**changes: object) -> bytes:
    return http(json.dumps(WELL | changes).encode())


@pytest.mark.parametrize(
    ("answer", "reason", "words"),
    [
        (http(b"<html>Welcome to nginx</html>"), FailureReason.MALFORMED, "no status of an NBXplorer: the body"),
        (http(b""), FailureReason.MALFORMED, "the body"),
        (http(b"[]"), FailureReason.MALFORMED, "the body"),
        (http(b"{}"), FailureReason.MALFORMED, "isFullySynched"),
        (changed(chainHeight="132"), FailureReason.MALFORMED, "chainHeight"),
        (changed(chainHeight=1.5), FailureReason.MALFORMED, "chainHeight"),
        (changed(syncHeight=-1), FailureReason.MALFORMED, "syncHeight"),
        (changed(syncHeight=2**40), FailureReason.MALFORMED, "syncHeight"),
        (changed(bitcoinStatus={}), FailureReason.MALFORMED, "bitcoinStatus.blocks"),
        (changed(cryptoCode="LTC"), FailureReason.MALFORMED, "told of LTC"),
        (changed(networkType="Doge"), FailureReason.UNSUPPORTED, "Doge"),
        (http(b"x" * 1_100_000), FailureReason.MALFORMED, "limit of 1,048,576 bytes"),
        (http(b'{"isFullySynched": tr')[:-4], FailureReason.MALFORMED, "cut short"),
        (http(b"", "404 Not Found"), FailureReason.UNSUPPORTED, "does not index BTC"),
        (http(b"", "500 Oops"), FailureReason.FAILED, "HTTP 500"),
        (http(b"", "503 Busy"), FailureReason.OVERLOADED, "HTTP 503"),
        (http(b"", "403 No"), FailureReason.FORBIDDEN, "HTTP 403"),
        (b"HTTP/1.1 302 Found\r\nLocation: /login\r\nContent-Length: 0\r\n\r\n", FailureReason.FAILED, "redirect"),
        (b"SSH-2.0-OpenSSH\r\n\r\n", FailureReason.MALFORMED, "not HTTP"),
        (b"", FailureReason.REFUSED, "closed the connection"),
    ],
)
async def test_what_is_no_status(answer: bytes, reason: FailureReason, words: str) -> None:
    """Whatever else answers there has one clear reason, and no figure is taken from it."""
    async with serving(saying(answer)) as port:
        error = await refused(over(port))
    assert error.reason is reason
    assert words in error.message


async def test_another_coin_alone(bed: Bed) -> None:
    """An NBXplorer that does not index bitcoin says so in its own way."""
    value = {"httpCode": 404, "code": "cryptoCode-not-supported", "message": "BTC is not supported"}
    bed.double.faults.failing["/BTC/status"] = Reply.of(404, value)
    assert (await refused(bed.make())).reason is FailureReason.UNSUPPORTED


async def test_recorded_answers() -> None:
    """What a real NBXplorer answered is read, frozen moments and all."""
    folder = Path(__file__).parents[2] / "recorded"
    (answers,) = [json.loads(path.read_text()) for path in folder.glob("nbxplorer-2.6.7/status.json")]
    assert len(answers) == 3
    for recorded in answers:
        async with serving(saying(http(json.dumps(recorded).encode()))) as port:
            facts = (await read(over(port))).facts
        assert isinstance(facts, NbxplorerStatus)
        assert facts.synced is recorded["isFullySynched"]
        assert (facts.chain_height, facts.sync_height) == (recorded["chainHeight"], recorded["syncHeight"])


async def test_silence_is_a_hang() -> None:
    """A bare port that accepts is no NBXplorer that is down."""
    async with serving(silence) as port:
        assert (await refused(over(port, "500ms"))).reason is FailureReason.TIMEOUT
