"""What patients decide about their records."""

import sqlalchemy as sa
from alembic import op

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Go forward; there is no way back but a restored backup."""
    number = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
    op.create_table(
        "consent_status",
        sa.Column("id", number, sa.Identity(), primary_key=True),
        sa.Column("patient", sa.Text(), nullable=False),
        sa.Column("status", sa.Text(), nullable=False),
        sa.Column("made", sa.BigInteger(), nullable=False),
        sa.Column("made_by", sa.Text(), nullable=False),
    )
    op.create_index("ix_consent_status_patient", "consent_status", ["patient", "id"])
    op.create_table(
        "consent_directive",
        sa.Column("id", number, sa.Identity(), primary_key=True),
        *(
            sa.Column(name, sa.Text(), nullable=False)
            for name in ("patient", "kind", "party_kind", "party", "document", "rights")
        ),
        sa.Column("level", sa.SmallInteger(), nullable=False),
        sa.Column("origin", sa.Text(), nullable=False),
        sa.Column("starts", sa.BigInteger()),
        sa.Column("ends", sa.BigInteger()),
        sa.Column("made", sa.BigInteger(), nullable=False),
        sa.Column("made_by", sa.Text(), nullable=False),
        sa.Column("ended", sa.BigInteger()),
        sa.Column("ended_by", sa.Text()),
    )
    holds = sa.text("ended IS NULL")
    op.create_index(
        "ix_consent_directive_patient",
        "consent_directive",
        ["patient", "kind"],
        postgresql_where=holds,
        sqlite_where=holds,
    )
