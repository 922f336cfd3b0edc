"""The patient decides, over the wire: each rule is named after the leaflet's sentence that it makes true."""

import base64
import hashlib
import re
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from atna_audit.spool import stored_records
from consent_broker.model import Level, Origin, Party, PartyKind, Period, RecordStatus, Right
from consent_broker.store import Directive, Kind
from tests.messages import requests
from tests.messages.requests import RPLC, SUCCESS
from tests.services.platform import Platform, running
from tests.services.ruled import EVERY_STATUS, RULED_DOMAIN, Person, Record, write_rules
from tests.wire import envelope, post

DR_A, DR_B = Person("A"), Person("B")
NURSE = Person("N", "NURSE")
CLINIC = "urn:oid:2.999.50"
SHA1 = hashlib.sha1(b"Dear colleague", usedforsecurity=False).hexdigest()


@pytest.fixture(scope="module", params=["sqlite", "postgresql"])
def domain(request, tmp_path_factory) -> Iterator[Platform]:
    """A server whose domain has rules, on each database."""
    directory = write_rules(tmp_path_factory.mktemp("ruled"))
    environment = {}
    if request.param == "postgresql":
        environment["COFFRE_DATABASE_URL"] = request.getfixturevalue("postgresql_url_of_module")
    with running(directory, toml=RULED_DOMAIN, environment=environment) as platform:
        yield platform


@pytest.fixture
def record(domain) -> Record:
    return Record(domain)


def test_demande_explicite_opt_in(domain):
    """A record that nobody opened is not there: nothing is found in it, and nothing taken for it.

    docs/consent.md.
    """
    record = Record(domain, opened=False)
    assert record.seen_by(record.patient) == []
    answer = record.provide(record.patient, record.document())
    assert answer.errors == [("XDSRepositoryError", "not permitted")]
    record.turn(RecordStatus.OPEN)
    assert record.provide(record.patient, record.document()).status_urn == SUCCESS


def test_le_dsp_ne_contient_pas_de_document_a_sa_creation(record):
    """An open record answers with an empty success (docs/consent.md)."""
    answer = record.all_of_it(record.patient)
    assert answer.status_urn == SUCCESS
    assert answer.found("RegistryObjectList")[0][:] == []


def test_il_peut_fermer_son_dsp_a_tout_moment(record):
    """At once invisible to all, deposits refused; and as it was when it is opened again (docs/consent.md)."""
    record.grant(DR_A.party)
    sent = record.deposit(DR_A)
    record.turn(RecordStatus.CLOSED)
    for person in (DR_A, DR_A.in_emergency(), record.patient):
        assert record.seen_by(person) == []
        assert record.retrieve(person, sent.unique_id).codes == ["XDSDocumentUniqueIdError"]
        assert record.provide(person, record.document()).errors == [("XDSRepositoryError", "not permitted")]
    record.turn(RecordStatus.OPEN)
    assert record.seen_by(DR_A) == [sent.unique_id]


def test_a_qui_le_patient_aura_donne_le_droit_d_acces(record):
    """Whoever has no grant finds nothing, and is told what he would be told of an empty record.

    docs/consent.md.
    """
    sent = record.deposit(record.patient)
    assert record.seen_by(DR_A) == []
    assert record.retrieve(DR_A, sent.unique_id).codes == ["XDSDocumentUniqueIdError"]
    record.grant(DR_A.party, Right.READ)
    assert record.seen_by(DR_A) == [sent.unique_id]
    assert record.retrieve(DR_A, sent.unique_id).parts[1][1] == b"Dear colleague"


def test_droits_d_acces_pour_consulter_et_deposer(record):
    """Two separate rights (docs/consent.md)."""
    sent = record.deposit(record.patient)
    record.grant(DR_A.party, Right.READ)
    record.grant(DR_B.party, Right.DEPOSIT)
    assert record.seen_by(DR_A) == [sent.unique_id]
    assert record.provide(DR_A, record.document()).errors == [("XDSRepositoryError", "not permitted")]
    own = record.deposit(DR_B)
    assert record.seen_by(DR_B) == [own.unique_id]


