import tomllib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lnwatch.config.lines import KeyPath, statements

TEXT = '''\
# a comment = 1
data_dir = "/x"          # [not.a.table]

[web]
listen = "a # b = c"
"odd key".'other' = 1
text = """
[no.table]
key = 1
"""
lists = [ # "
  "[",
  """]
""", 'x"',
  { a = 1, b = [2] },
]
literal = \'\'\'
[neither]\'\'\'
[ site . main . "a.b" ] # header
k=1
[[many]]
x = 1
[[many]]
x = 2
'''


def test_each_key_is_found_on_its_line() -> None:
    """Headers and keys are found where they stand, whatever strings, comments and lists hold."""
    assert [(each.path, each.line) for each in statements(TEXT)] == [
        (("data_dir",), 2),
        (("web",), 4),
        (("web", "listen"), 5),
        (("web", "odd key", "other"), 6),
        (("web", "text"), 7),
        (("web", "lists"), 11),
        (("web", "literal"), 17),
        (("site", "main", "a.b"), 19),
        (("site", "main", "a.b", "k"), 20),
        (("many", "0"), 21),
        (("many", "0", "x"), 22),
        (("many", "1"), 23),
        (("many", "1", "x"), 24),
    ]


@pytest.mark.parametrize("text", ["= 1", "[", "[a", "a", 'a = "', "a = [", "a = '''", "\x00", "a.b. = 1", "é = 1"])
def test_broken_text_ends_the_walk(text: str) -> None:
    """What can't be parsed ends the list and raises nothing."""
    assert len(statements(text)) <= 1


def _keys(table: dict[str, object], path: KeyPath = ()) -> set[KeyPath]:
    found = set()
    for key, value in table.items():
        found.add((*path, key))
        if isinstance(value, dict):
            found |= _keys(value, (*path, key))
    return found


@given(
    st.lists(
        st.sampled_from(['k="]"', "k=[1,\n2]", "k={a=[']']}", 'k="""\n[x]\n"""', "k='#'", "#c", "", "k=1#]"]),
        max_size=8,
    )
)
def test_agrees_with_the_parser(values: list[str]) -> None:
    """Every key that the parser sees is on the line on which it was written."""
    text = "".join(f"[t{number}]\n{value}\n" for number, value in enumerate(values))
    found = {each.path: each.line for each in statements(text)}
    assert found.keys() == {path for path in _keys(tomllib.loads(text)) if len(path) < 3}
    for number in range(len(values)):
        assert found[f"t{number}",] == text[: text.index(f"[t{number}]")].count("\n") + 1
