"""A document goes in by ITI-41 and comes out by ITI-18 and ITI-43, told from outside, byte for byte."""

import base64
import hashlib
import re
from dataclasses import dataclass

import pytest

from atna_audit.spool import stored_records
from audit_message.read import read_audit_message
from tests.messages import requests
from tests.messages.requests import (
    DEPRECATED,
    FAILURE,
    GET_DOCUMENTS,
    GET_SUBMISSION_SET_AND_CONTENTS,
    ITI_18,
    ITI_41,
    ITI_42,
    ITI_43,
    PARTIAL_SUCCESS,
    REPOSITORY,
    SUCCESS,
    provide,
    stored_query,
    submission,
)
from tests.wire import MTOM_TYPE, Part, envelope, include, mtom, multipart, post, root_part

LETTER = b"Dear colleague,\r\nall is well.\r\n"

AWKWARD_DOCUMENTS = {
    "empty": b"",
    "ends in CR": b"text\r",
    "ends in LF": b"text\n",
    "ends in CRLF": b"text\r\n",
    "ends in two CRLF": b"text\r\n\r\n",
    "only CRLF": b"\r\n",
    "begins with CRLF": b"\r\ntext",
    "begins like a header": b"Content-Type: text/plain\r\n\r\ntext",
    "boundary without its line break": b"x--=_wire\r\n--=_wir\r\n",
    "longer boundary": b"text\r\n--=_wires\r\n--=_wire-\r\n--=_wire--x\r\n",
    "closing boundary after LF": b"text\n--=_wire--\nmore",
    "every byte": bytes(range(256)) * 257,
    "not UTF-8": b"\xff\xfe\x00\xd8",
    "looks like base64": b"QUJD",
    "XML with another charset": b'<?xml version="1.0" encoding="ISO-8859-1"?>\r\n<a>\xe9</a>',
}


def documents_in(answer):
    """The bytes of each document of an ITI-43 answer in MTOM, in order of the DocumentResponses."""
    by_id = {head["content-id"]: content for head, content in answer.parts[1:]}
    return [by_id[f"<{one.get('href').removeprefix('cid:')}>"] for one in answer.found("Include")]


def ids_of(answer, name):
    return [one.get("id") for one in answer.found(name)]


@pytest.mark.parametrize("apart", [False, True], ids=["one process", "two processes"])
def test_a_document_goes_in_and_comes_out_wherever_the_actors_and_the_tables_are(
    database_url, fresh_platform, apart
):
    """ITI TF-1: 10.1; ITI TF-2: 3.44, 3.41, 3.18, 3.43."""
    platform = fresh_platform(apart=apart, database_url="" if "sqlite" in database_url else database_url)
    patient_id = platform.add_patient()
    sent = submission(patient_id, with_folder=True)

    answer = platform.provide(sent, LETTER)
    assert (answer.status, answer.status_urn, answer.errors) == (200, SUCCESS, [])

    found = platform.query(requests.find_documents(patient_id))
    assert found.headers["content-type"].startswith("application/soap+xml; charset=UTF-8")
    (entry,) = found.found("ExtrinsicObject")
    assert (entry.get("status"), entry.get("mimeType")) == (requests.APPROVED, "text/plain")
    slots = {one.get("name"): [value.text for value in one.iter("{*}Value")] for one in entry.iter("{*}Slot")}
    assert slots["size"] == [str(len(LETTER))]
    assert slots["hash"] == [hashlib.sha1(LETTER).hexdigest()]  # noqa: S324
    assert slots["repositoryUniqueId"] == [REPOSITORY]
    assert slots["sourcePatientInfo"] == ["PID-5|Muller^Jeanne", "PID-8|F"]

    references = platform.query(requests.find_documents(patient_id, return_type="ObjectRef"))
    assert ids_of(references, "ObjectRef") == [entry.get("id")]
    assert references.found("ExtrinsicObject") == []

    by_uuid = stored_query(GET_DOCUMENTS, ("$XDSDocumentEntryEntryUUID", f"('{entry.get('id')}')"))
    by_unique_id = stored_query(GET_DOCUMENTS, ("$XDSDocumentEntryUniqueId", f"('{sent.unique_id}')"))
    for query in (by_uuid, by_unique_id):
        assert ids_of(platform.query(query), "ExtrinsicObject") == [entry.get("id")]

    everything = platform.query(requests.get_all(patient_id))
    whole_set = platform.query(
        stored_query(
            GET_SUBMISSION_SET_AND_CONTENTS,
            ("$XDSSubmissionSetUniqueId", f"'{sent.submission_set_unique_id}'"),
        )
    )
    for answer in (everything, whole_set):
        assert answer.status_urn == SUCCESS
        assert ids_of(answer, "ExtrinsicObject") == [entry.get("id")]
        assert len(answer.found("RegistryPackage")) == 2
        assert len(answer.found("Association")) == 4
        assert all(one.startswith("urn:uuid:") for one in ids_of(answer, "Association"))

    retrieved = platform.retrieve(sent.unique_id)
    assert retrieved.status_urn == SUCCESS
    assert documents_in(retrieved) == [LETTER]
    assert [one.text for one in retrieved.found("mimeType")] == ["text/plain"]
    assert retrieved.parts[1][0]["content-type"] == "text/plain"

    assert records_of(platform) == EXPECTED_RECORDS


