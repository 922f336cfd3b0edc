"""The patient's journal: one row for each access, in the patient's language (EHDS art. 9)."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, tzinfo
from typing import Protocol

from sqlalchemy import and_, bindparam, select, union

from atna_audit import journal_texts as texts
from atna_audit.accesses import Access, NamedDocument, Person, accesses
from atna_audit.journal_texts import Language, Text
from atna_audit.store import milliseconds
from atna_audit.tables import About, audit_record, audit_subject
from audit_message.audit_event import read_record
from audit_message.model import AuditMessage, ParticipantObject
from audit_message.read import NotAnAuditMessage
from audit_message.syslog import read_syslog
from database import Database, Statement, any_of
from ihe.audit_events import DOCUMENT, PATIENT, CodedValue, ObjectKind

# An access has some records, of which more are read at once than are shown.
RECORDS_FOR_A_ROW = 4
# What one reading may have parsed: some seconds, and years of most patients.
RECORDS_LIMIT = 20_000


class Documents(Protocol):
    """What the registry knows of a patient's documents now; they may have been removed since."""

    async def ids_of(self, patient_id: str) -> Collection[str]:
        """The uniqueIds of the patient's documents."""

    async def titles_of(self, unique_ids: Collection[str]) -> Mapping[str, str]:
        """The titles of those that are still registered."""

    async def former_ids_of(self, patient_id: str) -> Sequence[str]:
        """The ids that were merged into this patient's."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """Whose journal, and which accesses; what is empty is not asked. `until` is exclusive."""

    patient_id: str
    since: datetime | None = None
    until: datetime | None = None
    person: str = ""
    document: str = ""
    number: int = 100

    @property
    def words(self) -> str:
        """What is asked, to be recorded."""
        asked = {"since": self.since, "until": self.until, "person": self.person, "document": self.document}
        return ", ".join(f"{name} {value}" for name, value in asked.items() if value not in (None, ""))


@dataclass(frozen=True, slots=True)
class Journal:
    """Accesses, the latest first; `more` says that there are older ones."""

    patient_id: str
    rows: tuple[Access, ...]
    more: bool


async def journal_of(wanted: Wanted, database: Database, documents: Documents) -> Journal:
    """Find the accesses, each document with its title."""
    patients = [wanted.patient_id, *await documents.former_ids_of(wanted.patient_id)]
    ids = {one for each in patients for one in await documents.ids_of(each)}
    count = RECORDS_FOR_A_ROW * (wanted.number + 1)
    while True:
        messages, whole = await _records(patients, ids, wanted, count, database)
        found = [one for one in await _titled(messages, documents) if _is_wanted(one, wanted)]
        if whole or len(found) > wanted.number or count >= RECORDS_LIMIT:
            return Journal(
                wanted.patient_id,
                tuple(found[: wanted.number]),
                not whole or len(found) > wanted.number,
            )
        count = min(RECORDS_FOR_A_ROW * count, RECORDS_LIMIT)


async def _records(
    patients: list[str], documents: Collection[str], wanted: Wanted, count: int, database: Database
) -> tuple[list[tuple[int, AuditMessage]], bool]:
    """The latest records about these patients or documents, and whether that is all of them."""
    asked = {
        "patients": patients,
        "documents": sorted(documents),
        "since": milliseconds(wanted.since) if wanted.since else 0,
        "until": milliseconds(wanted.until) if wanted.until else _END_OF_TIME,
        "limit": count,
    }
    rows = await database.fetch(_SELECT, asked)
    read = ((id_, _read(bytes(message), patients, documents)) for id_, message in rows)
    return [(id_, message) for id_, message in read if message], len(rows) < count


def _read(message: bytes, patients: Collection[str], documents: Collection[str]) -> AuditMessage | None:
    """What the record tells about these patients; nothing of others whom it may name as well."""
    try:
        read = read_record(read_syslog(message).content)
    except NotAnAuditMessage:
        return None  # nobody could say what was done
    named = [one.id for one in read.objects if _is(one, PATIENT)]
    if any(one in patients for one in named):
        return read
    if named:
        return None
    # A retrieval that did not know whose the documents were may be of several patients'.
    ours = tuple(one for one in read.objects if one.id in documents or not _is(one, DOCUMENT))
    return read._replace(objects=ours)


def _is(object_: ParticipantObject, kind: ObjectKind) -> bool:
    return (object_.type_code, object_.role) == (kind.type_code, kind.role)


async def _titled(messages: list[tuple[int, AuditMessage]], documents: Documents) -> list[Access]:
    # What the records of its deposit say of a document outlives it; what it is called now goes before.
    told = {
        one.id: one.name
        for _, message in messages
        for one in message.objects
        if one.name and _is(one, DOCUMENT)
    }
    rows = accesses(messages)
    untitled = {one.id for row in rows for one in row.documents if not one.title}
    titles = {**told, **await documents.titles_of(untitled)}
    return [
        replace(
            row,
            documents=tuple(
                one if one.title else NamedDocument(one.id, titles.get(one.id, "")) for one in row.documents
            ),
        )
        for row in rows
    ]


def _is_wanted(access: Access, wanted: Wanted) -> bool:
    person, document = wanted.person.casefold(), wanted.document.casefold()
    who = (access.person.id, access.person.name, access.person.establishment, access.person.on_behalf_of)
    which = (text for one in access.documents for text in (one.id, one.title))
    return _in(person, who) and _in(document, which)


def _in(part: str, texts_: Iterable[str]) -> bool:
    return not part or any(part in text.casefold() for text in texts_)


def told(access: Access, language: Language, zone: tzinfo) -> tuple[str, ...]:
    """One row in words, in the order of `journal_texts.COLUMNS`."""

    def say(text: Text) -> str:
        return text.in_(language)

    person = access.person
    return (
        f"{access.at.astimezone(zone):%Y-%m-%d %H:%M:%S %z}",
        say(texts.A_MACHINE).format(name=person.name) if person.is_machine else person.name,
        _profession(person, language),
        person.establishment,
        person.on_behalf_of,
        _what(access, language),
        ", ".join(one.title or say(texts.NO_TITLE).format(id=one.id) for one in access.documents),
        _coded(access.purpose, texts.PURPOSES, language),
        say(texts.BASES[access.basis]) if access.basis else "",
        access.software,
    )


def _what(access: Access, language: Language) -> str:
    said = texts.DEEDS[access.deed].in_(language)
    if access.change:
        said = f"{said}: {access.change}"
    if not access.succeeded:
        said = texts.FAILED.in_(language).format(deed=said)
    return texts.IN_EMERGENCY.in_(language).format(deed=said) if access.emergency else said


def _profession(person: Person, language: Language) -> str:
    return _coded(person.profession, texts.PROFESSIONS, language)


def _coded(value: CodedValue | None, known: Mapping[str, Text], language: Language) -> str:
    if value is None:
        return ""
    text = known.get(value.code)
    return text.in_(language) if text else value.original_text or value.display_name or value.code


# The last millisecond that `datetime` knows.
_END_OF_TIME = 253_402_300_799_999

_subject = audit_subject.c
_period = (_subject.at_milliseconds >= bindparam("since"), _subject.at_milliseconds < bindparam("until"))
_about = union(
    *(
        select(_subject.record, _subject.at_milliseconds, _subject.month).where(
            _subject.about == int(about), any_of(_subject.value, bindparam(values)), *_period
        )
        for about, values in ((About.PATIENT, "patients"), (About.DOCUMENT, "documents"))
    )
).subquery("about")
_latest = (
    select(_about.c.record, _about.c.month)
    .order_by(_about.c.at_milliseconds.desc(), _about.c.record.desc())
    .limit(bindparam("limit"))
    .subquery("latest")
)
_SELECT = Statement(
    select(audit_record.c.id, audit_record.c.message).join(
        _latest, and_(_latest.c.record == audit_record.c.id, _latest.c.month == audit_record.c.month)
    )
)
