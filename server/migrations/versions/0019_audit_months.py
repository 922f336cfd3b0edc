"""Audit records by the month in which they were stored: partitions in PostgreSQL."""

import sqlalchemy as sa
from alembic import op

revision = "0019"
down_revision = "0018"
branch_labels = None
depends_on = None

_BIG_KEY = sa.BigInteger().with_variant(sa.Integer, "sqlite")
_BY_MONTH = "LIST (month)"
_RECORD_COLUMNS = (
    "digest",
    "received_milliseconds",
    "peer",
    "transport",
    "message",
    "at_milliseconds",
    "outcome",
    "sender",
    "diagnosis",
)

# The month of a later record is never an earlier one.
_MONTHS = {
    "postgresql": "to_char(to_timestamp(received_milliseconds / 1000) AT TIME ZONE 'UTC', 'YYYYMM')::int",
    "sqlite": "CAST(strftime('%Y%m', received_milliseconds / 1000, 'unixepoch') AS INTEGER)",
}

# A partition is made or dropped under a lock for which nobody is made to wait long.
_FUNCTIONS = (
    """
    CREATE FUNCTION audit_make_month(made integer) RETURNS integer
    LANGUAGE plpgsql SET lock_timeout = '2s' AS $$
    DECLARE parent text;
    BEGIN
        FOREACH parent IN ARRAY ARRAY['audit_record', 'audit_subject'] LOOP
            IF to_regclass(parent || '_' || made) IS NULL THEN
                EXECUTE format('CREATE TABLE %I PARTITION OF %I FOR VALUES IN (%s)',
                    parent || '_' || made, parent, made);
            END IF;
        END LOOP;
        RETURN made;
    END $$
    """,
    """
    CREATE FUNCTION audit_drop_months(kept integer) RETURNS integer
    LANGUAGE plpgsql SET lock_timeout = '2s' AS $$
    DECLARE old regclass; dropped integer := 0;
    BEGIN
        FOR old IN
            SELECT inhrelid::regclass FROM pg_inherits JOIN pg_class ON pg_class.oid = inhrelid
            WHERE inhparent IN ('audit_record'::regclass, 'audit_subject'::regclass)
            AND substring(relname FROM '_([0-9]+)$')::int < kept
        LOOP
            EXECUTE format('DROP TABLE %s', old);
            dropped := dropped + 1;
        END LOOP;
        RETURN dropped;
    END $$
    """,
)


def upgrade() -> None:
    """Go forward; there is no way back but a restored backup."""
    connection = op.get_bind()
    is_postgresql = connection.dialect.name == "postgresql"
    for index in ("at", "outcome", "sender", "diagnosis"):
        op.drop_index(f"ix_audit_record_{index}", "audit_record")
    op.drop_index("ix_audit_subject_record", "audit_subject")
    for table in ("audit_record", "audit_subject"):
        op.rename_table(table, f"{table}_before")
    _create_tables(is_postgresql)
    if is_postgresql:
        for function in _FUNCTIONS:
            op.execute(function)
    before = sa.table("audit_record_before", *map(sa.column, ("id", *_RECORD_COLUMNS)))
    of_one: sa.ColumnElement[int] = sa.literal_column(_MONTHS[connection.dialect.name])
    month = sa.func.max(of_one).over(order_by=before.c.id)
    numbered = sa.select(before.c.id, month.label("month"), *(before.c[name] for name in _RECORD_COLUMNS))
    if is_postgresql:
        months = sa.select(numbered.subquery().c.month).distinct().subquery()
        op.execute(sa.select(sa.func.audit_make_month(months.c.month)))
    names = ("id", "month", *_RECORD_COLUMNS)
    record = sa.table("audit_record", *map(sa.column, names))
    op.execute(sa.insert(record).from_select(names, numbered))
    op.execute(
        "INSERT INTO audit_subject (about, value, at_milliseconds, record, month)"
        " SELECT about, value, s.at_milliseconds, record, month FROM audit_subject_before AS s"
        " JOIN audit_record ON id = record"
    )
    for table in ("audit_record_before", "audit_subject_before"):
        op.drop_table(table)
    _create_indexes()
    op.add_column("audit_log", sa.Column("month", sa.Integer, nullable=False, server_default="0"))
    op.execute("UPDATE audit_log SET month = coalesce((SELECT max(month) FROM audit_record), 0)")


def _create_tables(is_postgresql: bool) -> None:
    # A partitioned table's key has what it is partitioned by in it; SQLite's is the number alone, its rowid.
    op.create_table(
        "audit_record",
        sa.Column("id", _BIG_KEY, autoincrement=False, nullable=False),
        sa.Column("month", sa.Integer, nullable=False),
        sa.Column("digest", sa.Text, nullable=False),
        sa.Column("received_milliseconds", sa.BigInteger, nullable=False),
        sa.Column("peer", sa.Text, nullable=False),
        sa.Column("transport", sa.Text, nullable=False),
        sa.Column("message", sa.LargeBinary, nullable=False),
        sa.Column("at_milliseconds", sa.BigInteger, nullable=False),
        sa.Column("outcome", sa.SmallInteger),
        sa.Column("sender", sa.Text, nullable=False),
        sa.Column("diagnosis", sa.Text, nullable=False),
        sa.PrimaryKeyConstraint(*(("id", "month") if is_postgresql else ("id",)), name="pk_audit_record"),
        sa.UniqueConstraint("digest", "month", name="uq_audit_record_digest"),
        postgresql_partition_by=_BY_MONTH,
    )
    op.create_table(
        "audit_subject",
        sa.Column("about", sa.SmallInteger, autoincrement=False, nullable=False),
        sa.Column("value", sa.Text, nullable=False),
        sa.Column("at_milliseconds", sa.BigInteger, autoincrement=False, nullable=False),
        sa.Column("record", sa.BigInteger, autoincrement=False, nullable=False),
        sa.Column("month", sa.Integer, autoincrement=False, nullable=False),
        sa.PrimaryKeyConstraint(
            "about", "value", "at_milliseconds", "record", "month", name="pk_audit_subject"
        ),
        sqlite_with_rowid=False,
        postgresql_partition_by=_BY_MONTH,
    )


def _create_indexes() -> None:
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
    op.create_index("ix_audit_subject_record", "audit_subject", ["record"])
