import json
from dataclasses import replace
from pathlib import Path

import pytest

from lnwatch.clock import SystemClock
from lnwatch.model.silence import Silence, SilenceKind
from lnwatch.store import LedgerSettings
from tests.cli import daemon
from tests.cli.commands import invoke
from tests.secrets import EMAIL

ADD = ("--for", "2h", "--reason", "upgrade", "--by", "bert")


@pytest.fixture
def standing() -> list[Silence]:
    """A window and a silence that are in force."""
    now = SystemClock().now()
    quiet = Silence("0a1b2c3d", SilenceKind.SILENCE, "anna", f"known, ask {EMAIL}", now, now + 3_600, rule="host_*")
    window = replace(quiet, id="4e5f6a7b", kind=SilenceKind.MAINTENANCE, rule="*", site="main", reason="new disks")
    return [window, quiet]


@pytest.fixture(autouse=True)
def settings(folder: Path) -> LedgerSettings:
    Path("data").mkdir()
    Path("lnwatch.toml").write_text(
        f'data_dir = "data"\n[site.main.bitcoind.core]\ncookie_file = "{folder}/c"\n'
        f'[site.shop.bitcoind.core]\ncookie_file = "{folder}/c"\n'
    )
    return LedgerSettings()


def listed(*kind: str) -> list[dict[str, object]]:
    found: list[dict[str, object]] = json.loads(invoke(*kind, "list", "--json").stdout)["silences"]
    return found


def test_a_silence_from_beginning_to_end(settings: LedgerSettings) -> None:
    """It is put, listed and ended, each time with the daemon's answer."""
    with daemon.running(settings):
        put = invoke("silence", "add", "--rule", "host_*", "--severity", "warning", *ADD)
        assert (put.exit_code, put.stderr) == (0, "")
        (silence,) = listed("silence")
        assert put.stdout.startswith(f"silence {silence['id']} from ")
        assert put.stdout.endswith(" UTC, 2 h: rule host_*, severity warning\n")
        assert silence == {
            "id": silence["id"],
            "kind": "silence",
            "author": "bert",
            "reason": "upgrade",
            "starts_at": silence["starts_at"],
            "ends_at": pytest.approx(silence["starts_at"] + 7_200),  # type: ignore[operator]
            "site": "*",
            "rule": "host_*",
            "subject": "*",
            "owner": "*",
            "severity": "warning",
        }
        assert listed("maintenance") == []
        ended = invoke("silence", "end", str(silence["id"]))
        assert ended.stdout == f"silence {silence['id']} ended\n"
        assert listed("silence") == []


def test_a_window_to_come(settings: LedgerSettings) -> None:
    """A beginning and an end as instants, in UTC unless they say."""
    times = ("--from", "2030-01-31T18:00", "--until", "2030-01-31T21:00+01:00")
    with daemon.running(settings):
        put = invoke("maintenance", "add", "--site", "shop", *times, "--reason", "new disks", "--json")
    told = json.loads(put.stdout)
    assert (told["kind"], told["starts_at"], told["ends_at"]) == ("maintenance", 1_896_112_800.0, 1_896_120_000.0)
    assert told["overlaps"] == []


def test_windows_that_overlap(settings: LedgerSettings, standing: list[Silence]) -> None:
    """One line names the other window, and whose it is; one about the very same is refused."""
    with daemon.running(settings, silences=standing):
        put = invoke("maintenance", "add", "--site", "ma*", *ADD)
        again = invoke("maintenance", "add", "--site", "main", *ADD)
        told = json.loads(invoke("maintenance", "add", "--owner", "oncall", *ADD, "--json").stdout)
    first, note = put.stdout.splitlines()
    assert first.startswith("maintenance window ")
    assert note.startswith("note: it overlaps with 4e5f6a7b, from ")
    assert note.endswith(" UTC, by anna: new disks")
    assert again.exit_code == 1
    assert again.stderr.startswith("lnwatch: it overlaps maintenance 4e5f6a7b of anna, ")
    assert again.stderr.count("\n") == 1
    assert set(told["overlaps"]) == {"4e5f6a7b", first.split()[2]}


