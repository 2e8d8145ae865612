"""The rows of the outbox as SQL sees them: which wait for whom, and what becomes of them."""

import json
from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple, Self

from sqlalchemy import (
    ColumnElement,
    Connection,
    Double,
    RowMapping,
    and_,
    bindparam,
    literal,
    or_,
    select,
    update,
)

from lnwatch.model.case import Fingerprint
from lnwatch.model.message import Notice, Receipt
from lnwatch.store import case_tables as tables
from lnwatch.store.cases.rows import by_rule, notice_of
from lnwatch.store.cases.values import Delivery
from lnwatch.store.upsert import Row, put

IN_DOUBT = "timeout"  # the failure after which a message may have arrived all the same

_Opening = tuple[Fingerprint, int]

_row = tables.outbox.c
_KEY = tuple(tables.outbox.primary_key)
_THIS = and_(*(column == bindparam(f"key_{column.name}") for column in _KEY))
_ANY = select(_row.channel).where(_row.channel == bindparam("channel"), tables.unsent).limit(1)


class Key(NamedTuple):
    """The primary key of a message; as JSON it is its id."""

    site: str
    rule: str
    subject: str
    number: int
    transition: int
    channel: str

    @classmethod
    def of(cls, row: RowMapping) -> Self:
        """That of a row."""
        return cls(*(row[column.name] for column in _KEY))

    @classmethod
    def read(cls, identity: str) -> Self:
        """That which an id stands for."""
        return cls(*json.loads(identity))

    @property
    def id(self) -> str:
        """The id."""
        return json.dumps(self)

    @property
    def fingerprint(self) -> Fingerprint:
        """The case that it tells of."""
        return Fingerprint(self.site, self.rule, self.subject)

    @property
    def place(self) -> tuple[int, int]:
        """Where it stands among the messages of its case."""
        return self.number, self.transition

    @property
    def parameters(self) -> Row:
        """The row's own condition, as parameters."""
        return {f"key_{name}": value for name, value in self._asdict().items()}


@dataclass(frozen=True, slots=True)
class Parcel:
    """A message that waits. `tries` in vain so far; `reference` is what the service called its opening's first
    message; `claimed_before` tells that it may have been sent already."""

    id: str
    notice: Notice
    tries: int
    reference: str | None
    claimed_before: bool


class NotToBeHadError(Exception):
    """One of the messages is not there for us: nothing of the transaction is to stay."""


def waiting(connection: Connection, channel: str, limit: int, now: float) -> tuple[list[Parcel], list[str]]:
    """What may be sent now, oldest first but in the order of each case; and the ids of what can't be read.

    Plain questions one after the other: PostgreSQL has no figures yet of tables that fill in a storm, and
    would join them row by row. Mostly nothing waits, and one is enough.
    """
    if connection.execute(_ANY, {"channel": channel}).first() is None:
        return [], []
    of_channel = and_(_row.channel == channel, tables.unsent)
    held = [Key.of(row) for row in connection.execute(select(*_KEY).where(of_channel, ~_free(now))).mappings()]
    oldest = select(tables.outbox).where(of_channel, _free(now)).order_by(_row.at, *_KEY)
    others = oldest.where(~_of_cases(held)) if held else oldest
    rows = [*connection.execute(others.limit(limit)).mappings()]
    if held:
        first = {key.fingerprint: key.place for key in sorted(held, reverse=True)}
        before = connection.execute(oldest.where(_of_cases(held)).limit(limit)).mappings()
        rows += [row for row in before if Key.of(row).place < first[Key.of(row).fingerprint]]
        rows = sorted(rows, key=lambda row: (row["at"], Key.of(row)))[:limit]
    references = _references(connection, channel, {Key.of(row).fingerprint for row in rows})
    parcels, unreadable = [], []
    for row in _in_order(rows):
        try:
            parcels.append(_parcel_of(row, references))
        except ValueError:
            unreadable.append(Key.of(row).id)
    return parcels, unreadable


def claim(connection: Connection, keys: Collection[Key], now: float, until: float) -> None:
    """Take them all. Raises NotToBeHadError where one is not to be had, or would overtake one that is held up."""
    wanted = set(keys)
    last = {(key.channel, key.fingerprint): key.place for key in sorted(wanted)}
    free = _lock(connection, wanted, now)
    if not all(free.get(key, False) for key in wanted):
        raise NotToBeHadError
    if any(key.place < last[key.channel, key.fingerprint] for key, is_free in free.items() if not is_free):
        raise NotToBeHadError
    ran_out = or_(_row.doubtful, _row.status == Delivery.CLAIMED.value)
    change = update(tables.outbox).where(_THIS)
    taken = change.values(status=Delivery.CLAIMED.value, claimed_until=until, doubtful=ran_out)
    connection.execute(taken, [key.parameters for key in wanted])


def orphan(connection: Connection, until: float) -> None:
    """Let every claim end then at the latest: those who made them are gone, or not to be waited for."""
    longer = and_(tables.unsent, _row.claimed_until > until)
    connection.execute(update(tables.outbox).where(longer).values(claimed_until=until))


