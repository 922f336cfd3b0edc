"""Patients are told what their audit records tell of, as the rules of the domain say (EHDS art. 9)."""

import asyncio
import fcntl
import logging
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager, suppress
from pathlib import Path

from atna_audit.accesses import Access, Deed
from atna_audit.noticing import Noticed, have_noticed, next_noticed
from consent_broker.notifications import Notice, NotificationKind, Notifications
from consent_broker.rules import Rules
from database import Database, DatabaseError

log = logging.getLogger("coffre.audit")

# How soon after a record is stored its patient's notification is written.
POLL_SECONDS = 1.0

_LOCK = "notices.lock"

_KINDS = {
    Deed.DEPOSITED: NotificationKind.DEPOSITED,
    Deed.REPLACED: NotificationKind.DEPOSITED,
    Deed.DOCUMENT_OPENED: NotificationKind.OPENED,
    Deed.DELETED: NotificationKind.REMOVED,
    Deed.RIGHTS_CHANGED: NotificationKind.RIGHTS_CHANGED,
    Deed.JOURNAL_READ: NotificationKind.JOURNAL_READ,
}
_IN_THE_RECORD = {Deed.LIST_SEEN, Deed.DEPOSITED, Deed.REPLACED, Deed.DOCUMENT_OPENED, Deed.CHANGED}


@asynccontextmanager
async def notices_written(database: Database, rules: Rules, spool: Path) -> AsyncIterator[None]:
    """Write what patients are to be told as long as the block lasts; nothing where the rules tell nothing.

    Of the workers that share this spool, one at a time reads the records for it.
    """
    if not rules.tells:
        yield
        return
    writing = asyncio.create_task(_by_the_second(database, rules, spool / _LOCK))
    try:
        yield
    finally:
        writing.cancel()
        with suppress(asyncio.CancelledError):
            await writing


async def _by_the_second(database: Database, rules: Rules, lock: Path) -> None:
    while True:
        try:
            with _held(lock) as held:
                while held and await write_notices(database, rules):
                    pass
        except (DatabaseError, OSError) as problem:
            log.warning("notifications of patients wait: %s", type(problem).__name__)
        await asyncio.sleep(POLL_SECONDS)


@contextmanager
def _held(lock: Path) -> Iterator[bool]:
    """Whether nobody else is at it."""
    with lock.open("w") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            yield False
        else:
            yield True


async def write_notices(database: Database, rules: Rules) -> bool:
    """Write the notifications of the next records; whether there were any records."""
    last, found = await next_noticed(database)
    if not last:
        return False
    if notices := [notice for one in found for notice in _notices(one, rules)]:
        await Notifications(database).note_all(notices)
    # Behind them: what a crash lets be looked at twice is of one occasion, and told once.
    await have_noticed(database, last)
    return True


def _notices(one: Noticed, rules: Rules) -> Iterator[Notice]:
    access = one.access
    person, profession = access.person, access.person.profession
    himself = profession is not None and (profession.code, profession.system) in rules.patients
    if not access.succeeded or person.is_machine or himself:
        return
    kinds = [_KINDS[access.deed]] if access.deed in _KINDS else []
    if access.deed in _IN_THE_RECORD:
        kinds.append(NotificationKind.FIRST_ACCESS)
    for kind in kinds:
        if kind in rules.tells:
            yield Notice(
                patient=one.patient,
                kind=kind,
                person=person.id,
                name=person.name,
                role=(profession.original_text or profession.code) if profession else "",
                organization=person.establishment,
                purpose=access.purpose.code if access.purpose else "",
                reason="",
                occasion=_occasion(kind, access, one.record),
                made=access.at,
            )


def _occasion(kind: NotificationKind, access: Access, record: int) -> str:
    """What is told once: several records tell of one act, and some acts are many in a day."""
    documents = " ".join(sorted(document.id for document in access.documents))
    day = f"{access.at:%Y-%m-%d}"
    match kind:
        case NotificationKind.FIRST_ACCESS:
            return access.person.id
        case NotificationKind.DEPOSITED | NotificationKind.REMOVED if documents:
            return documents
        case NotificationKind.OPENED | NotificationKind.JOURNAL_READ:
            return f"{access.person.id} {day} {documents}"
        case _:
            return str(record)
