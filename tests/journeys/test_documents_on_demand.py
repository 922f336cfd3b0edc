"""Documents made when they are asked for: what the answer says, and what stays (ITI TF-2: 3.43, 3.61)."""

import hashlib
from concurrent.futures import ThreadPoolExecutor

import pytest

from atna_audit.spool import stored_records
from audit_message.read import read_audit_message
from tests.journeys.test_on_demand import announce, entries, on_demand_entry
from tests.messages import requests
from tests.messages.requests import (
    FAILURE,
    ON_DEMAND,
    PARTIAL_SUCCESS,
    REPOSITORY,
    SUCCESS,
    fresh_oid,
    stored_query,
    submission,
)
from tests.services.document_source import Made, document_source
from tests.services.platform import OPEN_DOMAIN
from tests.wire import envelope, post

GET_RELATED_DOCUMENTS = "urn:uuid:d90e5407-b356-4d91-a89f-873917b4b0e6"
IS_SNAPSHOT_OF = "urn:ihe:iti:2010:AssociationType:IsSnapshotOf"
UNIQUE_ID = "urn:uuid:2e82c1f6-a085-4c72-9da3-8640a32e42ab"


@pytest.fixture
def source():
    with document_source() as running:
        yield running


def announced(platform, patient_id=None):
    """An on-demand entry; its patient and its uniqueId."""
    patient_id, unique_id = patient_id or platform.add_patient(), fresh_oid()
    assert announce(platform, patient_id, on_demand_entry(patient_id, unique_id)).status_urn == SUCCESS
    return patient_id, unique_id


def responses(answer):
    """The text of each child of each DocumentResponse, by its name, less the Document."""
    return [
        {child.tag.rpartition("}")[2]: child.text for child in one if not child.tag.endswith("}Document")}
        for one in answer.found("DocumentResponse")
    ]


def made_for(platform, unique_id):
    """The one document of an answer: its bytes, and what the answer says of it."""
    answer = platform.retrieve(unique_id)
    assert (answer.status_urn, answer.errors) == (SUCCESS, [])
    ((_, content),) = answer.parts[1:]
    (response,) = responses(answer)
    return content, response


def unique_id_of(entry):
    return next(
        one.get("value")
        for one in entry.iter("{*}ExternalIdentifier")
        if one.get("identificationScheme") == UNIQUE_ID
    )


def slot_of(entry, name):
    return next(one.findtext(".//{*}Value") for one in entry.iter("{*}Slot") if one.get("name") == name)


def test_what_was_made_is_kept_and_registered_as_a_snapshot(fresh_platform, source, database_url):
    """ITI TF-2: 3.43.4.1.3, Persistence of Retrieved Documents; the entry itself stays as it is."""
    platform = fresh_platform(toml=OPEN_DOMAIN + source.toml, database_url=database_url)
    patient_id, unique_id = announced(platform)
    source.made[unique_id] = Made(b"as of today")
    content, said = made_for(platform, unique_id)
    snapshot_id = said.pop("NewDocumentUniqueId")
    assert content == b"as of today"
    assert said == {
        "RepositoryUniqueId": REPOSITORY,
        "DocumentUniqueId": unique_id,
        "NewRepositoryUniqueId": REPOSITORY,
        "mimeType": "text/plain",
    }
    assert snapshot_id != unique_id

    (snapshot,) = entries(platform, patient_id)
    (on_demand,) = entries(platform, patient_id, ON_DEMAND)
    assert unique_id_of(snapshot) == snapshot_id
    assert slot_of(snapshot, "hash") == hashlib.sha1(b"as of today").hexdigest()  # noqa: S324
    assert (slot_of(snapshot, "size"), slot_of(snapshot, "repositoryUniqueId")) == ("11", REPOSITORY)
    related = platform.query(
        stored_query(
            GET_RELATED_DOCUMENTS,
            ("$XDSDocumentEntryEntryUUID", f"'{on_demand.get('id')}'"),
            ("$AssociationTypes", f"('{IS_SNAPSHOT_OF}')"),
            ("$XDSDocumentEntryType", f"('{requests.STABLE}','{ON_DEMAND}')"),
        )
    )
    (association,) = related.found("Association")
    assert association.get("associationType") == IS_SNAPSHOT_OF
    assert association.get("sourceObject") == snapshot.get("id")
    assert association.get("targetObject") == on_demand.get("id")
    # The snapshot is a document like any other.
    content, said = made_for(platform, snapshot_id)
    assert (content, set(said)) == (b"as of today", {"RepositoryUniqueId", "DocumentUniqueId", "mimeType"})


