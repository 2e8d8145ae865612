"""How the tests themselves are handed out."""

import ast
from itertools import chain

from tests.scheduling import APART, LONG, ROOT


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
