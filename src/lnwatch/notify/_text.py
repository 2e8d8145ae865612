"""What every service is given to shape: a message as words, and how it is cut where a service has limits."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace


@dataclass(frozen=True, slots=True)
class Text:
    """A message in words. `links` are pairs of label and URL, `warning` is empty or says what is special about it.

    What matters least comes last: facts are given up first, then lines; sentence, links and warning stay.
    """

    icon: str
    title: str
    sentence: str
    lines: tuple[str, ...] = ()
    facts: tuple[tuple[str, str], ...] = ()
    links: tuple[tuple[str, str], ...] = ()
    warning: str = ""


def cut(text: str, limit: int) -> str:
    """At most `limit` characters; what was cut off is marked by `…`."""
    return text if len(text) <= limit else f"{text[: max(0, limit - 1)].rstrip()}…"[:limit]


def fit(text: Text, limit: int, size: Callable[[Text], int]) -> Text:
    """The text cut until `size` of it is at most `limit`, at its least important part first."""
    while text.facts and size(text) > limit:
        text = replace(text, facts=text.facts[:-1])
    while text.lines and size(text) > limit:
        text = replace(text, lines=text.lines[:-1])
    while len(text.sentence) > 1 and (over := size(text) - limit) > 0:
        # One character may take up to six on the wire, so that many fewer are cut at a time.
        text = replace(text, sentence=cut(text.sentence, max(1, len(text.sentence) - over // 6 - 1)))
    return text


def plain(text: Text, limit: int) -> str:
    """The text without its title, at most `limit` characters, for services that know no markup."""
    return cut(_plain(fit(text, limit, lambda tried: len(_plain(tried)))), limit)


def _plain(text: Text) -> str:
    facts = [f"{name}: {value}" for name, value in text.facts]
    links = [f"{label}: {url}" for label, url in text.links]
    return "\n".join(_paragraphs([text.warning], [text.sentence], text.lines, facts, links))


def _paragraphs(*groups: Sequence[str]) -> list[str]:
    """Lines, with an empty one between groups."""
    lines: list[str] = []
    for group in groups:
        said = [line for line in group if line]
        if said:
            lines += [*([""] if lines else []), *said]
    return lines