def test_decider_a_tout_moment_de_changer_les_droits(record):
    """A change counts from the next request on (docs/consent.md)."""
    sent = record.deposit(record.patient)
    for _ in range(3):
        given = record.grant(DR_A.party)
        assert record.seen_by(DR_A) == [sent.unique_id]
        record.no_longer(given)
        assert record.seen_by(DR_A) == []


def test_s_opposer_a_l_acces_par_un_ou_plusieurs_professionnels(record):
    """Neither read nor write, nor in an emergency, nor what he deposited himself (docs/consent.md)."""
    record.grant(DR_A.party)
    record.deposit(DR_A)
    record.let(Directive(Kind.EXCLUSION, DR_A.party))
    for person in (DR_A, DR_A.in_emergency()):
        assert record.seen_by(person) == []
        assert record.provide(person, record.document()).errors == [("XDSRepositoryError", "not permitted")]
    assert len(record.seen_by(record.patient)) == 1


def test_definir_le_niveau_de_confidentialite_de_certains_documents(record):
    """A grant reaches up to its level; what is secret, or of an unknown code, is the patient's alone.

    docs/consent.md.
    """
    by_level = {level: record.deposit(record.patient, level=level).unique_id for level in "NRVX"}
    for level, seen in ((Level.NORMAL, "N"), (Level.RESTRICTED, "NR")):
        record.grant(DR_A.party, Right.READ, level=level)
        assert sorted(record.seen_by(DR_A)) == sorted(by_level[each] for each in seen)
    assert sorted(record.seen_by(record.patient)) == sorted(by_level.values())


def test_le_patient_change_le_niveau_d_un_document(record):
    """By a Restricted Update [ITI-92], which nobody else's word makes; it counts from the next request.

    docs/consent.md; RMU supplement: 3.92.4.1.3.
    """
    record.grant(DR_A.party)
    sent = record.deposit(DR_A)
    uuid = record.entry_uuid(sent)

    def turned(by: Person, level: str, version: str) -> list[tuple[str, str]]:
        entry = requests.document_entry(
            record.patient_id,
            sent.unique_id,
            "Version",
            slots=requests.registered(SHA1, 14),
        )
        entry = entry.replace('id="Version" mimeType', f'id="Version" lid="{uuid}" mimeType')
        member = requests.association(
            "SubmissionSet1",
            "Version",
            status="Original",
            more=requests.slot("PreviousVersion", version),
        )
        body = requests.submit(
            requests.submission_set(record.patient_id, requests.fresh_oid()),
            entry.replace('"N"', f'"{level}"'),
            member,
        )
        message = envelope(requests.ITI_92, body, more_headers=by.headers)
        return post(record.platform.registry_url, message).errors

    for by in (DR_A, DR_A.in_emergency(), DR_B):
        assert turned(by, "V", "1") == [("LocalPolicyRestrictionError", "not permitted")]
    assert record.seen_by(DR_A) == [sent.unique_id]
    record.grant(DR_B.party)
    for level, seen in (("V", []), ("R", []), ("N", [sent.unique_id])):
        assert turned(record.patient, level, str("VRN".index(level) + 1)) == []
        assert record.seen_by(DR_B) == seen
    assert record.seen_by(record.patient) == [sent.unique_id]


def test_limiter_leur_visibilite_a_seulement_certains_professionnels(record):
    """An allow list for one document (docs/consent.md)."""
    for doctor in (DR_A, DR_B):
        record.grant(doctor.party)
    shared, reserved = record.deposit(record.patient), record.deposit(record.patient)
    record.let(Directive(Kind.RESERVED, DR_B.party, document=record.entry_uuid(reserved)))
    assert record.seen_by(DR_A) == [shared.unique_id]
    assert sorted(record.seen_by(DR_B)) == sorted([shared.unique_id, reserved.unique_id])


