import re
from collections import Counter
from pathlib import Path

import pytest

from lnwatch import rules
from lnwatch.discover import discover
from lnwatch.errors import ConfigError
from lnwatch.model.rule import Rule
from lnwatch.simulator.scenario import Scenario, shipped
from lnwatch.simulator.scenario.catalogue import TO_COME
from lnwatch.simulator.scenario.causes import CAUSES

ROOT = Path(__file__).parents[3]

KNOWN = {rule.id for rule in discover(rules, "RULE", Rule).values()}
GOOD = """\
about = "LND is locked"
seed = "one"
begin = 2026-03-03T14:00:00Z
lasts = "10m"
stores = { books = 60 }
silent = ["bitcoind_down"]

[[causes]]
what = "lnd_locked"
at = "1m"
lasts = "5m"

[[opens]]
rule = "lightning_locked"
hurt_from = "1m"
hurt_until = "6m"
within = "2m"
"""


def read(folder: Path, text: str) -> Scenario:
    path = folder / "mine.toml"
    path.write_text(text)
    return Scenario.read(path)


def test_a_good_file_is_read(tmp_path: Path) -> None:
    """Durations are seconds, what is not said has its usual value."""
    found = read(tmp_path, GOOD)
    assert (found.lasts, found.history, found.causes[0].lasts, found.opens[0].within) == (600, 86_400, 300, 120)
    assert found.opens[0].told == ("slack",)


@pytest.mark.parametrize(
    ("old", "new", "line"),
    [
        ('"lnd_locked"', '"lnd_lokced"', "mine.toml: causes[1].what: found 'lnd_lokced'; there is no such cause"),
        ('at = "1m"', "at = 60", "mine.toml: causes[1].at: found 60; a duration is text with a unit"),
        ('lasts = "5m"', "", "mine.toml: causes[1]: found a table; `lasts` is missing"),
        ('lasts = "5m"', 'lasts = "20m"', "mine.toml: the file: found a table; lnd_locked ends after the scenario"),
        ('lasts = "5m"', 'lasts = "5m"\namount = 3', "causes[1]: found a table; `amount` does not go with lnd_locked"),
        ("{ books = 60 }", "{}", "mine.toml: stores: found a table; name at least one store"),
        ("14:00:00Z", "14:00:00", "mine.toml: begin: found datetime"),
        ('seed = "one"', "", "mine.toml: seed: found nothing; field required"),
        ('seed = "one"', 'seed = "one"\nsede = "two"', "mine.toml: sede: found 'two'; extra inputs are not permitted"),
        ('lasts = "5m"', 'lasts = "5m"\nwho = "lnd"', "causes[1]: found a table; `who` does not go with lnd_locked"),
        (
            'lasts = "5m"',
            'lasts = "5m"\nkind = "hang"',
            "causes[1]: found a table; neither `kind` nor `path` goes with it",
        ),
        ('at = "1m"', 'before = "1m"', "causes[1]: found a table; `before` does not go with lnd_locked"),
        ('seed = "one"', 'seed = "one"\nshows = [{ metric = "x" }]', "shows[1]: found a table; say `least`, `most` or"),
        ('seed = "one"', 'seed = "one"\ntickets = { game = 900 }', "`tickets` names game, which is not among `stores`"),
        ('seed = "one"', 'seed = "one"\nchannels = { mill = [] }', "mine.toml: channels: found a table; each peer has"),
        ('seed = "one"', 'seed = "one"\nlacks = ["canfly"]', "mine.toml: lacks: found ['canfly']; there is no canfly"),
        (
            'seed = "one"',
            'seed = "one"\nway = "fax"',
            "mine.toml: way: found 'fax'; input should be 'sockets' or 'facts'",
        ),
        ('within = "2m"', "", "mine.toml: opens[1].within: found nothing; field required"),
        ('"bitcoind_down"', '"lightning_locked"', "lightning_locked can't both open and be silent"),
        ("[[causes]]", "[[causes", "found no TOML"),
    ],
)
def test_a_bad_file_gets_a_line_that_names_the_key(tmp_path: Path, old: str, new: str, line: str) -> None:
    """What was found there, and what is allowed."""
    with pytest.raises(ConfigError) as raised:
        read(tmp_path, GOOD.replace(old, new, 1))
    (problem,) = raised.value.problems
    assert line in str(problem)
    assert "\n" not in str(problem)


