"""Cases, their messages, what mutes them, and lnwatch's own troubles; what Views read of the past is found by index."""

import sqlalchemy as sa
from alembic import op

from lnwatch.store.migrations.frozen import create_table

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

_CASE = "site words, rule words, subject words, number whole"
_TABLES = {
    "case_state": (
        f"{_CASE} | "
        "state words, scope words, severity words, owner words, sentence words, found_at double, seen_at double, "
        "facts words, evidence words, opened_at double?, clear_since double?, ended_at double?, transition whole, "
        "told flag, told_severity words?, flaps whole, actor words, note words, snoozed_until double?, step whole, "
        "step_at double, step_reason words, step_transition words?, step_state words?"
    ),
    "case_history": (
        f"{_CASE}, step whole | "
        "at double, reason words, transition words?, state words?, severity words, sentence words, actor words, "
        "note words"
    ),
    "outbox": (
        f"{_CASE}, transition whole, channel words | "
        "at double, notice words, status words, tries whole, not_before double, claimed_until double?, "
        "doubtful flag, sent_at double?, failure words?, words words, reference words?"
    ),
    "case_reference": f"{_CASE}, channel words | reference words, at double",
    "silence": (
        "site words, id words | "
        "kind words, matchers words, author words, reason words, starts_at double, ends_at double, ended_by words?"
    ),
    "episode": "site words, kind words, subject words, start_at double | end_at double?, words words",
}
_WITH_ROWID = {"case_state", "outbox"}


def upgrade() -> None:
    """Create the tables and indexes; channels that are known as closed closed before anybody judged them."""
    for name, description in _TABLES.items():
        create_table(name, description, rowid=name in _WITH_ROWID)
    op.create_index("ix_case_state_ended_at", "case_state", ["ended_at"])
    op.add_column("closed_channel", sa.Column("history", sa.Boolean(), nullable=False, server_default=sa.true()))
    op.create_index("ix_closed_channel_site_seen_at", "closed_channel", ["site", "seen_at"])
    op.create_index("ix_stream_gap_site_end_at", "stream_gap", ["site", "end_at"])
    _create_partial_index("lightning_invoice", "held", ["site", "source", "add_index"], "state = 'accepted'")
    unsent = "status IN ('pending', 'claimed')"
    _create_partial_index("outbox", "turn", ["channel", "at"], unsent)
    _create_partial_index("outbox", "case", ["channel", "site", "rule", "subject", "number", "transition"], unsent)


def _create_partial_index(table: str, name: str, columns: list[str], where: str) -> None:
    of = sa.text(where)
    op.create_index(f"ix_{table}_{name}", table, columns, sqlite_where=of, postgresql_where=of)