def records_of(platform):
    """(EventTypeCode, EventID, action, outcome) of every record about a transaction, by process."""
    return sorted(
        (
            message.event.type_codes[0].code,
            message.event.event_id.code,
            message.event.action,
            message.event.outcome,
        )
        for spool in platform.audit_spools
        for message in map(read_audit_message, stored_records(spool))
        if message.event.type_codes[0].system == "IHE Transactions"
    )


EXPECTED_RECORDS = sorted(
    [
        ("ITI-44", "110110", "C", 0),
        ("ITI-41", "110107", "C", 0),
        ("ITI-42", "110106", "R", 0),  # the repository's side: Export
        ("ITI-42", "110107", "C", 0),  # the registry's side: Import
        *[("ITI-18", "110112", "E", 0)] * 6,
        ("ITI-43", "110106", "R", 0),
    ]
)


def test_each_audit_record_names_who_whom_and_what(fresh_platform):
    """ITI TF-2: 3.41.5.1, 3.42.5.1, 3.18.5.1, 3.43.5.1."""
    platform = fresh_platform(apart=True)
    patient_id = platform.add_patient()
    sent = submission(patient_id)
    platform.provide(sent, LETTER)
    query = requests.find_documents(patient_id)
    platform.query(query)
    platform.retrieve(sent.unique_id)
    registry, repository = (
        {
            message.event.type_codes[0].code: message
            for message in map(read_audit_message, stored_records(spool))
        }
        for spool in platform.audit_spools
    )

    for record in (repository["ITI-41"], repository["ITI-42"], registry["ITI-42"]):
        patient, submission_set, submitted = record.objects
        assert (patient.type_code, patient.role, patient.id) == ("1", "1", patient_id)
        assert submission_set.id == sent.submission_set_unique_id
        assert submission_set.id_type.code == "urn:uuid:a54d6aa5-d40d-43f9-88c5-b4633d873bdd"
        assert (submitted.id, submitted.name, submitted.life_cycle) == (sent.unique_id, "Report", "1")
    for record in (repository["ITI-42"], registry["ITI-42"]):
        source, destination = record.participants
        assert (source.is_requestor, destination.is_requestor) == (True, False)
        assert [role.code for role in (*source.roles, *destination.roles)] == ["110153", "110152"]
        assert destination.user_id == platform.registry_url
    assert repository["ITI-42"].participants[0].user_id == platform.repository_url

    patient, parameters = registry["ITI-18"].objects
    assert patient.id == patient_id
    assert parameters.id == requests.FIND_DOCUMENTS
    assert patient_id.replace("&", "&amp;").encode() in parameters.query

    patient, document = repository["ITI-43"].objects
    assert patient.id == patient_id
    assert document.id == sent.unique_id
    assert [(one.type, one.value) for one in document.details] == [("Repository Unique Id", REPOSITORY)]
    source, destination = repository["ITI-43"].participants
    assert (source.user_id, source.is_requestor) == (platform.repository_url, False)
    assert (destination.is_requestor, destination.network_access_point) == (True, "127.0.0.1")


def test_what_failed_is_audited_as_failed(fresh_platform):
    """ITI TF-2: 3.20.7.6."""
    platform = fresh_platform()
    sent = submission(requests.fresh_patient_id())
    assert platform.provide(sent, LETTER).codes == ["XDSUnknownPatientId"]
    platform.retrieve("2.999.404")
    post(platform.registry_url, b"no XML")
    records = [read_audit_message(one) for spool in platform.audit_spools for one in stored_records(spool)]
    outcomes = [
        (one.event.type_codes[0].code, int(one.event.outcome))
        for one in records
        if one.event.event_id.code != "110100"  # Application Activity: the actors' start
    ]
    assert outcomes == [("ITI-42", 4), ("ITI-42", 4), ("ITI-41", 4), ("ITI-43", 4), ("unreadable-message", 4)]


