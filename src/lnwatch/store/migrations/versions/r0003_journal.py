"""The journal of what was proposed, allowed and done."""

from lnwatch.store.migrations.frozen import create_table

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Create the table; nothing was done to any other system before it."""
    create_table(
        "journal",
        "site words, number whole | at double, proposal words, kind words, deed words, previous words, hash words",
    )
