"""What the Audit Record Repository stores: one schema for PostgreSQL and SQLite (ITI TF-2: 3.20.4.1.3)."""

from enum import IntEnum

from sqlalchemy import (
    BigInteger,
    Column,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    SmallInteger,
    Table,
    Text,
    UniqueConstraint,
    text,
)

metadata = MetaData()

_BIG_KEY = BigInteger().with_variant(Integer, "sqlite")


class About(IntEnum):
    """By what a record is found beside its time, outcome and sender."""

    PATIENT = 1
    DOCUMENT = 2
    PERSON = 3
    PURPOSE = 4
    EVENT = 5
    # Which series of which spool it came from, with the time at which it was spooled: for counting.
    SERIES = 6


# One row: how many records were ever stored, the tree over them, and how many of the first ones were dropped,
# all signed; and the month of the last. Whoever stores locks it, so that numbers have no gaps and stand in
# the order of arrival.
audit_log = Table(
    "audit_log",
    metadata,
    Column("id", SmallInteger, primary_key=True, autoincrement=False),
    Column("records", BigInteger, nullable=False),
    Column("peaks", LargeBinary, nullable=False),
    Column("dropped", BigInteger, nullable=False),
    Column("month", Integer, nullable=False),
    # Up to what number somebody has looked whether a patient is to be told of it.
    Column("noticed", BigInteger, nullable=False),
    Column("signed_milliseconds", BigInteger, nullable=False),
    Column("signature", LargeBinary, nullable=False),
)

# The hash of each record, by its number; it stays when the record is dropped.
audit_leaf = Table(
    "audit_leaf",
    metadata,
    Column("id", _BIG_KEY, primary_key=True, autoincrement=False),
    Column("hash", LargeBinary, nullable=False),
)

# Records lie by the month in which they were stored, as 203001, so that PostgreSQL has a partition for each
# and drops it whole. The month of a later record is never an earlier one, whatever clocks say.
_BY_MONTH = "LIST (month)"

# `message` is what came in, byte for byte; all else is read from it, and empty where that could not be read.
# A sender delivers at least once: `digest` is the same whenever it sends the same record.
audit_record = Table(
    "audit_record",
    metadata,
    Column("id", _BIG_KEY, primary_key=True, autoincrement=False),
    Column("month", Integer, nullable=False),
    Column("digest", Text, nullable=False),
    Column("received_milliseconds", BigInteger, nullable=False),
    Column("peer", Text, nullable=False),
    Column("transport", Text, nullable=False),
    Column("message", LargeBinary, nullable=False),
    Column("at_milliseconds", BigInteger, nullable=False),
    Column("outcome", SmallInteger),
    Column("sender", Text, nullable=False),
    # One a line; empty for a message that is as it should be.
    Column("diagnosis", Text, nullable=False),
    UniqueConstraint("digest", "month", name="uq_audit_record_digest"),
    Index("ix_audit_record_at", "at_milliseconds"),
    Index("ix_audit_record_outcome", "outcome", "at_milliseconds"),
    Index("ix_audit_record_sender", "sender", "at_milliseconds"),
    # Few where senders are in order, and counted by sender.
    Index(
        "ix_audit_record_diagnosis",
        "sender",
        postgresql_where=text("diagnosis <> ''"),
        sqlite_where=text("diagnosis <> ''"),
    ),
    postgresql_partition_by=_BY_MONTH,
)

# What a process has changed and perhaps not recorded: the records of it, until they are in its spool. A row
# comes with the change itself and goes within seconds, so what a killed process leaves here is looked up.
audit_pledge = Table(
    "audit_pledge",
    metadata,
    Column("series", Text, primary_key=True),
    Column("number", BigInteger, primary_key=True, autoincrement=False),
    Column("records", LargeBinary, nullable=False),
    sqlite_with_rowid=False,
)

# The time stands in the key, so that the latest records about one patient are read off one end of it.
audit_subject = Table(
    "audit_subject",
    metadata,
    Column("about", SmallInteger, primary_key=True, autoincrement=False),
    Column("value", Text, primary_key=True),
    Column("at_milliseconds", BigInteger, primary_key=True, autoincrement=False),
    Column("record", BigInteger, primary_key=True, autoincrement=False),
    Column("month", Integer, primary_key=True, autoincrement=False),
    Index("ix_audit_subject_record", "record"),
    sqlite_with_rowid=False,
    postgresql_partition_by=_BY_MONTH,
)
