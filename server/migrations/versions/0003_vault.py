"""The keys of the vault."""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

_BIG_KEY = sa.BigInteger().with_variant(sa.Integer, "sqlite")


def upgrade() -> None:
    """Go forward; there is no way back but a restored backup."""
    op.create_table(
        "patient_key",
        sa.Column("id", _BIG_KEY, primary_key=True, autoincrement=True),
        sa.Column("patient", sa.Text, nullable=False, unique=True),
        sa.Column("master_key_id", sa.Text, nullable=False),
        sa.Column("wrapped_key", sa.LargeBinary, nullable=False),
        sa.Column("created_milliseconds", sa.BigInteger, nullable=False),
    )
    # In words that both engines take: Alembic adds a foreign key by itself, which SQLite cannot.
    op.execute("ALTER TABLE document ADD COLUMN patient_key_id BIGINT REFERENCES patient_key (id)")
    op.add_column("document", sa.Column("sealed_key", sa.LargeBinary))
    op.create_index("ix_document_patient_key_id", "document", ["patient_key_id"])