@pytest.mark.parametrize("document", AWKWARD_DOCUMENTS.values(), ids=AWKWARD_DOCUMENTS.keys())
def test_every_document_comes_back_as_it_went_in(platform, document):
    """ITI TF-2: 3.43.4.1.3; RFC 2046: 5.1.1."""
    sent = submission(platform.add_patient())
    assert platform.provide(sent, document).status_urn == SUCCESS
    assert documents_in(platform.retrieve(sent.unique_id)) == [document]


def test_several_documents_travel_together(platform):
    """ITI TF-2: 3.41.4.1.2, 3.43.4.1.2."""
    documents = [f"document {number}\r\n".encode() for number in range(20)]
    sent = submission(platform.add_patient(), 20, with_folder=True)
    assert platform.provide(sent, *documents).status_urn == SUCCESS
    assert documents_in(platform.retrieve(*sent.unique_ids)) == documents
    assert sorted(platform.documents_of(sent.patient_id)) == sorted(sent.unique_ids)


def test_a_submission_needs_no_document(platform):
    """ITI TF-3: 4.2.1; a Folder by itself is something to submit."""
    patient_id = platform.add_patient()
    folder_id = requests.fresh_oid()
    body = requests.submit(
        requests.submission_set(patient_id, requests.fresh_oid()),
        requests.folder(patient_id, folder_id),
        requests.association("SubmissionSet1", "Folder1"),
    )
    answer = post(platform.repository_url, mtom(envelope(ITI_41, provide(body))), MTOM_TYPE)
    assert (answer.status_urn, answer.errors) == (SUCCESS, [])
    assert len(platform.query(requests.get_all(patient_id)).found("RegistryPackage")) == 2


@pytest.mark.parametrize("document", [b"", b"a", b"ab", b"abc", bytes(range(256)) * 300], ids=len)
@pytest.mark.parametrize("packaging", ["MTOM", "plain SOAP"])
def test_a_document_may_stand_in_the_envelope_as_base64(platform, document, packaging):
    """ITI TF-2: V.3.6; the answer comes in the packaging of the request."""
    sent = submission(platform.add_patient())
    inline = ("Document1", base64.encodebytes(document).decode())
    request = envelope(ITI_41, provide(sent.submit_objects_request, inline))
    if packaging == "MTOM":
        answer = post(platform.repository_url, mtom(request), MTOM_TYPE)
        assert answer.headers["content-type"].startswith("multipart/related; ")
    else:
        answer = post(platform.repository_url, request)
        assert answer.headers["content-type"].startswith("application/soap+xml; ")
    assert (answer.status_urn, answer.errors) == (SUCCESS, [])

    retrieved = post(platform.repository_url, envelope(ITI_43, requests.retrieve(sent.unique_id)))
    assert retrieved.headers["content-type"].startswith("application/soap+xml; ")
    (content,) = (one for one in retrieved.found("Document"))
    assert len(content) == 0
    assert base64.b64decode(content.text or "", validate=True) == document


def test_inline_and_attached_documents_may_be_mixed(platform):
    """ITI TF-2: V.3.6."""
    sent = submission(platform.add_patient(), 2)
    body = provide(
        sent.submit_objects_request,
        ("Document1", base64.b64encode(b"inline").decode()),
        ("Document2", include("second@wire")),
    )
    message = mtom(envelope(ITI_41, body), ("second@wire", "text/plain", b"attached"))
    assert post(platform.repository_url, message, MTOM_TYPE).status_urn == SUCCESS
    assert documents_in(platform.retrieve(*sent.unique_ids)) == [b"inline", b"attached"]


def test_queries_and_registrations_may_come_as_mtom(platform):
    """ITI TF-2: V.3.6; the answer then is MTOM too."""
    patient_id = platform.add_patient()
    sha1 = hashlib.sha1(LETTER).hexdigest()  # noqa: S324
    sent = submission(patient_id, slots=requests.registered(sha1, len(LETTER)))
    answer = post(platform.registry_url, mtom(envelope(ITI_42, sent.submit_objects_request)), MTOM_TYPE)
    assert (answer.status_urn, answer.errors) == (SUCCESS, [])
    found = post(
        platform.registry_url, mtom(envelope(ITI_18, requests.find_documents(patient_id))), MTOM_TYPE
    )
    for one in (answer, found):
        assert one.headers["content-type"].startswith("multipart/related; ")
        assert len(one.parts) == 1
    assert len(found.found("ExtrinsicObject")) == 1


