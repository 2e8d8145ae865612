"""Runbooks as they are served."""

import re
import tomllib
from pathlib import Path

import pytest

from lnwatch import rules
from lnwatch.discover import discover
from lnwatch.model.rule import Rule
from lnwatch.web.runbooks import Runbook, as_html, runbooks
from tests.web import casebook as book
from tests.web.outline import Outline
from tests.web.stage import Stage

ROOT = Path(__file__).parents[2]
RULES = sorted(discover(rules, "RULE", Rule))


async def served(path: str, status: int = 200) -> Outline:
    answer = await Stage(lambda: book.assessed(book.night())).get(path)
    assert answer.status_code == status
    return Outline(answer.text)


def test_each_rule_has_one() -> None:
    """They are found wherever lnwatch is run from, and each opens with a sentence."""
    assert sorted(runbooks()) == RULES
    assert all(runbook.opening.endswith(".") for runbook in runbooks().values())


@pytest.mark.parametrize("rule", RULES)
async def test_it_is_served_whole(rule: str) -> None:
    """Headings, commands and warnings of the file stand on the page, and every rule that it names is a link."""
    outline = await served(f"/runbooks/{rule}")
    text = runbooks()[rule].text
    assert re.findall(r"Meaning|Impact|Diagnosis|Mitigation|Escalation", outline.text)[:1] == ["Meaning"]
    tags = [tag for tag, _ in outline.tags]
    assert tags.count("h2") == 5
    assert tags.count("pre") == len(re.findall(r"(?m)^ *```", text)) / 2
    assert tags.count("blockquote") == text.count("> **Warning**: ")
    named = {name for name in re.findall(r"`(\w+)`", text) if name in RULES}
    assert named <= set(outline.links())


async def test_the_open_case_stands_beside_it() -> None:
    """Who comes from a message sees what it was about, with the way to the case; of other rules nothing."""
    outline = await served("/runbooks/lightning_down")
    assert "node:ln1 (lnd) has given no answer" in outline.text
    assert "../cases/main/lightning_down/node%3Aln1" in outline.links()
    assert "14 blocks left" not in outline.text
    assert "No case of this rule is open." in (await served("/runbooks/breach")).text


@pytest.mark.parametrize("path", ["/runbooks", "/runbooks/"])
async def test_the_list(path: str) -> None:
    """Every rule with what it tells, and how many of its cases are open."""
    outline = await served(path)
    assert [link.rpartition("/")[2] for link in outline.links() if re.search(r"runbooks/\w", link)] == RULES
    assert "host_disk_low 1 open A disk is nearly full" in outline.text


@pytest.mark.parametrize("name", ["nothing", "lightning_down.md", "%2e%2e%2fsecrets", "Lightning_down", "breach/"])
async def test_an_unknown_rule(name: str) -> None:
    """It is said that there is none, and which there are."""
    outline = await served(f"/runbooks/{name}", 404)
    assert "There is no rule" in outline.text
    assert any(link.endswith("/runbooks/breach") for link in outline.links())


def test_tags_in_a_runbook_stay_text() -> None:
    """A runbook holds text alone: neither tags nor addresses that run something."""
    shown = as_html(Runbook("x", "", "# x\n<script>alert(1)</script>\n\n[x](javascript:alert(1)) `<b>`\n"))
    assert "<script>" not in shown
    assert "href" not in shown
    assert "<code>&lt;b&gt;</code>" in shown


def test_they_are_shipped() -> None:
    """The wheel and the image that is built from it hold them, though they lie beside the source."""
    build = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["hatch"]["build"]["targets"]
    assert build["wheel"]["force-include"] == {"runbooks": "lnwatch/runbooks"}
    assert "/runbooks" in build["sdist"]["include"]
    assert "!runbooks" in (ROOT / ".dockerignore").read_text().splitlines()
    assert "COPY runbooks ./runbooks" in (ROOT / "Dockerfile").read_text().splitlines()
