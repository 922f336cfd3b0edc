from dataclasses import replace
from itertools import count

import pytest
from lxml import etree

import schemas
from ebxml.model import (
    Code,
    DocumentRequest,
    DocumentResponse,
    LocalizedString,
    RegistryResponse,
    RetrieveRequest,
    Slot,
    StoredQueryRequest,
)
from ebxml.read import (
    read_query_response,
    read_registry_response,
    read_retrieve_request,
    read_retrieve_response,
    read_stored_query,
    take_documents,
)
from ebxml.write import (
    QUERY_RESPONSE_TAIL,
    fragment,
    query_response_head,
    with_patient_id,
    with_status,
    write_object_ref,
    write_registry_response,
    write_retrieve_request,
    write_retrieve_response,
    write_stored_query,
    write_submit_objects_request,
)
from hl7v2.datatypes import CX
from ihe.error_codes import RegistryError, ResponseStatus, Severity
from tests.messages.submissions import (
    association,
    document_entry,
    folder,
    has_member,
    original,
    provide_and_register_bytes,
    submission,
    submission_set,
)

APPROVED = "urn:oasis:names:tc:ebxml-regrep:StatusType:Approved"
ERROR = RegistryError("XDSRegistryBusy", 'say "later" <&\n', location="here")
WARNING = RegistryError("XDSExtraMetadataNotSaved", "room", Severity.WARNING)


def numbered_uuids():
    numbers = count(1)
    return lambda: f"urn:uuid:00000000-0000-4000-8000-{next(numbers):012}"


def parsed(content: bytes) -> etree._Element:
    element = schemas.parse(content)
    assert schemas.errors_in(element) == ()
    return element


def test_a_fragment_is_the_whole_object_but_for_its_status():
    """ITI TF-3: 4.2.5.1: objectType, ids and back references stand on every composed element."""
    one = folder(
        entry_uuid="urn:uuid:aaaaaaaa-0000-4000-8000-000000000001",
        home_community_id="urn:oid:2.999.9",
        logical_id="urn:uuid:aaaaaaaa-0000-4000-8000-000000000001",
        availability_status="urn:oasis:names:tc:ebxml-regrep:StatusType:Approved",
        version="1",
        title=(LocalizedString("Été", "fr", "UTF-8"), LocalizedString("Summer")),
        comments=(LocalizedString("a\tb"),),
        extra=(Slot("urn:example:room", ("12 < 14",), "urn:example:number"), Slot("urn:example:none", ())),
        patient_id=CX("P&1^^^&2.999.3&ISO"),
    )
    uuid = "urn:uuid:00000000-0000-4000-8000-00000000000"
    object_type = "urn:oasis:names:tc:ebxml-regrep:ObjectType:RegistryObject"
    assert fragment(one, numbered_uuids()).decode() == (
        '<rim:RegistryPackage xmlns:rim="urn:oasis:names:tc:ebxml-regrep:xsd:rim:3.0"'
        f' objectType="{object_type}:RegistryPackage"'
        ' id="urn:uuid:aaaaaaaa-0000-4000-8000-000000000001" home="urn:oid:2.999.9"'
        ' lid="urn:uuid:aaaaaaaa-0000-4000-8000-000000000001">'
        '<rim:Slot name="urn:example:room" slotType="urn:example:number"><rim:ValueList>'
        "<rim:Value>12 &lt; 14</rim:Value></rim:ValueList></rim:Slot>"
        '<rim:Slot name="urn:example:none"><rim:ValueList></rim:ValueList></rim:Slot>'
        '<rim:Name><rim:LocalizedString xml:lang="fr" charset="UTF-8" value="Été"/>'
        '<rim:LocalizedString value="Summer"/></rim:Name>'
        '<rim:Description><rim:LocalizedString value="a&#9;b"/></rim:Description>'
        '<rim:VersionInfo versionName="1"/>'
        f'<rim:Classification id="{uuid}1" objectType="{object_type}:Classification"'
        ' classifiedObject="urn:uuid:aaaaaaaa-0000-4000-8000-000000000001"'
        ' classificationNode="urn:uuid:d9d542f3-6cc4-48b6-8870-ea235fbc94c2"/>'
        f'<rim:Classification id="{uuid}2" objectType="{object_type}:Classification"'
        ' classifiedObject="urn:uuid:aaaaaaaa-0000-4000-8000-000000000001"'
        ' classificationScheme="urn:uuid:1ba97051-7806-41a8-a48b-8fce7af683c5"'
        ' nodeRepresentation="pregnancy">'
        '<rim:Slot name="codingScheme"><rim:ValueList><rim:Value>2.999.1</rim:Value></rim:ValueList>'
        "</rim:Slot>"
        '<rim:Name><rim:LocalizedString value="as shown"/></rim:Name></rim:Classification>'
        f'<rim:ExternalIdentifier id="{uuid}3" objectType="{object_type}:ExternalIdentifier"'
        ' registryObject="urn:uuid:aaaaaaaa-0000-4000-8000-000000000001"'
        ' identificationScheme="urn:uuid:f64ffdf0-4b97-4e06-b79f-a52b38ec2f8a"'
        ' value="P&amp;1^^^&amp;2.999.3&amp;ISO">'
        '<rim:Name><rim:LocalizedString value="XDSFolder.patientId"/></rim:Name></rim:ExternalIdentifier>'
        f'<rim:ExternalIdentifier id="{uuid}4" objectType="{object_type}:ExternalIdentifier"'
        ' registryObject="urn:uuid:aaaaaaaa-0000-4000-8000-000000000001"'
        ' identificationScheme="urn:uuid:75df8f67-9973-4fbe-a900-df66cefecc5a" value="2.999.8.1">'
        '<rim:Name><rim:LocalizedString value="XDSFolder.uniqueId"/></rim:Name></rim:ExternalIdentifier>'
        "</rim:RegistryPackage>"
    )