def test_a_replacement_deprecates_what_it_replaces(platform):
    """ITI TF-3: 4.2.2.2.3; the replaced document can still be retrieved."""
    first = submission(platform.add_patient(), with_folder=True)
    assert platform.provide(first, b"first").status_urn == SUCCESS
    (entry,) = platform.query(requests.find_documents(first.patient_id)).found("ExtrinsicObject")
    second = submission(first.patient_id, replaces=entry.get("id"))
    assert platform.provide(second, b"second").errors == []

    (approved,) = platform.query(requests.find_documents(first.patient_id)).found("ExtrinsicObject")
    assert approved.get("id") != entry.get("id")
    deprecated = platform.query(requests.find_documents(first.patient_id, status=DEPRECATED))
    assert ids_of(deprecated, "ExtrinsicObject") == [entry.get("id")]
    assert documents_in(platform.retrieve(first.unique_id, second.unique_id)) == [b"first", b"second"]
    everything = platform.query(requests.get_all(first.patient_id))
    in_folder = {
        one.get("targetObject")
        for one in everything.found("Association")
        if one.get("sourceObject") in folders_in(everything)
    }
    assert in_folder == {entry.get("id"), approved.get("id")}


def folders_in(answer):
    return {
        one.get("classifiedObject")
        for one in answer.found("Classification")
        if one.get("classificationNode") == "urn:uuid:d9d542f3-6cc4-48b6-8870-ea235fbc94c2"
    }


def test_the_same_document_may_be_submitted_again(platform):
    """ITI TF-2: 3.42.4.1.3; identical bytes under one uniqueId are one document."""
    sent = submission(platform.add_patient())
    again = submission(sent.patient_id)
    repeated = again.submit_objects_request.replace(again.unique_id, sent.unique_id)
    assert platform.provide(sent, LETTER).status_urn == SUCCESS
    second = requests.Submission(sent.patient_id, repeated, again.submission_set_unique_id, sent.unique_ids)
    assert platform.provide(second, LETTER).errors == []
    assert platform.documents_of(sent.patient_id) == [sent.unique_id] * 2
    assert documents_in(platform.retrieve(sent.unique_id)) == [LETTER]


def test_what_is_there_comes_with_an_error_for_what_is_not(platform):
    """ITI TF-2: 3.43.4.1.3; ITI TF-3: 4.2.4.2."""
    sent = submission(platform.add_patient())
    platform.provide(sent, LETTER)
    answer = platform.retrieve("2.999.404", sent.unique_id)
    assert answer.status_urn == PARTIAL_SUCCESS
    assert answer.errors == [("XDSDocumentUniqueIdError", "no such document: 2.999.404")]
    assert [one.get("location") for one in answer.found("RegistryError")] == ["2.999.404"]
    assert documents_in(answer) == [LETTER]

    answer = platform.retrieve("2.999.404")
    assert (answer.status_urn, answer.codes) == (FAILURE, ["XDSDocumentUniqueIdError"])
    assert len(answer.parts) == 1

    elsewhere = requests.retrieve(sent.unique_id, repository="2.999.2.2")
    answer = post(platform.repository_url, mtom(envelope(ITI_43, elsewhere)), MTOM_TYPE)
    assert (answer.status_urn, answer.errors) == (
        FAILURE,
        [("XDSUnknownRepositoryId", "repositoryUniqueId is 2.999.2.2, this repository is 2.999.2.1")],
    )


def test_a_request_may_be_transferred_in_chunks(platform):
    """RFC 9112: 7.1; down to a byte at a time around the boundaries."""
    sent = submission(platform.add_patient())
    body = provide(sent.submit_objects_request, ("Document1", include("part1@wire")))
    message = mtom(envelope(ITI_41, body), ("part1@wire", "text/plain", LETTER))
    head, tail = message[:-600], message[-600:]
    chunks = [head, *(tail[n : n + 1] for n in range(len(tail)))]
    assert post(platform.repository_url, iter(chunks), MTOM_TYPE).status_urn == SUCCESS
    assert documents_in(platform.retrieve(sent.unique_id)) == [LETTER]