def test_je_peux_masquer_certains_documents_partages(record):
    """Hidden: absent everywhere, whatever is asked and however, and there again when no longer hidden.

    docs/consent.md.
    """
    record.grant(DR_A.party)
    visible, hidden = record.deposit(DR_A, folder=True), record.deposit(DR_A, folder=True)
    entry_uuid = record.entry_uuid(hidden)
    before = {name: record.ask(DR_A, *question).root for name, question in questions(visible).items()}
    directive = record.hide(hidden)
    for return_type in ("LeafClass", "ObjectRef"):
        whole = record.all_of_it(DR_A, return_type).root.decode()
        assert entry_uuid not in whole
        assert hidden.unique_id not in whole
        assert whole.count(" objectType=" if return_type == "LeafClass" else "<rim:ObjectRef ") > 0
        for query, *slots in questions(hidden, entry_uuid).values():
            answer = record.ask(DR_A, query, *slots, return_type=return_type)
            assert answer.status_urn == SUCCESS
            assert answer.found("RegistryObjectList")[0][:] == []
    for name, question in questions(visible).items():
        assert _without_ids(record.ask(DR_A, *question).root) == _without_ids(before[name])
    unknown, gone = record.retrieve(DR_A, "2.999.404"), record.retrieve(DR_A, hidden.unique_id)
    assert [each.replace("2.999.404", "") for _, each in unknown.errors] == [
        each.replace(hidden.unique_id, "") for _, each in gone.errors
    ]
    record.no_longer(directive)
    assert sorted(record.seen_by(DR_A)) == sorted([visible.unique_id, hidden.unique_id])


def questions(sent, entry_uuid="") -> dict[str, tuple[Any, ...]]:
    """Every query by id that could find a document, its SubmissionSet, its Folder or what joins them."""
    document = ("$XDSDocumentEntryUniqueId", f"('{sent.unique_id}')")
    one = ("$XDSDocumentEntryUniqueId", f"'{sent.unique_id}'")
    by_id = {
        "document": ("GetDocuments", document),
        "associations of it": ("GetDocumentsAndAssociations", document),
        "folders of it": ("GetFoldersForDocument", one),
        "related": ("GetRelatedDocuments", one, ("$AssociationTypes", f"('{RPLC}')")),
        "set": (
            "GetSubmissionSetAndContents",
            ("$XDSSubmissionSetUniqueId", f"'{sent.submission_set_unique_id}'"),
        ),
        "folder": ("GetFolderAndContents", ("$XDSFolderUniqueId", f"'{sent.folder_unique_id}'")),
        "folder alone": ("GetFolders", ("$XDSFolderUniqueId", f"('{sent.folder_unique_id}')")),
    }
    if entry_uuid:
        by_id["associations"] = ("GetAssociations", ("$uuid", f"('{entry_uuid}')"))
        by_id["sets"] = ("GetSubmissionSets", ("$uuid", f"('{entry_uuid}')"))
    return by_id


def _without_ids(message: bytes) -> bytes:
    """The message without the ids of the message itself."""
    return re.sub(rb"<wsa:(MessageID|RelatesTo)>[^<]*<", b"<", message)


def test_en_fonction_de_la_profession_et_de_la_specialite(record):
    """The access matrix holds also for whoever the patient has let in (docs/consent.md)."""
    note, lab = record.deposit(record.patient), record.deposit(record.patient, type_code="LAB")
    for person in (DR_A, NURSE):
        record.grant(person.party)
    assert sorted(record.seen_by(DR_A)) == sorted([note.unique_id, lab.unique_id])
    assert record.seen_by(NURSE) == [note.unique_id]
    refused = record.provide(NURSE, record.document())
    assert refused.codes == ["XDSRepositoryError"]
    assert refused.errors[0][1].endswith("such a document is not accepted from its sender")