def test_what_holds_the_same_is_not_kept_twice(fresh_platform, source, database_url):
    """ITI TF-2: 3.43.4.1.3: one NewDocumentUniqueId, one sequence of bytes."""
    platform = fresh_platform(toml=OPEN_DOMAIN + source.toml, database_url=database_url)
    patient_id, unique_id = announced(platform)
    ids = []
    for content in (b"one", b"one", b"two", b"one"):
        source.made[unique_id] = Made(content)
        found, said = made_for(platform, unique_id)
        assert found == content
        ids.append(said["NewDocumentUniqueId"])
    assert (ids[0] == ids[1] == ids[3], ids[0] == ids[2]) == (True, False)
    assert {unique_id_of(entry) for entry in entries(platform, patient_id)} == {ids[0], ids[2]}
    assert len(entries(platform, patient_id)) == 2
    assert len(source.asked) == 4


def test_many_who_ask_at_once_get_the_one_snapshot(fresh_platform, source, postgresql_url):
    """ITI TF-2: 3.43.4.1.3; in two processes: the registry takes a SubmissionSet once."""
    toml = OPEN_DOMAIN + source.toml + "\n[server]\nworkers = 2\n"
    platform = fresh_platform(toml=toml, database_url=postgresql_url)
    patient_id, unique_id = announced(platform)
    source.made[unique_id] = Made(b"as of now", delay_seconds=0.2)
    with ThreadPoolExecutor(8) as many:
        made = list(many.map(lambda _: made_for(platform, unique_id), range(8)))
    assert {content for content, _ in made} == {b"as of now"}
    (snapshot_id,) = {said["NewDocumentUniqueId"] for _, said in made}
    assert [unique_id_of(entry) for entry in entries(platform, patient_id)] == [snapshot_id]


def test_without_persistence_nothing_stays(fresh_platform, source):
    """ITI TF-2: 3.43.4.2.2: a NewDocumentUniqueId all the same, and no NewRepositoryUniqueId."""
    platform = fresh_platform(toml=OPEN_DOMAIN + source.toml + "persist = false\n")
    patient_id, unique_id = announced(platform)
    source.made[unique_id] = Made(b"for now" * 30_000)
    content, said = made_for(platform, unique_id)
    assert content == b"for now" * 30_000
    assert set(said) == {"RepositoryUniqueId", "DocumentUniqueId", "NewDocumentUniqueId", "mimeType"}
    assert made_for(platform, unique_id)[1] == said
    source.made[unique_id] = Made(b"later")
    assert made_for(platform, unique_id)[1]["NewDocumentUniqueId"] != said["NewDocumentUniqueId"]
    assert entries(platform, patient_id) == []
    assert platform.stored_files == set()
    assert platform.retrieve(said["NewDocumentUniqueId"]).codes == ["XDSDocumentUniqueIdError"]


def test_a_repository_by_itself_makes_documents_too(fresh_platform, source):
    """ITI TF-2: 3.43.4.1.3, with the registry in another process."""
    platform = fresh_platform(toml=OPEN_DOMAIN + source.toml, apart=True)
    patient_id, unique_id = announced(platform)
    source.made[unique_id] = Made(b"from afar")
    content, said = made_for(platform, unique_id)
    assert content == b"from afar"
    assert [unique_id_of(entry) for entry in entries(platform, patient_id)] == [said["NewDocumentUniqueId"]]

    # Of what cannot be registered nothing stays.
    before = platform.stored_files
    source.made[unique_id] = Made(b"another")
    platform.registry.kill()
    answer = platform.retrieve(unique_id)
    assert (answer.status_urn, answer.errors) == (
        FAILURE,
        [("XDSRepositoryError", f"document {unique_id} cannot be made now")],
    )
    assert platform.stored_files == before


CANNOT = "document {} cannot be made now"
FAILURES = {
    "it is gone": (Made(b"", status=410), "XDSDocumentUniqueIdError", "no such document: {}"),
    "it breaks": (Made(b"no", status=500), "XDSRepositoryError", CANNOT),
    "a page to log in": (Made(b"<html>", "text/html"), "XDSRepositoryError", CANNOT),
    "it leads elsewhere": (Made(b"", status=302, location="http://localhost/"), "XDSRepositoryError", CANNOT),
    "it takes too long": (Made(b"late", delay_seconds=3), "XDSRepositoryError", CANNOT),
    "it is cut off": (Made(b"half", declared_bytes=8), "XDSRepositoryError", CANNOT),
    "it is too large": (
        Made(b"x" * 1_000_001),
        "XDSRepositoryOutOfResources",
        "document {}: the document is longer than the 1000000 bytes taken here",
    ),
}


