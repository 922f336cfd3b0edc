"""The outbox of receipts of what patients decided."""

import sqlalchemy as sa
from alembic import op

revision = "0018"
down_revision = "0017"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Go forward; there is no way back but a restored backup."""
    number = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
    op.create_table(
        "consent_receipt",
        sa.Column("id", number, sa.Identity(), primary_key=True),
        *(sa.Column(name, sa.Text(), nullable=False) for name in ("patient", "changed", "made_by")),
        sa.Column("made", sa.BigInteger(), nullable=False),
        sa.Column("tried", sa.BigInteger()),
        sa.Column("written", sa.BigInteger()),
    )
    unwritten = sa.text("written IS NULL")
    op.create_index(
        "ix_consent_receipt_unwritten",
        "consent_receipt",
        ["id"],
        postgresql_where=unwritten,
        sqlite_where=unwritten,
    )