def test_dans_le_cadre_d_une_relation_therapeutique(record):
    """A relation has an origin and an end, and with the end the access ends (docs/consent.md)."""
    sent = record.deposit(record.patient)
    now = datetime.now(UTC)
    over = Period(now - timedelta(days=2), now - timedelta(days=1))
    record.grant(DR_A.party, origin=Origin.PRESENCE, period=over)
    assert record.seen_by(DR_A) == []
    record.grant(DR_A.party, origin=Origin.PRESENCE, period=Period(now, now + timedelta(days=30)))
    assert record.seen_by(DR_A) == [sent.unique_id]


def test_gerees_differemment_liberal_institutionnel(record):
    """An institution's grant is for whoever works there today, a person's wherever he works.

    docs/consent.md.
    """
    sent = record.deposit(record.patient)
    record.grant(Party(PartyKind.ORGANIZATION, CLINIC), Right.READ)
    assert record.seen_by(DR_A) == []
    assert record.seen_by(Person("A", organization=CLINIC)) == [sent.unique_id]
    record.grant(DR_B.party, Right.READ)
    assert record.seen_by(Person("B", organization="urn:oid:2.999.51")) == [sent.unique_id]


def test_je_peux_consulter_mes_donnees_moi_meme_et_deposer_moi_meme(record):
    """The patient needs no grant; another patient is a stranger (docs/consent.md)."""
    sent = record.deposit(record.patient)
    assert record.seen_by(record.patient) == [sent.unique_id]
    stranger = Record(record.platform).patient
    assert record.seen_by(stranger) == []
    assert record.provide(stranger, record.document()).errors == [("XDSRepositoryError", "not permitted")]


def test_permettre_a_une_personne_de_l_aider(record):
    """A helper reads in the patient's stead, and acts in his stead where he was made to; by his own name.

    docs/consent.md.
    """
    sent = record.deposit(record.patient)
    helper = Person("H", role="HELPER")
    record.let(Directive(Kind.HELPER, helper.party))
    assert record.seen_by(helper) == [sent.unique_id]
    (spool,) = record.platform.audit_spools
    assert b"&lt;H@https://idp.example&gt;" in list(stored_records(spool))[-1]
    assert record.provide(helper, record.document()).errors == [("XDSRepositoryError", "not permitted")]
    record.let(Directive(Kind.HELPER, helper.party, manages=True))
    assert record.provide(helper, record.document()).status_urn == SUCCESS


def test_authentification_forte_pour_envoyer_lire_ou_recuperer(record):
    """Who shows no assertion, or one of a weaker login than the domain asks for, is answered nothing.

    docs/consent.md; ITI TF-2: 3.40.4.1.2.
    """
    record.grant(DR_A.party)
    sent = record.deposit(DR_A)
    question = ("$XDSDocumentEntryUniqueId", f"('{sent.unique_id}')")
    assert record.ask(None, "GetDocuments", question).fault[0] == "Sender"
    weak = replace(DR_A, assurance="urn:oasis:names:tc:SAML:2.0:ac:classes:unspecified")
    for answer in (
        record.provide(weak, record.document()),
        record.ask(weak, "GetDocuments", question),
        record.retrieve(weak, sent.unique_id),
    ):
        assert answer.fault[:2] == ("Sender", "FailedAuthentication")


def test_an_emergency_opens_what_is_normal_unless_the_patient_says_otherwise(record):
    """Break-glass, which the record of the access tells of (docs/consent.md)."""
    normal, restricted = record.deposit(record.patient), record.deposit(record.patient, level="R")
    emergency = DR_A.in_emergency()
    assert record.seen_by(emergency) == [normal.unique_id]
    record.let(Directive(Kind.EMERGENCY, level=Level.RESTRICTED))
    assert sorted(record.seen_by(emergency)) == sorted([normal.unique_id, restricted.unique_id])
    record.let(Directive(Kind.EMERGENCY))
    assert record.seen_by(emergency) == []


