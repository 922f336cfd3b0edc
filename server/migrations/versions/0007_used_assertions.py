"""Assertions for one use that were used."""

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Go forward; there is no way back but a restored backup."""
    op.create_table(
        "used_assertion",
        sa.Column("key", sa.LargeBinary, primary_key=True),
        sa.Column("until_seconds", sa.BigInteger, nullable=False, index=True),
    )
