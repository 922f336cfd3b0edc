"""Records of which nobody has asked yet whether their patients are to be told, in order of arrival."""

from dataclasses import dataclass

from sqlalchemy import bindparam, select, update

from atna_audit.accesses import Access, accesses
from atna_audit.tables import audit_log, audit_record
from audit_message.audit_event import read_record
from audit_message.model import AuditMessage
from audit_message.read import NotAnAuditMessage
from audit_message.syslog import read_syslog
from database import Database, Statement
from ihe.audit_events import PATIENT

# Read together: some milliseconds of parsing.
RECORDS_AT_ONCE = 256


@dataclass(frozen=True, slots=True)
class Noticed:
    """An access to the record of a patient, by the number of what tells of it."""

    record: int
    patient: str
    access: Access


async def next_noticed(database: Database) -> tuple[int, list[Noticed]]:
    """The next accesses, and the number of the last record that was looked at; 0 if there was none."""
    rows = await database.fetch(_SELECT, {"limit": RECORDS_AT_ONCE})
    found = [one for number, message in rows for one in _noticed(number, bytes(message))]
    return (rows[-1][0] if rows else 0), found


async def have_noticed(database: Database, last: int) -> None:
    """Let nobody look at the records up to this one again."""
    await database.transact(lambda transaction: transaction.execute(_NOTE, {"last": last}))


def _noticed(number: int, content: bytes) -> list[Noticed]:
    try:
        message = read_record(read_syslog(content).content)
    except NotAnAuditMessage:
        return []
    (access,) = accesses([(number, message)])
    return [Noticed(number, patient, access) for patient in _patients(message)]


def _patients(message: AuditMessage) -> list[str]:
    kind = (PATIENT.type_code, PATIENT.role)
    return sorted({one.id for one in message.objects if one.id and (one.type_code, one.role) == kind})


_SELECT = Statement(
    select(audit_record.c.id, audit_record.c.message)
    .where(audit_record.c.id > select(audit_log.c.noticed).scalar_subquery())
    .order_by(audit_record.c.id)
    .limit(bindparam("limit"))
)
_NOTE = Statement(
    update(audit_log).values(noticed=bindparam("last")).where(audit_log.c.noticed < bindparam("last"))
)
