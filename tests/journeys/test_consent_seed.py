"""The shipped rule pack, with codes of the tests, in a pilot whose registry and repository run apart.

Each rule is named after the leaflet's sentence that it makes true; `test_consent.py` has the others.
"""

import asyncio
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from functools import partial

import pytest

from consent_broker.model import Level, Origin, RecordStatus, Right
from consent_broker.operations import NotPossible, care_relationship
from consent_broker.store import Directive, Kind
from server import consent
from tests.messages import requests
from tests.messages.requests import SUCCESS
from tests.services.platform import ROOT, Platform, running_apart
from tests.services.ruled import RULED_DOMAIN, Person, Record, write_rules
from tests.wire import envelope, post

GP, NURSE = Person("GP", "2211"), Person("NURSE", "3221")
REFUSED = [("XDSRepositoryError", "not permitted")]


@pytest.fixture(scope="module")
def domain(postgresql_url_of_module, tmp_path_factory) -> Iterator[Platform]:
    """Two servers of such a domain on one database."""
    rules = (
        (ROOT / "server" / "rule_packs" / "luxembourg.toml")
        .read_text()
        .replace("pilot = false", "pilot = true")
    )
    for scheme, ours in (
        ("2.16.840.1.113883.2.9.6.2.7", "2.999.7"),
        ("2.16.840.1.113883.5.110", "2.999.7"),
        ("2.16.840.1.113883.5.25", "2.999.1"),
        ("2.16.840.1.113883.6.1", "2.999.1"),
    ):
        rules = rules.replace(f'"{scheme}"', f'"{ours}"')
    directory = tmp_path_factory.mktemp("pilot")
    for actor in ("registry", "repository"):
        write_rules(directory / actor, rules)
    environment = {"COFFRE_DATABASE_URL": postgresql_url_of_module}
    with running_apart(directory, toml=RULED_DOMAIN, environment=environment) as platform:
        yield platform


@pytest.fixture
def record(domain) -> Record:
    """Of a patient whose referring doctor takes part."""
    record = Record(domain, opened=False)
    record.grant(GP.party, origin=Origin.REFERRING_DOCTOR)
    return record


def test_patients_retenus_ceux_suivis_par_un_medecin_referent(domain):
    """Who has no referring doctor has no record in the pilot; naming one opens it, and he cares for good.

    docs/consent.md.
    """
    record = Record(domain, opened=False)
    with pytest.raises(NotPossible):
        record.turn(RecordStatus.OPEN)
    assert record.provide(record.patient, record.document()).errors == REFUSED
    record.grant(GP.party, origin=Origin.REFERRING_DOCTOR)
    sent = record.deposit(GP, type_code="11488-4")
    assert record.seen_by(GP) == [sent.unique_id]
    assert record.seen_by(record.patient) == [sent.unique_id]
    assert {"pilot", "the record is open"} <= {one.what for one in record.history()}


# Laboratory, imaging, visit, prescription, discharge, home care, patient summary, the patient's own.
FAMILIES = ("11502-2", "18748-4", "11488-4", "57833-6", "18842-5", "34129-7", "60591-5", "51855-5")
DEPOSITS = {
    GP: {"11502-2", "18748-4", "11488-4", "57833-6", "60591-5"},
    Person("SPECIALIST", "2212"): {"11502-2", "18748-4", "11488-4", "57833-6", "18842-5"},
    NURSE: {"34129-7"},
    Person("PHARMACIST", "2262"): set(),
    Person("LABORATORY", "3212"): {"11502-2"},
}
READS = {
    GP: set(FAMILIES),
    NURSE: {"57833-6", "18842-5", "34129-7", "60591-5"},
    Person("PHARMACIST", "2262"): {"57833-6", "60591-5"},
    Person("LABORATORY", "3212"): {"57833-6"},
}


def test_huit_familles_de_documents_et_leurs_auteurs(record):
    """What each profession deposits and reads, by the matrix (docs/consent.md).

    Comptes-rendus de laboratoire, d'imagerie, de visite, prescriptions, lettre de sortie, soins à domicile,
    résumé patient, espace d'expression personnelle.
    """
    for person, types in DEPOSITS.items():
        record.grant(person.party)
        taken = {
            code
            for code in FAMILIES
            if record.provide(person, record.document(type_code=code)).status_urn == SUCCESS
        }
        assert taken == types, person
    record = Record(record.platform, opened=False)
    record.grant(GP.party, origin=Origin.REFERRING_DOCTOR)
    by_type = {code: record.deposit(record.patient, type_code=code).unique_id for code in FAMILIES}
    for person, types in READS.items():
        record.grant(person.party)
        assert sorted(record.seen_by(person)) == sorted(by_type[code] for code in types), person


def test_je_peux_deposer_moi_meme_des_informations(record):
    """In his own words, marked as his, and he alone removes them (docs/consent.md)."""
    sent = record.deposit(record.patient, type_code="51855-5")
    uuid = record.entry_uuid(sent)
    assert record.seen_by(GP) == [sent.unique_id]
    package = requests.fresh_oid()
    status = requests.submit(
        requests.submission_set(record.patient_id, package), requests.status_change(uuid)
    )
    for by, errors in ((GP, [("XDSRegistryError", "not permitted")]), (record.patient, [])):
        message = envelope(requests.ITI_57, status, more_headers=by.headers)
        assert post(record.platform.registry_url, message).errors == errors


def test_a_repository_apart_hands_out_what_its_registry_shows_to_the_same_user(record):
    """What is hidden is answered like what was never there, by both (docs/consent.md)."""
    shown, hidden = (record.deposit(GP, type_code="60591-5") for _ in range(2))
    record.hide(hidden)
    record.grant(NURSE.party, Right.READ)
    for by in (GP, NURSE):
        assert record.seen_by(by) == [shown.unique_id]
        assert record.retrieve(by, shown.unique_id).parts[1][1] == b"Dear colleague"
        never = requests.fresh_oid()
        answers = [record.retrieve(by, one) for one in (hidden.unique_id, never)]
        said = [
            [(code, text.replace(one, "")) for code, text in answer.errors]
            for answer, one in zip(answers, (hidden.unique_id, never), strict=True)
        ]
        assert said[0] == said[1]
        assert [code for code, _ in said[0]] == ["XDSDocumentUniqueIdError"]
    record.let(Directive(Kind.EXCLUSION, NURSE.party))
    assert record.retrieve(NURSE, shown.unique_id).codes == ["XDSDocumentUniqueIdError"]
    assert record.retrieve(record.patient, hidden.unique_id).parts[1][1] == b"Dear colleague"
    record.turn(RecordStatus.CLOSED)
    assert record.retrieve(record.patient, shown.unique_id).codes == ["XDSDocumentUniqueIdError"]


def test_national_durations_end_what_a_presence_began(record):
    """The rule pack's: three days for a pharmacist, thirty for others (docs/consent.md)."""
    for person, days in ((Person("PHARMACIST", "2262"), 3), (NURSE, 30)):
        present = partial(
            care_relationship,
            person.party,
            frozenset({Right.READ}),
            Level.NORMAL,
            Origin.PRESENCE,
            profession=(person.role, "2.999.7"),
        )
        asyncio.run(consent.grant(record.configuration, record.patient_id, present, "portal"))
        ends = datetime.now(UTC) + timedelta(days=days)
        assert record.history()[-1].what.endswith(f"until {ends:%Y-%m-%d}")
