"""Each entry of a batch in its turn: whether its source was born by then, and whether it was told before."""

import math
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypeVar, cast

from sqlalchemy import Connection, select

from lnwatch.model.snapshot import Event
from lnwatch.store import tables
from lnwatch.store.items import Entry
from lnwatch.store.rollups import LIFETIME
from lnwatch.store.upsert import insert_new, put

E = TypeVar("E", bound=Event)

UNBORN = math.inf

_birth = tables.source_birth.c
_BIRTHS = select(_birth.site, _birth.source, _birth.born_at)  # all: they are few, and to name some costs more

_Key = tuple[str, str]


@dataclass(frozen=True, slots=True)
class Turn:
    """An entry, and what the ledger knew when it came.

    `born_at` is that of its source, UNBORN before it. `told` marks a page of history that is in the
    ledger already: rows are safe from a second telling, sums without rows are not.
    """

    entry: Entry
    born_at: float
    told: bool

    @property
    def key(self) -> _Key:
        """Site and source."""
        return self.entry.site, self.entry.source

    @property
    def counts_history(self) -> bool:
        """Whether what happened before birth goes into the buckets."""
        return self.entry.reading.history and not self.told


class Told:
    """The events of a batch by kind, each with its entry's turn."""

    def __init__(self, turns: Sequence[Turn]) -> None:
        """Sort them."""
        self._events: dict[type[object], list[tuple[Turn, Event]]] = defaultdict(list)
        for turn in turns:
            for event in turn.entry.reading.events:
                self._events[type(event)].append((turn, event))

    def of(self, kind: type[E]) -> list[tuple[Turn, E]]:
        """Those of one kind, in the order in which they were told."""
        return cast("list[tuple[Turn, E]]", self._events[kind])


def take_turns(connection: Connection, entries: Sequence[Entry]) -> list[Turn]:
    """Give birth, move cursors, and tell for each entry what held at its turn."""
    if not entries:
        return []
    births: dict[_Key, float] = {(site, source): at for site, source, at in connection.execute(_BIRTHS)}
    cursors = _cursors(connection, entries)
    born: list[Entry] = []
    moved: dict[tuple[str, str, str], dict[str, object]] = {}
    turns = []
    for entry in entries:
        key = (entry.site, entry.source)
        if entry.leads and key not in births:
            births[key] = float(math.floor(entry.at))  # nodes date by whole seconds: that very second is live
            born.append(entry)
        named = {(*key, name): value for name, value in entry.reading.cursors.items()}
        # A cursor that stands where this reading would put it covers this reading: it was stored before.
        told = entry.reading.history and bool(named) and all(cursors.get(name) == at for name, at in named.items())
        cursors.update(named)
        for name, value in named.items():
            moved[name] = dict(zip(("site", "source", "name", "value", "at"), (*name, value, entry.at), strict=True))
        turns.append(Turn(entry, births.get(key, UNBORN), told))
    _give_birth(connection, born)
    put(connection, tables.cursor, list(moved.values()))
    return turns


def _cursors(connection: Connection, entries: Sequence[Entry]) -> dict[tuple[str, str, str], str]:
    telling = [entry for entry in entries if entry.reading.history and entry.reading.cursors]
    if not telling:
        return {}
    cursor = tables.cursor.c
    query = select(cursor.site, cursor.source, cursor.name, cursor.value).where(
        cursor.site.in_({entry.site for entry in telling}),
        cursor.source.in_({entry.source for entry in telling}),
        cursor.name.in_({name for entry in telling for name in entry.reading.cursors}),
    )
    return {(site, source, name): value for site, source, name, value in connection.execute(query)}


def _give_birth(connection: Connection, born: Sequence[Entry]) -> None:
    rows = [
        {"site": entry.site, "source": entry.source, "born_at": math.floor(entry.at), "lightning": entry.lightning}
        for entry in born
    ]
    insert_new(connection, tables.source_birth, rows)
    for row in rows:  # one by one: the first birth of a site's sources is the site's
        insert_new(connection, tables.site, [{"site": row["site"], "born_at": row["born_at"]}])
    insert_new(
        connection,
        tables.counter,
        [
            {"site": entry.site, "source": entry.source, "name": name, "value": 0}
            for entry in born
            if entry.lightning
            for name in LIFETIME
        ],
    )
