"""What the ledger holds of cases: their openings, decisions and messages, what mutes them, and our own troubles.

JSON columns hold objects as their nouns in `model` write them.
"""

from sqlalchemy import Boolean, Column, Double, Index, literal_column

from lnwatch.store.columns import Whole, Words
from lnwatch.store.schema import key, table

# One row per opening of a case; the newest of a fingerprint has the highest number. What begins with `step` is
# the last step of its history.
case_state = table(
    "case_state",
    key("site"),
    key("rule"),
    key("subject"),
    key("number", Whole),
    Column("state", Words, nullable=False),
    Column("scope", Words, nullable=False),
    Column("severity", Words, nullable=False),
    Column("owner", Words, nullable=False),
    Column("sentence", Words, nullable=False),
    Column("found_at", Double, nullable=False),
    Column("seen_at", Double, nullable=False),
    Column("facts", Words, nullable=False),  # JSON: an object of texts
    Column("evidence", Words, nullable=False),
    Column("opened_at", Double),
    Column("clear_since", Double),
    Column("ended_at", Double),
    Column("transition", Whole, nullable=False),
    Column("told", Boolean, nullable=False),
    Column("told_severity", Words),
    Column("flaps", Whole, nullable=False),
    Column("actor", Words, nullable=False),
    Column("note", Words, nullable=False),
    Column("snoozed_until", Double),
    Column("step", Whole, nullable=False),
    Column("step_at", Double, nullable=False),
    Column("step_reason", Words, nullable=False),
    Column("step_transition", Words),
    Column("step_state", Words),
    time="found_at",
    rowid=True,
)
Index(None, case_state.c.ended_at)

# A row per decision that changed something; `state` NULL where a pending case went without ever opening.
case_history = table(
    "case_history",
    key("site"),
    key("rule"),
    key("subject"),
    key("number", Whole),
    key("step", Whole),
    Column("at", Double, nullable=False),
    Column("reason", Words, nullable=False),
    Column("transition", Words),
    Column("state", Words),
    Column("severity", Words, nullable=False),
    Column("sentence", Words, nullable=False),
    Column("actor", Words, nullable=False),
    Column("note", Words, nullable=False),
    time="at",
)

# What is to be told, and what became of it; `notice` is JSON.
outbox = table(
    "outbox",
    key("site"),
    key("rule"),
    key("subject"),
    key("number", Whole),
    key("transition", Whole),
    key("channel"),
    Column("at", Double, nullable=False),
    Column("notice", Words, nullable=False),
    Column("status", Words, nullable=False),
    Column("tries", Whole, nullable=False),
    Column("not_before", Double, nullable=False),
    Column("claimed_until", Double),
    Column("doubtful", Boolean, nullable=False),  # whether it may have been sent already, for all that we know
    Column("sent_at", Double),
    Column("failure", Words),
    Column("words", Words, nullable=False),
    Column("reference", Words),
    time="at",
    rowid=True,
)

# What may still have to be sent. In literals: no query that says it with parameters is seen to fit a partial index.
unsent = outbox.c.status.in_([literal_column("'pending'"), literal_column("'claimed'")])
for _name, _columns in (
    ("turn", ("channel", "at")),
    ("case", ("channel", "site", "rule", "subject", "number", "transition")),
):
    Index(f"ix_outbox_{_name}", *(outbox.c[_name] for _name in _columns), sqlite_where=unsent, postgresql_where=unsent)

# What a service called the first message of an opening.
case_reference = table(
    "case_reference",
    key("site"),
    key("rule"),
    key("subject"),
    key("number", Whole),
    key("channel"),
    Column("reference", Words, nullable=False),
    Column("at", Double, nullable=False),
    time="at",
)

silence = table(
    "silence",
    key("site"),  # a glob, as the other matchers
    key("id"),
    Column("kind", Words, nullable=False),
    Column("matchers", Words, nullable=False),  # JSON: globs by rule, subject, owner and severity
    Column("author", Words, nullable=False),
    Column("reason", Words, nullable=False),
    Column("starts_at", Double, nullable=False),
    Column("ends_at", Double, nullable=False),
    Column("ended_by", Words),  # who ended it before its time
    time="ends_at",
)

# What was wrong with lnwatch itself, under the reserved site; `end_at` NULL while it lasts.
episode = table(
    "episode",
    key("site"),
    key("kind"),
    key("subject"),
    key("start_at", Double),
    Column("end_at", Double),
    Column("words", Words, nullable=False),
    time="start_at",
)
