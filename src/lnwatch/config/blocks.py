"""Takes a draft apart into the blocks that the rooms and kinds validate, and finds what is no block."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from lnwatch.config.draft import Draft, Tree
from lnwatch.config.lines import KeyPath
from lnwatch.config.nearest import instead, nearest
from lnwatch.config.redaction import dotted
from lnwatch.config.schema import RESERVED, SITE, DaemonSettings, Schema
from lnwatch.errors import ConfigProblem
from lnwatch.fields import SLUG, Settings


@dataclass(frozen=True, slots=True)
class Block:
    """A table of the configuration and the settings that read it."""

    path: KeyPath
    settings: type[Settings]
    raw: Tree


def divide(draft: Draft, schema: Schema) -> tuple[list[Block], list[ConfigProblem]]:
    """Every block in the order of the file, the daemon's and the rooms' first, and what is wrong between them."""
    division = _Division(draft, schema)
    return [*division.daemon(), *division.rooms(), *division.sites()], division.problems


def trouble_with(name: str) -> str | None:
    """Why a site or source can't be called so; None where it can."""
    spelled = name.replace("-", "_")
    if not SLUG.fullmatch(name):
        return "a name begins with a lower-case letter; figures, `-` and `_` may follow, 63 in all"
    if "__" in spelled or spelled.endswith("_"):
        return "`-` and `_` stand alone and between letters: the environment joins names by `__`"
    if name == RESERVED:
        return "that is the daemon itself; take another name"
    return None


class _Division:
    """One walk over a draft; problems gather on the way."""

    def __init__(self, draft: Draft, schema: Schema) -> None:
        self.problems: list[ConfigProblem] = []
        self._draft = draft
        self._schema = schema
        self._misplaced = False  # a site or source stands under a wrong name at the top

    def daemon(self) -> Iterator[Block]:
        """The keys at the top of the file."""
        for key in self._draft.tree:
            if key not in self._schema.top:
                self._unknown_top(key)
        own = {key: value for key, value in self._draft.tree.items() if key in DaemonSettings.model_fields}
        yield Block((), DaemonSettings, own)

    def rooms(self) -> Iterator[Block]:
        """One per room, also where the file does not name it."""
        for room, settings in self._schema.rooms.items():
            table = self._table((room,), f"write its keys below `[{room}]`")
            yield Block((room,), settings, table if table is not None else {})

    def sites(self) -> Iterator[Block]:
        """One per source."""
        sites = self._table((SITE,), f"name a site: `[{SITE}.main]`")
        if not sites and not self._misplaced and (sites == {} or SITE not in self._draft.tree):
            self._say((SITE,), "nothing", "there is no site to watch yet: run `lnwatch init`")
        taken: dict[str, KeyPath] = {}
        for slug in sites or {}:
            self._check_taken((SITE, slug), taken, "site")
            yield from self._site((SITE, slug))

    def _site(self, path: KeyPath) -> Iterator[Block]:
        kinds = self._table(path, f"a site is a table: `[{dotted(path)}]`")
        self._check_name(path)
        if kinds == {}:
            self._say(
                path, "no source", f"name one, such as `[{dotted((*path, next(iter(self._schema.kinds))))}.NAME]`"
            )
        taken: dict[str, KeyPath] = {}
        for kind in kinds or {}:
            for block in self._kind((*path, kind)):
                self._check_taken(block.path, taken, "source")
                yield block

    def _kind(self, path: KeyPath) -> Iterator[Block]:
        kind = self._schema.kinds.get(path[-1])
        if kind is None:
            self._unknown_kind(path)
            return
        named = f"a source bears a name of its own: `[{dotted((*path, 'NAME'))}]`"
        slugs = self._table(path, named)
        if slugs == {}:
            self._say(path, "no source", named)
        slugs = slugs or {}
        if any(not isinstance(value, dict) for value in slugs.values()):
            keys = ", ".join(dotted((key,)) for key, value in slugs.items() if not isinstance(value, dict))
            self._say(path, f"{keys} without the name of a source", named)
        for slug, raw in slugs.items():
            if isinstance(raw, dict):
                self._check_name((*path, slug))
                yield Block((*path, slug), kind.settings, raw)

    def _table(self, path: KeyPath, remedy: str) -> Tree | None:
        found: Any = self._draft.find(path)
        if found is None or isinstance(found, dict):
            return found
        self._say(path, "a value where a table is due", remedy)  # the value is not shown: it may be a secret
        return None

    def _check_name(self, path: KeyPath) -> None:
        if remedy := trouble_with(path[-1]):
            self._say(path, "a name that can't be used", remedy)

    def _check_taken(self, path: KeyPath, taken: dict[str, KeyPath], noun: str) -> None:
        first = taken.setdefault(path[-1].replace("-", "_"), path)  # the environment can't tell the two apart
        if first != path:
            remedy = f"{dotted(first)} has the name already; give one of them another"
            self._say(path, f"a second {noun} of one name", remedy)

    def _unknown_top(self, key: str) -> None:
        self._misplaced |= key in self._schema.kinds or nearest(key, self._schema.top) == SITE
        if key in self._schema.kinds:
            remedy = f"a source belongs to a site: `[{SITE}.main.{key}.NAME]`"
        else:
            remedy = instead(key, self._schema.top)
        self._say((key,), "a key that is not known", remedy)

    def _unknown_kind(self, path: KeyPath) -> None:
        if path[-2] in self._schema.kinds:
            remedy = f"a site has a name before its kinds: `[{SITE}.main.{path[-2]}.NAME]`"
        else:
            remedy = instead(path[-1], self._schema.kinds)
        self._say(path, "a kind of source that is not known", remedy)

    def _say(self, path: KeyPath, found: str, remedy: str) -> None:
        self.problems.append(self._draft.problem(path, found, remedy))
