"""The one door to a database: statements compiled once and run on the raw driver, off the event loop."""

from database.door import open_database
from database.port import (
    Call,
    ConflictingWrite,
    Database,
    DatabaseBusy,
    DatabaseError,
    DatabaseFull,
    DatabaseUnavailable,
    Limits,
    OutcomeUnknown,
    Parameters,
    Reading,
    Row,
    Transaction,
)
from database.statements import (
    RowsInto,
    Statement,
    any_like,
    any_of,
    constant,
    overlaps,
    overlaps_by_index,
    within,
)

__all__ = [
    "Call",
    "ConflictingWrite",
    "Database",
    "DatabaseBusy",
    "DatabaseError",
    "DatabaseFull",
    "DatabaseUnavailable",
    "Limits",
    "OutcomeUnknown",
    "Parameters",
    "Reading",
    "Row",
    "RowsInto",
    "Statement",
    "Transaction",
    "any_like",
    "any_of",
    "constant",
    "open_database",
    "overlaps",
    "overlaps_by_index",
    "within",
]
