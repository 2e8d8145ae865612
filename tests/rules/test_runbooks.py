"""Runbooks as somebody reads them at night: the first command first, and none that does not exist."""

import re
import shlex
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from typer.core import TyperGroup
from typer.main import get_command

from lnwatch.cli import app
from tests.requirements import require

RUNBOOKS = Path(__file__).parents[2] / "runbooks"
TEXTS = {path.stem: path.read_text().replace("\\\n", " ") for path in sorted(RUNBOOKS.glob("*.md"))}
BLOCK = re.compile(r"^```sh\n(.*?)^```", re.DOTALL | re.MULTILINE)
INLINE = re.compile(r"`([^`\n]+)`")
# What takes a credential that may do more than read; everything else is asked with one that may not.
CHANGES = (
    *("bakemacaroon", "cancelinvoice", "connect", "disconnect", "newaddress", "settleinvoice"),
    *("wallet bumpfee", "wallet bumpforceclosefee", "wtclient add"),
)
each_runbook = pytest.mark.parametrize("rule", TEXTS)


def commands(text: str, program: str) -> Iterator[list[str]]:
    """The words behind each call of a program, in blocks of commands and within lines."""
    lines = [line for block in BLOCK.findall(text) for line in block.splitlines()]
    for line in [*lines, *INLINE.findall(text)]:
        found = re.match(rf"(?:.*\bexec (?:-\w+ )?\S+ |time )?{program} (?=[a-z-])(.*)", line)
        if found:
            command = re.split(r" \||;| >| 2>|  +#| && ", found[1])[0]
            yield shlex.split(command, comments=True)


@each_runbook
def test_the_first_commands_are_for_both_homes(rule: str) -> None:
    """Whether it is real can be asked at once, in Docker and without."""
    diagnosis = TEXTS[rule].partition("\n## Diagnosis\n")[2]
    first = BLOCK.search(diagnosis)
    assert first is not None
    assert re.search(r"# both|# btcpayserver-docker.*# (?:bare installation|both)", first[1], re.DOTALL)
    assert "> **Warning**" not in diagnosis.partition("```")[0]


@each_runbook
def test_commands_of_lnwatch_exist(rule: str) -> None:
    """With the verbs and the flags that they are given."""
    for words in commands(TEXTS[rule], "lnwatch"):
        command, rest = get_command(app), list(words)
        while isinstance(command, TyperGroup) and rest and not rest[0].startswith("-"):
            assert rest[0] in command.commands, words
            command = command.commands[rest.pop(0)]
        flags = {flag for parameter in command.params for flag in parameter.opts}
        assert {word for word in rest if word.startswith("-")} <= flags, words


@each_runbook
def test_reading_takes_a_credential_that_only_reads(rule: str) -> None:
    """Who looks whether it is real, half asleep, can't change anything by a slip."""
    for words in commands(TEXTS[rule], "lncli"):
        if "--macaroonpath" in words and words[words.index("--macaroonpath") + 1].endswith("/admin.macaroon"):
            told = " ".join(words[words.index("--macaroonpath") + 2 :])
            assert told.startswith(CHANGES), told


@pytest.mark.real
@each_runbook
def test_commands_of_lncli_exist(rule: str) -> None:
    """A real lncli knows each of them, with its flags."""
    lncli = require("stack") / "lncli"
    for words in commands(TEXTS[rule], "lncli"):
        rest = words[2:] if words[0] == "--macaroonpath" else words
        verbs = rest[:2] if rest[0] in {"wallet", "wtclient"} else rest[:1]
        told = subprocess.run([lncli, *verbs, "--help"], check=False, capture_output=True, text=True)
        assert f"lncli {' '.join(verbs)} - " in told.stdout, words
        flags = [word for word in rest if word.startswith("--")]
        assert all(f"{flag} " in told.stdout or f"{flag}\n" in told.stdout for flag in flags), words