@pytest.mark.parametrize(
    "one", [document_entry(), submission_set(), folder(), original()], ids=lambda one: type(one).__name__
)
def test_the_status_goes_into_a_fragment_afterwards(one):
    """ITI TF-3: 4.2.3.2.2: it changes, the rest of the object does not."""
    ready = with_status(fragment(one, numbered_uuids()), APPROVED)
    assert ready.count(b" status=") == 1
    answer = query_response_head(ResponseStatus.SUCCESS, ()) + ready + QUERY_RESPONSE_TAIL
    (found,) = read_query_response(parsed(answer)).objects
    assert found == replace(one, availability_status=APPROVED)


@pytest.mark.parametrize(
    "one", [document_entry(), submission_set(), folder()], ids=lambda one: type(one).__name__
)
def test_a_fragment_can_be_given_to_another_patient(one):
    """ITI TF-2: 3.8.4.2.3: after a merge nothing else of the object differs, sourcePatientId least of all."""
    other = CX("P&<2^^^&2.999.3&ISO")
    moved = replace(one, patient_id=other)
    assert with_patient_id(fragment(one, numbered_uuids()), other) == fragment(moved, numbered_uuids())


def test_an_object_of_no_patient_cannot_be_given_to_one():
    """ITI TF-3: 4.2.2: an Association has no patientId."""
    with pytest.raises(ValueError, match="holds 0 patient ids, expected one"):
        with_patient_id(fragment(original(), numbered_uuids()), "P2^^^&2.999.3&ISO")


def test_limited_metadata_goes_into_requests_but_never_into_answers():
    """ITI TF-3: Table 4.3.2.1-3."""
    limited = document_entry(limited_metadata=True)
    assert b"ab9b591b-83ab-4d03-8f5d-f93b1fb92e85" not in fragment(limited, numbered_uuids())
    request = write_submit_objects_request(submission(document_entries=[limited]))
    assert b'classificationNode="urn:uuid:ab9b591b-83ab-4d03-8f5d-f93b1fb92e85"' in request


