"""A patient's journal: of this patient alone, as far back as is asked, in the patient's words."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from atna_audit.iti20_record_audit_event import Arrival, record_of
from atna_audit.journal import Wanted, journal_of, told
from atna_audit.journal_texts import Language
from audit_message.syslog import write_syslog
from audit_message.write import write_audit_message
from exchange.audit_trail import AuditedDocument, Happening, audit_messages_of
from ihe.transactions import ITI_18, ITI_43
from tests.atna_audit.test_accesses import user
from tests.exchange.test_audit_trail import NOON, OTHER_PATIENT, PATIENT, happening

pytestmark = pytest.mark.anyio

FORMER = "p0^^^&2.999.5&ISO"


@dataclass
class Registered:
    """What a registry would say."""

    ids: Mapping[str, Collection[str]] = field(default_factory=dict)
    titles: Mapping[str, str] = field(default_factory=dict)
    former: Mapping[str, Sequence[str]] = field(default_factory=dict)

    async def ids_of(self, patient_id: str) -> Collection[str]:
        return self.ids.get(patient_id, ())

    async def titles_of(self, unique_ids: Collection[str]) -> Mapping[str, str]:
        return {one: self.titles[one] for one in unique_ids if one in self.titles}

    async def former_ids_of(self, patient_id: str) -> Sequence[str]:
        return self.former.get(patient_id, ())


async def keep(store, *happenings: Happening) -> None:
    messages = [write_audit_message(message) for one in happenings for message in audit_messages_of(one)]
    syslog = (write_syslog(one, NOON, "h", "a", str(n)) for n, one in enumerate(messages))
    await store.add([record_of(Arrival(one, "10.0.0.9", "tls", NOON)) for one in syslog])


def opened(unique_id: str, **known) -> Happening:
    return happening(ITI_43, user=user(), documents=(AuditedDocument(unique_id, "2.999.2.1"),), **known)


async def test_nothing_of_another_patient_is_in_it(store, database):
    """Neither his accesses nor, where a retrieval did not know whose they were, his documents."""
    both = (AuditedDocument("2.999.3.1", "2.999.2.1"), AuditedDocument("2.999.3.2", "2.999.2.1"))
    await keep(
        store,
        opened("2.999.3.9", patient_ids=(OTHER_PATIENT,)),
        happening(ITI_43, user=user(), documents=both),
    )
    registry = Registered({PATIENT: ["2.999.3.1"]}, {"2.999.3.1": "Ours", "2.999.3.2": "Theirs"})
    journal = await journal_of(Wanted(patient_id=PATIENT), database, registry)
    assert [[one.title for one in row.documents] for row in journal.rows] == [["Ours"]]


async def test_a_merged_patient_keeps_what_was_before(store, database):
    await keep(store, opened("2.999.3.1", patient_ids=(FORMER,)))
    journal = await journal_of(Wanted(patient_id=PATIENT), database, Registered(former={PATIENT: [FORMER]}))
    assert len(journal.rows) == 1


async def test_older_accesses_are_said_to_be_there(store, database):
    hours = [NOON + timedelta(hours=n) for n in range(30)]
    await keep(store, *(opened("2.999.3.1", patient_ids=(PATIENT,), at=at) for at in hours))
    journal = await journal_of(Wanted(patient_id=PATIENT, number=5), database, Registered())
    assert ([one.at for one in journal.rows], journal.more) == (hours[:-6:-1], True)
    whole = await journal_of(Wanted(patient_id=PATIENT, number=30), database, Registered())
    assert (len(whole.rows), whole.more) == (30, False)


@pytest.mark.parametrize(
    ("wanted", "found"),
    [
        ({"person": "dr a"}, 2),
        ({"person": "nobody"}, 0),
        ({"document": "letter"}, 1),
        ({"document": "2.999.3.1"}, 1),
        ({"since": NOON + timedelta(minutes=1)}, 1),
        ({"until": NOON + timedelta(minutes=1)}, 1),
    ],
)
async def test_a_journal_is_of_a_person_a_document_a_time(store, database, wanted, found):
    await keep(
        store,
        opened("2.999.3.1", patient_ids=(PATIENT,)),
        opened("2.999.3.2", patient_ids=(PATIENT,), at=NOON + timedelta(hours=1)),
    )
    registry = Registered(titles={"2.999.3.2": "Letter of discharge"})
    journal = await journal_of(Wanted(patient_id=PATIENT, **wanted), database, registry)
    assert len(journal.rows) == found


async def test_each_language_says_the_same(store, database):
    await keep(
        store,
        happening(
            ITI_18,
            user=user(),
            patient_ids=(PATIENT,),
            query_xml=b"<q/>",
            access_reasons=("an emergency, which",),
        ),
    )
    [row] = (await journal_of(Wanted(patient_id=PATIENT), database, Registered())).rows
    zone = ZoneInfo("Europe/Luxembourg")
    rows = {language: told(row, language, zone) for language in Language}
    assert {language: (said[2], said[5]) for language, said in rows.items()} == {
        "fr": ("médecin généraliste", "URGENCE : Liste des documents consultée"),
        "de": ("Hausarzt", "NOTFALL: Dokumentenliste eingesehen"),
        "en": ("general practitioner", "EMERGENCY: List of documents seen"),
        "lb": ("Hausdokter", "NOUTFALL: Lëscht vun den Dokumenter gekuckt"),
    }
    assert told(row, Language.FRENCH, zone)[0] == "2030-01-01 13:00:00 +0100"
    assert row.at == datetime.fromisoformat("2030-01-01T12:00:00+00:00")
