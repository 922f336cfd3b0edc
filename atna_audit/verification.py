"""Whether the stored records are those that came in: none altered, missing, added or out of order."""

from collections import defaultdict
from collections.abc import AsyncGenerator, AsyncIterator, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from sqlalchemy import bindparam, func, or_, select

from atna_audit.checkpoints import Checkpoint, SigningKey
from atna_audit.merkle import HASH_BYTES, Tree, leaf_of
from atna_audit.store import month_of
from atna_audit.tables import audit_leaf, audit_log, audit_record, audit_subject
from database import Database, Reading, Row, Statement

# Read in one snapshot: some MB, whatever the size of the log.
RECORDS_AT_ONCE = 512

# What stands for a leaf that is gone; no record has it.
_NO_LEAF = bytes(HASH_BYTES)


@dataclass(frozen=True, slots=True)
class Damage:
    """What is not as it was; `record` is its number, or nothing if it is no single one."""

    record: int | None
    trouble: str


async def newest_checkpoint(database: Database) -> Checkpoint:
    """The checkpoint that was signed with the last record."""
    [row] = await database.fetch(_SELECT_LOG)
    return _checkpoint(row)


async def damage_in(
    database: Database, key: SigningKey, known: Sequence[Checkpoint] = ()
) -> AsyncGenerator[Damage]:
    """Yield what differs from what was signed; `known` are checkpoints that were kept elsewhere."""
    newest = await newest_checkpoint(database)
    for damage in _in_checkpoints(newest, known, key):
        yield damage
    expected = defaultdict(list)
    for checkpoint in (*known, newest):
        expected[checkpoint.size].append(checkpoint)
    tree, month = Tree(), 0
    for first in range(1, newest.size + 1, RECORDS_AT_ONCE):
        last = min(first + RECORDS_AT_ONCE - 1, newest.size)
        async with database.reading() as reading:
            batch = await _Batch.read(reading, first, last, key)
        for number in range(first, last + 1):
            for trouble in batch.troubles(number):
                yield Damage(number, trouble)
            if record := batch.records.get(number):
                month = max(month, _month_of(record))
                if record["month"] != month:
                    yield Damage(number, "it lies in another month")
            tree.append(batch.leaves.get(number, _NO_LEAF))
            for checkpoint in expected[number]:
                if checkpoint.root != tree.root.hex():
                    yield Damage(None, f"the first {number} records are not those of {_named(checkpoint)}")
    async for damage in _beyond(database):
        yield damage


def _in_checkpoints(newest: Checkpoint, known: Sequence[Checkpoint], key: SigningKey) -> Iterator[Damage]:
    # A log that never held a record is the only one without a signature.
    begun = (newest,) if newest.size or newest.signature else ()
    for checkpoint in (*known, *begun):
        if not key.signed_it(checkpoint):
            yield Damage(None, f"our key did not sign {_named(checkpoint)}")
        elif checkpoint.size > newest.size:
            yield Damage(None, f"there are {newest.size} records, fewer than at {_named(checkpoint)}")
        elif checkpoint.dropped > newest.dropped:
            yield Damage(None, f"the log stands before {_named(checkpoint)}")


@dataclass(slots=True)
class _Batch:
    """Some records with all that is stored of them, as of one moment."""

    dropped: int
    leaves: dict[int, bytes]
    records: dict[int, Mapping[str, object]]
    subjects: dict[int, list[tuple[int, str, int, int]]]

    @classmethod
    async def read(cls, reading: Reading, first: int, last: int, key: SigningKey) -> "_Batch":
        span = {"first": first, "last": last}
        [log], leaves, records, subjects = await reading.fetch_each(
            (_SELECT_LOG, {}), (_SELECT_LEAVES, span), (_SELECT_RECORDS, span), (_SELECT_SUBJECTS, span)
        )
        checkpoint = _checkpoint(log)
        by_record = defaultdict(list)
        for record, *subject in subjects:
            by_record[record].append(tuple(subject))
        return cls(
            # Only a signature says that contents may be gone.
            checkpoint.dropped if key.signed_it(checkpoint) else 0,
            {number: bytes(leaf) for number, leaf in leaves},
            {row[0]: dict(zip(_RECORD_COLUMNS, row, strict=True)) for row in records},
            by_record,
        )

    def troubles(self, number: int) -> Iterator[str]:
        """What is not as it should be about one record."""
        leaf, record, subjects = (
            self.leaves.get(number),
            self.records.get(number),
            self.subjects.get(number, []),
        )
        if leaf is None:
            yield "its place in the log is gone"
        if number <= self.dropped:
            if record is not None or subjects:
                yield "it was dropped, and contents of it are there"
        elif record is None:
            yield "it is missing"
        else:
            about = [one[:3] for one in subjects if one[3] == record["month"]]
            if leaf_of({**record, "message": bytes(record["message"])}, about) != leaf:  # type: ignore[call-overload]  # a row's values are of any type
                yield "it is not what was stored"


async def _beyond(database: Database) -> AsyncIterator[Damage]:
    """Whatever the log does not count."""
    async with database.reading() as reading:
        [log], *counts = await reading.fetch_each((_SELECT_LOG, {}), *((one, {}) for one in _SELECT_BEYOND))
    size = _checkpoint(log).size
    for [(rows,)] in counts:
        if rows:
            yield Damage(None, f"{rows} rows are beyond the {size} records of the log")


def _checkpoint(row: Row) -> Checkpoint:
    records, peaks, dropped, signed_milliseconds, signature = row
    try:
        root = Tree.stored(records, bytes(peaks)).root.hex()
    except ValueError:
        root = ""
    return Checkpoint(records, root, dropped, signed_milliseconds, bytes(signature).hex())


def _month_of(record: Mapping[str, object]) -> int:
    received_milliseconds = record["received_milliseconds"]
    if not isinstance(received_milliseconds, int):
        raise TypeError("times are stored as numbers")
    return month_of(datetime.fromtimestamp(received_milliseconds / 1000, UTC))


def _named(checkpoint: Checkpoint) -> str:
    at = datetime.fromtimestamp(checkpoint.at_milliseconds / 1000, UTC)
    return f"the checkpoint over {checkpoint.size} records of {at:%Y-%m-%d %H:%M:%S} UTC"


_SELECT_LOG = Statement(
    select(
        audit_log.c.records,
        audit_log.c.peaks,
        audit_log.c.dropped,
        audit_log.c.signed_milliseconds,
        audit_log.c.signature,
    )
)
_SELECT_LEAVES = Statement(
    select(audit_leaf.c.id, audit_leaf.c.hash).where(
        audit_leaf.c.id.between(bindparam("first"), bindparam("last"))
    )
)
_RECORD_COLUMNS = tuple(column.name for column in audit_record.columns)
_SELECT_RECORDS = Statement(
    select(*audit_record.columns).where(audit_record.c.id.between(bindparam("first"), bindparam("last")))
)
_SELECT_SUBJECTS = Statement(
    select(
        audit_subject.c.record,
        audit_subject.c.about,
        audit_subject.c.value,
        audit_subject.c.at_milliseconds,
        audit_subject.c.month,
    ).where(audit_subject.c.record.between(bindparam("first"), bindparam("last")))
)
_SIZE = select(audit_log.c.records).scalar_subquery()
_SELECT_BEYOND = tuple(
    Statement(select(func.count()).where(or_(column > _SIZE, column < 1)))
    for column in (audit_leaf.c.id, audit_record.c.id, audit_subject.c.record)
)
