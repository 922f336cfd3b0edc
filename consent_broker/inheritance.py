"""What of a patient's decisions a merge brings to the record that takes in his (ITI TF-2: 3.8.4.2.3)."""

from collections.abc import Iterator
from datetime import datetime

from consent_broker import store
from consent_broker.model import Directives, RecordStatus
from consent_broker.store import Change, Directive, Kind
from database import Database


async def inherit(
    subsumed: str, surviving: str, at: datetime, database: Database, *, receipt: bool = False
) -> tuple[Change, ...]:
    """Let what one patient opposed and hid hold for the record that takes in his own (ITI TF-2: 3.8.4.2.3).

    To be done before the records are joined, so that nothing is seen in between. What he granted does not go
    over, for nobody was let into the other's documents; a record that he had closed closes the other's.
    """
    held = await store.directives_of((subsumed, surviving), RecordStatus.NOT_OPENED, database, at)
    by = f"merge of {subsumed}"
    changes = []
    if held[subsumed].status is RecordStatus.CLOSED and held[surviving].status is not RecordStatus.CLOSED:
        changes.append(
            await store.set_status(surviving, RecordStatus.CLOSED, at, by, database, receipt=receipt)
        )
    for directive in _restrictions(held[subsumed], held[surviving]):
        changes.append(await store.add(surviving, directive, at, by, database, receipt=receipt))
    return tuple(changes)


def _restrictions(held: Directives, by_survivor: Directives) -> Iterator[Directive]:
    for party in sorted(held.excluded):
        yield Directive(Kind.EXCLUSION, party)
    for document in sorted(held.hidden):
        yield Directive(Kind.HIDDEN, document=document)
    for document, parties in held.reserved:
        for party in sorted(parties):
            yield Directive(Kind.RESERVED, party, document)
    for document, level in held.levels:
        yield Directive(Kind.LEVEL, document=document, level=level)
    if held.minimum > by_survivor.minimum:
        yield Directive(Kind.MINIMUM, level=held.minimum)
    if held.emergency_level is None:
        yield Directive(Kind.EMERGENCY)