def test_a_list(settings: LedgerSettings, standing: list[Silence]) -> None:
    """What is in force or to come, by kind, also while no daemon runs; secrets are covered."""
    daemon.leave(settings, silences=standing)
    result = invoke("silence", "list")
    assert result.stderr == "lnwatch: the daemon does not run: this is how it left things\n"
    heads, row = result.stdout.splitlines()
    assert heads.split() == ["id", "from", "to", "what", "by"]
    assert row.startswith("0a1b2c3d  ")
    assert row.endswith("  rule host_*  anna: known, ask [redacted]")
    assert [each["id"] for each in listed("maintenance")] == ["4e5f6a7b"]
    assert EMAIL not in invoke("silence", "list", "--json").stdout


def test_nothing_is_quiet(settings: LedgerSettings) -> None:
    """An empty list says so."""
    daemon.leave(settings)
    assert invoke("silence", "list").stdout == "no silence\n"
    assert invoke("maintenance", "list").stdout == "no maintenance window\n"


@pytest.mark.parametrize(
    ("arguments", "line"),
    [
        ((), "--site, --rule, --subject, --owner, --severity: give at least one; `--site '*'` is everything"),
        (("--rule", "host_disc_low"), "--rule: no rule is `host_disc_low`; did you mean `host_disk_low`?"),
        (("--site", "mian"), "--site: no site is `mian`; did you mean `main`?"),
        (("--owner", "boss"), "--owner: no owner is `boss`; valid here: `oncall`, `operators`, "),
        (("--severity", "crit"), "--severity: no severity is `crit`; did you mean `critical`?"),
        (("--rule", "*breach"), "--rule: `*breach` is told whatever is silent"),
        (("--rule", "htlc_near_expiry"), "--rule: `htlc_near_expiry` is told whatever is silent"),
        (("--site", "main", "--from", "2030-01-01", "--until", "2029-01-01"), "--for, --until: give one of the two"),
    ],
)
def test_what_could_never_be_quiet(settings: LedgerSettings, arguments: tuple[str, ...], line: str) -> None:
    """A glob that fits nothing, or what nothing mutes, is one line, and nothing is put."""
    with daemon.running(settings):
        result = invoke("silence", "add", *arguments, *ADD)
        assert (result.exit_code, result.stdout) == (2, "")
        assert result.stderr.startswith(f"lnwatch: Invalid value for {line}")
        assert result.stderr.count("\n") == 1
        assert listed("silence") == []


def test_an_end_before_the_beginning() -> None:
    """It is one line that names the end."""
    times = ("--from", "2030-01-02", "--until", "2030-01-01")
    result = invoke("silence", "add", "--site", "main", *times, "--reason", "x")
    assert result.exit_code == 2
    assert result.stderr == (
        "lnwatch: Invalid value for --for, --until: the end, 2030-01-01 00:00:00 UTC, is not after the beginning\n"
    )


def test_what_does_not_last(settings: LedgerSettings, standing: list[Silence]) -> None:
    """An ID that no silence has is one line with the nearest; that of a window is none of a silence."""
    with daemon.running(settings, silences=standing):
        near = invoke("silence", "end", "0a1b2c3e")
        other = invoke("silence", "end", "4e5f6a7b")
        assert [each["id"] for each in listed("maintenance")] == ["4e5f6a7b"]
    assert (near.exit_code, other.exit_code) == (1, 1)
    assert near.stderr == "lnwatch: no silence `0a1b2c3e` lasts; did you mean `0a1b2c3d`?\n"
    assert other.stderr == "lnwatch: no silence `4e5f6a7b` lasts; `lnwatch silence list` tells which do\n"


def test_coverage(settings: LedgerSettings) -> None:
    """Rules that can't fire are named with why and what to do, of each site; programs get every rule."""
    with daemon.running(settings):
        result = invoke("coverage")
        told = json.loads(invoke("coverage", "--json").stdout)["coverage"]
    assert result.exit_code == 0
    titles = [line for line in result.stdout.splitlines() if line.startswith("site ")]
    assert [title.split(":")[0] for title in titles] == ["site main", "site shop"]
    assert all(title.endswith(" rules can fire everywhere") for title in titles)
    (row,) = (each for each in told if (each["site"], each["rule"]) == ("main", "bitcoind_down"))
    assert set(row) == {"site", "rule", "scope", "severity", "owner", "covered", "why", "grant"}
    assert (row["severity"], row["owner"], row["covered"]) == ("critical", "oncall", False)
    shown, _ = (line for line in result.stdout.splitlines() if line.startswith("bitcoind_down "))
    assert row["why"] in shown
    assert row["grant"] in shown
