"""Audit records that a change owes, until they are in the spool."""

import sqlalchemy as sa
from alembic import op

revision = "0012"
down_revision = "0011"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Go forward; there is no way back but a restored backup."""
    op.create_table(
        "audit_pledge",
        sa.Column("series", sa.Text(), primary_key=True),
        sa.Column("number", sa.BigInteger(), primary_key=True, autoincrement=False),
        sa.Column("records", sa.LargeBinary(), nullable=False),
        sqlite_with_rowid=False,
    )
