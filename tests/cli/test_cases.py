import json
from dataclasses import replace
from pathlib import Path

import pytest

from lnwatch.cli.naming import title
from lnwatch.clock import SystemClock
from lnwatch.model.case import CaseState, Fingerprint, short_id
from lnwatch.store import LedgerSettings
from tests.cli import daemon
from tests.cli.commands import invoke
from tests.cli.stories import DONE, DOWN, FULL, OTHER, SOON, begun, living, story
from tests.cli.terminal import Terminal
from tests.secrets import leaked

pytestmark = pytest.mark.usefixtures("standin_room")


@pytest.fixture
def settings(folder: Path) -> LedgerSettings:
    Path("lnwatch.toml").write_text('data_dir = "data"\n[site.main.standin.core]\n[site.shop.standin.core]\n')
    Path("data").mkdir()
    return LedgerSettings()


@pytest.fixture
def left(settings: LedgerSettings) -> float:
    """A ledger with cases, as a daemon left it just now."""
    now = SystemClock().now()
    daemon.leave(settings, story(now))
    return now


@pytest.mark.usefixtures("left")
def test_open_cases() -> None:
    """Open ones by site, the worst first, with what is typed for each; a stopped daemon is told of beside them."""
    result = invoke("cases")
    assert result.exit_code == 0
    assert result.stdout == (
        "site main\n"
        "id        severity  state  age  what\n"
        f"{short_id(DOWN)}  critical  open   2 h  lightning_down: node:ln1 does not answer.\n"
        f"{short_id(FULL)}  warning   open   2 h  host_disk_low: path:/data has 3.1 % left (limit 5 %).\n"
        "\n"
        "site shop\n"
        "id        severity  state  age  what\n"
        f"{short_id(OTHER)}  critical  open   2 h  lightning_down: node:ln1 does not answer; ask [redacted].\n"
        "\n"
        "3 open cases, 2 critical\n"
    )
    assert result.stderr == "lnwatch: the daemon does not run: this is how it left things\n"


@pytest.mark.usefixtures("left")
@pytest.mark.parametrize(
    ("arguments", "shown"),
    [
        ((), [DOWN, FULL, OTHER]),
        (("--site", "main"), [DOWN, FULL]),
        (("--site", "lnwatch"), []),
        (("--all",), [DOWN, SOON, FULL, DONE, OTHER]),
        (("--all", "--site", "shop"), [OTHER]),
    ],
)
def test_which_cases(arguments: tuple[str, ...], shown: list[Fingerprint]) -> None:
    """Pending and ended ones are listed when asked for, one site when named."""
    result = invoke("cases", "--json", *arguments)
    document = json.loads(result.stdout)
    assert [each["id"] for each in document["cases"]] == [short_id(each) for each in shown]
    assert document["daemon_runs"] is False
    assert not leaked(result.stdout)


def test_a_case_as_json(left: float) -> None:
    """The shape that programs may rely on."""
    (told,) = json.loads(invoke("cases", "--json", "--site", "shop").stdout)["cases"]
    assert told == {
        "id": short_id(OTHER),
        "site": "shop",
        "rule": "lightning_down",
        "subject": "node:ln1",
        "number": 1,
        "state": "open",
        "severity": "critical",
        "owner": "oncall",
        "sentence": "node:ln1 does not answer; ask [redacted].",
        "found_at": left - 7_260.0,
        "seen_at": told["seen_at"],
        "opened_at": left - 7_200.0,
        "ended_at": None,
        "snoozed_until": None,
        "actor": "",
        "note": "",
        "runbook_url": "http://127.0.0.1:8735/runbooks/lightning_down",
        "case_url": "http://127.0.0.1:8735/cases/shop/lightning_down/node%3Aln1",
    }


def test_nothing_is_wrong(settings: LedgerSettings) -> None:
    """No case is told as such, with the daemon that says so."""
    with daemon.running(settings):
        result = invoke("cases")
        document = json.loads(invoke("cases", "--json").stdout)
    assert (result.exit_code, result.stdout, result.stderr) == (0, "no open case\n", "")
    assert document == {"cases": [], "daemon_runs": True}


@pytest.mark.usefixtures("left")
def test_one_case() -> None:
    """Its sentence, facts, times, runbook, decisions and messages."""
    result = invoke("case", short_id(DOWN))
    assert result.exit_code == 0
    head, state, sentence, fact, span, runbook, *rest = result.stdout.splitlines()
    assert head == f"{short_id(DOWN)} lightning_down node:ln1 at main"
    assert state == "critical for oncall, open"
    assert (sentence, fact) == ("node:ln1 does not answer.", "  refused by: 127.0.0.1:10009")
    assert span.endswith(" UTC, 2 h")
    assert runbook == "what to do: http://127.0.0.1:8735/runbooks/lightning_down"
    assert rest[:3] == ["", "decided", "at                       change  why     severity  who"]
    assert rest[3].endswith("UTC  opened  lasted  critical  -")
    assert rest[4:7] == ["", "told", "at                       channel  change  status   words"]
    assert rest[7].endswith("UTC  slack    opened  pending  -")


