"""Everything that ever changed of a record: who changed what, when, and from which state."""

from collections.abc import Iterator

from sqlalchemy import bindparam, select

from consent_broker import tables as t
from consent_broker.store import (
    COLUMNS,
    Change,
    described,
    described_source,
    described_status,
    directive_in,
)
from consent_broker.times import moment
from database import Database, Row, Statement


async def history(patient: str, database: Database) -> tuple[Change, ...]:
    """Every change of this record, the first one first."""
    async with database.reading() as reading:
        statuses, rows = await reading.fetch_each(
            (_STATUS_CHANGES, {"patient": patient}), (_DIRECTIVE_CHANGES, {"patient": patient})
        )
    changes = (*_of_statuses(statuses), *_of_directives(rows))
    return tuple(sorted(changes, key=lambda change: change.at))


def _of_statuses(rows: list[Row]) -> Iterator[Change]:
    for status, opens, policy, source, made, by, before, ended, ended_by in rows:
        said = described_status(status, opens, described_source(policy, source))
        yield Change(moment(made), by, said, before)
        if ended is not None:
            yield Change(moment(ended), ended_by, f"no longer: {said}", said)


def _of_directives(rows: list[Row]) -> Iterator[Change]:
    lines = [
        (tuple(row[:_KEY]), described(directive_in(row[: len(COLUMNS)])), *row[len(COLUMNS) :])
        for row in rows
    ]
    # What gave way to another is told with the other.
    gave_way = {(key, before, made) for key, _, made, _, before, _, _ in lines if before}
    for key, said, made, by, before, ended, ended_by in lines:
        yield Change(moment(made), by, said, before)
        if ended is not None and (key, said, ended) not in gave_way:
            yield Change(moment(ended), ended_by, f"no longer: {said}", said)


# The columns by which a directive takes the place of another.
_KEY = 4

_directive = t.consent_directive.c
_STATUS_CHANGES = Statement(
    select(
        *(t.consent_status.c[name] for name in ("status", "opens", "policy", "source")),
        *(t.consent_status.c[name] for name in ("made", "made_by", "before", "ended", "ended_by")),
    )
    .where(t.consent_status.c.patient == bindparam("patient"))
    .order_by(t.consent_status.c.id)
)
_DIRECTIVE_CHANGES = Statement(
    select(
        *(_directive[name] for name in COLUMNS),
        *(_directive[name] for name in ("made", "made_by", "before", "ended", "ended_by")),
    )
    .where(_directive.patient == bindparam("patient"))
    .order_by(_directive.id)
)
