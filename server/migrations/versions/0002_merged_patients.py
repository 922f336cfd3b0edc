"""Patients merged into another by the identity feed."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Go forward; there is no way back but a restored backup."""
    op.add_column(
        "patient", sa.Column("survivor", sa.Integer, sa.ForeignKey("patient.id")), inline_references=True
    )
    merged = sa.text("survivor IS NOT NULL")
    op.create_index(
        "ix_patient_survivor", "patient", ["survivor"], postgresql_where=merged, sqlite_where=merged
    )
