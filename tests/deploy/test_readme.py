"""README says what is there: every metric, the last bench, the commands and files that exist."""

import re
from pathlib import Path
from typing import Any

import pytest
from typer.main import get_command

from lnwatch.cli import app
from lnwatch.executor.lnd import CONNECT_PEER
from lnwatch.sources.bitcoind.check import WHITELIST
from lnwatch.sources.lnd.methods import NEEDED
from lnwatch.store.tables import metadata
from tests.deploy.readme import PARTS, README, names, renewed

ROOT = README.parent
DOCUMENTS = sorted({*ROOT.glob("*.md"), *(ROOT / "docs").glob("*.md")})


def test_the_made_parts_are_current() -> None:
    """The tables of metrics and of the bench are what the code and the last run make of them."""
    text = README.read_text()
    assert renewed(text) == text, "run `python -m tests.deploy.readme`"


def test_the_credentials_are_no_wider_than_needed() -> None:
    """The macaroons and the whitelist that README tells people to make grant what lnwatch calls, and no more."""
    text = README.read_text()
    baked = {
        Path(file).name: set(re.findall(r"uri:(/[\w./]+)", calls))
        for file, calls in re.findall(r"lncli bakemacaroon --save_to (\S+)((?:[\s\\]+uri:\S+)+)", text)
    }
    assert baked == {"lnwatch.macaroon": {method.path for method in NEEDED}, "hands.macaroon": {CONNECT_PEER.path}}
    assert f"rpcwhitelist=lnwatch:{WHITELIST}\n" in text
    assert text.count("rpcwhitelistdefault=0") >= text.count("rpcwhitelist=lnwatch")


def test_every_command_exists() -> None:
    """A command of lnwatch that a document names is one, options included."""
    root = get_command(app)
    for document in DOCUMENTS:
        for line in re.findall(r"^ +lnwatch ([a-z].*)|`lnwatch ([a-z][^`]*)`", document.read_text(), re.MULTILINE):
            words = next(filter(None, line)).partition("#")[0].split()
            command: Any = root
            while words and words[0] in getattr(command, "commands", {}):
                command = command.commands[words.pop(0)]
            assert command is not root, line
            options = {name for parameter in command.params for name in parameter.opts}
            assert {word for word in words if word.startswith("-")} <= options, line


def test_every_table_exists() -> None:
    """A table of the ledger that a document names is one."""
    for document in DOCUMENTS:
        assert set(re.findall(r"--table (\w+)", document.read_text())) <= metadata.tables.keys(), document


def test_every_part_has_one_place() -> None:
    """A made part stands once in README, and text without its place is refused."""
    for name in PARTS:
        assert README.read_text().count(f"<!-- {name} -->") == 1
    with pytest.raises(ValueError, match="no place"):
        renewed("")


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: path.name)
def test_every_metric_that_is_named_exists(document: Path) -> None:
    """No document names a metric that lnwatch does not export."""
    named = {
        name.rstrip("_")
        for name in re.findall(r"\b(lnwatch_(?!token|password)[a-z0-9_]+)\b", document.read_text())
        if not name.endswith("_")
    }
    suffixes = re.compile(r"_(bucket|sum|count)$")
    assert {suffixes.sub("", name) for name in named} <= names()


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: path.name)
def test_every_link_leads_somewhere(document: Path) -> None:
    """Links and pictures inside the repository name files that exist."""
    for target in re.findall(r"\]\(([^)#]+)[^)]*\)|src=\"([^\"]+)\"", document.read_text()):
        path = next(filter(None, target))
        if not re.match(r"[a-z]+:", path):
            assert (document.parent / path).exists(), path


def test_every_command_of_make_exists() -> None:
    """A `make` target that a document names is one of the Makefile's."""
    targets = set(re.findall(r"^([a-z]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    for document in DOCUMENTS:
        named = set(re.findall(r"`make ([a-z]+)`|^ +make ([a-z]+)", document.read_text(), re.MULTILINE))
        assert {next(filter(None, pair)) for pair in named} <= targets, document
