"""Takes a draft apart into the blocks that the rooms and kinds validate, and finds what is no block."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from lnwatch.config.draft import Draft, Tree
from lnwatch.config.lines import KeyPath
from lnwatch.config.nearest import instead, nearest
from lnwatch.config.redaction import dotted
from lnwatch.config.schema import NOTIFY, RESERVED, RULES, SITE, SITE_ROOMS, DaemonSettings, Schema
from lnwatch.errors import ConfigProblem
from lnwatch.fields import SLUG, Settings
from lnwatch.model.rule import Scope
from lnwatch.notify import NotifierKind
from lnwatch.sources import SourceKind

Kinds = Mapping[str, SourceKind[Any]] | Mapping[str, NotifierKind[Any]]


@dataclass(frozen=True, slots=True)
class Block:
    """A table of the configuration and the settings that read it."""

    path: KeyPath
    settings: type[Settings]
    raw: Tree


def divide(draft: Draft, schema: Schema) -> tuple[list[Block], list[ConfigProblem]]:
    """Every block in the order of the file, the daemon's and the rooms' first, and what is wrong between them."""
    division = _Division(draft, schema)
    shared = [*division.daemon(), *division.rooms(), *division.channels(), *division.rules()]
    return [*shared, *division.sites()], division.problems


def trouble_with(name: str) -> str | None:
    """Why a site, source or channel can't be called so; None where it can."""
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

    def channels(self) -> Iterator[Block]:
        """One per channel of delivery; a name stands once, whatever its kind."""
        example = f"`[{NOTIFY}.{next(iter(self._schema.channels))}.NAME]`"
        taken: dict[str, KeyPath] = {}
        for kind in self._table((NOTIFY,), f"name a channel: {example}") or {}:
            for block in self._kind((NOTIFY, kind), self._schema.channels, "channel"):
                self._check_taken(block.path, taken, "channel")
                yield block

    def rules(self) -> Iterator[Block]:
        """One per rule, also where the file does not name it."""
        written = {block.path: block for block in self._rules((RULES,))}
        for rule, kind in self._schema.rules.items():
            yield written.get((RULES, rule), Block((RULES, rule), kind.settings, {}))

    def sites(self) -> Iterator[Block]:
        """One per source, one per room of the site, and one per rule that it has its own settings for."""
        sites = self._table((SITE,), f"name a site: `[{SITE}.main]`")
        if not sites and not self._misplaced and (sites == {} or SITE not in self._draft.tree):
            self._say((SITE,), "nothing", "there is no site to watch yet: run `lnwatch init`")
        taken: dict[str, KeyPath] = {}
        for slug in sites or {}:
            self._check_taken((SITE, slug), taken, "site")
            yield from self._site((SITE, slug))

    def _site(self, path: KeyPath) -> Iterator[Block]:
        table = self._table(path, f"a site is a table: `[{dotted(path)}]`")
        self._check_name(path)
        kinds = None if table is None else [kind for kind in table if kind not in (RULES, *SITE_ROOMS)]
        if kinds == []:
            self._say(
                path, "no source", f"name one, such as `[{dotted((*path, next(iter(self._schema.kinds))))}.NAME]`"
            )
        taken: dict[str, KeyPath] = {}
        for kind in kinds or ():
            for block in self._kind((*path, kind), self._schema.kinds, "source"):
                self._check_taken(block.path, taken, "source")
                yield block
        for room, settings in SITE_ROOMS.items():
            keys = self._table((*path, room), f"write its keys below `[{dotted((*path, room))}]`")
            yield Block((*path, room), settings, keys if keys is not None else {})
        for block in self._rules((*path, RULES)):
            if self._schema.rules[block.path[-1]].rule.scope is Scope.DAEMON:
                own = f"it is about lnwatch itself: set it in `[{dotted((RULES, block.path[-1]))}]`"
                self._say(block.path, "a rule that is not judged for a site", own)
            else:
                yield block

    def _kind(self, path: KeyPath, kinds: Kinds, noun: str) -> Iterator[Block]:
        kind = kinds.get(path[-1])
        if kind is None:
            self._unknown_kind(path, kinds, noun)
            return
        named = f"a {noun} bears a name of its own: `[{dotted((*path, 'NAME'))}]`"
        slugs = self._table(path, named)
        if slugs == {}:
            self._say(path, f"no {noun}", named)
        slugs = slugs or {}
        if any(not isinstance(value, dict) for value in slugs.values()):
            keys = ", ".join(dotted((key,)) for key, value in slugs.items() if not isinstance(value, dict))
            self._say(path, f"{keys} without the name of a {noun}", named)
        for slug, raw in slugs.items():
            if isinstance(raw, dict):
                self._check_name((*path, slug))
                yield Block((*path, slug), kind.settings, raw)

    def _rules(self, path: KeyPath) -> Iterator[Block]:
        """What is written of rules below `path`, each rule once."""
        for name in self._table(path, f"name a rule: `[{dotted((*path, next(iter(self._schema.rules))))}]`") or {}:
            place = (*path, name)
            if name not in self._schema.rules:
                self._say(place, "a rule that is not known", instead(name, self._schema.rules))
            elif raw := self._table(place, f"write its keys below `[{dotted(place)}]`"):
                yield Block(place, self._schema.rules[name].settings, raw)

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
        elif key in self._schema.channels:
            remedy = f"a channel belongs to those who are told: `[{NOTIFY}.{key}.NAME]`"
        elif key in self._schema.rules:
            remedy = f"a rule belongs to the rules: `[{RULES}.{key}]`"
        else:
            remedy = instead(key, self._schema.top)
        self._say((key,), "a key that is not known", remedy)

    def _unknown_kind(self, path: KeyPath, kinds: Kinds, noun: str) -> None:
        if path[-2] == RULES:
            remedy = f"a site has a name before its rules: `[{dotted((SITE, 'main', *path[-2:]))}]`"
        elif path[-2] in kinds:
            remedy = f"a site has a name before its kinds: `[{SITE}.main.{path[-2]}.NAME]`"
        else:
            remedy = instead(path[-1], kinds if noun == "channel" else (*kinds, *SITE_ROOMS))
        self._say(path, f"a kind of {noun} that is not known", remedy)

    def _say(self, path: KeyPath, found: str, remedy: str) -> None:
        self.problems.append(self._draft.problem(path, found, remedy))