def test_ids_of_composed_elements_are_symbolic_and_nobody_elses_in_a_request():
    """ITI TF-3: 4.2.3.1.5."""
    request = parsed(
        write_submit_objects_request(submission(document_entries=[document_entry(entry_uuid="id1")]))
    )
    ids = [element.get("id") for element in request.iter() if element.get("id")]
    assert len(set(ids)) == len(ids)
    assert not any(str(one).startswith("urn:uuid:") for one in ids)


def test_provide_and_register_points_from_each_entry_to_its_part():
    """ITI TF-2: 3.41.4.1.2."""
    request = schemas.parse(provide_and_register_bytes())
    (document,) = take_documents(request)
    assert (document.id, document.href) == ("Document01", "cid:document01@test")
    assert schemas.errors_in(request) == ()


def test_text_survives_whatever_it_holds():
    """XML 1.0: 3.3.3: in an attribute a bare line end would become a space."""
    text = "<&>\"' \t\r\n\u0085\u2028é𝄞"
    one = document_entry(
        title=(LocalizedString(text),),
        class_code=Code(text, text, (LocalizedString(text),)),
        extra=(Slot("urn:example:a", (text, "")),),
        source_patient_info=(text,),
    )
    head = query_response_head(ResponseStatus.SUCCESS, ())
    answer = head + fragment(one, numbered_uuids()) + QUERY_RESPONSE_TAIL
    assert read_query_response(schemas.parse(answer)).objects == (one,)


def test_what_xml_has_no_word_for_is_replaced():
    """XML 1.0: 2.2: better a sign that something was there than an answer that no parser takes."""
    response = RegistryResponse(ResponseStatus.FAILURE, (RegistryError("X", "a\x00b\x1fc\ud800d\uffff"),))
    assert read_registry_response(schemas.parse(write_registry_response(response))).errors[0].context == (
        "a\ufffdb\ufffdc\ufffdd\ufffd"
    )


def test_a_registry_response_lists_its_errors_and_the_worst_severity():
    """ITI TF-3: 4.2.4."""
    failure = RegistryResponse(ResponseStatus.FAILURE, (WARNING, ERROR))
    content = write_registry_response(failure)
    assert b'highestSeverity="urn:oasis:names:tc:ebxml-regrep:ErrorSeverityType:Error"' in content
    assert read_registry_response(parsed(content)) == failure
    warned = RegistryResponse(ResponseStatus.SUCCESS, (WARNING,))
    content = write_registry_response(warned)
    assert b'highestSeverity="urn:oasis:names:tc:ebxml-regrep:ErrorSeverityType:Warning"' in content
    assert read_registry_response(parsed(content)) == warned


def test_a_registry_response_without_errors_has_no_list():
    """ITI TF-3: 4.2.4.2: the schema knows no empty list."""
    assert write_registry_response(RegistryResponse(ResponseStatus.SUCCESS)) == (
        b'<rs:RegistryResponse xmlns:rs="urn:oasis:names:tc:ebxml-regrep:xsd:rs:3.0"'
        b' status="urn:oasis:names:tc:ebxml-regrep:ResponseStatusType:Success"/>'
    )


def test_a_query_answer_always_has_its_object_list():
    """ebRS 3.0: 6.1.2, even when it failed."""
    failure = query_response_head(ResponseStatus.FAILURE, (ERROR,)) + QUERY_RESPONSE_TAIL
    answer = read_query_response(parsed(failure))
    assert (answer.status, answer.errors, answer.objects) == (ResponseStatus.FAILURE, (ERROR,), ())


def test_a_query_answer_may_be_references():
    """ITI TF-2: 3.18.4.1.2.6."""
    answer = b"".join(
        (
            query_response_head(ResponseStatus.SUCCESS, ()),
            write_object_ref("urn:uuid:aaaaaaaa-0000-4000-8000-000000000001"),
            write_object_ref("urn:uuid:aaaaaaaa-0000-4000-8000-000000000002", "urn:oid:2.999.9"),
            QUERY_RESPONSE_TAIL,
        )
    )
    assert read_query_response(parsed(answer)).object_refs == (
        "urn:uuid:aaaaaaaa-0000-4000-8000-000000000001",
        "urn:uuid:aaaaaaaa-0000-4000-8000-000000000002",
    )
    assert b'home="urn:oid:2.999.9"' in answer