def test_one_case_as_json(left: float) -> None:
    """The same for programs, with every step and message."""
    told = json.loads(invoke("case", "bitcoind_down", "source:core", "--json").stdout)
    assert (told["id"], told["state"], told["ended_at"]) == (short_id(DONE), "resolved", left - 60)
    steps = [(step["number"], step["transition"], step["reason"], step["state"]) for step in told["history"]]
    assert steps == [(1, "opened", "lasted", "open"), (1, "resolved", "clear", "resolved")]
    messages = [(each["channel"], each["transition"], each["status"], each["sent_at"]) for each in told["messages"]]
    assert messages == [("slack", "opened", "pending", None), ("slack", "resolved", "pending", None)]


@pytest.mark.usefixtures("left")
@pytest.mark.parametrize(
    "words",
    [
        (short_id(FULL),),
        ("main/host_disk_low/path:/data",),
        ("host_disk_low", "path:/data"),
        ("host_disk_low path:/data",),
    ],
)
def test_ways_to_name_a_case(words: tuple[str, ...]) -> None:
    """Its ID, its whole name, or rule and subject."""
    assert json.loads(invoke("case", *words, "--json").stdout)["id"] == short_id(FULL)


@pytest.mark.usefixtures("left")
@pytest.mark.parametrize(
    ("words", "line"),
    [
        (
            ("lightning_down", "node:ln1"),
            f"`lightning_down node:ln1` is `{title(DOWN)}` and `{title(OTHER)}`: give the ID of one",
        ),
        (
            ("host_disc_low", "path:/data"),
            f"there is no case `host_disc_low path:/data`; did you mean `{title(FULL)}`?",
        ),
        (
            (f"{short_id(FULL)[:-1]}z",),
            f"there is no case `{short_id(FULL)[:-1]}z`; did you mean `{title(FULL)}`?",
        ),
        (("nonsense",), "there is no case `nonsense`; `lnwatch cases --all` lists those that there are"),
    ],
)
def test_a_name_that_fits_no_case_or_many(words: tuple[str, ...], line: str) -> None:
    """One line with the nearest, or with those that are meant."""
    for verb in (("case",), ("ack",), ("close", "--reason", "x")):
        result = invoke(verb[0], *words, *verb[1:])
        assert (result.exit_code, result.stdout) == (1, "")
        assert result.stderr == f"lnwatch: {line}\n"


@pytest.mark.usefixtures("left")
def test_a_site_that_is_not_there() -> None:
    """A misspelt site is not an empty list."""
    result = invoke("cases", "--site", "mian")
    assert result.exit_code == 2
    assert result.stderr == "lnwatch: Invalid value for --site: there is no site `mian`; did you mean `main`?\n"


def test_ids_stay() -> None:
    """An ID is the same on every machine and in every version, and another for each case."""
    assert short_id(DOWN) == "59a1ab89"
    assert len({short_id(each) for each in (DOWN, FULL, OTHER, SOON, DONE)}) == 5
    assert short_id(Fingerprint("a", "b", "c/d")) != short_id(Fingerprint("a", "b/c", "d"))


def test_a_terminal_of_80_columns(folder: Path, settings: LedgerSettings) -> None:
    """On a terminal nothing is wider than it, and what is typed stays in one piece."""
    Path("lnwatch.toml").write_text(f'data_dir = "data"\n[site.main.bitcoind.core]\ncookie_file = "{folder}/c"\n')
    far = replace(FULL, rule="htlc_near_expiry", subject=f"htlc:{'ab' * 32}:1/out/17")
    now = SystemClock().now()
    taken = living(
        now, far, state=CaseState.ACKNOWLEDGED, sentence=f"2,000 sat over channel {'ab' * 32}:1 end in 12 blocks."
    )
    daemon.leave(settings, [begun(living(now)), begun(taken)])
    terminal = Terminal(folder, "cases")
    assert terminal.answer([]) == 0
    lines = terminal.seen.splitlines()
    assert max(map(len, lines)) <= 80
    for words in ((short_id(DOWN), "critical", "open", "2 h"), (short_id(far), "critical", "acknowledged", "2 h")):
        assert any(all(word in line for word in words) for line in lines), terminal.seen
