from pathlib import Path

import pytest

from lnwatch.config import Config, RuleConfig, load
from lnwatch.config.effective import entries
from lnwatch.config.schema import standard
from lnwatch.model.rule import Severity
from tests.config.rooms import SCHEMA, Level, Nothing

SITES = '[site.a.beta.one]\nurl = "x"\n[site.b.beta.one]\nurl = "x"\n'


def loaded(folder: Path, text: str) -> Config:
    path = folder / "lnwatch.toml"
    path.write_text(text + SITES)
    return load(path, {}, SCHEMA)


def test_every_rule_is_there_for_every_site(tmp_path: Path) -> None:
    """Without a word about rules, each site and the daemon itself have all of them, as they are made."""
    rules = loaded(tmp_path, "").rules
    assert list(rules) == ["lnwatch", "a", "b"]
    for of_site in rules.values():
        assert of_site == {
            "water_high": RuleConfig(Level(), after=60.0, keep_firing=5.0),
            "own_trouble": RuleConfig(Nothing(), after=0.0, keep_firing=0.0),
        }


def test_what_rules_are_made_with_is_what_is_in_force(tmp_path: Path) -> None:
    """Every rule of this lnwatch keeps its own times and limits on the way through its settings."""
    path = tmp_path / "lnwatch.toml"
    path.write_text("[site.main.host.here]\n")
    for name, rule in load(path, {}).rules["main"].items():
        made = standard().rules[name].rule
        assert rule == RuleConfig(made.thresholds(), made.after, made.keep_firing), name


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ('[rules.water_high]\nafter = "2s"\n', (2.0, 5.0, None, 3, 90.0)),
        ('[rules.water_high]\nkeep_firing = "1h"\nseverity = "info"\n', (60.0, 3600.0, Severity.INFO, 3, 90.0)),
        ("[rules.water_high]\nparts = 5\nwindow_seconds = 30\n", (60.0, 5.0, None, 5, 30.0)),
        ('[rules.water_high]\nwindow_seconds = "2m"\n', (60.0, 5.0, None, 3, 120.0)),
        ('[site.a.rules.water_high]\nafter = "2s"\nparts = 4\n', (2.0, 5.0, None, 4, 90.0)),
        (
            '[site.a.rules.water_high]\nparts = 4\n[rules.water_high]\nparts = 9\nafter = "7s"\nseverity = "info"\n',
            (7.0, 5.0, Severity.INFO, 4, 90.0),
        ),
    ],
)
def test_a_site_goes_before_all(tmp_path: Path, text: str, expected: tuple[object, ...]) -> None:
    """Key by key: what the site sets, else what is set for all, else what the rule is made with."""
    rule = loaded(tmp_path, text).rules["a"]["water_high"]
    limits = rule.thresholds
    assert (rule.after, rule.keep_firing, rule.severity, limits.parts, limits.window_seconds) == expected


def test_a_site_s_own_is_no_other_s(tmp_path: Path) -> None:
    """The site beside it, and the daemon, keep what is general."""
    rules = loaded(tmp_path, '[site.a.rules.water_high]\nafter = "2s"\n').rules
    assert [rules[site]["water_high"].after for site in ("lnwatch", "a", "b")] == [60.0, 2.0, 60.0]


def test_limits_go_together_as_they_are_in_force(tmp_path: Path) -> None:
    """A limit of a site is held against the general ones, not against what the rule is made with."""
    rules = loaded(tmp_path, "[rules.water_high]\nhigh_share = 0.9\n[site.a.rules.water_high]\nlow_share = 0.8\n").rules
    assert (rules["a"]["water_high"].thresholds.low_share, rules["b"]["water_high"].thresholds.low_share) == (0.8, 0.2)


def test_rules_are_shown_as_people_write_them(tmp_path: Path) -> None:
    """For all sites everything, for one what it has of its own; spans of time with their unit; each with its origin."""
    config = loaded(tmp_path, "[rules.water_high]\nparts = 5\n[site.a.rules.water_high]\nwindow_seconds = 30\n")
    path = tmp_path / "lnwatch.toml"
    assert [(entry.key, entry.text, str(entry.origin)) for entry in entries(config) if ".water_high." in entry.key] == [
        ("rules.water_high.after", '"1m"', "default"),
        ("rules.water_high.keep_firing", '"5s"', "default"),
        ("rules.water_high.severity", "not set", "default"),
        ("rules.water_high.low_share", "0.2", "default"),
        ("rules.water_high.high_share", "0.4", "default"),
        ("rules.water_high.parts", "5", f"{path}:2"),
        ("rules.water_high.window_seconds", '"90s"', "default"),
        ("site.a.rules.water_high.window_seconds", '"30s"', f"{path}:4"),
    ]
