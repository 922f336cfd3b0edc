"""Objection windows, what was so before a change, and a directory of professionals and institutions."""

import sqlalchemy as sa
from alembic import op

revision = "0013"
down_revision = "0012"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Go forward; there is no way back but a restored backup."""
    op.add_column("consent_status", sa.Column("opens", sa.BigInteger()))
    for table in ("consent_status", "consent_directive"):
        op.add_column(table, sa.Column("before", sa.Text(), nullable=False, server_default=""))
    number = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
    tables = {
        "professional": ("person", "name", "licence", "profession", "specialty"),
        "institution": ("organization", "name"),
        "membership": ("person", "organization"),
    }
    for table, names in tables.items():
        op.create_table(
            table,
            sa.Column("id", number, sa.Identity(), primary_key=True),
            *(sa.Column(name, sa.Text(), nullable=False) for name in names),
            sa.Column("starts", sa.BigInteger()),
            sa.Column("ends", sa.BigInteger()),
            sa.Column("made", sa.BigInteger(), nullable=False),
            sa.Column("made_by", sa.Text(), nullable=False),
            sa.Column("ended", sa.BigInteger()),
            sa.Column("ended_by", sa.Text()),
        )
        op.create_index(f"ix_{table}_{names[0]}", table, [names[0]])
