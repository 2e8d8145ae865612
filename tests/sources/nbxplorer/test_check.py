from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from lnwatch.model.chain import Network
from lnwatch.model.snapshot import TargetState
from lnwatch.net import Door
from lnwatch.sources import Checkup, Place, Scope
from lnwatch.sources.nbxplorer import SOURCE, NbxplorerSettings
from lnwatch.sources.nbxplorer.source import is_supported
from tests.manual_clock import ManualClock
from tests.net.certificates import DAY, make_identity
from tests.net.servers import saying, serving
from tests.sources.nbxplorer.conftest import Bed
from tests.sources.nbxplorer.test_status import changed


async def test_well(bed: Bed) -> None:
    """There is nothing to say of one that is in step."""
    assert await bed.make().check() == Checkup(
        reachable=True,
        state=TargetState.UP,
        version="2.6.7",
        supported=True,
        network=Network.REGTEST,
        scope=Scope.ENOUGH,
        synced=True,
    )


async def test_alone(bed: Bed) -> None:
    """Without its bitcoind it answers, and that is a thing to mend."""
    bed.indexer.bitcoind.running = False
    checkup = await bed.make().check()
    assert (checkup.state, checkup.synced) == (TargetState.SYNCING, False)
    assert checkup.problems == ("it can't ask its bitcoind",)


@pytest.mark.parametrize(
    ("breaking", "state", "reachable"),
    [("stop", TargetState.DOWN, False), ("freeze", TargetState.HANGING, True), ("cookie", TargetState.REJECTED, True)],
)
async def test_unwell(bed: Bed, breaking: str, state: TargetState, reachable: bool) -> None:
    """Its failure is in the answer, in one sentence."""
    if breaking == "stop":
        await bed.double.stop()
    elif breaking == "freeze":
        bed.indexer.freeze()
    else:
        bed.cookie.write_text("__cookie__:another")
    checkup = await bed.make().check()
    assert (checkup.state, checkup.reachable) == (state, reachable)
    assert len(checkup.problems) == 1


async def test_a_cookie_for_everybody(bed: Bed) -> None:
    """NBXplorer's cookie is no secret where all may read it."""
    bed.cookie.chmod(0o644)
    (warning,) = (await bed.make().check()).warnings
    assert f"everybody on this machine may read {bed.cookie}" in warning


@pytest.mark.parametrize("trusted", [True, False])
async def test_behind_a_proxy_with_tls(tmp_path: Path, trusted: bool) -> None:
    """The life of the certificate is told, trusted or not."""
    identity = make_identity(end=9 * DAY)
    ca = tmp_path / "ca.pem"
    ca.write_bytes((identity if trusted else make_identity()).certificate)
    async with serving(saying(changed()), identity.server_context(tmp_path)) as port:
        values = {"url": f"https://127.0.0.1:{port}", "ca_file": str(ca), "interval": "9s", "deadline": "4s"}
        place = Place("main", "nbx", ManualClock(identity.not_before.timestamp()), Door())
        source = SOURCE.open(place, SOURCE.settings.model_validate(values))
        checkup = await source.check()
        await source.close()
    assert checkup.tls_expires_at == identity.not_after.timestamp()
    assert (checkup.state is TargetState.REJECTED) is not trusted
    assert source.tls_expires_at == (identity.not_after.timestamp() if trusted else None)


@pytest.mark.parametrize(
    ("version", "supported"),
    [
        ("2.5.0", True),
        ("2.6.7", True),
        ("2.6", True),
        ("2.4.9", False),
        ("2.60.1", False),
        ("3.0.0", False),
        ("", False),
    ],
)
def test_supported(version: str, supported: bool) -> None:
    """Releases that were seen; another one is named, not refused."""
    assert is_supported(version) is supported


@pytest.mark.parametrize(
    ("values", "words"),
    [
        ({"url": "127.0.0.1:24444"}, "http://host:port"),
        ({"url": "unix:/run/nbx.sock"}, "http://host:port"),
        ({"url": "http://u:p@host"}, "keep user and password out"),
        ({"deadline": "15s"}, "shorter than `interval`"),
        ({"interval": "500ms", "deadline": "100ms"}, "at least one second"),
        ({"user": "x"}, "Extra inputs"),
    ],
)
def test_bad_settings(values: dict[str, Any], words: str) -> None:
    """Settings that can't work are refused with what would."""
    with pytest.raises(ValidationError, match=words):
        NbxplorerSettings.model_validate(values)