def test_a_document_that_cannot_be_made_is_an_error_and_the_others_come(fresh_platform, source):
    """ITI TF-2: 3.43.4.1.3; ITI TF-3: Table 4.2.4.1-2: location is the DocumentUniqueId; nothing stays."""
    platform = fresh_platform(toml=OPEN_DOMAIN + source.toml)
    sent = submission(platform.add_patient())
    assert platform.provide(sent, b"stored").status_urn == SUCCESS
    before = platform.stored_files
    for made, code, context in FAILURES.values():
        patient_id, unique_id = announced(platform)
        source.made[unique_id] = made
        answer = platform.retrieve(unique_id, sent.unique_ids[0])
        assert answer.status_urn == PARTIAL_SUCCESS
        assert [content for _, content in answer.parts[1:]] == [b"stored"]
        assert answer.errors == [(code, context.format(unique_id))]
        assert [one.get("location") for one in answer.found("RegistryError")] == [unique_id]
        assert entries(platform, patient_id) == []
        assert unique_id not in platform.log
    assert platform.stored_files == before


def test_only_what_is_announced_here_is_made(fresh_platform, source):
    """ITI TF-2: 3.43.4.1.3: neither an unknown uniqueId nor the entry of another source is asked for."""
    platform = fresh_platform(toml=OPEN_DOMAIN + source.toml)
    patient_id, elsewhere = platform.add_patient(), fresh_oid()
    entry = on_demand_entry(patient_id, elsewhere, slots=requests.slot("repositoryUniqueId", "2.999.2.77"))
    assert announce(platform, patient_id, entry).status_urn == SUCCESS
    for unique_id in (elsewhere, fresh_oid()):
        answer = platform.retrieve(unique_id)
        assert (answer.status_urn, answer.codes) == (FAILURE, ["XDSDocumentUniqueIdError"])
    assert source.asked == []


def test_a_snapshot_that_was_removed_is_made_again(fresh_platform, source):
    """RMD supplement: 3.86: its metadata are still registered, and are not registered twice."""
    platform = fresh_platform(toml=OPEN_DOMAIN + source.toml)
    patient_id, unique_id = announced(platform)
    source.made[unique_id] = Made(b"as before")
    snapshot_id = made_for(platform, unique_id)[1]["NewDocumentUniqueId"]
    removal = (
        '<rmd:RemoveDocumentsRequest xmlns:rmd="urn:ihe:iti:rmd:2017" xmlns:xds="urn:ihe:iti:xds-b:2007">'
        f"<xds:DocumentRequest><xds:RepositoryUniqueId>{REPOSITORY}</xds:RepositoryUniqueId>"
        f"<xds:DocumentUniqueId>{snapshot_id}</xds:DocumentUniqueId></xds:DocumentRequest>"
        "</rmd:RemoveDocumentsRequest>"
    )
    removed = post(platform.repository_url, envelope("urn:ihe:iti:2017:RemoveDocuments", removal))
    assert removed.status_urn == SUCCESS
    assert made_for(platform, unique_id)[1]["NewDocumentUniqueId"] == snapshot_id
    assert made_for(platform, snapshot_id)[0] == b"as before"
    assert len(entries(platform, patient_id)) == 1


def test_the_audit_trail_tells_what_was_made(fresh_platform, source):
    """ITI TF-2: 3.43.5.1, 3.42.5.1: the retrieval, and the registration on both sides."""
    platform = fresh_platform(toml=OPEN_DOMAIN + source.toml)
    patient_id, unique_id = announced(platform)
    source.made[unique_id] = Made(b"as of today")
    made_for(platform, unique_id)
    told = [read_audit_message(record) for spool in platform.audit_spools for record in stored_records(spool)]
    retrieved = [one for one in told if one.event.type_codes and one.event.type_codes[0].code == "ITI-43"]
    assert [[object_.id for object_ in one.objects] for one in retrieved] == [[patient_id, unique_id]]
    registered = [one for one in told if one.event.type_codes and one.event.type_codes[0].code == "ITI-42"]
    assert [one.event.event_id.original_text for one in registered] == ["Import", "Export"]
    assert {one.objects[0].id for one in registered} == {patient_id}
