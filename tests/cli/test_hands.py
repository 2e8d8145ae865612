"""What `lnwatch check` says of the hands: where something may be done, and what keeps it from being done."""

from pathlib import Path

import pytest

from lnwatch.cli.inspection import Inspected, Inspection, conclude
from lnwatch.config import load
from lnwatch.executor.lnd import GRANT
from lnwatch.model.snapshot import TargetState
from lnwatch.simulator.lnd.macaroons import READONLY, Bakery
from lnwatch.sources import Checkup

HANDS = 'hands_macaroon_file = "hands.macaroon"\n'
LIVE = "[executor]\ndry_run = false\n"
TELLING = """\
[site.main.btcpay.pay]
url = "https://pay.example"
api_key = "0000000000000000000000000000000000000000"
stores = { shop = "A1" }
webhook_secret = "of-the-webhook"
"""


def concluded(folder: Path, *parts: str) -> Inspection:
    """What there is to say of one node that is well."""
    (folder / "readonly.macaroon").write_bytes(Bakery().bake(READONLY))
    (folder / "readonly.macaroon").chmod(0o600)
    node = '[site.main.lnd.ln1]\naddress = "127.0.0.1:10009"\nmacaroon_file = "readonly.macaroon"\n'
    file = folder / "lnwatch.toml"
    file.write_text("".join([node, *parts]))
    config = load(file, {})
    source = config.sites["main"].sources[0]
    return conclude(config, (Inspected(source, Checkup(reachable=True, state=TargetState.UP)),), (), 0.0)


def give(folder: Path, *rights: str, mode: int = 0o600) -> None:
    (folder / "hands.macaroon").write_bytes(Bakery().bake(rights))
    (folder / "hands.macaroon").chmod(mode)


@pytest.mark.parametrize(
    ("parts", "words"),
    [
        ((), ""),
        ((HANDS,), "main/ln1: there are hands to call peers, and a dry run that keeps them still: executor.dry_run"),
        ((HANDS, LIVE), "main/ln1: lnwatch may have this node call peers, and do nothing else with it"),
        ((LIVE,), "nothing is done anywhere: `executor.dry_run` is off, but no node has a `hands_macaroon_file`"),
        ((LIVE, TELLING), ""),
    ],
)
def test_where_something_is_done(tmp_path: Path, parts: tuple[str, ...], words: str) -> None:
    """It takes both locks; whoever has opened one is told of the other, whoever both of what that means."""
    give(tmp_path, GRANT)
    found = concluded(tmp_path, *parts)
    assert not found.problems
    others = ("nobody is told", "links will begin")
    assert [note for note in found.notes if not note.startswith(others)] == ([words] if words else [])


@pytest.mark.parametrize(
    ("rights", "mode", "words"),
    [
        ((GRANT,), 0o644, "everybody on this machine can read"),
        ((GRANT, "offchain:write"), 0o600, "allows offchain:write: hands get a macaroon for one call alone"),
    ],
)
def test_hands_that_would_not_act(tmp_path: Path, rights: tuple[str, ...], mode: int, words: str) -> None:
    """A macaroon that the hands would refuse is something to mend, dry run or not."""
    give(tmp_path, *rights, mode=mode)
    (problem,) = concluded(tmp_path, HANDS).problems
    assert problem.startswith("main/ln1: ")
    assert words in problem
