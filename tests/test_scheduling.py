"""How the tests themselves are handed out."""

import ast
from itertools import chain

import pytest

from tests.scheduling import APART, LONG, ROOT, arranged, unit


def test_what_is_named_is_there() -> None:
    """A file that got another name would lose its place without a word."""
    assert [place for place in (*APART, *LONG) if not (ROOT / place).exists()] == []


def test_tests_that_share_stay_together() -> None:
    """Nothing that is made once for a file is in one whose tests stand apart, nor in the conftest of its folder."""
    folders = [sorted((ROOT / place).glob("*.py")) if place.endswith("/") else [ROOT / place] for place in APART]
    sharing = [
        f"{path.relative_to(ROOT)}: {decorator.lineno}"
        for path in chain.from_iterable(folders)
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
        for decorator in node.decorator_list
        if isinstance(decorator, ast.Call) and any(word.arg == "scope" for word in decorator.keywords)
    ]
    assert sharing == []


def test_each_has_its_turn_once(request: pytest.FixtureRequest) -> None:
    """Nothing is lost or asked for twice, and what one process runs as a whole is not torn apart."""
    items = request.session.items
    order = arranged(items)
    assert sorted(map(id, order)) == sorted(map(id, items))
    names = [unit(item.nodeid) for item in order]
    begun = [name for place, name in enumerate(names) if place == 0 or names[place - 1] != name]
    assert len(begun) == len(set(begun))
