"""The runbooks as they are shipped: found, and rendered as HTML."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from markdown_it import MarkdownIt
from markdown_it.renderer import RendererHTML
from markdown_it.token import Token
from markdown_it.utils import EnvType, OptionsDict
from markupsafe import Markup, escape

_PACKAGE = Path(__file__).parents[1]


@dataclass(frozen=True, slots=True)
class Runbook:
    """What to do about a rule; `opening` says in one sentence what the rule tells."""

    rule: str
    opening: str
    text: str


@cache
def runbooks() -> Mapping[str, Runbook]:
    """Every runbook by its rule. They lie in the package, or in the checkout that it is run from."""
    shipped = _PACKAGE / "runbooks"
    folder = shipped if shipped.is_dir() else _PACKAGE.parents[1] / "runbooks"
    return {path.stem: _runbook(path) for path in sorted(folder.glob("*.md"))}


def as_html(runbook: Runbook) -> Markup:
    """Its text as HTML, without its title; tags in it stay text, the name of another rule leads to its runbook."""
    body = runbook.text.partition("\n")[2]
    return Markup(_renderer().render(body))  # noqa: S704 - markdown-it escapes what it renders


def _runbook(path: Path) -> Runbook:
    text = path.read_text(encoding="utf-8")
    opening = text.partition("\n")[2].partition("\n## ")[0]
    return Runbook(path.stem, " ".join(opening.split()), text)


@cache
def _renderer() -> MarkdownIt:
    renderer = MarkdownIt("commonmark", {"html": False})
    renderer.add_render_rule("code_inline", _code)
    return renderer


def _code(_: RendererHTML, tokens: Sequence[Token], index: int, __: OptionsDict, ___: EnvType) -> str:
    name = tokens[index].content
    code = f"<code>{escape(name)}</code>"
    return f'<a href="{escape(name)}">{code}</a>' if name in runbooks() else code