def test_a_stored_query_is_written_as_it_was_read():
    """ITI TF-2: 3.18.4.1.2."""
    request = StoredQueryRequest(
        query_id="urn:uuid:14d4debf-8f97-4251-9a74-a90016b0af0d",
        return_type="LeafClass",
        slots=(Slot("$a", ("('1','<')", "('2')")), Slot("$a", ("'3'",))),
        home_community_id="urn:oid:2.999.9",
    )
    assert read_stored_query(parsed(write_stored_query(request))) == request


def test_a_retrieve_request_is_written_as_it_was_read():
    """ITI TF-2: 3.43.4.1.2."""
    request = RetrieveRequest(
        (DocumentRequest("2.999.2.1", "1^<"), DocumentRequest("2.999.2.1", "2", "urn:oid:2.999.9"))
    )
    assert read_retrieve_request(parsed(write_retrieve_request(request))) == request


def test_documents_go_between_the_pieces_of_a_retrieve_answer():
    """ITI TF-2: 3.43.4.1.3: the documents stream, so the answer around them comes in pieces."""
    wanted = (
        DocumentResponse(DocumentRequest("2.999.2.1", "1", "urn:oid:2.999.9"), "text/plain"),
        DocumentResponse(DocumentRequest("2.999.2.1", "2"), "image/png"),
    )
    first, second, last = write_retrieve_response(ResponseStatus.PARTIAL_SUCCESS, (ERROR,), wanted)
    answer = read_retrieve_response(parsed(first + b"aGVsbG8=" + second + b"YWJj" + last))
    assert (answer.status, answer.errors) == (ResponseStatus.PARTIAL_SUCCESS, (ERROR,))
    assert [
        (one.document_unique_id, one.mime_type, one.home_community_id, one.inline) for one in answer.documents
    ] == [
        ("1", "text/plain", "urn:oid:2.999.9", b"hello"),
        ("2", "image/png", None, b"abc"),
    ]


def test_what_was_made_on_demand_has_its_own_ids():
    """ITI TF-2: 3.43.4.2.2; in the order of the schema."""
    wanted = DocumentResponse(DocumentRequest("2.999.2.1", "1"), "text/plain", "2.25.7", "2.999.2.1")
    head, tail = write_retrieve_response(ResponseStatus.SUCCESS, (), [wanted])
    assert (
        b"<xds:RepositoryUniqueId>2.999.2.1</xds:RepositoryUniqueId><xds:DocumentUniqueId>1</xds:DocumentUniqueId>"
        b"<xds:NewRepositoryUniqueId>2.999.2.1</xds:NewRepositoryUniqueId>"
        b"<xds:NewDocumentUniqueId>2.25.7</xds:NewDocumentUniqueId><xds:mimeType>text/plain</xds:mimeType>"
    ) in head
    assert schemas.errors_in(parsed(head + b"YWJj" + tail)) == ()


def test_a_retrieve_answer_without_documents_is_one_piece():
    """ITI TF-2: 3.43.4.1.3."""
    (whole,) = write_retrieve_response(ResponseStatus.FAILURE, (ERROR,), ())
    assert read_retrieve_response(parsed(whole)).errors == (ERROR,)


def test_relationships_keep_their_documentation():
    """ITI TF-3: 4.2.2.2."""
    one = association(
        "urn:ihe:iti:2007:AssociationType:XFRM",
        "Document01",
        "urn:uuid:aaaaaaaa-0000-4000-8000-000000000001",
        association_documentation=Code("translation", "2.999.1", (LocalizedString("Translation"),)),
    )
    content = write_submit_objects_request(submission(one, has_member("SubmissionSet01", one.entry_uuid)))
    assert b'classificationScheme="urn:uuid:abd807a3-4432-4053-87b4-fd82c643d1f3"' in content
    assert schemas.errors_in(schemas.parse(content)) == ()
