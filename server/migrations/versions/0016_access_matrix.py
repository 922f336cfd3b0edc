"""The access matrix in versions, and counts of decisions to try another one on."""

import sqlalchemy as sa
from alembic import op

revision = "0016"
down_revision = "0015"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Go forward; there is no way back but a restored backup."""
    number = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
    op.create_table(
        "matrix_version",
        sa.Column("id", number, sa.Identity(), primary_key=True),
        sa.Column("valid_from", sa.Text(), nullable=False),
        sa.Column("made", sa.BigInteger(), nullable=False),
        sa.Column("made_by", sa.Text(), nullable=False),
        sa.Column("note", sa.Text(), nullable=False),
    )
    op.create_table(
        "matrix_cell",
        sa.Column("id", number, sa.Identity(), primary_key=True),
        sa.Column("version", sa.BigInteger(), nullable=False),
        *(
            sa.Column(name, sa.Text(), nullable=False)
            for name in ("profession", "specialty", "type", "allows", "valid_from", "valid_until")
        ),
    )
    op.create_index("ix_matrix_cell_version", "matrix_cell", ["version"])
    op.create_table(
        "decision_count",
        *(
            sa.Column(name, sa.Text(), primary_key=True)
            for name in ("day", "profession", "specialty", "allows")
        ),
        sa.Column("decisions", sa.BigInteger(), nullable=False),
    )