def done(connection: Connection, keys: Collection[Key], receipt: Receipt, now: float) -> None:
    """They are told; the first word on each stands, but for the reference, of which the newest does."""
    told = update(tables.outbox).where(_THIS, _row.status != Delivery.SENT.value)
    told = told.values(
        status=Delivery.SENT.value,
        sent_at=now,
        words=receipt.answer,
        reference=receipt.reference,
        claimed_until=None,
        failure=None,
    )
    connection.execute(told, [key.parameters for key in keys])
    if receipt.reference is not None:
        openings = {(*key[:4], key.channel) for key in keys}
        names = [column.name for column in tables.case_reference.primary_key]
        rows = [dict(zip(names, opening, strict=True)) for opening in sorted(openings)]
        put(connection, tables.case_reference, [{**row, "reference": receipt.reference, "at": now} for row in rows])


def give_back(
    connection: Connection, claims: Mapping[Key, float | None], values: Mapping[str, object], failure: str, now: float
) -> None:
    """Put off or park what is nobody's, or ours by a claim that lasts until then; leave what others have."""
    nobody, claim = -1.0, bindparam("claim", type_=Double)
    claimed, ours = _row.status == Delivery.CLAIMED.value, _row.claimed_until == claim
    unclaimed = and_(_row.status == Delivery.PENDING.value, claim == nobody)
    to_be_had = or_(unclaimed, and_(claimed, or_(ours, _row.claimed_until <= now)))
    change = update(tables.outbox).where(_THIS, to_be_had)
    # Of a claim that ran out and was not ours, nobody said what became of it.
    doubtful = or_(_row.doubtful, literal(failure == IN_DOUBT), and_(claimed, ~ours))
    given = change.values(**values, failure=failure, doubtful=doubtful, claimed_until=None)
    untils = {key: nobody if until is None else until for key, until in claims.items()}
    connection.execute(given, [{**key.parameters, "claim": until} for key, until in untils.items()])


def _lock(connection: Connection, wanted: Iterable[Key], now: float) -> dict[Key, bool]:
    """Everything unsent of the cases that these are of, by whether it is free; nobody else may change it meanwhile.

    Raises NotToBeHadError where somebody is at one of them this very moment.
    """
    by_channel: dict[str, set[Fingerprint]] = defaultdict(set)
    for key in wanted:
        by_channel[key.channel].add(key.fingerprint)
    free: dict[Key, bool] = {}
    for channel, fingerprints in by_channel.items():
        for site, rule, subjects in by_rule(fingerprints):
            these = and_(_row.channel == channel, _row.site == site, _row.rule == rule, _row.subject.in_(subjects))
            query = select(*_KEY, _free(now).label("free")).where(these, tables.unsent)
            locked = connection.execute(query.with_for_update(skip_locked=True)).mappings().all()
            if len(locked) != len(connection.execute(query).all()):
                raise NotToBeHadError
            free |= {Key.of(row): bool(row["free"]) for row in locked}
    return free


def _free(now: float) -> ColumnElement[bool]:
    """Whether an unsent row is to be had now."""
    return or_(
        and_(_row.status == Delivery.PENDING.value, _row.not_before <= now),
        and_(_row.status == Delivery.CLAIMED.value, _row.claimed_until <= now),
    )


def _of_cases(keys: Iterable[Key]) -> ColumnElement[bool]:
    return or_(
        *(
            and_(_row.site == site, _row.rule == rule, _row.subject.in_(subjects))
            for site, rule, subjects in by_rule({key.fingerprint for key in keys})
        )
    )


def _references(connection: Connection, channel: str, fingerprints: Iterable[Fingerprint]) -> dict[_Opening, str]:
    """What the service called the first message of each opening."""
    row = tables.case_reference.c
    found = {}
    for site, rule, subjects in by_rule(fingerprints):
        of_rule = and_(row.site == site, row.rule == rule, row.subject.in_(subjects), row.channel == channel)
        for subject, number, reference in connection.execute(
            select(row.subject, row.number, row.reference).where(of_rule)
        ):
            found[Fingerprint(site, rule, subject), number] = reference
    return found


def _in_order(rows: Sequence[RowMapping]) -> Iterator[RowMapping]:
    """The rows with those of each case in the order of its changes, also where a clock went back between them."""
    by_case: dict[Fingerprint, list[RowMapping]] = defaultdict(list)
    for row in rows:
        by_case[Key.of(row).fingerprint].append(row)
    turns = {
        of: iter(sorted(of_case, key=lambda row: (row["number"], row["transition"]))) for of, of_case in by_case.items()
    }
    return (next(turns[Key.of(row).fingerprint]) for row in rows)


def _parcel_of(row: RowMapping, references: Mapping[_Opening, str]) -> Parcel:
    key = Key.of(row)
    return Parcel(
        id=key.id,
        notice=notice_of(row["notice"]),
        tries=row["tries"],
        reference=references.get((key.fingerprint, key.number)),
        claimed_before=row["doubtful"] or row["status"] == Delivery.CLAIMED.value,
    )
