"""The payment hashes of BOLT11 that BTCPay Server offered for an invoice and then replaced."""

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the column; of what was replaced before nothing is known but the terms that lead to the invoice."""
    op.add_column("merchant_invoice", sa.Column("replaced", sa.Text()))