def test_what_only_a_hidden_document_replaced_is_as_it_was_before(record):
    """The replaced document is Approved again, and may be replaced by whoever sees no replacement.

    docs/consent.md.
    """
    for doctor in (DR_A, DR_B):
        record.grant(doctor.party)
    first = record.deposit(DR_A)
    second = record.deposit(DR_A, replaces=record.entry_uuid(first))
    approved = ("$XDSDocumentEntryStatus", f"('{requests.APPROVED}')")
    patient = ("$XDSDocumentEntryPatientId", f"'{record.patient_id}'")

    def current(person: Person) -> list[str]:
        answer = record.ask(person, "FindDocuments", patient, approved)
        assert {str(one.get("status")) for one in answer.found("ExtrinsicObject")} <= {requests.APPROVED}
        return [name for name in (first.unique_id, second.unique_id) if name.encode() in answer.root]

    assert current(DR_B) == [second.unique_id]
    record.hide(second)
    assert current(DR_B) == [first.unique_id]
    assert current(record.patient) == [second.unique_id]
    third = record.deposit(DR_B, replaces=record.entry_uuid(first))
    assert third.unique_id in record.seen_by(DR_B)


def test_a_hidden_document_cannot_be_referred_to(record):
    """The error is that of a document which was never registered (docs/consent.md)."""
    record.grant(DR_A.party)
    hidden = record.deposit(record.patient)
    entry_uuid = record.entry_uuid(hidden)
    record.hide(hidden)
    never = requests.fresh_uuid()
    answers = [record.provide(DR_A, record.document(replaces=each)) for each in (entry_uuid, never)]
    assert answers[0].status_urn == requests.FAILURE
    assert [each.replace(entry_uuid, "") for _, each in answers[0].errors] == [
        each.replace(never, "") for _, each in answers[1].errors
    ]


def test_professionals_do_not_update_or_remove(record):
    """Nor by naming an object of their own patient's record beside it (docs/consent.md)."""
    record.grant(DR_A.party)
    entry_uuid = record.entry_uuid(record.deposit(DR_A))
    change = requests.submit(
        requests.submission_set(record.patient_id, requests.fresh_oid()), requests.status_change(entry_uuid)
    )
    remove = (
        f'<lcm:RemoveObjectsRequest {requests.NAMESPACES} deletionScope="urn:oasis:names:tc:ebxml-regrep:'
        f'DeletionScopeType:DeleteAll"><rim:ObjectRefList><rim:ObjectRef id="{entry_uuid}"/>'
        "</rim:ObjectRefList></lcm:RemoveObjectsRequest>"
    )
    for action, body in ((requests.ITI_57, change), (requests.ITI_62, remove)):
        message = envelope(action, body, more_headers=DR_A.headers)
        answer = post(record.platform.registry_url, message)
        assert answer.errors == [("XDSRegistryError", "not permitted")]
    assert len(record.seen_by(record.patient)) == 1
    message = envelope(requests.ITI_57, change, more_headers=record.patient.headers)
    assert post(record.platform.registry_url, message).status_urn == SUCCESS


def test_nobody_removes_what_he_does_not_see_by_naming_his_own_beside_it(domain):
    """What is in another record is answered like what was never registered (docs/consent.md)."""
    mine, other = Record(domain), Record(domain)
    own, foreign = mine.deposit(mine.patient), other.deposit(other.patient)
    for unique_id in (foreign.unique_id, "2.999.404"):
        named = requests.retrieve(own.unique_id, unique_id).partition(">")[2].rpartition("<")[0]
        body = (
            '<rmd:RemoveDocumentsRequest xmlns:rmd="urn:ihe:iti:rmd:2017" '
            f'xmlns:xds="urn:ihe:iti:xds-b:2007">{named}</rmd:RemoveDocumentsRequest>'
        )
        message = envelope("urn:ihe:iti:2017:RemoveDocuments", body, more_headers=mine.patient.headers)
        answer = post(domain.repository_url, message)
        assert ("XDSDocumentUniqueIdError", f"no such document: {unique_id}") in answer.errors
    assert other.retrieve(other.patient, foreign.unique_id).parts[1][1] == b"Dear colleague"
    uuids = (mine.entry_uuid(own), other.entry_uuid(foreign))
    remove = (
        f"<lcm:RemoveObjectsRequest {requests.NAMESPACES}><rim:ObjectRefList>"
        + "".join(f'<rim:ObjectRef id="{one}"/>' for one in uuids)
        + "</rim:ObjectRefList></lcm:RemoveObjectsRequest>"
    )
    answer = post(domain.registry_url, envelope(requests.ITI_62, remove, more_headers=mine.patient.headers))
    assert ("UnresolvedReferenceException", f"{uuids[1]} is not registered") in [
        (code, context.partition(",")[0]) for code, context in answer.errors
    ]
    assert len(other.seen_by(other.patient)) == 1