@pytest.mark.parametrize("charset", ["utf-16", "utf-16-le", "utf-16-be", "utf-8-sig"])
def test_an_envelope_may_come_in_utf_16(platform, charset):
    """ITI TF-2: V.3; XML 1.0: 4.3.3, a byte order mark says which."""
    bom = {"utf-16-le": b"\xff\xfe", "utf-16-be": b"\xfe\xff"}.get(charset, b"")
    patient_id = platform.add_patient()
    sent = submission(patient_id)
    title = sent.submit_objects_request.replace('value="Report"', 'value="Überweisung für Zoé 🩺"', 1)
    request = envelope(ITI_41, provide(title, ("Document1", include("part1@wire"))))
    declared = "UTF-8" if charset == "utf-8-sig" else "UTF-16"
    root = bom + request.decode().encode(charset)
    message = multipart(root_part(root, declared), Part("part1@wire", LETTER))
    assert post(platform.repository_url, message, MTOM_TYPE).errors == []

    query = bom + envelope(ITI_18, requests.find_documents(patient_id)).decode().encode(charset)
    found = post(platform.registry_url, query, f"application/soap+xml; charset={declared}")
    assert found.found("LocalizedString")[0].get("value") == "Überweisung für Zoé 🩺"


@dataclass(frozen=True)
class Packaging:
    """How one peer or another writes an MTOM message; `document` is what its `content` stands for."""

    content_type: str = MTOM_TYPE
    href: str = "part1@wire"
    content_id: str = "part1@wire"
    encoding: str = "binary"
    content: bytes = LETTER
    document: bytes = LETTER
    line_end: str = "\r\n"
    preamble: str = ""
    document_first: bool = False


UNQUOTED = (
    "Multipart/Related; boundary==_wire; type=application/xop+xml; start=<root@wire>; "
    "start-info=application/soap+xml"
)
NO_START = 'multipart/related; boundary="=_wire"; type="application/xop+xml"'
PACKAGINGS = {
    "unquoted parameters": Packaging(UNQUOTED),
    "no start parameter": Packaging(NO_START),
    "start without brackets": Packaging(MTOM_TYPE.replace("<root@wire>", "root@wire")),
    "cid percent-encoded in the href": Packaging(href="part1%40wire"),
    "cid percent-encoded in both places": Packaging(href="part1%40wire", content_id="part1%40wire"),
    "cid that is an address": Packaging(href="http%3A%2F%2Fwire%2F1", content_id="http://wire/1"),
    "document before the envelope": Packaging(document_first=True),
    "base64": Packaging(encoding="base64", content=base64.encodebytes(LETTER * 9), document=LETTER * 9),
    "8bit": Packaging(encoding="8bit"),
    "7BIT in upper case": Packaging(encoding="7BIT"),
    "preamble": Packaging(preamble="This is a multi-part message in MIME format."),
    "empty line first": Packaging(preamble="\r\n"),
    "LF only": Packaging(line_end="\n"),
    "LF only with preamble": Packaging(line_end="\n", preamble="text"),
    "LF only and CR at the end": Packaging(line_end="\n", content=b"text\r", document=b"text\r"),
}


@pytest.mark.parametrize("how", PACKAGINGS.values(), ids=PACKAGINGS.keys())
def test_mtom_is_taken_as_peers_write_it(platform, how):
    """ITI TF-2: V.3.6; RFC 2387; RFC 2392; RFC 2045."""
    sent = submission(platform.add_patient())
    body = provide(sent.submit_objects_request, ("Document1", include(how.href)))
    parts = [
        root_part(envelope(ITI_41, body)),
        Part(how.content_id, how.content, encoding=how.encoding),
    ]
    if how.document_first:
        parts.reverse()
    message = multipart(*parts, line_end=how.line_end, preamble=how.preamble)
    answer = post(platform.repository_url, message, how.content_type)
    assert (answer.status_urn, answer.errors) == (SUCCESS, [])
    assert documents_in(platform.retrieve(sent.unique_id)) == [how.document]


def test_uuids_of_the_sender_are_kept_and_symbolic_ids_replaced(platform):
    """ITI TF-3: 4.2.3.1.5; in every place that refers to the object."""
    sent = submission(platform.add_patient())
    entry_uuid = requests.fresh_uuid()
    kept = sent.submit_objects_request.replace('"Document1"', f'"{entry_uuid}"')
    body = provide(kept, (entry_uuid, include("part1@wire")))
    message = mtom(envelope(ITI_41, body), ("part1@wire", "text/plain", LETTER))
    assert post(platform.repository_url, message, MTOM_TYPE).errors == []
    everything = platform.query(requests.get_all(sent.patient_id))
    assert ids_of(everything, "ExtrinsicObject") == [entry_uuid]
    ids = re.findall(r'(?: id|[a-z]Object)="([^"]*)"', everything.body.decode())
    assert len(ids) > 20
    assert all(one.startswith("urn:uuid:") for one in ids)
    ((submission_set,), (association,)) = (
        everything.found(one) for one in ("RegistryPackage", "Association")
    )
    assert association.get("sourceObject") == submission_set.get("id")
    assert association.get("targetObject") == entry_uuid