@pytest.mark.parametrize(
    ("keys", "line"),
    [
        ('who = "lndd"\nkind = "hang"', "`who` is one of bitcoind, nbxplorer, btcpay, lnd, slack, pagerduty, shop"),
        ('kind = "hang"', "`who` is missing: an endpoint"),
        ('who = "lnd"\nkind = "trickle"', "`kind` for lnd is one of refuse, reset, hang, tls_expired, tls_wrong_name"),
        ('who = "btcpay"\nkind = "error"', "`path` is missing: what of BTCPay answers with an error"),
        ('who = "slack"\nkind = "hang"\npath = "/api"', "`path` goes with btcpay alone"),
    ],
)
def test_a_fault_says_what_it_takes(tmp_path: Path, keys: str, line: str) -> None:
    """Which endpoints there are, and what can be wrong with each."""
    with pytest.raises(ConfigError) as raised:
        read(tmp_path, GOOD.replace('what = "lnd_locked"', f'what = "fault"\n{keys}', 1))
    (problem,) = raised.value.problems
    assert "mine.toml: causes[1]: found a table; " in str(problem)
    assert line in str(problem)


@pytest.mark.parametrize(
    ("old", "new", "line"),
    [
        (
            '["bitcoind_down"]',
            '["bitcoind_dwon"]',
            "mine.toml: silent[1]: found 'bitcoind_dwon'; there is no such rule",
        ),
        ('"lightning_locked"\nhurt', '"lightning_loked"\nhurt', "opens[1].rule: found 'lightning_loked'; there is no"),
        ("[[opens]]", "[rules.all_well]\nafter = '1m'\n\n[[opens]]", "mine.toml: rules.all_well: found 'all_well'"),
    ],
)
def test_a_rule_that_nobody_knows_is_named(tmp_path: Path, old: str, new: str, line: str) -> None:
    """Wherever the file speaks of it; one that is still to come is known."""
    path = tmp_path / "mine.toml"
    path.write_text(GOOD.replace(old, new, 1))
    with pytest.raises(ConfigError) as raised:
        Scenario.read(path, KNOWN)
    assert line in str(raised.value.problems[0])
    path.write_text(GOOD.replace('["bitcoind_down"]', '["nothing_settles"]', 1))
    assert Scenario.read(path, KNOWN).silent == ("nothing_settles",)


def test_no_rule_is_coming_that_is_there() -> None:
    """What the truth of a scenario awaits leaves the list as soon as it can be judged."""
    assert not KNOWN & {*TO_COME}


@pytest.mark.parametrize("name", shipped())
def test_what_is_shipped_is_true_to_the_catalogue(name: str) -> None:
    """Every scenario can be read; its rules exist; what is hurt is so within it, after one of its causes."""
    scenario = Scenario.read(shipped()[name], KNOWN)
    for each in scenario.opens:
        assert each.hurt_from < each.hurt_until <= scenario.lasts
        assert each.hurt_from >= min(cause.start for cause in scenario.causes)
        assert each.hurt_from + each.within < each.hurt_until


def test_all_forty_are_there() -> None:
    """Each scenario has a number; three incidents come in two shapes."""
    numbers = Counter(int(name[:2]) for name in shipped())
    assert sorted(numbers) == list(range(1, 41))
    assert {number for number, files in numbers.items() if files > 1} == {28, 35, 38}


def test_every_cause_is_in_the_page() -> None:
    """The tables of docs/writing-a-scenario.md name all causes and kinds of faults, and none besides."""
    page = (ROOT / "docs" / "writing-a-scenario.md").read_text().partition("## Causes")[2].partition("## Looking")[0]
    rows = [line.split("|") for line in page.splitlines() if line.startswith("| `")]
    named = {word for row in rows for word in re.findall(r"`([a-z_]+)`", row[1])}
    kinds = {kind for of in CAUSES["fault"].whom.values() for kind in of}
    assert named == {*CAUSES, *kinds}


def test_every_cause_says_what_it_is() -> None:
    """In a few words of its own."""
    assert all(each.sentence for each in CAUSES.values())
    assert len({each.sentence for each in CAUSES.values()}) == len(CAUSES)
