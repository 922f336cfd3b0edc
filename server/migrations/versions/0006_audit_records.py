"""The Audit Record Repository."""

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Go forward; there is no way back but a restored backup."""
    log = op.create_table(
        "audit_log",
        sa.Column("id", sa.SmallInteger, primary_key=True, autoincrement=False),
        sa.Column("records", sa.BigInteger, nullable=False),
    )
    op.bulk_insert(log, [{"id": 1, "records": 0}])
    op.create_table(
        "audit_record",
        sa.Column(
            "id",
            sa.BigInteger().with_variant(sa.Integer, "sqlite"),
            primary_key=True,
            autoincrement=False,
        ),
        sa.Column("digest", sa.Text, nullable=False, unique=True),
        sa.Column("received_milliseconds", sa.BigInteger, nullable=False),
        sa.Column("peer", sa.Text, nullable=False),
        sa.Column("transport", sa.Text, nullable=False),
        sa.Column("message", sa.LargeBinary, nullable=False),
        sa.Column("at_milliseconds", sa.BigInteger, nullable=False),
        sa.Column("outcome", sa.SmallInteger),
        sa.Column("sender", sa.Text, nullable=False),
        sa.Column("diagnosis", sa.Text, nullable=False),
    )
    op.create_index("ix_audit_record_at", "audit_record", ["at_milliseconds"])
    op.create_index("ix_audit_record_outcome", "audit_record", ["outcome", "at_milliseconds"])
    op.create_index("ix_audit_record_sender", "audit_record", ["sender", "at_milliseconds"])
    diagnosed = sa.text("diagnosis <> ''")
    op.create_index(
        "ix_audit_record_diagnosis",
        "audit_record",
        ["sender"],
        postgresql_where=diagnosed,
        sqlite_where=diagnosed,
    )
    op.create_table(
        "audit_subject",
        sa.Column("about", sa.SmallInteger, primary_key=True, autoincrement=False),
        sa.Column("value", sa.Text, primary_key=True),
        sa.Column("at_milliseconds", sa.BigInteger, primary_key=True, autoincrement=False),
        sa.Column("record", sa.BigInteger, primary_key=True, autoincrement=False),
        sqlite_with_rowid=False,
    )
    op.create_index("ix_audit_subject_record", "audit_subject", ["record"])