def test_a_query_across_patients_finds_what_each_of_them_shows(domain):
    """Multi-Patient Stored Query [ITI-51]; one who shows nothing is not told from one who has nothing.

    docs/consent.md.
    """
    one, other, closed = Record(domain), Record(domain), Record(domain)
    sent = {each.patient_id: each.deposit(each.patient) for each in (one, other, closed)}
    for each in (one, other, closed):
        each.grant(DR_A.party)
    closed.turn(RecordStatus.CLOSED)
    other.hide(sent[other.patient_id])
    patients = ",".join(f"'{each.patient_id}'" for each in (one, other, closed))
    answer = one.ask(
        DR_A,
        "FindDocumentsForMultiplePatients",
        ("$XDSDocumentEntryPatientId", f"({patients})"),
        ("$XDSDocumentEntryStatus", EVERY_STATUS),
        ("$XDSDocumentEntryClassCode", "('REPORT^^2.999.1')"),
    )
    assert answer.status_urn == SUCCESS
    shown = [each for each in sent.values() if each.unique_id.encode() in answer.root]
    assert shown == [sent[one.patient_id]]


def test_the_reason_of_a_refusal_is_in_the_record_and_not_in_the_answer(record):
    """voir quel professionnel, identifié nominativement: the patient reads why, the professional does not.

    docs/consent.md.
    """
    record.let(Directive(Kind.EXCLUSION, DR_A.party))
    answer = record.provide(DR_A, record.document())
    assert b"excluded" not in answer.body
    records = [
        one.decode()
        for spool in record.platform.audit_spools
        for one in stored_records(spool)
        if record.patient_id.split("^")[0].encode() in one
    ]
    assert any("the patient has excluded him" in one and "Dr A" in one for one in records)
    directive = base64.b64encode(b"exclusion person 2.999.4|A (before: nothing)").decode()
    assert any("Consent Changed" in one and directive in one for one in records)


def test_a_merge_of_patients_shows_nothing_that_was_hidden(domain):
    """ITI TF-2: 3.44.4.2; what was decided about the documents goes with them."""
    gone, stays = Record(domain), Record(domain)
    hidden, shared = gone.deposit(gone.patient), gone.deposit(gone.patient)
    gone.hide(hidden)
    stays.grant(DR_A.party)
    id, _, authority = gone.patient_id.partition("^^^&")
    replaced = (
        "<replacementOf><priorRegistration><subject1><priorRegisteredRole>"
        f'<id root="{authority.removesuffix("&ISO")}" extension="{id}"/>'
        "</priorRegisteredRole></subject1></priorRegistration></replacementOf></registrationEvent>"
    )
    message = requests.patient_added(stays.patient_id).replace("201301", "201304")
    message = message.replace("</registrationEvent>", replaced)
    answer = post(domain.registry_url, envelope("urn:hl7-org:v3:PRPA_IN201304UV02", message))
    assert [code.get("code") for code in answer.found("typeCode")] == ["CA"]
    assert stays.seen_by(DR_A) == [shared.unique_id]
    assert sorted(stays.seen_by(stays.patient)) == sorted([shared.unique_id, hidden.unique_id])
